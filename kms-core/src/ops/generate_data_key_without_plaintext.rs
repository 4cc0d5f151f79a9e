//! GenerateDataKeyWithoutPlaintext: a data key that nobody sees until it is decrypted.

use super::Info;
use super::generate_data_key::{Order, length};
use super::recipient::Receiver;
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::hsm::DataKeyPlaintext;
use crate::kms::Checks;
use crate::name::{KeyArn, MaterialId};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{CiphertextBlob, DataKeySpec, GrantTokens, KeyRef, NumberOfBytes};

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
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// What the data key shall be, and what it is sealed with.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// What the ciphertext is bound to.
        encryption_context: EncryptionContext = "EncryptionContext",
        /// The length by name; this or `NumberOfBytes`.
        key_spec: Option<DataKeySpec> = "KeySpec",
        /// The length in bytes; this or `KeySpec`.
        number_of_bytes: Option<NumberOfBytes> = "NumberOfBytes",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The data key, sealed.
    pub struct Response {
        /// The data key.
        ciphertext_blob: CiphertextBlob = "CiphertextBlob",
        /// The key that sealed it.
        key_id: KeyArn = "KeyId",
        /// The material that sealed it.
        key_material_id: Option<MaterialId> = "KeyMaterialId",
    }
}

impl Request {
    /// A data key of 256 bits under a key, bound to nothing.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request {
            key_id: key.into(),
            encryption_context: EncryptionContext::default(),
            key_spec: Some(DataKeySpec::Aes256),
            number_of_bytes: None,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let order = Order {
        action: Action::GenerateDataKeyWithoutPlaintext,
        plaintext: DataKeyPlaintext::Withheld,
        key_id: &request.key_id,
        encryption_context: &request.encryption_context,
        bytes: length(request.key_spec, request.number_of_bytes)?,
        grant_tokens: &request.grant_tokens,
        receiver: Receiver::Caller,
    };
    let (key_id, maker) = order.check(&mut checks)?;
    let key_material_id = maker.material();
    order.make(checks.pass(request.dry_run)?, maker, move |blob, _, effects| {
        let ciphertext_blob = CiphertextBlob(blob);
        effects.done(Response { ciphertext_blob, key_id, key_material_id })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{Response as Any, decrypt};

    fn generate(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::GenerateDataKeyWithoutPlaintext(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_data_key_comes_out_only_by_decrypting() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let number_of_bytes = Some(NumberOfBytes(48));
        let request = Request { key_spec: None, number_of_bytes, ..Request::new(key) };
        let made = generate(&mut local, request).unwrap();
        assert_eq!(made.key_id, key);
        let Any::Decrypt(opened) = local.call(decrypt::Request::new(made.ciphertext_blob)).unwrap()
        else {
            panic!()
        };
        assert_eq!(opened.plaintext.unwrap().0.len(), 48);
        assert_eq!(opened.key_material_id, made.key_material_id);
    }

    #[test]
    fn the_length_is_said_in_exactly_one_way() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let none = Request { key_spec: None, ..Request::new(key) };
        let both = Request { number_of_bytes: Some(NumberOfBytes(32)), ..Request::new(key) };
        for request in [none, both] {
            let error = generate(&mut local, request).unwrap_err();
            assert_eq!(error.code, ErrorCode::Validation);
        }
    }

    #[test]
    fn a_dry_run_never_succeeds() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request = Request { dry_run: true, ..Request::new(key) };
        let error = generate(&mut local, request).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
    }
}
