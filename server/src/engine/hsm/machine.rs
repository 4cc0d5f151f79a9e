//! One HSM of this process: as many commands at once as there are cores, and key pairs beside them.
//!
//! To search for the primes of an RSA key takes seconds, so that has lanes of its own: other commands never
//! wait for it.

use super::crew::Crew;
use super::host::Host;
use super::lock;
use super::question::Order;
use super::stage::{Stage, nanos};
use crate::random::random;
use kms_core::Timestamp;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    Command, DomainToken, Fault, HsmDevice, HsmIdentity, Mandate, Reply, Session, Within,
};
use kms_core::name::TokenId;
use kms_core::token::KeyToken;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

#[cfg(test)]
use kms_core::hsm::Credential;
#[cfg(test)]
use std::sync::{MutexGuard, atomic::AtomicUsize};

/// How many commands an HSM carries out at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Of those that search for primes.
    pub(super) searches: usize,
    /// Of all others.
    pub(super) others: usize,
}

impl Width {
    /// What suits this machine: others go on while primes are searched for.
    pub(super) fn of_machine() -> Width {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Width { searches: (cores / 2).max(1), others: cores }
    }
}

/// One HSM.
pub(super) struct Hsm {
    searches: Lanes,
    others: Lanes,
    host: Arc<Host>,
    /// From when the fleet counts time.
    began: Instant,
}

/// Some lanes, and the queue before them.
struct Lanes {
    lanes: Vec<Lane>,
    crew: Crew,
    /// When a command ended last, on the fleet's clock, in nanoseconds.
    alive: AtomicU64,
    /// How much longer commands take than they have to; who holds it makes them hang.
    #[cfg(test)]
    drag: Mutex<Duration>,
    /// How many commands have been begun.
    #[cfg(test)]
    begun: AtomicUsize,
}

/// What carries out one command at a time, and has a memory of its own.
struct Lane {
    device: Mutex<HsmDevice>,
    /// What is to be wiped from its memory as soon as it is free.
    erased: Mutex<Vec<TokenId>>,
}

impl Hsm {
    /// An HSM that has joined no domain, and listens to a host.
    pub(super) fn new(
        identity: &HsmIdentity,
        host: &Arc<Host>,
        backend: &Arc<dyn CryptoBackend>,
        session_validity: Duration,
        width: Width,
        began: Instant,
    ) -> Hsm {
        let device = || {
            let device = HsmDevice::new(identity.clone(), backend.clone());
            device.with_session_validity(session_validity)
        };
        Hsm {
            searches: Lanes::new(width.searches, device),
            others: Lanes::new(width.others, device),
            host: host.clone(),
            began,
        }
    }

    /// Puts a command in the queue, and gives the answer once it has been carried out, unless it is
    /// withdrawn before it begins.
    pub(super) fn take_on(
        self: &Arc<Self>,
        order: Order,
        stage: Arc<Stage>,
        answer: impl FnOnce(Result<Reply, Fault>) + Send + 'static,
    ) {
        let (hsm, crew) = (self.clone(), &self.lanes(&order.command).crew);
        let carry_out = move |number: usize| {
            let lanes = hsm.lanes(&order.command);
            if !stage.begin(hsm.began.elapsed()) {
                return;
            }
            #[cfg(test)]
            lanes.drag();
            let result = lanes.lanes[number].with(|device| hsm.execute(device, &order));
            lanes.alive.store(nanos(hsm.began.elapsed()), Ordering::Release);
            answer(result);
        };
        crew.submit(Box::new(carry_out));
    }

    /// When a command ended last of those that this one queues with, on the fleet's clock.
    pub(super) fn alive(&self, command: &Command) -> Duration {
        Duration::from_nanos(self.lanes(command).alive.load(Ordering::Acquire))
    }

    fn lanes(&self, command: &Command) -> &Lanes {
        match command.searches_for_primes() {
            true => &self.searches,
            false => &self.others,
        }
    }

    /// A lane that is in an older state of the domain, or in none, joins first.
    fn execute(&self, device: &mut HsmDevice, order: &Order) -> Result<Reply, Fault> {
        let Order { command, tokens, domain, now } = order;
        if device.serial() < Some(domain.serial) {
            let join = Command::Join { token: domain.clone() };
            self.order(device, &join, domain).map_err(|_| Fault::NotJoined)?;
        }
        match command.is_order() {
            true => self.order(device, command, domain),
            false => self.serve(device, (command, tokens), domain, *now),
        }
    }

