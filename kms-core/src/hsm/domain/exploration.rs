//! Every way a small domain can go: all interleavings of join, leave, rotation, re-encryption, crash,
//! expulsion and readmission of up to four HSMs, to a depth of eight.
//!
//! What must hold in every state: the key token of a key that exists opens again once the members are
//! given the newest domain token. Nothing short of destroying the HSMs loses a live domain key; and
//! with a member in a safe, not even destroying every HSM that serves.

use super::double::Double;
use super::{DomainChange, HsmIdentity, Mandate, OperatorKey, Standing};
use crate::crypto::CryptoBackend;
use crate::env::Timestamp;
use crate::hsm::{Command, DomainToken, Fault, Founded, HsmDevice, Reply, Session, Within, found};
use crate::key::KeySpec;
use crate::local::SeededRandom;
use crate::name::{KeyId, RegionName};
use crate::token::{DomainEpoch, KeyToken};
use std::collections::BTreeSet;
use std::sync::Arc;

const DEPTH: usize = 8;
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

#[derive(Clone, Copy, Debug)]
enum Move {
    Join(usize),
    Leave(usize),
    Rotate(usize),
    Reencrypt(usize),
    Crash(usize),
    Destroy(usize),
    Expel(usize, usize),
    Admit(usize, usize),
}

/// Some HSMs, the newest domain token and the key token of one key, as the journal has them.
#[derive(Clone)]
struct World {
    devices: Vec<HsmDevice>,
    domain: Arc<Founded>,
    token: Arc<DomainToken>,
    key: Arc<KeyToken>,
    /// The host's, of which every HSM has to know as long as it has the domain key of then.
    session: Session,
    /// Whether the host rotates only once every key token is under the active domain key.
    waits: bool,
    /// Whether HSMs that serve may be destroyed.
    destroys: bool,
}

/// All of a world that matters for what can happen next, whichever HSM is which.
type Shape = (Vec<(bool, bool, Option<u64>)>, u64, DomainEpoch, DomainEpoch);

impl World {
    fn new(hsms: usize) -> World {
        let backend: Arc<dyn CryptoBackend> = Arc::new(Double);
        let random = &mut SeededRandom::new(1);
        let region = RegionName::parse("us-east-1").unwrap();
        let identities: Vec<_> =
            (0..hsms).map(|_| HsmIdentity::generate(backend.as_ref(), random)).collect();
        let mut domains = found(&[(region, identities.clone())], backend.as_ref(), random).unwrap();
        let domain = domains.remove(&region).unwrap();
        let device = |identity| HsmDevice::new(identity, backend.clone());
        let mut devices: Vec<_> = identities.into_iter().map(device).collect();
        let token = domain.token.clone();
        for device in &mut devices {
            let host = [domain.host()];
            let mandate = Mandate::new(&domain.join(), &token, host, random);
            device.manage(&domain.join(), &mandate, random).unwrap();
        }
        let (key, spec) = (KeyId::single_region([1; 16]), KeySpec::SymmetricDefault);
        let generate = Command::GenerateBackingKey { key, spec };
        let session = Session::with(&mut devices[0], &token, domain.host(), NOW, random).unwrap();
        let within = Within { session: Some(session.credential()), now: NOW };
        let made = devices[0].execute(&generate, &[], within, random);
        let Ok(Reply::BackingKey { token: key, .. }) = made else { panic!("{made:?}") };
        let domain = Arc::new(domain);
        World { devices, domain, token, key, session, waits: true, destroys: false }
    }

    /// HSMs that serve and may be destroyed, and one in a safe.
    fn guarded(hsms: usize) -> World {
        let mut world = World::new(hsms);
        let safe = world.new_hsm(7);
        let member = world.devices[safe].identity().member().offline();
        world.change(0, DomainChange::Admit(member));
        World { destroys: true, ..world }
    }

    /// An HSM that no domain knows of.
    fn new_hsm(&mut self, seed: u64) -> usize {
        let identity = HsmIdentity::generate(&Double, &mut SeededRandom::new(seed));
        self.devices.push(HsmDevice::new(identity, Arc::new(Double)));
        self.devices.len() - 1
    }

