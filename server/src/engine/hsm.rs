//! The HSMs of a Region in this process: some identities of one domain, each with as many commands at once
//! as there are cores.
//!
//! Which one is asked is the core's decision, as in the simulator, and so are the hedge, the time-out and
//! the retries: a command runs on a thread of its own, and who asks waits for it only as long as the
//! fleet's parameters say, by the real clock. The first answer wins; one that comes after its time counts
//! for nothing.

mod crew;
mod host;
mod machine;

use super::lock;
use crew::Crew;
use host::Host;
use kms_core::Timestamp;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    Command, DomainToken, Ending, Fault, Fleet, FleetParameters, HsmIdentity, HsmIndex,
    OperatorKey, Purpose, Reply as HsmReply, Route,
};
use kms_core::name::TokenId;
use kms_core::step::Reply;
use kms_core::token::KeyToken;
use machine::Hsm;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The HSMs, and what is known of them.
pub(super) struct Hsms {
    hsms: Vec<Arc<Hsm>>,
    fleet: Mutex<Fleet>,
    crew: Crew,
    began: Instant,
    asked: AtomicU64,
}

impl Hsms {
    /// HSMs that have joined no domain, listen to a host, and have sessions with it that are good for so
    /// long.
    pub(super) fn new(
        identities: &[HsmIdentity],
        host: &OperatorKey,
        backend: &Arc<dyn CryptoBackend>,
        parameters: FleetParameters,
        session_validity: Duration,
    ) -> Hsms {
        let host = Arc::new(Host::new(host.clone()));
        let hsm = |identity| Arc::new(Hsm::new(identity, &host, backend, session_validity));
        Hsms {
            hsms: identities.iter().map(hsm).collect(),
            fleet: Mutex::new(Fleet::new(identities.len(), parameters)),
            crew: Crew::default(),
            began: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }

    /// Has a command carried out at `now` in the domain of this token, by one HSM after another until one does
    /// it, says that it cannot be done, or there is none left to ask.
    pub(super) fn ask(
        &self,
        command: &Arc<Command>,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
        now: Timestamp,
    ) -> Reply {
        let (answering, answers) = channel();
        let (command, domain) = (command.clone(), domain.clone());
        let order = Order { command, tokens: tokens.into(), domain, now };
        let (tried, open) = (Vec::with_capacity(1), Vec::with_capacity(2));
        let question = Question {
            hsms: self,
            order,
            tried,
            open,
            hedge_at: None,
            hedged: false,
            refusal: None,
        };
        question.answer(&answering, &answers)
    }

    /// The time since the beginning, which the fleet counts by.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Wipes what is in memory of a backing key whose token is erased.
    pub(super) fn forget(&self, erased: TokenId) {
        self.hsms.iter().for_each(|hsm| hsm.forget(erased));
    }

    /// Whether an HSM is left alone at the moment.
    #[cfg(test)]
    fn is_quarantined(&self, hsm: HsmIndex) -> bool {
        lock(&self.fleet).is_quarantined(self.now(), hsm)
    }
}

/// What is to be done.
#[derive(Clone)]
struct Order {
    command: Arc<Command>,
    tokens: Arc<[Arc<KeyToken>]>,
    domain: Arc<DomainToken>,
    /// By the clock of who asks, which is that of the HSMs.
    now: Timestamp,
}

/// What an HSM says to it.
type Said = (HsmIndex, Result<HsmReply, Fault>);

/// An HSM that was asked and may still answer, until then.
struct Asked {
    hsm: HsmIndex,
    since: Duration,
    until: Duration,
}

/// A command, and which HSMs have been asked. None is asked twice.
struct Question<'h> {
    hsms: &'h Hsms,
    order: Order,
    tried: Vec<HsmIndex>,
    open: Vec<Asked>,
    hedge_at: Option<Duration>,
    hedged: bool,
    /// Why the last one that refused did.
    refusal: Option<Fault>,
}

