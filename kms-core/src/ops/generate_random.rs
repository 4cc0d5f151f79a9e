//! GenerateRandom: random bytes from an HSM. No key takes part, so IAM alone decides who may.

use super::recipient::{Receiver, Released};
use super::{Info, in_store};
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key_store::connection::Deed;
use crate::key_store::{KeyStore, KeyStoreType};
use crate::kms::{Checks, check_connection, internal};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{
    CiphertextForRecipient, CustomKeyStoreIdText, NumberOfBytes, Plaintext, RecipientInfo,
};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::UnsupportedOperation,
        ErrorCode::CustomKeyStoreNotFound,
        ErrorCode::CustomKeyStoreInvalidState,
    ],
};

crate::shape! {
    /// How many bytes.
    #[derive(Default)]
    pub struct Request {
        /// How many; the model does not require it, the service does.
        number_of_bytes: Option<NumberOfBytes> = "NumberOfBytes",
        /// A CloudHSM key store, whose cluster is to give the bytes.
        custom_key_store_id: Option<CustomKeyStoreIdText> = "CustomKeyStoreId",
        /// Who gets the bytes instead of the caller.
        recipient: Option<RecipientInfo> = "Recipient",
    }
}

crate::shape! {
    /// The bytes.
    pub struct Response {
        /// The bytes.
        plaintext: Option<Plaintext> = "Plaintext",
        /// The bytes, when a recipient gets it.
        ciphertext_for_recipient: Option<CiphertextForRecipient> = "CiphertextForRecipient",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let missing = || ErrorCode::Validation.says("NumberOfBytes is required.");
    let bytes = request.number_of_bytes.ok_or_else(missing)?.0 as usize;
    let receiver = Receiver::of(&mut checks, request.recipient.as_ref())?;
    let mut context = checks.context(Action::GenerateRandom);
    context.attestation = receiver.attested();
    checks.account(context)?;
    if let Some(named) = &request.custom_key_store_id {
        let store = checks.key_store(named)?;
        return in_cluster(checks, &store, bytes, receiver);
    }
    let effects = checks.pass(false)?;
    let command = Command::GenerateRandom { bytes };
    receiver.ask(effects, command, |reply, released, effects| match reply {
        Reply::Random { .. } => effects.done(Response::from(released)),
        _ => Err(internal()),
    })
}

impl From<Released> for Response {
    fn from(released: Released) -> Response {
        let Released { plaintext, ciphertext_for_recipient } = released;
        Response { plaintext, ciphertext_for_recipient }
    }
}

fn in_cluster(
    mut checks: Checks<'_, '_>,
    store: &KeyStore,
    bytes: usize,
    receiver: Receiver,
) -> Result<Next> {
    if store.kind() != KeyStoreType::AwsCloudHsm {
        return Err(ErrorCode::UnsupportedOperation.says(in_store::CLUSTERS_ALONE));
    }
    check_connection(store, Deed::Use)?;
    checks.charge_key_store(store)?;
    in_store::generate_random(checks.pass(false)?, store, bytes, |bytes, effects| {
        receiver
            .hand_over(effects, bytes, |released, effects| effects.done(Response::from(released)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::key_store::KeyStoreId;
    use crate::local::Local;
    use crate::ops::Response as Any;
    use crate::wire::decode_request;
    use std::sync::Arc;

    fn request(bytes: u32) -> Request {
        Request { number_of_bytes: Some(NumberOfBytes(bytes)), ..Request::default() }
    }

    fn generate(local: &mut Local, request: Request) -> Result<Plaintext> {
        match local.call(request)? {
            Any::GenerateRandom(response) => Ok(response.plaintext.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bytes_are_as_many_as_asked_for_and_never_the_same() {
        let mut local = Local::single_region();
        for bytes in [1, 32, 1024] {
            let random = generate(&mut local, request(bytes)).unwrap();
            assert_eq!(random.0.len(), bytes as usize);
        }
        let (one, two) = (generate(&mut local, request(32)), generate(&mut local, request(32)));
        assert_ne!(one, two);
    }

    #[test]
    fn a_connected_cluster_gives_bytes_and_a_proxy_never() {
        let mut local = Local::single_region();
        let cluster = local.create_cloud_hsm_store("hsm");
        let proxy = local.create_external_store("xks");
        let from = |store: KeyStoreId| Request {
            custom_key_store_id: Some(store.to_string().as_str().into()),
            ..request(32)
        };
        let code = |local: &mut Local, store| generate(local, from(store)).unwrap_err().code;
        assert_eq!(code(&mut local, cluster), ErrorCode::CustomKeyStoreInvalidState);
        assert_eq!(code(&mut local, proxy), ErrorCode::UnsupportedOperation);
        assert_eq!(code(&mut local, KeyStoreId::new([1; 9])), ErrorCode::CustomKeyStoreNotFound);
        local.connect_store(cluster);
        assert_eq!(generate(&mut local, from(cluster)).unwrap().0.len(), 32);
    }

    #[test]
    fn the_number_is_required_and_limited() {
        let mut local = Local::single_region();
        let error = generate(&mut local, Request::default()).unwrap_err();
        assert_eq!(error, ErrorCode::Validation.says("NumberOfBytes is required."));
        for (bytes, fits) in [(0, false), (1, true), (1024, true), (1025, false)] {
            let body = format!(r#"{{"NumberOfBytes":{bytes}}}"#);
            let decoded = decode_request("TrentService.GenerateRandom", body.as_bytes());
            let code = decoded.err().map(|error| error.code);
            assert_eq!(code, (!fits).then_some(ErrorCode::Validation), "{bytes}");
        }
    }

    #[test]
    fn who_has_no_iam_permission_gets_nothing() {
        let mut local = Local::single_region();
        let nobody = Arc::new(Caller::new(local.owner().principal.clone()));
        let error = local.call_as(&nobody, request(32)).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
    }
}
