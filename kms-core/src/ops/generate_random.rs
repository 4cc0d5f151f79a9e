//! GenerateRandom: random bytes from an HSM. No key takes part, so IAM alone decides who may.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::kms::{Checks, internal};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{NumberOfBytes, Plaintext};

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
    }
}

crate::shape! {
    /// The bytes.
    pub struct Response {
        /// The bytes.
        plaintext: Plaintext = "Plaintext",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let missing = || ErrorCode::Validation.says("NumberOfBytes is required.");
    let bytes = request.number_of_bytes.ok_or_else(missing)?.0 as usize;
    let context = checks.context(Action::GenerateRandom);
    checks.account(context)?;
    let effects = checks.pass(false)?;
    effects.ask_hsm(Command::GenerateRandom { bytes }, |reply, effects| match reply {
        Reply::Random { bytes } => effects.done(Response { plaintext: Plaintext(bytes) }),
        _ => Err(internal()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::ops::Response as Any;
    use crate::wire::decode_request;
    use std::sync::Arc;

    fn request(bytes: u32) -> Request {
        Request { number_of_bytes: Some(NumberOfBytes(bytes)) }
    }

    fn generate(local: &mut Local, request: Request) -> Result<Plaintext> {
        match local.call(request)? {
            Any::GenerateRandom(response) => Ok(response.plaintext),
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
