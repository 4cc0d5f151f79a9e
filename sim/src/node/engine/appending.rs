//! The journal: appends, what is no longer true by then, and waiting until this node has caught up.

use super::{Engine, Operation, Stage};
use crate::driver::Now;
use crate::fault::point::Point;
use crate::history::Event;
use crate::message::{AskId, Message};
use crate::node::Out;
use crate::node::deadlines::Wait;
use kms_core::step::Conflict;

impl Engine {
    pub(super) fn send_append(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let Stage::Appending { append, attempt, .. } = &mut operation.stage else { return };
        *attempt += 1;
        let append = append.clone();
        let audit = operation.audit.clone();
        let id = operation.call.request_id;
        let size = 128 + 256 * u32::try_from(append.changes.len()).unwrap_or(u32::MAX / 512);
        let event = id.0 ^ u128::from(*attempt) << 120;
        let ask = self.file(now, operation, Wait::Append, out);
        let journal = self.peers.journal;
        let message = Message::Append { ask, id, append, audit };
        if self.points.fires(Point::AppendRepeated, now, event, out).is_some() {
            out.send(journal, message.clone(), size);
        }
        match self.points.fires(Point::AppendLate, now, event, out) {
            None => out.send(journal, message, size),
            Some(late) => out.send_after(late, journal, message, size),
        }
    }

    /// The journal's answer to an append.
    pub(in crate::node) fn appended(
        &mut self,
        now: Now,
        ask: AskId,
        result: Result<u64, Box<Conflict>>,
        out: &mut Out,
    ) {
        let Some(mut operation) = self.take(ask, |stage| matches!(stage, Stage::Appending { .. }))
        else {
            return;
        };
        match result {
            Ok(position) => {
                let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
                if let Stage::Appending { result, .. } = stage {
                    self.finish(operation, result, Some(position));
                }
            }
            Err(conflict) => {
                let (request, head) = (operation.call.request_id, conflict.head);
                out.record(Event::Conflicted { request, head });
                operation.call.decision += 1;
                if operation.call.decision >= self.limits.decisions {
                    return self.fail(operation, Conflict::exhausted());
                }
                match self.kms.state().position() >= conflict.head {
                    true => self.decide(now, operation, out),
                    false => self.catch_up(now, operation, Some(conflict.head), out),
                }
            }
        }
    }

    /// Waits until the log is at `head`, or at wherever the journal is by the time it answers.
    pub(super) fn catch_up(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        head: Option<u64>,
        out: &mut Out,
    ) {
        let question = self.follower.ask(&self.kms, self.peers.journal, out);
        operation.stage = Stage::CatchingUp { head, question };
        self.file(now, operation, Wait::CatchUp, out);
    }
}
