//! GenerateDataKey: a key for use outside of KMS, in the clear and under a KMS key.

use super::in_store::Held;
use super::recipient::{Receiver, Released};
use super::{Info, usage};
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::hsm::{BackingKeyRef, Command, DataKeyPlaintext, Reply};
use crate::kms::{Checks, Effects, internal};
use crate::name::{KeyArn, MaterialId};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{
    CiphertextBlob, CiphertextForRecipient, DataKeySpec, EncryptionAlgorithm, GrantTokens, KeyRef,
    NumberOfBytes, Plaintext, RecipientInfo,
};
use std::sync::Arc;

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
        /// The length in bytes; this or `KeySpec`.
        number_of_bytes: Option<NumberOfBytes> = "NumberOfBytes",
        /// The length by name; this or `NumberOfBytes`.
        key_spec: Option<DataKeySpec> = "KeySpec",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Who gets the plaintext instead of the caller.
        recipient: Option<RecipientInfo> = "Recipient",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The data key, twice.
    pub struct Response {
        /// The data key, sealed.
        ciphertext_blob: CiphertextBlob = "CiphertextBlob",
        /// The data key.
        plaintext: Option<Plaintext> = "Plaintext",
        /// The key that sealed it.
        key_id: KeyArn = "KeyId",
        /// The plaintext, when a recipient gets it.
        ciphertext_for_recipient: Option<CiphertextForRecipient> = "CiphertextForRecipient",
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
            number_of_bytes: None,
            key_spec: Some(DataKeySpec::Aes256),
            grant_tokens: GrantTokens::default(),
            recipient: None,
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let order = Order {
        action: Action::GenerateDataKey,
        plaintext: DataKeyPlaintext::Returned,
        key_id: &request.key_id,
        encryption_context: &request.encryption_context,
        bytes: length(request.key_spec, request.number_of_bytes)?,
        grant_tokens: &request.grant_tokens,
        receiver: Receiver::of(&mut checks, request.recipient.as_ref())?,
    };
    let (key_id, maker) = order.check(&mut checks)?;
    let key_material_id = order.receiver.unless_attested(maker.material());
    order.make(checks.pass(request.dry_run)?, maker, move |blob, released, effects| {
        let Released { plaintext, ciphertext_for_recipient } = released;
        effects.done(Response {
            ciphertext_blob: CiphertextBlob(blob),
            plaintext,
            key_id,
            ciphertext_for_recipient,
            key_material_id,
        })
    })
}

/// The length of a data key, which a request says in exactly one of two ways.
pub(super) fn length(spec: Option<DataKeySpec>, bytes: Option<NumberOfBytes>) -> Result<usize> {
    match (spec, bytes) {
        (Some(DataKeySpec::Aes256), None) => Ok(32),
        (Some(DataKeySpec::Aes128), None) => Ok(16),
        (None, Some(bytes)) => Ok(bytes.0 as usize),
        _ => Err(ErrorCode::Validation.says("Please specify either number of bytes or key spec.")),
    }
}

/// A data key to be made, with or without its plaintext.
pub(super) struct Order<'r> {
    pub(super) action: Action,
    pub(super) plaintext: DataKeyPlaintext,
    pub(super) key_id: &'r KeyRef,
    pub(super) encryption_context: &'r EncryptionContext,
    pub(super) bytes: usize,
    pub(super) grant_tokens: &'r GrantTokens,
    pub(super) receiver: Receiver,
}

/// What makes and seals a data key.
pub(super) enum Maker {
    /// An HSM, with this material.
    Hsm(BackingKeyRef),
    /// What is behind a custom key store.
    Store(Held),
}

impl Maker {
    /// The material that will seal; of a key in a custom key store none is shown.
    pub(super) fn material(&self) -> Option<MaterialId> {
        match self {
            Maker::Hsm(with) => Some(with.material()),
            Maker::Store(_) => None,
        }
    }
}

