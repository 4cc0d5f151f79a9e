//! Domain tokens: a domain as it may be stored. Everything but the keys is in the clear, the keys are
//! sealed to each member, and the whole is signed by the HSM that exported it. The token is the trust
//! anchor of a domain (AWS KMS Cryptographic Details, Exported domain tokens).

use super::canon::Canon;
use super::charter::Charter;
use super::identity::{AgreementCache, HsmIdentity, Standing};
use super::order::OrderAt;
use super::signing::SigningKey;
use super::{Domain, DomainKey, MemberKey};
use crate::crypto::{CryptoBackend, CryptoFailure, SecretBytes, SecretKey};
use crate::env::{Random, Site, draw};
use crate::hsm::{Command, Fault};
use crate::token::DomainEpoch;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// The epoch that the replication signing key is sealed as; domain keys count from 1.
const REPLICATION: DomainEpoch = DomainEpoch(0);

/// A key of the domain, sealed for one member.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) epoch: DomainEpoch,
    pub(super) iv: [u8; 12],
    pub(super) sealed: Vec<u8>,
}

/// A domain as it may be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainToken {
    /// Who belongs to it and commands it.
    pub charter: Arc<Charter>,
    /// Counts the states of the domain.
    pub serial: u64,
    /// The active domain key.
    pub active: DomainEpoch,
    /// The member that made the token.
    pub exporter: MemberKey,
    pub(super) keys: BTreeMap<MemberKey, Vec<Sealed>>,
    pub(super) signature: Vec<u8>,
}

impl DomainToken {
    /// The first token of a new domain, made on a first HSM for all its members. `replication` is the
    /// Region's replication signing key.
    ///
    /// # Errors
    /// `Refused` when the charter does not hold together or the founder is no member.
    pub fn found(
        founder: &HsmIdentity,
        charter: Charter,
        replication: &SigningKey,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<DomainToken, Fault> {
        if !charter.is_sound() || !charter.members.contains_key(&founder.public) {
            return Err(Fault::Refused);
        }
        let domain = Domain {
            charter: Arc::new(charter),
            serial: 1,
            keys: VecDeque::from([DomainKey::draw(DomainEpoch(1), random)]),
            replication: replication.clone(),
            standing: Standing::Online,
        };
        let token = domain.export(founder, &mut AgreementCache::default(), backend, random);
        token.map_err(|_| Fault::Refused)
    }

    /// The oldest domain key the token still holds: key tokens under older ones are lost.
    pub fn oldest(&self) -> DomainEpoch {
        let keys = self.keys.values().flatten();
        let epochs = keys.map(|key| key.epoch).filter(|epoch| *epoch != REPLICATION);
        epochs.min().unwrap_or(self.active)
    }

    /// What the exporter signs, and what an order to install the token names.
    pub(in crate::hsm) fn statement(&self) -> Vec<u8> {
        let mut canon = self
            .charter
            .write(Canon::new("keyquake domain token v2"))
            .number(self.serial)
            .number(u64::from(self.active.0))
            .bytes(&self.exporter);
        for (member, keys) in &self.keys {
            canon = canon.bytes(member).number(keys.len() as u64);
            for key in keys {
                canon = canon.number(u64::from(key.epoch.0)).bytes(&key.iv).bytes(&key.sealed);
            }
        }
        canon.done()
    }

    /// The domain state that a command given by somebody who holds this token is for.
    pub(super) fn position_for(&self, command: &Command) -> OrderAt {
        match command {
            Command::Join { token } => token.position(),
            _ => self.position(),
        }
    }

    pub(in crate::hsm) fn position(&self) -> OrderAt {
        OrderAt { region: self.charter.region, serial: self.serial }
    }
}

impl fmt::Debug for DomainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Charter { region, members, operators, .. } = self.charter.as_ref();
        let (serial, epoch) = (self.serial, self.active.0);
        let (members, operators) = (members.len(), operators.len());
        write!(
            f,
            "DomainToken({region} {serial}, epoch {epoch}, {members} HSMs, {operators} operators)"
        )
    }
}

impl Domain {
    /// The token of this domain, its keys sealed to each member.
    pub(in crate::hsm) fn export(
        &self,
        exporter: &HsmIdentity,
        cache: &mut AgreementCache,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<DomainToken, CryptoFailure> {
        let active = self.active().ok_or(CryptoFailure)?.epoch;
        let mut keys = BTreeMap::new();
        for member in self.charter.members.keys() {
            let wrapping = cache.wrapping_key(exporter, member, backend)?;
            let mut seal = |epoch: DomainEpoch, secret: &[u8]| {
                let iv = draw(random, Site::TokenIv);
                let mut sealed = Vec::with_capacity(secret.len() + 16);
                let aad = key_aad(epoch, &exporter.public, member);
                backend.seal(&wrapping, &iv, &aad, secret, &mut sealed);
                Sealed { epoch, iv, sealed }
            };
            let mut of_member = vec![seal(REPLICATION, self.replication.material())];
            of_member.extend(self.keys.iter().map(|key| seal(key.epoch, key.key.as_bytes())));
            keys.insert(*member, of_member);
        }
        let mut token = DomainToken {
            charter: self.charter.clone(),
            serial: self.serial,
            active,
            exporter: exporter.public,
            keys,
            signature: Vec::new(),
        };
        token.signature = exporter.signing().sign(&token.statement(), random)?;
        Ok(token)
    }

    /// The domain of a token, for a member of it.
    pub(in crate::hsm) fn import(
        token: &DomainToken,
        own: &HsmIdentity,
        cache: &mut AgreementCache,
        backend: &dyn CryptoBackend,
    ) -> Result<Domain, CryptoFailure> {
        let exporter = token.charter.members.get(&token.exporter).ok_or(CryptoFailure)?;
        exporter.signing.verify(backend, &token.statement(), &token.signature)?;
        let wrapping = cache.wrapping_key(own, &token.exporter, backend)?;
        let mut keys = VecDeque::new();
        let mut replication = None;
        for sealed in token.keys.get(&own.public).ok_or(CryptoFailure)? {
            let secret = open(sealed, token, own, &wrapping, backend)?;
            match sealed.epoch {
                REPLICATION => replication = Some(cache.replication(secret, backend)?),
                epoch => {
                    let key = SecretKey::from_slice(secret.as_bytes()).ok_or(CryptoFailure)?;
                    keys.push_back(DomainKey { epoch, key });
                }
            }
        }
        let active = keys.back().map(|key: &DomainKey| key.epoch);
        if active != Some(token.active) {
            return Err(CryptoFailure);
        }
        let replication = replication.ok_or(CryptoFailure)?;
        let standing = token.charter.standing_of(&own.public).ok_or(CryptoFailure)?;
        let (charter, serial) = (token.charter.clone(), token.serial);
        Ok(Domain { charter, serial, keys, replication, standing })
    }
}

fn open(
    sealed: &Sealed,
    token: &DomainToken,
    own: &HsmIdentity,
    wrapping: &SecretKey,
    backend: &dyn CryptoBackend,
) -> Result<SecretBytes, CryptoFailure> {
    let aad = key_aad(sealed.epoch, &token.exporter, &own.public);
    backend.open(wrapping, &sealed.iv, &aad, &sealed.sealed)
}

fn key_aad(epoch: DomainEpoch, exporter: &MemberKey, member: &MemberKey) -> Vec<u8> {
    let mut aad = Vec::with_capacity(4 + exporter.len() + member.len());
    aad.extend_from_slice(&epoch.0.to_be_bytes());
    aad.extend_from_slice(exporter);
    aad.extend_from_slice(member);
    aad
}
