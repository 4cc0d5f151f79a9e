//! The HSMs of a Region in this process: some identities of one domain, each with as many commands at once
//! as there are cores.
//!
//! Which one is asked is the core's decision, as in the simulator. A command runs on the thread that asks,
//! so it cannot be lost on the way, and there is nobody to overtake it: of the fleet's means, a hedge has
//! nothing to do here. An HSM that took longer than it may counts as sick all the same.

use super::lock;
use crate::random::random;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    Command, DomainToken, Ending, Fault, Fleet, FleetParameters, HsmDevice, HsmIdentity, HsmIndex,
    Mandate, OperatorKey, Purpose, Reply as HsmReply, Route,
};
use kms_core::name::TokenId;
use kms_core::step::Reply;
use kms_core::token::KeyToken;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// The HSMs, and what is known of them.
pub(super) struct Hsms {
    hsms: Vec<Hsm>,
    fleet: Mutex<Fleet>,
    began: Instant,
    asked: AtomicU64,
}

/// The sessions of one HSM.
struct Hsm {
    sessions: Vec<Mutex<HsmDevice>>,
    next: AtomicUsize,
    /// What this host orders the HSM with: to join, and to make fresh domain keys.
    host: OperatorKey,
}

impl Hsms {
    /// HSMs that have joined no domain, and listen to a host.
    pub(super) fn new(
        identities: &[HsmIdentity],
        host: &OperatorKey,
        backend: &Arc<dyn CryptoBackend>,
        parameters: FleetParameters,
    ) -> Hsms {
        let hsm = |identity| Hsm::new(identity, host.clone(), backend);
        Hsms {
            hsms: identities.iter().map(hsm).collect(),
            fleet: Mutex::new(Fleet::new(identities.len(), parameters)),
            began: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }

    /// Has a command carried out in the domain of this token, by one HSM after another until one does
    /// it, says that it cannot be done, or there is none left to ask.
    pub(super) fn ask(
        &self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
    ) -> Reply {
        let (mut tried, mut refusal) = (Vec::with_capacity(1), None);
        loop {
            let hsm = match self.route(&tried) {
                Route::Ask(hsm) => hsm,
                Route::Saturated => return Reply::HsmFault(refusal.unwrap_or(Fault::Busy)),
                Route::Exhausted => return refusal.map_or(Reply::TimedOut, Reply::HsmFault),
            };
            tried.push(hsm);
            match self.execute(hsm, command, tokens, domain) {
                Ok(Some(reply)) => return Reply::Hsm(reply),
                Ok(None) => {}
                Err(fault) if fault.is_of_the_hsm() => refusal = Some(fault),
                Err(fault) => return Reply::HsmFault(fault),
            }
        }
    }

    fn route(&self, tried: &[HsmIndex]) -> Route {
        let purpose = if tried.is_empty() { Purpose::First } else { Purpose::Retry };
        let draw = self.asked.fetch_add(1, Ordering::Relaxed);
        lock(&self.fleet).route(self.began.elapsed(), purpose, tried, draw)
    }

    /// One HSM's answer; none when what it says cannot be the answer.
    fn execute(
        &self,
        hsm: HsmIndex,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
    ) -> Result<Option<HsmReply>, Fault> {
        let began = Instant::now();
        let result = self.hsms[hsm].execute(command, tokens, domain);
        let result =
            result.map(|reply| command.is_answered_by(&reply, domain.active).then_some(reply));
        let mut fleet = lock(&self.fleet);
        let late = began.elapsed() > fleet.timeout(command);
        let ending = match &result {
            Ok(Some(_)) if !late => Ending::Answered,
            Err(fault) if !late && !fault.is_of_the_hsm() => Ending::Answered,
            _ => Ending::Failed,
        };
        let _ = fleet.ended(self.began.elapsed(), hsm, ending);
        result
    }

    /// Wipes what is in memory of a backing key whose token is erased.
    pub(super) fn forget(&self, erased: TokenId) {
        let sessions = self.hsms.iter().flat_map(|hsm| &hsm.sessions);
        sessions.for_each(|session| lock(session).forget(erased));
    }

    /// Whether an HSM is left alone at the moment.
    #[cfg(test)]
    fn is_quarantined(&self, hsm: HsmIndex) -> bool {
        lock(&self.fleet).is_quarantined(self.began.elapsed(), hsm)
    }
}

impl Hsm {
    fn new(identity: &HsmIdentity, host: OperatorKey, backend: &Arc<dyn CryptoBackend>) -> Hsm {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let session = |_| Mutex::new(HsmDevice::new(identity.clone(), backend.clone()));
        Hsm { sessions: (0..cores).map(session).collect(), next: AtomicUsize::new(0), host }
    }

    /// A session that is in an older state of the domain, or in none, joins first.
    fn execute(
        &self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
    ) -> Result<HsmReply, Fault> {
        let mut session = self.session();
        if session.serial() < Some(domain.serial) {
            let join = Command::Join { token: domain.clone() };
            self.order(&mut session, &join, domain).map_err(|_| Fault::NotJoined)?;
        }
        match command.is_order() {
            true => self.order(&mut session, command, domain),
            false => session.serve(command, tokens, domain.active, &mut random()),
        }
    }

    fn order(
        &self,
        session: &mut HsmDevice,
        order: &Command,
        domain: &DomainToken,
    ) -> Result<HsmReply, Fault> {
        let mandate = Mandate::new(order, domain, [&self.host], &mut random());
        session.manage(order, &mandate, &mut random())
    }

    /// A session that is free, or else the next one in turn.
    fn session(&self) -> MutexGuard<'_, HsmDevice> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = |turn: usize| &self.sessions[(first + turn) % self.sessions.len()];
        let free = (0..self.sessions.len()).find_map(|number| turn(number).try_lock().ok());
        free.unwrap_or_else(|| lock(turn(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::crypto::Production;
    use kms_core::name::RegionName;
    use std::time::Duration;

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
        let parameters =
            FleetParameters { quarantine: Duration::from_secs(60), ..Default::default() };
        (Hsms::new(&all, domain.host(), &backend, parameters), domain.token.clone())
    }

    const COMMAND: Command = Command::GenerateRandom { bytes: 32 };

    #[test]
    fn an_hsm_that_is_not_of_the_domain_is_passed_over_and_left_alone() {
        let (hsms, domain) = hsms(1, 2);
        for _ in 0..20 {
            let reply = hsms.ask(&COMMAND, &[], &domain);
            assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
        }
        assert_eq!([0, 1, 2].map(|hsm| hsms.is_quarantined(hsm)), [true, false, false]);
    }

    #[test]
    fn a_fleet_of_strangers_has_no_key_available() {
        let (hsms, domain) = hsms(2, 0);
        let reply = hsms.ask(&COMMAND, &[], &domain);
        assert!(matches!(reply, Reply::HsmFault(Fault::NotJoined)), "{reply:?}");
    }

    #[test]
    fn the_fleet_keeps_count_from_many_threads() {
        let (hsms, domain) = hsms(0, 3);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let reply = hsms.ask(&COMMAND, &[], &domain);
                        assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
                    }
                });
            }
        });
        let fleet = lock(&hsms.fleet);
        assert_eq!([0, 1, 2].map(|hsm| fleet.outstanding(hsm)), [0; 3]);
    }
}
