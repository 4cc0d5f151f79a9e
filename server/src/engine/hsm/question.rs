//! A command on its way to an answer: which HSMs have been asked, and for how long they may still answer.

use super::stage::Stage;
use super::{Hsms, lock};
use kms_core::Timestamp;
use kms_core::hsm::{
    Command, DomainToken, Ending, Fault, HsmIndex, Purpose, Reply as HsmReply, Route,
};
use kms_core::step::Reply;
use kms_core::token::KeyToken;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What is to be done.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) command: Arc<Command>,
    pub(super) tokens: Arc<[Arc<KeyToken>]>,
    pub(super) domain: Arc<DomainToken>,
    /// By the clock of who asks, which is that of the HSMs.
    pub(super) now: Timestamp,
}

/// What an HSM says to it.
type Said = (HsmIndex, Result<HsmReply, Fault>);

/// An HSM that was asked and may still answer.
struct Asked {
    hsm: HsmIndex,
    since: Duration,
    stage: Arc<Stage>,
}

/// A command, and which HSMs have been asked. None is asked twice.
pub(super) struct Question<'h> {
    hsms: &'h Hsms,
    order: Order,
    timeout: Duration,
    hedge_after: Duration,
    tried: Vec<HsmIndex>,
    open: Vec<Asked>,
    /// Whether one more HSM is to be asked beside the first, should that one be silent for long.
    may_hedge: bool,
    /// Why the last one that refused did.
    refusal: Option<Fault>,
}

