//! The wire: JSON 1.1 bodies to typed requests and back, for every operation of the table.
//!
//! `X-Amz-Target: TrentService.<Operation>` names the operation; blobs are base64, timestamps epoch
//! seconds. Nothing here knows HTTP: a server and a client both call these functions.

mod blob;
mod checked;
mod choice;
mod import;
mod key_ref;
mod key_store;
mod member;
mod number;
mod recipient;
mod shape;
mod text;

pub use crate::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm, MessageType,
    SigningAlgorithm,
};
pub use blob::*;
pub use choice::*;
pub use import::*;
pub use key_ref::KeyRef;
pub use key_store::*;
pub use member::*;
pub use number::*;
pub use recipient::*;
pub use shape::{Member, Object, Problems, Shape, member, put};
pub use text::*;

use crate::error::{Error, ErrorCode, Result};
use crate::ops::{Operation, Request, Response};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The prefix of the target header.
pub const TARGET_PREFIX: &str = "TrentService.";

/// The request in a body.
///
/// # Errors
/// `UnknownOperation`, `Serialization`, or a `Validation` that counts every broken constraint.
pub fn decode_request(target: &str, body: &[u8]) -> Result<Request> {
    let name = target.strip_prefix(TARGET_PREFIX).unwrap_or_default();
    let operation = Operation::parse(name).ok_or_else(|| ErrorCode::UnknownOperation.silent())?;
    let mut problems = Problems::default();
    let decoded = Request::decode_members(operation, &object(body)?, &mut problems);
    match problems.into_error() {
        Some(error) => Err(error),
        None => decoded.ok_or_else(|| ErrorCode::Serialization.silent()),
    }
}

/// The body of a request.
pub fn encode_request(request: &Request) -> Vec<u8> {
    Value::Object(request.encode_members()).to_string().into_bytes()
}

/// The body of an answer. Operations for which the model has no output answer with an empty body,
/// those on custom key stores with an output that has no members.
pub fn encode_response(response: &Response) -> Vec<u8> {
    match response.encode_members() {
        members if members.is_empty() && !has_output(response) => Vec::new(),
        members => Value::Object(members).to_string().into_bytes(),
    }
}

fn has_output(response: &Response) -> bool {
    matches!(
        response,
        Response::ConnectCustomKeyStore(_)
            | Response::DeleteCustomKeyStore(_)
            | Response::DisconnectCustomKeyStore(_)
            | Response::UpdateCustomKeyStore(_)
    )
}

/// The answer in a body.
///
/// # Errors
/// `Serialization` for what is no answer to that operation.
pub fn decode_response(operation: Operation, body: &[u8]) -> Result<Response> {
    let mut problems = Problems::default();
    let decoded = Response::decode_members(operation, &object(body)?, &mut problems);
    decoded.ok_or_else(|| ErrorCode::Serialization.silent())
}

/// The body of an error.
pub fn encode_error(error: &Error) -> Vec<u8> {
    let name = error.code.wire_name();
    let body = match &error.message {
        Some(message) => json!({ "__type": name, "message": message }),
        None => json!({ "__type": name }),
    };
    body.to_string().into_bytes()
}

/// The error in a body.
///
/// # Errors
/// The name of an error that no operation of this service has, or an empty one when the body is none.
pub fn decode_error(body: &[u8]) -> std::result::Result<Error, String> {
    let members = object(body).unwrap_or_default();
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let name = text("__type").unwrap_or_default();
    // Some services put the namespace of their model in front.
    let name = name.rsplit('#').next().unwrap_or_default();
    let code = ErrorCode::parse(name).ok_or(name)?;
    let message = text("message").or_else(|| text("Message")).map(Cow::Owned);
    Ok(Error { code, message })
}

fn object(body: &[u8]) -> Result<Object> {
    if body.is_empty() {
        return Ok(Object::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(ErrorCode::Serialization.silent()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_was_sent() {
        for code in ErrorCode::ALL {
            for error in [code.silent(), code.says("why")] {
                assert_eq!(decode_error(&encode_error(&error)), Ok(error));
            }
        }
        let spaced = br#"{"__type": "com.amazonaws.kms#NotFoundException", "Message": "gone"}"#;
        assert_eq!(decode_error(spaced), Ok(ErrorCode::NotFound.says("gone")));
    }

    #[test]
    fn what_is_no_error_of_this_service_has_its_name() {
        let foreign = br#"{"__type": "InvalidSignatureException"}"#;
        assert_eq!(decode_error(foreign), Err("InvalidSignatureException".to_owned()));
        assert_eq!(decode_error(b"<html>"), Err(String::new()));
    }
}
