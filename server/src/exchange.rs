//! One request of the wire protocol and its answer.

use kms_core::env::{Caller, RequestId};
use kms_core::error::{Error, ErrorCode};
use kms_core::local::Local;
use kms_core::name::RegionName;
use kms_core::wire;
use std::sync::Arc;

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The largest body that is read: a policy of 131,072 characters in JSON with room to spare.
const LARGEST_BODY: usize = 1 << 20;

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

/// Answers an exchange.
pub fn answer(kms: &mut Local, caller: &Arc<Caller>, exchange: Exchange<'_>) -> Answer {
    let request = match request(exchange) {
        Ok(request) => request,
        Err(error) => return refusal(kms.next_request_id(), &error),
    };
    let outcome = kms.outcome(exchange.region, caller, &request);
    let request_id = outcome.audit.request;
    match &outcome.result {
        Ok(response) => Answer { status: 200, request_id, body: wire::encode_response(response) },
        Err(error) => refusal(request_id, error),
    }
}

fn request(exchange: Exchange<'_>) -> kms_core::Result<kms_core::ops::Request> {
    if (exchange.method, exchange.path) != ("POST", "/") {
        return Err(ErrorCode::UnknownOperation.silent());
    }
    if exchange.body.len() > LARGEST_BODY {
        return Err(ErrorCode::Serialization.says("The request is too large."));
    }
    wire::decode_request(exchange.target, exchange.body)
}

fn refusal(request_id: RequestId, error: &Error) -> Answer {
    Answer { status: error.code.http_status(), request_id, body: wire::encode_error(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(kms: &mut Local, target: &str, body: &str) -> (u16, String) {
        let region = RegionName::parse("us-east-1").unwrap();
        let exchange =
            Exchange { method: "POST", path: "/", target, body: body.as_bytes(), region };
        let owner = kms.owner();
        let answer = answer(kms, &owner, exchange);
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn a_key_is_made_used_and_described_over_the_wire() {
        let mut kms = Local::single_region();
        let (status, body) = post(&mut kms, "TrentService.CreateKey", "{}");
        assert_eq!(status, 200);
        let id = body.split("\"KeyId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let encrypt = format!(r#"{{"KeyId":"{id}","Plaintext":"aGVsbG8="}}"#);
        let (status, body) = post(&mut kms, "TrentService.Encrypt", &encrypt);
        assert_eq!(status, 200);
        let blob = body.split("\"CiphertextBlob\":\"").nth(1).unwrap().split('"').next().unwrap();
        let decrypt = format!(r#"{{"CiphertextBlob":"{blob}"}}"#);
        let (status, body) = post(&mut kms, "TrentService.Decrypt", &decrypt);
        assert_eq!(status, 200);
        assert!(body.contains(r#""Plaintext":"aGVsbG8=""#), "{body}");
    }

    #[test]
    fn errors_have_their_status_and_their_name() {
        let mut kms = Local::single_region();
        for (target, body, status, expected) in [
            ("TrentService.Nothing", "{}", 404, "UnknownOperationException"),
            ("TrentService.Encrypt", "not json", 400, "SerializationException"),
            ("TrentService.Encrypt", "{}", 400, "2 validation errors detected"),
            ("TrentService.DescribeKey", r#"{"KeyId":"alias/none"}"#, 400, "NotFoundException"),
        ] {
            let (got, text) = post(&mut kms, target, body);
            assert_eq!(got, status, "{text}");
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn an_operation_without_output_has_an_empty_body() {
        let mut kms = Local::single_region();
        let key = kms.create_key();
        let body = format!(r#"{{"KeyId":"{}"}}"#, key.id);
        assert_eq!(post(&mut kms, "TrentService.DisableKey", &body), (200, String::new()));
    }
}
