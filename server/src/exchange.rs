//! One request of the wire protocol and its answer.

use crate::engine::{Asker, Engine};
use crate::random::request_id;
use crate::signature::Refusal;
use kms_core::env::RequestId;
use kms_core::error::{Error, ErrorCode};
use kms_core::name::RegionName;
use kms_core::wire;

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The largest body that is read: a policy of 131,072 characters in JSON with room to spare.
pub const LARGEST_BODY: usize = 1 << 20;

/// A request as it came over HTTP, already authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The header `X-Amz-Target`.
    pub target: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The Region of the signature.
    pub region: RegionName,
}

/// An answer to be sent over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `x-amzn-RequestId`.
    pub request_id: RequestId,
    /// The body, of type [`CONTENT_TYPE`].
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer to a request that was not understood.
    pub(crate) fn error(error: &Error) -> Answer {
        Answer::refusal(request_id(), error)
    }

    /// The answer to a request of nobody known.
    pub(crate) fn unauthenticated(refusal: &Refusal) -> Answer {
        let body = serde_json::json!({ "__type": refusal.name(), "message": refusal.message() });
        let body = body.to_string().into_bytes();
        Answer { status: refusal.status(), request_id: request_id(), body }
    }

    fn refusal(request_id: RequestId, error: &Error) -> Answer {
        Answer { status: error.code.http_status(), request_id, body: wire::encode_error(error) }
    }
}

/// Answers an exchange; blocks until the changes it makes are kept.
pub fn answer(engine: &Engine, asker: Asker, exchange: Exchange<'_>) -> Answer {
    let request = match request(exchange) {
        Ok(request) => request,
        Err(error) => return Answer::error(&error),
    };
    let outcome = engine.answer(exchange.region, asker, &request);
    let request_id = outcome.audit.request;
    match &outcome.result {
        Ok(response) => Answer { status: 200, request_id, body: wire::encode_response(response) },
        Err(error) => Answer::refusal(request_id, error),
    }
}

fn request(exchange: Exchange<'_>) -> kms_core::Result<kms_core::ops::Request> {
    if (exchange.method, exchange.path) != ("POST", "/") {
        return Err(ErrorCode::UnknownOperation.silent());
    }
    if exchange.body.len() > LARGEST_BODY {
        return Err(too_large());
    }
    wire::decode_request(exchange.target, exchange.body)
}

/// What a body beyond [`LARGEST_BODY`] is answered with.
pub(crate) fn too_large() -> Error {
    ErrorCode::Serialization.says("The request is too large.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Configuration;
    use crate::identity::Identities;

    fn engine() -> Engine {
        let regions = vec![RegionName::parse("us-east-1").unwrap()];
        Engine::new(Configuration { regions, ..Configuration::default() })
    }

    fn post(engine: &Engine, target: &str, body: &str) -> (u16, String) {
        let region = RegionName::parse("us-east-1").unwrap();
        let exchange =
            Exchange { method: "POST", path: "/", target, body: body.as_bytes(), region };
        let caller = Identities::development().first().clone();
        let answer = answer(engine, Asker::new(caller), exchange);
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    fn member<'a>(body: &'a str, name: &str) -> &'a str {
        let after = body.split(&format!("\"{name}\":\"")).nth(1).unwrap();
        after.split('"').next().unwrap()
    }

    #[test]
    fn a_key_is_made_used_and_described_over_the_wire() {
        let engine = engine();
        let (status, body) = post(&engine, "TrentService.CreateKey", "{}");
        assert_eq!(status, 200);
        let encrypt = format!(r#"{{"KeyId":"{}","Plaintext":"aGVsbG8="}}"#, member(&body, "KeyId"));
        let (status, body) = post(&engine, "TrentService.Encrypt", &encrypt);
        assert_eq!(status, 200);
        let decrypt = format!(r#"{{"CiphertextBlob":"{}"}}"#, member(&body, "CiphertextBlob"));
        let (status, body) = post(&engine, "TrentService.Decrypt", &decrypt);
        assert_eq!(status, 200);
        assert!(body.contains(r#""Plaintext":"aGVsbG8=""#), "{body}");
    }

    #[test]
    fn errors_have_their_status_and_their_name() {
        let engine = engine();
        for (target, body, status, expected) in [
            ("TrentService.Nothing", "{}", 404, "UnknownOperationException"),
            ("", "{}", 404, "UnknownOperationException"),
            ("TrentService.Encrypt", "not json", 400, "SerializationException"),
            ("TrentService.Encrypt", "{}", 400, "2 validation errors detected"),
            ("TrentService.DescribeKey", r#"{"KeyId":"alias/none"}"#, 400, "NotFoundException"),
        ] {
            let (got, text) = post(&engine, target, body);
            assert_eq!(got, status, "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn an_operation_without_output_has_an_empty_body() {
        let engine = engine();
        let (_, body) = post(&engine, "TrentService.CreateKey", "{}");
        let body = format!(r#"{{"KeyId":"{}"}}"#, member(&body, "KeyId"));
        assert_eq!(post(&engine, "TrentService.DisableKey", &body), (200, String::new()));
    }
}
