//! Every way a small domain can go: all interleavings of join, leave, rotation, re-encryption, crash,
//! expulsion and readmission of up to four HSMs, to a depth of eight.
//!
//! What must hold in every state: the key token of a key that exists opens again once the members are
//! given the newest domain token. Nothing short of destroying the HSMs loses a live domain key.

use super::double::Double;
use super::{DomainChange, HsmIdentity, Mandate, OperatorKey};
use crate::crypto::CryptoBackend;
use crate::hsm::{BackingKeyRef, Command, DomainToken, Fault, Founded, HsmDevice, Reply, found};
use crate::key::KeySpec;
use crate::local::SeededRandom;
use crate::name::{KeyId, RegionName};
use crate::token::{DomainEpoch, KeyToken};
use std::collections::BTreeSet;
use std::sync::Arc;

const DEPTH: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Move {
    Join(usize),
    Leave(usize),
    Rotate(usize),
    Reencrypt(usize),
    Crash(usize),
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
    /// Whether the host rotates only once every key token is under the active domain key.
    waits: bool,
}

/// All of a world that matters for what can happen next, whichever HSM is which.
type Shape = (Vec<(bool, Option<u64>)>, u64, DomainEpoch, DomainEpoch);

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
        let Ok(Reply::BackingKey { token: key, .. }) = devices[0].execute(&generate, &[], random)
        else {
            panic!("an HSM of the domain makes a key")
        };
        World { devices, domain: Arc::new(domain), token, key, waits: true }
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
        alone.chain(pairs.flat_map(|(by, at)| [Move::Expel(by, at), Move::Admit(by, at)])).collect()
    }

    /// Makes a move.
    fn play(&mut self, play: Move) {
        match play {
            Move::Join(at) => {
                let join = Command::Join { token: self.token.clone() };
                let _ = self.order(at, &join, false);
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
        let command =
            Command::ReencryptTokens { tokens: vec![self.key.id], under: self.token.active };
        let random = &mut SeededRandom::new(3);
        if let Ok(Reply::Tokens { tokens }) =
            self.devices[at].execute(&command, std::slice::from_ref(&self.key), random)
        {
            self.key = tokens[0].clone();
        }
    }

    fn shape(&self) -> Shape {
        let mut hsms: Vec<_> = self
            .devices
            .iter()
            .map(|device| {
                let member = self.token.charter.members.contains_key(&device.identity().public);
                (member, device.serial())
            })
            .collect();
        hsms.sort_unstable();
        (hsms, self.token.serial, self.token.active, self.key.epoch)
    }

    /// Whether the key can still be used, once every member starts from an empty memory.
    fn recovers(&self) -> bool {
        let mut later = self.clone();
        let random = &mut SeededRandom::new(4);
        let with =
            BackingKeyRef { key: self.key.key, material: self.key.material, token: self.key.id };
        (0..later.devices.len()).any(|at| {
            later.devices[at].reset();
            let join = Command::Join { token: later.token.clone() };
            let joined = later.order(at, &join, false).is_ok();
            let export =
                Command::ReencryptTokens { tokens: vec![with.token], under: later.token.active };
            joined
                && later.devices[at]
                    .execute(&export, std::slice::from_ref(&later.key), random)
                    .is_ok()
        })
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

/// A host that rotates without waiting for the re-encryption does lose the key, and the exploration
/// says so.
#[test]
fn a_host_that_does_not_wait_is_found() {
    let hasty = World { waits: false, ..World::new(2) };
    assert!(explore(hasty).is_err());
}
