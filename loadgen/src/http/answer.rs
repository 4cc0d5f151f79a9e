//! Replies as answers: a response of the service, one of its errors, or something else that is counted
//! by name.

use super::connection::{Broken, Reply};
use kms_core::error::{Error, ErrorCode};
use kms_core::ops::{Operation, Response};
use kms_core::wire;
use std::borrow::Cow;

/// How a call ended.
pub(super) enum Answer {
    /// As the service's model has it.
    Modelled(kms_core::Result<Response>),
    /// Otherwise: no answer, an error of another layer, or a body that cannot be read; its name, and
    /// what was said.
    Other(Cow<'static, str>, String),
}

impl Answer {
    /// The answer to a request of that operation.
    pub(super) fn of(operation: Operation, reply: Result<Reply, Broken>) -> Answer {
        let reply = match reply {
            Ok(reply) => reply,
            Err(Broken::Timeout) => return other("Timeout", "no answer came in time"),
            Err(Broken::Unreachable(why)) => return other("ConnectionFailed", why),
            Err(Broken::Reset(why)) => return other("ConnectionBroken", why),
        };
        if reply.status == 200 {
            return match wire::decode_response(operation, &reply.body) {
                Ok(response) => Answer::Modelled(Ok(response)),
                Err(_) => other("UnreadableAnswer", text(&reply)),
            };
        }
        match wire::decode_error(&reply.body) {
            Ok(error) => Answer::Modelled(Err(error)),
            Err(name) if name.is_empty() => {
                Answer::Other(format!("Status{}", reply.status).into(), text(&reply))
            }
            Err(name) => Answer::Other(name.into(), text(&reply)),
        }
    }

    /// The answer as a generator learns it; what is not modelled ends as a call that was given up.
    pub(super) fn learnt(self) -> kms_core::Result<Response> {
        match self {
            Answer::Modelled(result) => result,
            Answer::Other(..) => Err(ErrorCode::DependencyTimeout.silent()),
        }
    }

    /// The answer, with what is not modelled said in words.
    ///
    /// # Errors
    /// What the service answered, or why it did not.
    pub(super) fn said(self) -> kms_core::Result<Response> {
        match self {
            Answer::Modelled(result) => result,
            Answer::Other(name, said) => {
                let message = Some(Cow::Owned(format!("{name}: {said}")));
                Err(Error { code: ErrorCode::DependencyTimeout, message })
            }
        }
    }
}

fn other(name: &'static str, said: impl Into<String>) -> Answer {
    Answer::Other(name.into(), said.into())
}

/// The beginning of a body, for people.
fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Bytes;

    fn of(status: u16, body: &'static str) -> Answer {
        let reply = Reply { status, body: Bytes::from_static(body.as_bytes()) };
        Answer::of(Operation::ListKeys, Ok(reply))
    }

    #[test]
    fn errors_of_other_layers_keep_their_names() {
        let name = |answer| match answer {
            Answer::Other(name, _) => name.into_owned(),
            Answer::Modelled(result) => format!("{result:?}"),
        };
        let signature = r#"{"__type":"InvalidSignatureException","message":"no"}"#;
        assert_eq!(name(of(403, signature)), "InvalidSignatureException");
        assert_eq!(name(of(502, "<html>")), "Status502");
        assert_eq!(name(of(200, "[]")), "UnreadableAnswer");
        assert_eq!(name(Answer::of(Operation::ListKeys, Err(Broken::Timeout))), "Timeout");
    }

    #[test]
    fn modelled_errors_are_the_services_own() {
        let throttled = of(400, r#"{"__type":"ThrottlingException"}"#).learnt();
        assert_eq!(throttled, Err(ErrorCode::Throttling.silent()));
    }
}
