//! GenerateDataKeyPair: a key pair for use outside of KMS, its private half in the clear and under a
//! KMS key.

use super::recipient::{Receiver, Released};
use super::{Info, usage};
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::hsm::{BackingKeyRef, Command, DataKeyPlaintext, Reply};
use crate::kms::{Checks, Effects, internal};
use crate::name::{KeyArn, MaterialId};
use crate::policy::{Action, RequestContext};
use crate::step::Next;
use crate::wire::{
    CiphertextBlob, CiphertextForRecipient, DataKeyPairSpec, EncryptionAlgorithm, GrantTokens,
    KeyRef, Plaintext, PublicKeyBlob, RecipientInfo,
};

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
        /// Who gets the plaintext instead of the caller.
        recipient: Option<RecipientInfo> = "Recipient",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The pair, its private half twice.
    pub struct Response {
        /// The private key, sealed.
        private_key_ciphertext_blob: CiphertextBlob = "PrivateKeyCiphertextBlob",
        /// The private key, PKCS#8 in DER.
        private_key_plaintext: Option<Plaintext> = "PrivateKeyPlaintext",
        /// The public key, SubjectPublicKeyInfo in DER.
        public_key: PublicKeyBlob = "PublicKey",
        /// The key that sealed it.
        key_id: KeyArn = "KeyId",
        /// What kind of pair.
        key_pair_spec: DataKeyPairSpec = "KeyPairSpec",
        /// The private key, when a recipient gets it.
        ciphertext_for_recipient: Option<CiphertextForRecipient> = "CiphertextForRecipient",
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
            recipient: None,
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let order = PairOrder {
        action: Action::GenerateDataKeyPair,
        plaintext: DataKeyPlaintext::Returned,
        key_id: &request.key_id,
        encryption_context: &request.encryption_context,
        spec: request.key_pair_spec,
        grant_tokens: &request.grant_tokens,
        receiver: Receiver::of(&mut checks, request.recipient.as_ref())?,
    };
    let key_pair_spec = request.key_pair_spec;
    order.make(checks, request.dry_run, move |pair, released, effects| {
        effects.done(Response {
            private_key_ciphertext_blob: pair.blob,
            private_key_plaintext: released.plaintext,
            public_key: pair.public_key,
            key_id: pair.key_id,
            key_pair_spec,
            ciphertext_for_recipient: released.ciphertext_for_recipient,
            key_material_id: pair.key_material_id,
        })
    })
}

/// A pair to be made, with or without its private half in the clear.
pub(super) struct PairOrder<'r> {
    pub(super) action: Action,
    pub(super) plaintext: DataKeyPlaintext,
    pub(super) key_id: &'r KeyRef,
    pub(super) encryption_context: &'r EncryptionContext,
    pub(super) spec: DataKeyPairSpec,
    pub(super) grant_tokens: &'r GrantTokens,
    pub(super) receiver: Receiver,
}

/// A pair that was made, its private half sealed.
pub(super) struct Pair {
    pub(super) blob: CiphertextBlob,
    pub(super) public_key: PublicKeyBlob,
    pub(super) key_id: KeyArn,
    pub(super) key_material_id: MaterialId,
}

