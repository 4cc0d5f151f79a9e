//! Questions that are open: which operation waits for which answer, and for how long.

use super::{Engine, Operation, Stage};
use crate::driver::Now;
use crate::message::AskId;
use crate::node::Out;
use crate::node::deadlines::Wait;
use kms_core::error::{Error, ErrorCode};

impl Engine {
    /// Files an operation under a new question, which may wait so long.
    pub(super) fn file(
        &mut self,
        now: Now,
        operation: Box<Operation>,
        wait: Wait,
        out: &mut Out,
    ) -> AskId {
        let ask = self.next_ask();
        self.file_as(now, operation, ask, wait, out);
        ask
    }

    /// The number of a new question.
    pub(super) fn next_ask(&mut self) -> AskId {
        self.next += 1;
        self.next
    }

    /// Files an operation under a question.
    pub(super) fn file_as(
        &mut self,
        now: Now,
        operation: Box<Operation>,
        ask: AskId,
        wait: Wait,
        out: &mut Out,
    ) {
        self.wait_also(now, ask, wait, out);
        self.operations.insert(ask, operation);
    }

    /// Notes that a question waits for this, too.
    pub(super) fn wait_also(&mut self, now: Now, ask: AskId, wait: Wait, out: &mut Out) {
        let timeout = match wait {
            Wait::Hsm => self.limits.fleet.timeout,
            Wait::HsmPair => self.limits.fleet.pair_timeout,
            Wait::Hedge => self.limits.fleet.hedge_after,
            Wait::Region => self.limits.region_timeout,
            Wait::KeyStore => self.limits.key_store_timeout,
            Wait::Append => self.limits.append_timeout,
            Wait::CatchUp => self.limits.catch_up_timeout,
        };
        self.deadlines.add(now.monotonic, wait, timeout, ask, out);
    }

    /// Questions of a kind may have waited long enough.
    pub(in crate::node) fn deadline(&mut self, now: Now, kind: u64, out: &mut Out) {
        let open = |ask| self.operations.contains_key(&ask) || self.hedges.contains_key(&ask);
        for ask in self.deadlines.over(now.monotonic, kind, open, out) {
            match Wait::of(kind) {
                Some(Wait::Hedge) => self.hedge(now, ask, out),
                Some(Wait::Hsm | Wait::HsmPair) => self.hsm_timed_out(now, ask, out),
                _ => self.timed_out(now, ask, out),
            }
        }
    }

    fn timed_out(&mut self, now: Now, ask: AskId, out: &mut Out) {
        let Some(operation) = self.take(ask, |_| true) else { return };
        match &operation.stage {
            Stage::Deciding | Stage::AskingHsm(_) => {}
            Stage::Asking { .. } => self.ask_another(now, operation, out),
            Stage::CatchingUp { head, .. } => {
                let head = *head;
                self.wait_again(now, operation, head, out);
            }
            Stage::Appending { attempt, .. } if *attempt < self.limits.append_attempts => {
                self.send_append(now, operation, out);
            }
            // Whether it was appended, nobody here knows.
            Stage::Appending { .. } => self.fail(operation, no_answer()),
        }
    }

    fn wait_again(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        head: Option<u64>,
        out: &mut Out,
    ) {
        operation.asked += 1;
        if operation.asked > MOST_WAITS {
            return self.fail(operation, no_answer());
        }
        self.catch_up(now, operation, head, out);
    }

    /// Takes the operation out that waits for an answer, if it waits for such a one.
    pub(super) fn take(
        &mut self,
        ask: AskId,
        fits: impl Fn(&Stage) -> bool,
    ) -> Option<Box<Operation>> {
        self.operations.get(&ask).filter(|operation| fits(&operation.stage))?;
        self.operations.remove(&ask)
    }
}

/// How often a request waits for the journal before it is given up.
const MOST_WAITS: u32 = 8;

/// What is said when nobody knows whether it was done.
pub(super) fn no_answer() -> Error {
    ErrorCode::KmsInternal.says("The request could not be completed. Try again.")
}