    /// Has an HSM execute a command. It knows the host's session if, and only if, it has the domain key
    /// that the session token is under; where it does not, the two begin another one.
    fn execute(&mut self, at: usize, command: &Command) -> Result<Reply, Fault> {
        let (key, random) = (self.key.clone(), &mut SeededRandom::new(3));
        let device = &mut self.devices[at];
        let epoch = self.session.credential().token.epoch;
        let serving = device.domain.as_ref().filter(|domain| domain.standing == Standing::Online);
        let knows = serving.map(|domain| domain.key(epoch).is_some());
        let within = Within { session: Some(self.session.credential()), now: NOW };
        let result = device.execute(command, std::slice::from_ref(&key), within, random);
        match (knows, &result) {
            (Some(true), Err(Fault::NoSession)) => panic!("it has the domain key"),
            (Some(false), Err(Fault::NoSession | Fault::UnknownDomainKey))
            | (Some(true) | None, _) => {}
            (Some(false), other) => panic!("it has not the domain key: {other:?}"),
        }
        if result != Err(Fault::NoSession) {
            return result;
        }
        self.session = Session::with(device, &self.token, self.domain.host(), NOW, random)?;
        let within = Within { session: Some(self.session.credential()), now: NOW };
        self.devices[at].execute(command, &[key], within, random)
    }

    fn is_in_a_safe(&self, at: usize) -> bool {
        let own = self.devices[at].identity().public;
        self.token.charter.standing_of(&own) == Some(Standing::Offline)
    }

    fn join(&mut self, at: usize) -> Result<Reply, Fault> {
        let join = Command::Join { token: self.token.clone() };
        self.order(at, &join, self.is_in_a_safe(at))
    }

    fn order(&mut self, at: usize, order: &Command, people: bool) -> Result<Reply, Fault> {
        let random = &mut SeededRandom::new(2);
        let everybody = self.domain.operators.iter();
        let signers: Vec<&OperatorKey> = match people {
            true => self.domain.people().collect(),
            false => everybody.filter(|key| key.public() == self.domain.host().public()).collect(),
        };
        let mandate = Mandate::new(order, &self.token, signers, random);
        self.devices[at].manage(order, &mandate, random)
    }

    fn moves(&self) -> Vec<Move> {
        let hsms = 0..self.devices.len();
        let alone = hsms.clone().flat_map(|at| {
            [
                Move::Join(at),
                Move::Leave(at),
                Move::Rotate(at),
                Move::Reencrypt(at),
                Move::Crash(at),
            ]
        });
        let pairs = hsms.clone().flat_map(|by| hsms.clone().map(move |whom| (by, whom)));
        let pairs = pairs.flat_map(|(by, at)| [Move::Expel(by, at), Move::Admit(by, at)]);
        let destroys = hsms.clone().filter(|_| self.destroys).map(Move::Destroy);
        let touches_a_safe = |play: &Move| match play {
            Move::Expel(_, at) | Move::Destroy(at) => self.is_in_a_safe(*at),
            _ => false,
        };
        alone.chain(pairs).chain(destroys).filter(|play| !touches_a_safe(play)).collect()
    }

    /// Makes a move.
    fn play(&mut self, play: Move) {
        match play {
            Move::Join(at) => {
                let _ = self.join(at);
            }
            Move::Leave(at) => {
                let _ = self.order(at, &Command::Leave, true);
            }
            Move::Rotate(at) if !self.waits || self.key.epoch == self.token.active => {
                let rotate = Command::RotateDomainKey { from: self.token.active };
                let reply = self.order(at, &rotate, false);
                self.take(reply);
            }
            Move::Rotate(_) => {}
            Move::Reencrypt(at) => self.reencrypt(at),
            Move::Crash(at) => self.devices[at].reset(),
            Move::Destroy(at) => {
                let new = self.new_hsm(100 * self.token.serial + at as u64);
                self.devices.swap_remove(at);
                assert_eq!(new, self.devices.len());
            }
            Move::Expel(by, whom) => {
                let member = self.devices[whom].identity().public;
                self.change(by, DomainChange::Expel(member));
            }
            Move::Admit(by, whom) => {
                let member = self.devices[whom].identity().member();
                if !self.token.charter.members.contains_key(&member.agreement) {
                    self.change(by, DomainChange::Admit(member));
                }
            }
        }
    }

