//! The last use of each key: noted as answers are given, written down each minute.
//!
//! A host that dies loses what it had noted. Nothing is written shortly before the end of a run, so that
//! what the nodes say of their state then is not under way.

use super::{Engine, Operation, Origin, Stage, Work};
use crate::driver::Now;
use crate::node::{Alarm, Out, monotonic};
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Timestamp};
use kms_core::name::{AccountId, PrincipalArn};
use kms_core::ops::Response;
use kms_core::step::{Answers, Append, Outcome};
use kms_core::usage::FLUSH_INTERVAL;
use std::sync::Arc;
use std::time::Duration;

/// How long before the end nothing is written any more.
const QUIET: Duration = Duration::from_secs(30);

impl Engine {
    /// Takes note of a use; the first one since the last flush arms the next.
    pub(super) fn note_use(&mut self, now: Now, outcome: &Outcome, out: &mut Out) {
        let nothing = self.uses.is_empty();
        self.uses.note(outcome);
        let flushed = now.monotonic.after(FLUSH_INTERVAL + QUIET);
        if nothing && !self.uses.is_empty() && flushed <= self.settle_at {
            out.after(FLUSH_INTERVAL, Alarm::Flush.token());
        }
    }

    /// Writes down what was noted.
    pub(in crate::node) fn flush_uses(&mut self, now: Now, out: &mut Out) {
        for append in self.uses.flush() {
            let id = flush_id(now, self.next_ask());
            self.active.insert(id);
            let operation = self.flushing(now, id, append);
            self.send_append(now, Box::new(operation), out);
        }
    }

    pub(super) fn flushing(&self, now: Now, id: RequestId, append: Append) -> Operation {
        let (append, result) = (Arc::new(append), Arc::new(Ok(Response::TaskDone)));
        self.of_its_own(now, Work::Uses, id, Stage::Appending { append, result, attempt: 0 })
    }

    /// Work of this node itself about which the core has nothing to decide.
    pub(super) fn of_its_own(
        &self,
        now: Now,
        work: Work,
        id: RequestId,
        stage: Stage,
    ) -> Operation {
        let principal = PrincipalArn::service("kms.amazonaws.com", AccountId::new(0));
        let call = Call {
            request_id: id,
            caller: Arc::new(Caller::new(principal)),
            service: None,
            network: NetworkPath::default(),
            now: Timestamp::from_micros(now.wall_micros),
            monotonic: monotonic(now),
            decision: 0,
            caught_up: false,
        };
        Operation {
            origin: Origin::Own,
            work,
            call,
            answers: Answers::default(),
            position: self.kms.state().position(),
            refused: None,
            audit: None,
            asked: 0,
            stage,
        }
    }
}

/// Names a flush; no other one of any node and life has the same name.
fn flush_id(now: Now, number: u64) -> RequestId {
    const OF_USES: u128 = 1 << 89;
    RequestId(OF_USES | u128::from(now.node.0) << 64 | u128::from(number))
}
