//! What the connections of one thread share: the rota, what is due, and what was measured.

use super::answer::Answer;
use super::ledger::Ledger;
use super::sign::Signer;
use super::signers::Signers;
use crate::drive::{Driven, Pace, Told};
use crate::recorder::Recorder;
use crate::rota::{Rota, Start};
use scenarios::Planned;
use std::collections::VecDeque;
use std::time::Duration;

/// The desk of a thread.
pub(super) struct Desk<'t> {
    rota: Rota,
    signers: Signers,
    ledger: &'t Ledger,
    pace: Pace<'t>,
    /// Starts that are due and not sent.
    due: VecDeque<Start>,
    in_flight: u64,
    recorder: Recorder,
    told: &'t mut Told<'t>,
    driven: Driven,
    over: bool,
}

impl<'t> Desk<'t> {
    pub(super) fn new(
        rota: Rota,
        (signers, ledger): (Signers, &'t Ledger),
        pace: Pace<'t>,
        told: &'t mut Told<'t>,
    ) -> Desk<'t> {
        Desk {
            rota,
            signers,
            ledger,
            pace,
            due: VecDeque::new(),
            in_flight: 0,
            recorder: Recorder::new(),
            told,
            driven: Driven::default(),
            over: false,
        }
    }

    /// Takes off the rota what is due; how much that was. Once a run is broken off or its time is up,
    /// all that is due is dropped.
    pub(super) fn glance(&mut self, now: Duration) -> usize {
        self.recorder.under_way(self.in_flight);
        let mut fresh = 0;
        while self.rota.due().is_some_and(|at| at <= now) {
            let Some(start) = self.rota.take() else { break };
            self.due.push_back(start);
            fresh += 1;
        }
        let broken_off = (self.told)(now, &mut self.recorder).is_break();
        if (broken_off || now >= self.pace.until) && !self.over {
            self.over = true;
            self.driven.dropped += self.due.len() as u64 + self.rota.left(now);
            self.due.clear();
            return 0;
        }
        fresh
    }

    /// When there is something to do next; nothing when the run is over.
    pub(super) fn next(&mut self, now: Duration) -> Option<Duration> {
        let idle = self.due.is_empty() && self.in_flight == 0 && self.rota.due().is_none();
        self.over |= idle;
        match self.over {
            true => None,
            false => Some(self.rota.due().unwrap_or(now + self.pace.until)),
        }
    }

    /// A start that is due.
    pub(super) fn take(&mut self) -> Option<Start> {
        self.due.pop_front()
    }

    /// Whether nothing is to be sent any more.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn plan(&mut self, start: Start) -> Planned {
        self.in_flight += 1;
        self.recorder.under_way(self.in_flight);
        self.rota.plan(start)
    }

    pub(super) fn signer(&mut self, planned: &Planned) -> &mut Signer {
        self.signers.of(planned.account, planned.caller)
    }

    /// The time since the run began.
    pub(super) fn now(&self) -> Duration {
        self.pace.began.elapsed()
    }

    /// Notes an answer; whether somebody has to look at what is next.
    pub(super) fn answered(
        &mut self,
        start: Start,
        sent: Duration,
        planned: &Planned,
        answer: Answer,
    ) -> bool {
        let answered = self.now();
        let goes_on = (self.told)(answered, &mut self.recorder);
        self.recorder.under_way(self.in_flight);
        self.in_flight -= 1;
        let (lag, service) = (sent.saturating_sub(start.at), answered.saturating_sub(sent));
        match &answer {
            Answer::Modelled(result) => {
                result.iter().for_each(|response| self.ledger.note(response));
                self.recorder.note(lag, service, result.as_ref().err().map(|error| error.code));
            }
            Answer::Other(name, _) => self.recorder.note_other(lag, service, name),
        }
        if let Some(pools) = self.pace.pools {
            pools.drawn(&planned.request).for_each(|pool| self.recorder.draw(pool));
        }
        let before = self.rota.due();
        self.rota.ended(start, answered, planned, &answer.learnt());
        self.driven.last = answered;
        if goes_on.is_break() {
            return true;
        }
        self.rota.due() != before || (self.in_flight == 0 && self.due.is_empty())
    }

    /// What the thread came to, and what it measured last.
    pub(super) fn ended(self) -> (Driven, Recorder) {
        (self.driven, self.recorder)
    }
}