impl PairOrder<'_> {
    /// Has an HSM make the pair, once the key that seals it is found usable.
    pub(super) fn make(
        self,
        mut checks: Checks<'_, '_>,
        dry_run: bool,
        then: impl FnOnce(Pair, Released, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let (key_id, with) = self.check(&mut checks)?;
        let effects = checks.pass(dry_run)?;
        let command = Command::GenerateDataKeyPair {
            with,
            spec: self.spec.key_spec(),
            context: self.encryption_context.clone(),
            plaintext: self.plaintext,
        };
        self.receiver.ask(effects, command, move |reply, released, effects| match reply {
            Reply::DataKeyPair { blob, public_key, .. } => {
                let (blob, public_key) = (CiphertextBlob(blob), PublicKeyBlob(public_key));
                let key_material_id = with.material();
                then(Pair { blob, public_key, key_id, key_material_id }, released, effects)
            }
            _ => Err(internal()),
        })
    }

    /// The key and the material that will seal. The request counts against the quota of the pair's
    /// spec.
    fn check(&self, checks: &mut Checks<'_, '_>) -> Result<(KeyArn, BackingKeyRef)> {
        let algorithm = EncryptionAlgorithm::SymmetricDefault;
        let spec = self.spec.key_spec();
        usage::check_context_size(checks, "encryptionContext", self.encryption_context)?;
        let mut context = RequestContext::new(checks.call(), self.action);
        context.encryption_context = Some(self.encryption_context.pairs());
        context.encryption_algorithm = Some(algorithm.as_str());
        context.data_key_pair_spec = Some(self.spec.as_str());
        context.attestation = self.receiver.attested();
        checks.charge_as(spec);
        let key = checks.key(self.key_id, context, self.grant_tokens)?;
        usage::check_encryption(&key, algorithm, self.action.name())?;
        usage::check_available(spec, checks.region())?;
        Ok((key.arn, key.current()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CryptoBackend, Production, codec};
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::name::RegionName;
    use crate::ops::{Response as Any, create_key, decrypt};
    use std::collections::BTreeMap;

    fn generate(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::GenerateDataKeyPair(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_private_key_is_pkcs_8_and_the_public_one_its_own() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for spec in DataKeyPairSpec::ALL.iter().filter(|spec| **spec != DataKeyPairSpec::Sm2) {
            let made = generate(&mut local, Request::new(key, *spec)).unwrap();
            assert_eq!((made.key_id, made.key_pair_spec), (key, *spec));
            let private = made.private_key_plaintext.clone().unwrap().0;
            let material = codec::import(spec.key_spec(), private.as_bytes()).unwrap();
            let loaded = Production::default().load(spec.key_spec(), &material).unwrap();
            assert_eq!(loaded.public_key(), &made.public_key.0[..], "{spec}");
            let blob = decrypt::Request::new(made.private_key_ciphertext_blob);
            let Any::Decrypt(opened) = local.call(blob).unwrap() else { panic!() };
            assert_eq!(opened.plaintext, made.private_key_plaintext, "{spec}");
            assert_eq!(opened.key_material_id, Some(made.key_material_id));
        }
    }

    #[test]
    fn every_region_has_its_own_pairs() {
        let china = RegionName::parse("cn-north-1").unwrap();
        let mut local = Local::regions(&["us-east-1", china.as_str()]);
        let key = local.create_key();
        let Ok(Any::CreateKey(there)) = local.call_in(china, create_key::Request::default()) else {
            panic!()
        };
        let there = there.key_metadata.arn;
        let error = generate(&mut local, Request::new(key, DataKeyPairSpec::Sm2)).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        assert!(error.message.is_some_and(|text| text.contains("not supported in ")));
        local.call_in(china, Request::new(there, DataKeyPairSpec::Sm2)).unwrap();
        let lattice = Request::new(there, DataKeyPairSpec::MlKem512);
        let error = local.call_in(china, lattice).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        assert!(error.message.is_some_and(|text| text.contains("not supported in ")));
    }

    #[test]
    fn the_blob_is_bound_to_its_context() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let bound = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
        let request = Request {
            encryption_context: bound.clone(),
            ..Request::new(key, DataKeyPairSpec::EccNistP256)
        };
        let blob = generate(&mut local, request).unwrap().private_key_ciphertext_blob;
        let unbound = decrypt::Request::new(blob.clone());
        assert_eq!(local.call(unbound).unwrap_err().code, ErrorCode::InvalidCiphertext);
        let bound = decrypt::Request { encryption_context: bound, ..decrypt::Request::new(blob) };
        local.call(bound).unwrap();
    }

    #[test]
    fn only_symmetric_keys_wrap_and_a_dry_run_never_succeeds() {
        let mut local = Local::single_region();
        for (spec, usage) in [
            (KeySpec::Rsa2048, KeyUsage::EncryptDecrypt),
            (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
        ] {
            let key = local.create_key_of(spec, usage);
            let request = Request::new(key, DataKeyPairSpec::EccNistP256);
            assert_eq!(generate(&mut local, request).unwrap_err().code, ErrorCode::InvalidKeyUsage);
        }
        let key = local.create_key();
        let request = Request::new(key, DataKeyPairSpec::EccNistP256);
        let error = generate(&mut local, Request { dry_run: true, ..request }).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
    }
}