    fn change(&mut self, by: usize, change: DomainChange) {
        let reply = self.order(by, &Command::ChangeDomain { change: Box::new(change) }, true);
        self.take(reply);
    }

    /// The journal takes a new domain token only after the newest one.
    fn take(&mut self, reply: Result<Reply, Fault>) {
        if let Ok(Reply::Domain { token }) = reply {
            assert_eq!(token.serial, self.token.serial + 1, "an HSM exported from an old state");
            self.token = token;
        }
    }

    fn reencrypt(&mut self, at: usize) {
        let command = Command::ReencryptTokens {
            tokens: vec![(self.key.key, self.key.id)],
            under: self.token.active,
        };
        if let Ok(Reply::Tokens { tokens }) = self.execute(at, &command) {
            self.key = tokens[0].clone();
        }
    }

    fn shape(&self) -> Shape {
        let mut hsms: Vec<_> = self
            .devices
            .iter()
            .map(|device| {
                let standing = self.token.charter.standing_of(&device.identity().public);
                (standing.is_some(), standing == Some(Standing::Offline), device.serial())
            })
            .collect();
        hsms.sort_unstable();
        (hsms, self.token.serial, self.token.active, self.key.epoch)
    }

    /// Whether the key can still be used, once every member starts from an empty memory.
    fn recovers(&self) -> bool {
        (0..self.devices.len()).any(|at| match self.is_in_a_safe(at) {
            true => self.clone().founds_again(at),
            false => self.clone().opens_again(at),
        })
    }

    fn opens_again(&mut self, at: usize) -> bool {
        self.devices[at].reset();
        let again = Command::ReencryptTokens {
            tokens: vec![(self.key.key, self.key.id)],
            under: self.token.active,
        };
        self.join(at).is_ok() && self.execute(at, &again).is_ok()
    }

    /// The way back through the safe: people give the HSM in it the domain, and admit a new one.
    fn founds_again(&mut self, safe: usize) -> bool {
        self.devices[safe].reset();
        let new = self.new_hsm(5);
        let member = self.devices[new].identity().member();
        self.join(safe).is_ok() && {
            self.change(safe, DomainChange::Admit(member));
            self.opens_again(new)
        }
    }
}

/// Goes through every state within reach, and returns how many there are; the first that does not
/// recover ends it.
fn explore(first: World) -> Result<usize, String> {
    let mut seen = BTreeSet::from([first.shape()]);
    let mut front = vec![first];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for world in &front {
            for play in world.moves() {
                let mut after = world.clone();
                after.play(play);
                if seen.insert(after.shape()) {
                    if !after.recovers() {
                        return Err(format!("{play:?} leads to {:?}", after.shape()));
                    }
                    next.push(after);
                }
            }
        }
        front = next;
    }
    Ok(seen.len())
}

#[test]
fn no_interleaving_loses_a_live_domain_key() {
    for (hsms, states) in [(1, 15), (2, 152), (3, 478), (4, 1012)] {
        assert_eq!(explore(World::new(hsms)), Ok(states), "states of {hsms} HSMs");
    }
}

#[test]
fn with_a_member_in_a_safe_every_other_hsm_may_be_destroyed() {
    for (hsms, states) in [(1, 15), (2, 152), (3, 478)] {
        let found = explore(World::guarded(hsms)).unwrap();
        assert!(found > states, "{found} states of {hsms} HSMs and one in a safe");
    }
}

#[test]
fn without_one_the_destruction_of_all_is_found() {
    let unguarded = World { destroys: true, ..World::new(2) };
    assert!(explore(unguarded).is_err());
}

/// A host that rotates without waiting for the re-encryption does lose the key, and the exploration
/// says so.
#[test]
fn a_host_that_does_not_wait_is_found() {
    let hasty = World { waits: false, ..World::new(2) };
    assert!(explore(hasty).is_err());
}
