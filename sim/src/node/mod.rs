//! The machines of a Region, as state machines: API hosts, HSMs, the journal, the worker.
//!
//! Hosts and workers are shells around the same core: an [`engine`] takes work from its decision over
//! questions and answers to its append. None of them knows what time it really is.

mod deadlines;
pub mod engine;
mod follower;
mod host;
mod hsm;
mod journal;
mod key_store;
mod worker;

pub(crate) use engine::asker;
pub use engine::{Limits, Peers, Settings};
pub use host::Host;
pub use hsm::HsmNode;
pub use journal::{Followers, JournalNode, JournalPlan};
pub use key_store::KeyStoreNode;
pub use worker::{Patience, Worker};

use crate::clock::SimTime;
use crate::driver::{Input, Node, Now, Outbox};
use crate::history::Event;
use crate::message::Message;
use crate::place::NodeId;
use crate::random::{Name, Seed, Stream};
use kms_core::env::{Random, RequestId, Site};
use std::time::Duration;

/// Where nodes put what they want.
pub type Out = Outbox<Message, Event>;

/// Any node of the world.
pub type AnyNode = Box<dyn Node<Message = Message, Event = Event>>;

/// What an input of the driver is here.
pub type In = Input<Message>;

/// What a timer is for; the rest of the token is a number of the node's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Questions of a kind may have waited long enough.
    Deadline(u64),
    /// Look at what is due.
    Work,
    /// Send again what followers have not acknowledged.
    Resend,
    /// A disk sync is complete.
    Synced,
    /// Report the state at the end of the run.
    Settle,
    /// Write down which keys were used.
    Flush,
    /// Write the audit of what changed nothing.
    Audit,
}

impl Alarm {
    /// As a timer token.
    pub(crate) fn token(self) -> u64 {
        match self {
            Alarm::Deadline(kind) => kind << 3,
            Alarm::Work => 1,
            Alarm::Resend => 2,
            Alarm::Synced => 3,
            Alarm::Settle => 4,
            Alarm::Flush => 5,
            Alarm::Audit => 6,
        }
    }

    /// From a timer token.
    pub(crate) fn of(token: u64) -> Alarm {
        match token & 7 {
            0 => Alarm::Deadline(token >> 3),
            1 => Alarm::Work,
            2 => Alarm::Resend,
            3 => Alarm::Synced,
            5 => Alarm::Flush,
            6 => Alarm::Audit,
            _ => Alarm::Settle,
        }
    }
}

/// Arms the report at the end of the run.
pub(crate) fn arm_settle(now: Now, settle_at: SimTime, out: &mut Out) {
    if settle_at > now.monotonic {
        out.after(settle_at.since(now.monotonic), Alarm::Settle.token());
    }
}

/// The core's source of randomness in a simulation: every draw is named by run, node, request,
/// attempt and site, so that no other event moves it.
pub(crate) struct NamedRandom {
    name: Name,
    draws: [u32; Site::COUNT],
}

const CORE: crate::random::Site = crate::random::Site::new("kms-core");

impl NamedRandom {
    /// The draws of one step of a request on a node.
    pub(crate) fn new(seed: Seed, node: NodeId, request: RequestId, attempt: u32) -> NamedRandom {
        #[expect(clippy::cast_possible_truncation, reason = "both halves are absorbed")]
        let (high, low) = ((request.0 >> 64) as u64, request.0 as u64);
        let name = Name::new(seed, CORE).node(node).request(high).request(low).attempt(attempt);
        NamedRandom { name, draws: [0; Site::COUNT] }
    }
}

impl Random for NamedRandom {
    fn fill(&mut self, site: Site, bytes: &mut [u8]) {
        let site = site as usize;
        let drawn = &mut self.draws[site];
        let name = self.name.ordinal((site as u64) << 32 | u64::from(*drawn));
        *drawn += 1;
        Stream::named(name).fill(bytes);
    }
}

/// A monotonic clock as the core wants it.
pub(crate) fn monotonic(now: Now) -> Duration {
    Duration::from_nanos(now.monotonic.nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_survives_its_token() {
        let alarms = [
            Alarm::Deadline(3),
            Alarm::Work,
            Alarm::Resend,
            Alarm::Synced,
            Alarm::Settle,
            Alarm::Flush,
        ];
        for alarm in alarms {
            assert_eq!(Alarm::of(alarm.token()), alarm);
        }
    }

    #[test]
    fn draws_are_named_by_request_attempt_and_site() {
        let draw = |request, attempt, site| {
            let mut random = NamedRandom::new(Seed(1), NodeId(2), RequestId(request), attempt);
            kms_core::env::draw::<16>(&mut random, site)
        };
        let first = draw(1 << 70 | 3, 0, Site::KeyId);
        assert_eq!(first, draw(1 << 70 | 3, 0, Site::KeyId));
        assert_ne!(first, draw(3, 0, Site::KeyId));
        assert_ne!(first, draw(1 << 70 | 3, 1, Site::KeyId));
        assert_ne!(first, draw(1 << 70 | 3, 0, Site::GrantId));
    }
}
