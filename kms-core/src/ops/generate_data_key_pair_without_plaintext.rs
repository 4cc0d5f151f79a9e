//! GenerateDataKeyPairWithoutPlaintext: a key pair whose private half nobody sees until it is decrypted.

use super::Info;
use super::generate_data_key_pair::PairOrder;
use super::recipient::Receiver;
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::hsm::DataKeyPlaintext;
use crate::kms::Checks;
use crate::name::{KeyArn, MaterialId};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{CiphertextBlob, DataKeyPairSpec, GrantTokens, KeyRef, PublicKeyBlob};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::KeyUnavailable,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::InvalidGrantToken,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::UnsupportedOperation,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// What the pair shall be, and what its private half is sealed with.
    pub struct Request {
        /// What the ciphertext is bound to.
        encryption_context: EncryptionContext = "EncryptionContext",
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// What kind of pair.
        key_pair_spec: DataKeyPairSpec = "KeyPairSpec",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The pair, its private half sealed.
    pub struct Response {
        /// The private key, sealed.
        private_key_ciphertext_blob: CiphertextBlob = "PrivateKeyCiphertextBlob",
        /// The public key, SubjectPublicKeyInfo in DER.
        public_key: PublicKeyBlob = "PublicKey",
        /// The key that sealed it.
        key_id: KeyArn = "KeyId",
        /// What kind of pair.
        key_pair_spec: DataKeyPairSpec = "KeyPairSpec",
        /// The material that sealed it.
        key_material_id: MaterialId = "KeyMaterialId",
    }
}

impl Request {
    /// A pair whose private half is bound to nothing.
    pub fn new(key: impl Into<KeyRef>, spec: DataKeyPairSpec) -> Request {
        Request {
            encryption_context: EncryptionContext::default(),
            key_id: key.into(),
            key_pair_spec: spec,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let order = PairOrder {
        action: Action::GenerateDataKeyPairWithoutPlaintext,
        plaintext: DataKeyPlaintext::Withheld,
        key_id: &request.key_id,
        encryption_context: &request.encryption_context,
        spec: request.key_pair_spec,
        grant_tokens: &request.grant_tokens,
        receiver: Receiver::Caller,
    };
    let key_pair_spec = request.key_pair_spec;
    order.make(checks, request.dry_run, move |pair, _, effects| {
        effects.done(Response {
            private_key_ciphertext_blob: pair.blob,
            public_key: pair.public_key,
            key_id: pair.key_id,
            key_pair_spec,
            key_material_id: pair.key_material_id,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CryptoBackend, Production, codec};
    use crate::local::Local;
    use crate::ops::{Response as Any, decrypt};

    #[test]
    fn the_private_key_comes_out_only_by_decrypting() {
        let mut local = Local::single_region();
        let (key, spec) = (local.create_key(), DataKeyPairSpec::EccNistEdwards25519);
        let made = match local.call(Request::new(key, spec)) {
            Ok(Any::GenerateDataKeyPairWithoutPlaintext(response)) => response,
            other => panic!("{other:?}"),
        };
        let blob = decrypt::Request::new(made.private_key_ciphertext_blob);
        let Any::Decrypt(opened) = local.call(blob).unwrap() else { panic!() };
        let material =
            codec::import(spec.key_spec(), opened.plaintext.unwrap().0.as_bytes()).unwrap();
        let loaded = Production::default().load(spec.key_spec(), &material).unwrap();
        assert_eq!(loaded.public_key(), &made.public_key.0[..]);
        assert_eq!((made.key_id, made.key_pair_spec), (key, spec));
    }

    #[test]
    fn a_kind_of_pair_of_other_regions_and_a_dry_run_give_nothing() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let error = local.call(Request::new(key, DataKeyPairSpec::Sm2)).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        assert!(error.message.is_some_and(|text| text.contains("not supported in ")));
        let request = Request::new(key, DataKeyPairSpec::Rsa4096);
        let error = local.call(Request { dry_run: true, ..request }).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
    }
}