    /// In the session of the host, or a new one where this HSM does not know it.
    fn serve(
        &self,
        device: &mut HsmDevice,
        (command, tokens): (&Command, &[Arc<KeyToken>]),
        domain: &DomainToken,
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let serve = |device: &mut HsmDevice, session: &Session| {
            let within = Within { session: Some(session.credential()), now };
            device.serve(command, tokens, within, domain.active, &mut random())
        };
        let known = self.host.session(now).map(|session| serve(device, &session));
        match known {
            None | Some(Err(Fault::NoSession)) => {
                let session = self.host.begin(device, domain, now)?;
                serve(device, &session)
            }
            Some(result) => result,
        }
    }

    fn order(
        &self,
        device: &mut HsmDevice,
        order: &Command,
        domain: &DomainToken,
    ) -> Result<Reply, Fault> {
        let mandate = Mandate::new(order, domain, [self.host.key()], &mut random());
        device.manage(order, &mandate, &mut random())
    }

    /// Wipes what is in memory of a backing key whose token is erased: at once where a lane is free, and
    /// otherwise when it has done what it does. Nobody waits for that.
    pub(super) fn forget(&self, erased: TokenId) {
        let lanes = self.searches.lanes.iter().chain(&self.others.lanes);
        lanes.for_each(|lane| lane.forget(erased));
    }

    /// Has a command carried out here and now.
    #[cfg(test)]
    pub(super) fn carry_out(&self, order: &Order) -> Result<Reply, Fault> {
        let lanes = self.lanes(&order.command);
        lanes.lanes[0].with(|device| self.execute(device, order))
    }

    /// What the host's session is known by, if it is not due.
    #[cfg(test)]
    pub(super) fn session(&self, now: Timestamp) -> Option<Arc<Credential>> {
        self.host.session(now).map(|session| session.credential().clone())
    }

    /// Makes every command hang that has begun, or begins, meanwhile.
    #[cfg(test)]
    pub(super) fn hold(&self) -> [MutexGuard<'_, Duration>; 2] {
        [&self.searches, &self.others].map(|lanes| lock(&lanes.drag))
    }

    /// As `hold`, for searches for primes alone.
    #[cfg(test)]
    pub(super) fn hold_searches(&self) -> MutexGuard<'_, Duration> {
        lock(&self.searches.drag)
    }

    /// How many commands have been begun, searches for primes aside.
    #[cfg(test)]
    pub(super) fn carried_out(&self) -> usize {
        self.others.begun.load(Ordering::Relaxed)
    }

    /// Makes every command take so much longer.
    #[cfg(test)]
    pub(super) fn drag(&self, by: Duration) {
        self.hold().iter_mut().for_each(|drag| **drag = by);
    }
}

impl Lanes {
    fn new(count: usize, device: impl Fn() -> HsmDevice) -> Lanes {
        let lane = |_| Lane { device: Mutex::new(device()), erased: Mutex::default() };
        Lanes {
            lanes: (0..count).map(lane).collect(),
            crew: Crew::new(count),
            alive: AtomicU64::new(0),
            #[cfg(test)]
            drag: Mutex::default(),
            #[cfg(test)]
            begun: AtomicUsize::default(),
        }
    }

    #[cfg(test)]
    fn drag(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let by = *lock(&self.drag);
        std::thread::sleep(by);
    }
}

impl Lane {
    /// Does something with the device, and wipes afterwards what was erased meanwhile.
    fn with<T>(&self, work: impl FnOnce(&mut HsmDevice) -> T) -> T {
        let result = work(&mut lock(&self.device));
        self.wipe();
        result
    }

    fn forget(&self, erased: TokenId) {
        lock(&self.erased).push(erased);
        self.wipe();
    }

    /// Wipes what is erased, unless the device is at work: then it does so itself, later.
    fn wipe(&self) {
        while !lock(&self.erased).is_empty() {
            let mut device = match self.device.try_lock() {
                Ok(device) => device,
                Err(TryLockError::Poisoned(broken)) => broken.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let erased = std::mem::take(&mut *lock(&self.erased));
            erased.into_iter().for_each(|token| device.forget(token));
        }
    }
}