impl Order<'_> {
    /// The key and what will make the data key, once the key is found usable.
    pub(super) fn check(&self, checks: &mut Checks<'_, '_>) -> Result<(KeyArn, Maker)> {
        let algorithm = EncryptionAlgorithm::SymmetricDefault;
        usage::check_context_size(checks, "encryptionContext", self.encryption_context)?;
        let call = checks.call();
        let mut context = crate::policy::RequestContext::new(call, self.action);
        context.encryption_context = Some(self.encryption_context.pairs());
        context.encryption_algorithm = Some(algorithm.as_str());
        context.attestation = self.receiver.attested();
        let key = checks.key(self.key_id, context, self.grant_tokens)?;
        usage::check_encryption(&key, algorithm, self.action.name())?;
        let maker = match Held::of(&key, self.action.name())? {
            Some(held) => Maker::Store(held),
            None => Maker::Hsm(key.current()?),
        };
        Ok((key.arn, maker))
    }

    /// Makes the data key.
    pub(super) fn make(
        self,
        effects: Effects<'_, '_>,
        maker: Maker,
        then: impl FnOnce(Arc<[u8]>, Released, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let Order { bytes, plaintext, receiver, .. } = self;
        let context = self.encryption_context.clone();
        match maker {
            Maker::Hsm(with) => {
                let command = Command::GenerateDataKey { with, bytes, context, plaintext };
                receiver.ask(effects, command, move |reply, released, effects| match reply {
                    Reply::DataKey { blob, .. } => then(blob, released, effects),
                    _ => Err(internal()),
                })
            }
            Maker::Store(held) => {
                held.generate_data_key(effects, bytes, context, move |blob, plaintext, effects| {
                    receiver.hand_over(effects, plaintext, move |released, effects| {
                        then(blob, released, effects)
                    })
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{Response as Any, decrypt, disable_key};
    use crate::wire::decode_request;
    use std::collections::BTreeMap;

    fn generate(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::GenerateDataKey(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn sized(key: KeyArn, spec: Option<DataKeySpec>, bytes: Option<u32>) -> Request {
        let number_of_bytes = bytes.map(NumberOfBytes);
        Request { key_spec: spec, number_of_bytes, ..Request::new(key) }
    }

    #[test]
    fn the_blob_opens_to_the_data_key_and_names_the_same_material() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let made = generate(&mut local, Request::new(key)).unwrap();
        let Any::Decrypt(opened) =
            local.call(decrypt::Request::new(made.ciphertext_blob.clone())).unwrap()
        else {
            panic!()
        };
        assert_eq!(opened.plaintext, made.plaintext);
        assert_eq!((opened.key_id, made.key_id), (key, key));
        assert_eq!(opened.key_material_id, made.key_material_id);
        let again = generate(&mut local, Request::new(key)).unwrap();
        assert_ne!(again.plaintext, made.plaintext);
    }

    #[test]
    fn the_length_is_said_in_exactly_one_way() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for (spec, bytes, length) in [
            (Some(DataKeySpec::Aes128), None, 16),
            (Some(DataKeySpec::Aes256), None, 32),
            (None, Some(1), 1),
            (None, Some(1024), 1024),
        ] {
            let made = generate(&mut local, sized(key, spec, bytes)).unwrap();
            assert_eq!(made.plaintext.unwrap().0.len(), length);
        }
        for (spec, bytes) in [(None, None), (Some(DataKeySpec::Aes256), Some(32))] {
            let error = generate(&mut local, sized(key, spec, bytes)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Validation);
        }
    }

    #[test]
    fn the_wire_takes_1_to_1024_bytes() {
        for (bytes, fits) in [(0, false), (1, true), (1024, true), (1025, false)] {
            let body = format!(r#"{{"KeyId":"alias/any","NumberOfBytes":{bytes}}}"#);
            let decoded = decode_request("TrentService.GenerateDataKey", body.as_bytes());
            let code = decoded.err().map(|error| error.code);
            assert_eq!(code, (!fits).then_some(ErrorCode::Validation), "{bytes}");
        }
    }

    #[test]
    fn the_blob_is_bound_to_its_context() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let bound = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
        let request = Request { encryption_context: bound.clone(), ..Request::new(key) };
        let blob = generate(&mut local, request).unwrap().ciphertext_blob;
        let unbound = decrypt::Request::new(blob.clone());
        assert_eq!(local.call(unbound).unwrap_err().code, ErrorCode::InvalidCiphertext);
        let request = decrypt::Request { encryption_context: bound, ..decrypt::Request::new(blob) };
        local.call(request).unwrap();
    }

    #[test]
    fn a_disabled_key_and_a_dry_run_give_nothing() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let dry = Request { dry_run: true, ..Request::new(key) };
        let error = generate(&mut local, dry.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        for request in [dry, Request::new(key)] {
            let error = generate(&mut local, request).unwrap_err();
            assert_eq!(error.code, ErrorCode::Disabled);
        }
    }
}