impl Question<'_> {
    fn answer(mut self, answering: &Sender<Said>, answers: &Receiver<Said>) -> Reply {
        loop {
            if self.open.is_empty()
                && let Some(reply) = self.ask_another(answering)
            {
                return reply;
            }
            let wait = self.next_deadline().saturating_sub(self.hsms.now());
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
            Route::Ask(hsm) => self.send(hsm, answering),
            Route::Saturated => {
                return Some(Reply::HsmFault(self.refusal.unwrap_or(Fault::Busy)));
            }
            Route::Exhausted => {
                return Some(self.refusal.map_or(Reply::TimedOut, Reply::HsmFault));
            }
        }
        let others = self.hsms.hsms.len() > 1;
        if others && !self.hedged && self.order.command.may_be_hedged() {
            let after = lock(&self.hsms.fleet).parameters().hedge_after;
            self.hedge_at = Some(self.hsms.now() + after);
        }
        None
    }

    /// The answer is late, so another HSM is asked beside the first.
    fn hedge(&mut self, answering: &Sender<Said>) {
        if self.open.is_empty() || self.hedge_at.is_none_or(|at| at > self.hsms.now()) {
            return;
        }
        self.hedge_at = None;
        if let Route::Ask(hsm) = self.route(Purpose::Hedge) {
            self.hedged = true;
            self.send(hsm, answering);
        }
    }

    fn route(&self, purpose: Purpose) -> Route {
        let draw = self.hsms.asked.fetch_add(1, Ordering::Relaxed);
        lock(&self.hsms.fleet).route(self.hsms.now(), purpose, &self.tried, draw)
    }

    fn send(&mut self, hsm: HsmIndex, answering: &Sender<Said>) {
        let since = self.hsms.now();
        let until = since + lock(&self.hsms.fleet).timeout(&self.order.command);
        self.tried.push(hsm);
        self.open.push(Asked { hsm, since, until });
        let (order, answering) = (self.order.clone(), answering.clone());
        let machine = self.hsms.hsms[hsm].clone();
        self.hsms.crew.submit(Box::new(move || {
            let Order { command, tokens, domain, now } = order;
            // Nobody may be waiting for it any more.
            let _ = answering.send((hsm, machine.execute(&command, &tokens, &domain, now)));
        }));
    }

    fn next_deadline(&self) -> Duration {
        let deadlines = self.open.iter().map(|asked| asked.until).chain(self.hedge_at);
        deadlines.min().unwrap_or_default()
    }

    /// An HSM's answer, and what it is worth.
    fn heard(&mut self, hsm: HsmIndex, result: Result<HsmReply, Fault>) -> Option<Reply> {
        let place = self.open.iter().position(|asked| asked.hsm == hsm)?;
        let asked = self.open.swap_remove(place);
        match result {
            Ok(reply) if self.order.command.is_answered_by(&reply, self.order.domain.active) => {
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

    /// Whoever else was asked is not waited for any more; one that was asked earlier and is still
    /// silent has failed.
    fn answered_first(&self, winner: &Asked) {
        self.end(winner, Ending::Answered);
        for other in &self.open {
            let overtaken = other.since < winner.since;
            self.end(other, if overtaken { Ending::Failed } else { Ending::Forgotten });
        }
    }

    /// Those whose time is up have failed.
    fn expire(&mut self) {
        let now = self.hsms.now();
        let late: Vec<Asked> = self.open.extract_if(.., |asked| asked.until <= now).collect();
        late.iter().for_each(|asked| self.end(asked, Ending::Failed));
    }

    fn end(&self, asked: &Asked, ending: Ending) {
        let _ = lock(&self.hsms.fleet).ended(self.hsms.now(), asked.hsm, ending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::random;
    use kms_core::crypto::Production;
    use kms_core::hsm::SESSION_VALIDITY;
    use kms_core::key::KeySpec;
    use kms_core::name::{KeyId, RegionName};

    /// HSMs of which the first so many are of no domain.
    fn hsms(strangers: usize, members: usize) -> (Hsms, Arc<DomainToken>) {
        let backend: Arc<dyn CryptoBackend> = Arc::new(Production::default());
        let identity = |_| HsmIdentity::generate(backend.as_ref(), &mut random());
        let region = RegionName::parse("us-east-1").unwrap();
        let known: Vec<_> = (0..members.max(1)).map(identity).collect();
        let domains =
            kms_core::hsm::found(&[(region, known.clone())], backend.as_ref(), &mut random());
        let domain = domains.unwrap().remove(&region).unwrap();
        let all: Vec<_> =
            (0..strangers).map(identity).chain(known.into_iter().take(members)).collect();
        let hsms = Hsms::new(&all, domain.host(), &backend, PATIENT, SESSION_VALIDITY);
        (hsms, domain.token.clone())
    }

    /// A fleet that a busy machine does not make nervous.
    const PATIENT: FleetParameters = FleetParameters {
        attempts: 3,
        timeout: Duration::from_secs(60),
        pair_timeout: Duration::from_secs(60),
        hedge_after: Duration::from_secs(60),
        outstanding: 512,
        retry_ratio: 0.1,
        retry_savings: 100.0,
        failures: 3,
        quarantine: Duration::from_secs(60),
        quarantine_at_most: Duration::from_secs(60),
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    const SOON: Duration = Duration::from_millis(20);

    fn with(hsms: Hsms, parameters: FleetParameters) -> Hsms {
        let fleet = Mutex::new(Fleet::new(hsms.hsms.len(), parameters));
        Hsms { fleet, ..hsms }
    }

    fn command() -> Arc<Command> {
        Arc::new(Command::GenerateRandom { bytes: 32 })
    }

    fn outstanding(hsms: &Hsms) -> Vec<u32> {
        let fleet = lock(&hsms.fleet);
        (0..hsms.hsms.len()).map(|hsm| fleet.outstanding(hsm)).collect()
    }

    /// One of three hangs, and nobody waits for as long as it may take.
    #[test]
    fn a_late_answer_is_hedged_and_who_is_overtaken_is_left_alone() {
        let (hsms, domain) = hsms(0, 3);
        let hsms = with(hsms, FleetParameters { hedge_after: SOON, ..PATIENT });
        let began = Instant::now();
        let held = hsms.hsms[1].hold();
        for _ in 0..20 {
            let reply = hsms.ask(&command(), &[], &domain, NOW);
            assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
        }
        assert!(began.elapsed() < PATIENT.timeout / 2, "{:?}", began.elapsed());
        assert_eq!([0, 1, 2].map(|hsm| hsms.is_quarantined(hsm)), [false, true, false]);
        drop(held);
        assert_eq!(outstanding(&hsms), [0; 3]);
    }

    /// What makes a pair is not hedged, but its time is up at some point as well.
    #[test]
    fn a_command_whose_time_is_up_is_taken_elsewhere() {
        let (hsms, domain) = hsms(0, 2);
        let pair_timeout = Duration::from_secs(1);
        let hsms = with(hsms, FleetParameters { pair_timeout, hedge_after: SOON, ..PATIENT });
        let (key, spec) = (KeyId::single_region([1; 16]), KeySpec::EccNistP256);
        let pair = Arc::new(Command::GenerateBackingKey { key, spec });
        let began = Instant::now();
        let first = hsms.hsms[0].hold();
        let reply = hsms.ask(&pair, &[], &domain, NOW);
        assert!(matches!(reply, Reply::Hsm(HsmReply::BackingKey { .. })), "{reply:?}");
        assert!(began.elapsed() >= pair_timeout, "{:?}", began.elapsed());
        let second = hsms.hsms[1].hold();
        let reply = hsms.ask(&pair, &[], &domain, NOW);
        assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
        assert_eq!(outstanding(&hsms), [0; 2]);
        drop((first, second));
    }

    /// The budget for asking again is one for hedges and retries.
    #[test]
    fn without_savings_nobody_is_hedged() {
        let (hsms, domain) = hsms(0, 2);
        let hsms = with(
            hsms,
            FleetParameters { timeout: 4 * SOON, hedge_after: SOON, retry_savings: 0.5, ..PATIENT },
        );
        let _both: Vec<_> = hsms.hsms.iter().map(|hsm| hsm.hold()).collect();
        let reply = hsms.ask(&command(), &[], &domain, NOW);
        assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
    }

    #[test]
    fn an_hsm_that_is_not_of_the_domain_is_passed_over_and_left_alone() {
        let (hsms, domain) = hsms(1, 2);
        for _ in 0..20 {
            let reply = hsms.ask(&command(), &[], &domain, NOW);
            assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
        }
        assert_eq!([0, 1, 2].map(|hsm| hsms.is_quarantined(hsm)), [true, false, false]);
    }

    /// Each thread of an HSM has a memory of its own, and a session is known in all of them; what asks
    /// long after it has ended is answered like before.
    #[test]
    fn a_session_serves_for_the_fleet_until_it_is_renewed() {
        let (hsms, domain) = hsms(0, 3);
        let mut credentials = Vec::new();
        for now in [NOW, NOW.after(SESSION_VALIDITY / 2), NOW.after(2 * SESSION_VALIDITY), NOW] {
            for hsm in &hsms.hsms {
                let reply = hsm.execute(&command(), &[], &domain, now);
                assert!(matches!(reply, Ok(HsmReply::Random { .. })), "{reply:?}");
                credentials.push(hsm.session(now).expect("it is not due"));
            }
        }
        credentials.dedup();
        assert_eq!(credentials.len(), 2, "{credentials:?}");
    }

    #[test]
    fn a_fleet_of_strangers_has_no_key_available() {
        let (hsms, domain) = hsms(2, 0);
        let reply = hsms.ask(&command(), &[], &domain, NOW);
        assert!(matches!(reply, Reply::HsmFault(Fault::NotJoined)), "{reply:?}");
    }

    #[test]
    fn the_fleet_keeps_count_from_many_threads() {
        let (hsms, domain) = hsms(0, 3);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let reply = hsms.ask(&command(), &[], &domain, NOW);
                        assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
                    }
                });
            }
        });
        let fleet = lock(&hsms.fleet);
        assert_eq!([0, 1, 2].map(|hsm| fleet.outstanding(hsm)), [0; 3]);
    }
}
