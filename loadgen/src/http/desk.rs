//! What the connections of one thread share: the rota, what is due, and what was measured.

use super::answer::Answer;
use super::ledger::Ledger;
use super::sign::Signer;
use super::signers::Signers;
use crate::drive::{Driven, Pace, Told};
use crate::recorder::Recorder;
use crate::rota::{Rota, Start};
use crate::upkeep::settled;
use scenarios::Planned;
use std::collections::VecDeque;
use std::time::Duration;

/// How many starts are taken off the rota before they are sent: a service that is too slow for a long
/// load must not fill the memory with them. The others wait on the rota.
const MOST_DUE: usize = 1_024;

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

/// What follows from an answer.
pub(super) struct Answered {
    /// Whether somebody has to look at what is next.
    pub(super) changed: bool,
    /// What the load parts with now.
    pub(super) parting: Vec<Planned>,
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
        let fresh = self.fill(now);
        let broken_off = (self.told)(now, &mut self.recorder).is_break();
        if (broken_off || now >= self.pace.until) && !self.over {
            self.over = true;
            self.driven.dropped += self.due.len() as u64 + self.rota.left(now);
            self.due.clear();
            return 0;
        }
        fresh
    }

    /// Takes off the rota what is due and has room.
    fn fill(&mut self, now: Duration) -> usize {
        let before = self.due.len();
        while self.due.len() < MOST_DUE && self.rota.due().is_some_and(|at| at <= now) {
            self.due.extend(self.rota.take());
        }
        self.due.len() - before
    }

    /// When there is something to do next, by itself; nothing when the run is over.
    pub(super) fn next(&mut self, now: Duration) -> Option<Duration> {
        let idle = self.due.is_empty() && self.in_flight == 0 && self.rota.due().is_none();
        self.over |= idle;
        // Where there is no room for what is due, whoever is free makes some.
        let waits = self.due.len() >= MOST_DUE;
        match self.over {
            true => None,
            false => Some(self.rota.due().filter(|_| !waits).unwrap_or(now + self.pace.until)),
        }
    }

    /// A start that is due.
    pub(super) fn take(&mut self) -> Option<Start> {
        if self.due.is_empty() && !self.over {
            self.fill(self.now());
        }
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

    /// Notes an answer.
    pub(super) fn answered(
        &mut self,
        start: Start,
        sent: Duration,
        planned: &Planned,
        answer: Answer,
    ) -> Answered {
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
        self.draw(planned);
        let before = self.rota.due();
        let parting = self.rota.ended(start, answered, planned, &answer.learnt());
        self.driven.last = answered;
        let idle = self.in_flight == 0 && self.due.is_empty();
        Answered {
            changed: goes_on.is_break() || self.rota.due() != before || idle,
            parting: if self.ledger.parts() { parting } else { Vec::new() },
        }
    }

    /// Notes the answer to a request that parts with something.
    pub(super) fn parted(&mut self, parting: &Planned, answer: Answer) {
        let done = settled(&answer.learnt());
        self.recorder.part(done);
        self.draw(parting);
        if done {
            self.ledger.strike(parting);
        }
    }

    fn draw(&mut self, asked: &Planned) {
        if let Some(pools) = self.pace.pools {
            pools.drawn(&asked.request).for_each(|pool| self.recorder.draw(pool));
        }
    }

    /// What the thread came to, and what it measured last.
    pub(super) fn ended(self) -> (Driven, Recorder) {
        (self.driven, self.recorder)
    }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::{Credential, Credentials};
    use super::*;
    use crate::pacer::Pacer;
    use crate::rota::tests::of_text;
    use std::ops::ControlFlow;
    use std::time::Instant;

    const LOAD: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
        keys.symmetric = 1\n[[phase]]\nname = 'a'\nduration = '2s'\n[[phase.workload]]\n\
        kind = 'encrypt-decrypt'\nclients = 3\narrivals = { kind = 'constant', per_second = 2000 }\n";

    /// A service that answered nothing for hours left millions of starts in memory.
    #[test]
    fn starts_that_cannot_be_sent_wait_on_the_rota() {
        let rota = of_text(LOAD, 7);
        let (since, ledger) = (Duration::from_secs(5), Ledger::default());
        let began = Instant::now().checked_sub(since).unwrap();
        let pace = Pace { began, pacer: Pacer::SPIN, until: 60 * since, pools: None };
        let signers = Signers::new(Credentials::of(Credential::new("a", "b", None)));
        let mut told = |_: Duration, _: &mut Recorder| ControlFlow::Continue(());
        let mut desk = Desk::new(rota, (signers, &ledger), pace, &mut told);
        assert_eq!(desk.glance(since), MOST_DUE);
        assert!(desk.next(since).unwrap() > since, "nobody looks again and again");
        let (mut sent, mut last) = (0, Duration::ZERO);
        while let Some(start) = desk.take() {
            assert!(start.at >= last && desk.due.len() < MOST_DUE);
            (sent, last) = (sent + 1, start.at);
        }
        assert_eq!(sent, 4_000, "all of them, in order");
    }
}
