//! What messages and timers are called in a picture of a run.

use crate::message::{Follow, Message};
use crate::node::Alarm;
use kms_core::env::RequestId;

/// What a timer is called as a kind of input.
pub(super) const TIMER: &str = "timer";
/// What a start is called as a kind of input.
pub(super) const START: &str = "start";

/// What kind of message it is.
pub(super) fn kind(message: &Message) -> &'static str {
    match message {
        Message::Request { .. } => "request",
        Message::Response { .. } => "answer",
        Message::HsmCommand { .. } => "HSM command",
        Message::HsmReply { .. } => "HSM answer",
        Message::KeyStoreCommand { .. } => "key store command",
        Message::KeyStoreReply { .. } => "key store answer",
        Message::Append { .. } => "append",
        Message::Appended { .. } => "append answer",
        Message::Feed(_) => "log feed",
        Message::Follow { .. } => "log position",
        Message::RegionCommand { .. } => "Region command",
        Message::RegionReply { .. } => "Region answer",
        Message::HealthCheck { .. } => "health check",
        Message::Healthy { .. } => "health answer",
    }
}

/// The request or task it belongs to, if it says so.
pub(super) fn request(message: &Message) -> Option<RequestId> {
    match message {
        Message::Request { id, .. }
        | Message::Response { id, .. }
        | Message::Append { id, .. }
        | Message::RegionCommand { id, .. } => Some(*id),
        Message::HsmCommand { draw, .. }
        | Message::HsmReply { draw, .. }
        | Message::KeyStoreCommand { draw, .. } => Some(draw.0),
        Message::KeyStoreReply { .. }
        | Message::Appended { .. }
        | Message::Feed(_)
        | Message::Follow { .. }
        | Message::RegionReply { .. }
        | Message::HealthCheck { .. }
        | Message::Healthy { .. } => None,
    }
}

/// What it says, in a few words.
pub(super) fn detail(message: &Message) -> String {
    match message {
        Message::Request { request, .. } => request.operation().name().to_owned(),
        Message::Response { result, .. } => result.as_ref().as_ref().map(|_| ()).ending(),
        Message::HsmCommand { command, .. } => command.name().to_owned(),
        Message::HsmReply { result: Ok(_), .. } => "done".to_owned(),
        Message::HsmReply { result: Err(fault), .. } => format!("{fault:?}"),
        Message::KeyStoreCommand { command, .. } => command.name().to_owned(),
        Message::KeyStoreReply { result: Ok(_), .. } => "done".to_owned(),
        Message::KeyStoreReply { result: Err(fault), .. } => format!("{fault:?}"),
        Message::Append { append, .. } => {
            let (changes, tokens) = (append.changes.len(), append.tokens.len());
            format!("{changes} changes, {tokens} key tokens")
        }
        Message::Appended { result: Ok(position), .. } => format!("at position {position}"),
        Message::Appended { result: Err(_), .. } => "refused: it was stale".to_owned(),
        Message::Feed(feed) => format!("{} entries, head {}", feed.entries.len(), feed.head),
        Message::Follow { position, purpose: Follow::Acknowledge, .. } => format!("has {position}"),
        Message::Follow { position, purpose: Follow::Ask(_), .. } => {
            format!("has {position}, asks for more")
        }
        Message::RegionCommand { command, .. } => command.name().to_owned(),
        Message::RegionReply { result, .. } => result.as_ref().map(|_| ()).ending(),
        Message::HealthCheck { .. } => "is the Region there?".to_owned(),
        Message::Healthy { .. } => "it is".to_owned(),
    }
}

trait Ending {
    fn ending(self) -> String;
}

impl<E: std::fmt::Display> Ending for Result<(), E> {
    fn ending(self) -> String {
        self.map_or_else(|error| error.to_string(), |()| "done".to_owned())
    }
}

/// What a timer of a host, an HSM, a journal or a worker is for.
pub(crate) fn timer(token: u64) -> &'static str {
    match Alarm::of(token) {
        Alarm::Deadline(_) => "a deadline",
        Alarm::Work => "work may be due",
        Alarm::Resend => "followers may lack something",
        Alarm::Synced => "a disk sync is complete",
        Alarm::Settle => "the state is reported",
        Alarm::Flush => "uses of keys are written down",
        Alarm::Audit => "audit records are written",
    }
}