impl Question<'_> {
    /// A command that nobody has been asked for.
    pub(super) fn new(hsms: &Hsms, order: Order) -> Question<'_> {
        let fleet = lock(&hsms.fleet);
        let (timeout, hedge_after) =
            (fleet.timeout(&order.command), fleet.parameters().hedge_after);
        drop(fleet);
        let may_hedge = hsms.hsms.len() > 1 && order.command.may_be_hedged();
        let (tried, open) = (Vec::with_capacity(1), Vec::with_capacity(2));
        Question { hsms, order, timeout, hedge_after, tried, open, may_hedge, refusal: None }
    }

    /// Asks until there is an answer.
    pub(super) fn answer(mut self) -> Reply {
        let (answering, answers) = channel();
        let reply = self.converse(&answering, &answers);
        self.open.iter().for_each(|asked| asked.stage.withdraw());
        reply
    }

    fn converse(&mut self, answering: &Sender<Said>, answers: &Receiver<Said>) -> Reply {
        loop {
            if self.open.is_empty()
                && let Some(reply) = self.ask_another(answering)
            {
                return reply;
            }
            let wait = self.next_look().saturating_sub(self.hsms.now());
            let reply = match answers.recv_timeout(wait) {
                Ok((hsm, result)) => self.heard(hsm, result),
                Err(_) => None,
            };
            if let Some(reply) = reply {
                return reply;
            }
            self.expire();
            self.hedge(answering);
        }
    }

    /// Asks one more HSM, when nobody else may still answer; or ends the question.
    fn ask_another(&mut self, answering: &Sender<Said>) -> Option<Reply> {
        let purpose = if self.tried.is_empty() { Purpose::First } else { Purpose::Retry };
        match self.route(purpose) {
            Route::Ask(hsm) => {
                self.send(hsm, answering);
                None
            }
            Route::Saturated => Some(Reply::HsmFault(self.refusal.unwrap_or(Fault::Busy))),
            Route::Exhausted => Some(self.refusal.map_or(Reply::TimedOut, Reply::HsmFault)),
        }
    }

    /// The HSM is silent, so another one is asked beside it, once.
    fn hedge(&mut self, answering: &Sender<Said>) {
        if self.hedge_at().is_none_or(|at| at > self.hsms.now()) {
            return;
        }
        self.may_hedge = false;
        if let Route::Ask(hsm) = self.route(Purpose::Hedge) {
            self.send(hsm, answering);
        }
    }

    fn route(&self, purpose: Purpose) -> Route {
        let draw = self.hsms.asked.fetch_add(1, Ordering::Relaxed);
        lock(&self.hsms.fleet).route(self.hsms.now(), purpose, &self.tried, draw)
    }

    fn send(&mut self, hsm: HsmIndex, answering: &Sender<Said>) {
        let stage = Arc::new(Stage::waiting());
        self.tried.push(hsm);
        self.open.push(Asked { hsm, since: self.hsms.now(), stage: stage.clone() });
        let answering = answering.clone();
        // Nobody may be waiting for it any more.
        let answer = move |result| drop(answering.send((hsm, result)));
        self.hsms.hsms[hsm].take_on(self.order.clone(), stage, answer);
    }

    /// Since when an HSM has shown no life: since the command began or, while it waits, since another one
    /// ended that was before it.
    fn silent_since(&self, asked: &Asked) -> Duration {
        asked.stage.began().unwrap_or_else(|| {
            let alive = self.hsms.hsms[asked.hsm].alive(&self.order.command);
            asked.since.max(alive)
        })
    }

    fn hedge_at(&self) -> Option<Duration> {
        let first = self.open.first().filter(|_| self.may_hedge)?;
        Some(self.silent_since(first).saturating_add(self.hedge_after))
    }

    fn expires(&self, asked: &Asked) -> Duration {
        self.silent_since(asked).saturating_add(self.timeout)
    }

    fn next_look(&self) -> Duration {
        let ends = self.open.iter().map(|asked| self.expires(asked));
        ends.chain(self.hedge_at()).min().unwrap_or_default()
    }

    /// An HSM's answer, and what it is worth.
    fn heard(&mut self, hsm: HsmIndex, result: Result<HsmReply, Fault>) -> Option<Reply> {
        let Some(place) = self.open.iter().position(|asked| asked.hsm == hsm) else {
            return self.heard_late(result);
        };
        let asked = self.open.swap_remove(place);
        match result {
            Ok(reply) if self.is_answered_by(&reply) => {
                self.answered_first(&asked);
                return Some(Reply::Hsm(reply));
            }
            Ok(_) => self.end(&asked, Ending::Failed),
            Err(fault) if fault.is_of_the_hsm() => {
                self.refusal = Some(fault);
                let busy = fault == Fault::Busy;
                self.end(&asked, if busy { Ending::Answered } else { Ending::Failed });
            }
            Err(fault) => {
                self.answered_first(&asked);
                return Some(Reply::HsmFault(fault));
            }
        }
        None
    }

    /// An answer after its time is as good as any, though the HSM has failed by then.
    fn heard_late(&self, result: Result<HsmReply, Fault>) -> Option<Reply> {
        let reply = match result {
            Ok(reply) if self.is_answered_by(&reply) => Reply::Hsm(reply),
            Err(fault) if !fault.is_of_the_hsm() => Reply::HsmFault(fault),
            Ok(_) | Err(_) => return None,
        };
        self.open.iter().for_each(|asked| self.end(asked, Ending::Forgotten));
        Some(reply)
    }

    fn is_answered_by(&self, reply: &HsmReply) -> bool {
        self.order.command.is_answered_by(reply, self.order.domain.active)
    }

    /// Whoever else was asked is not waited for any more; one that was asked earlier and is still
    /// silent has failed.
    fn answered_first(&self, winner: &Asked) {
        self.end(winner, Ending::Answered);
        for other in &self.open {
            let overtaken = other.since < winner.since;
            self.end(other, if overtaken { Ending::Failed } else { Ending::Forgotten });
        }
    }

    /// Those whose time is up have failed. What has not begun is withdrawn, so that it is not carried out
    /// twice.
    fn expire(&mut self) {
        let now = self.hsms.now();
        let late: Vec<usize> =
            (0..self.open.len()).filter(|at| self.expires(&self.open[*at]) <= now).collect();
        for at in late.into_iter().rev() {
            let asked = self.open.remove(at);
            asked.stage.withdraw();
            self.end(&asked, Ending::Failed);
        }
    }

    fn end(&self, asked: &Asked, ending: Ending) {
        let _ = lock(&self.hsms.fleet).ended(self.hsms.now(), asked.hsm, ending);
    }
}
