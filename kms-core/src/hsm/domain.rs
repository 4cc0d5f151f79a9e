//! The domain of a Region: who belongs to it and which keys wrap its key tokens.
//!
//! Outside an HSM a domain exists only as a domain token, in which the domain keys are encrypted to
//! each member's agreement key. Inside it exists only in volatile memory. One domain key is active,
//! some older ones still open what they sealed, the oldest is dropped at each rotation.

use crate::crypto::{CryptoBackend, CryptoFailure, P384_POINT, P384_SCALAR, SecretKey};
use crate::env::{Random, Site, draw};
use crate::token::DomainEpoch;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many domain keys a domain keeps, the active one among them. Rotation is daily, so this is how
/// many days a re-encryption of key tokens may take.
const KEPT_DOMAIN_KEYS: usize = 4;

/// The public agreement key an HSM is a member by.
pub type MemberKey = [u8; P384_POINT];

const WRAP_LABEL: &[u8] = b"keyquake domain token v1";

/// What an HSM is, as long as it exists: its agreement key. A reset does not take it.
#[derive(Clone)]
pub struct HsmIdentity {
    private: Zeroizing<[u8; P384_SCALAR]>,
    /// The public half.
    pub public: MemberKey,
}

impl HsmIdentity {
    /// A new identity.
    pub fn generate(backend: &dyn CryptoBackend, random: &mut dyn Random) -> HsmIdentity {
        loop {
            let private = Zeroizing::new(draw(random, Site::EphemeralKey));
            if let Ok(public) = backend.p384_public(&private) {
                return HsmIdentity { private, public };
            }
        }
    }

    /// The private scalar, for agreement inside the HSM only.
    pub(super) fn private(&self) -> &[u8; P384_SCALAR] {
        &self.private
    }
}

impl fmt::Debug for HsmIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HsmIdentity({:02x?})", &self.public[1..5])
    }
}

/// A domain key, sealed for one member.
#[derive(Clone, PartialEq, Eq)]
struct SealedDomainKey {
    epoch: DomainEpoch,
    iv: [u8; 12],
    sealed: Vec<u8>,
}

/// A domain as it may be stored: everything but the domain keys is in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainToken {
    /// The active domain key.
    pub active: DomainEpoch,
    /// The member that made the token.
    pub exporter: MemberKey,
    keys: BTreeMap<MemberKey, Vec<SealedDomainKey>>,
}

impl DomainToken {
    /// The first token of a new domain, made on a first HSM for all its members.
    pub fn found(
        founder: &HsmIdentity,
        members: &[MemberKey],
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<DomainToken, CryptoFailure> {
        let domain = Domain {
            members: members.to_vec(),
            keys: VecDeque::from([DomainKey::draw(DomainEpoch(1), random)]),
        };
        domain.export(founder, &mut AgreementCache::default(), backend, random)
    }

    /// The oldest domain key the token still holds: key tokens under older ones are lost.
    pub fn oldest(&self) -> DomainEpoch {
        let epochs = self.keys.values().flatten().map(|key| key.epoch);
        epochs.min().unwrap_or(self.active)
    }
}

impl fmt::Debug for DomainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainToken(epoch {}, {} members)", self.active.0, self.keys.len())
    }
}

/// A domain key in memory.
#[derive(Clone)]
pub(super) struct DomainKey {
    pub(super) epoch: DomainEpoch,
    pub(super) key: SecretKey,
}

impl DomainKey {
    fn draw(epoch: DomainEpoch, random: &mut dyn Random) -> DomainKey {
        DomainKey { epoch, key: SecretKey::new(draw(random, Site::DomainKey)) }
    }
}

/// The domain in an HSM's memory.
#[derive(Clone)]
pub(super) struct Domain {
    members: Vec<MemberKey>,
    /// Oldest first; the last one is active.
    keys: VecDeque<DomainKey>,
}

/// Wrapping keys shared with other members; static agreement gives the same one every time.
#[derive(Clone, Default)]
pub(super) struct AgreementCache(BTreeMap<MemberKey, SecretKey>);

impl AgreementCache {
    fn wrapping_key(
        &mut self,
        own: &HsmIdentity,
        peer: &MemberKey,
        backend: &dyn CryptoBackend,
    ) -> Result<SecretKey, CryptoFailure> {
        if let Some(key) = self.0.get(peer) {
            return Ok(key.clone());
        }
        let shared = backend.p384_agree(own.private(), peer)?;
        let key = wrapping_key(&shared, WRAP_LABEL, backend)?;
        self.0.insert(*peer, key.clone());
        Ok(key)
    }
}

/// A 256-bit wrapping key from an agreed secret of 48 bytes.
pub(super) fn wrapping_key(
    shared: &crate::crypto::SecretBytes,
    label: &[u8],
    backend: &dyn CryptoBackend,
) -> Result<SecretKey, CryptoFailure> {
    let (head, tail) = shared.as_bytes().split_first_chunk::<32>().ok_or(CryptoFailure)?;
    Ok(backend.derive_key(&SecretKey::new(*head), label, tail))
}

impl Domain {
    /// The active domain key.
    pub(super) fn active(&self) -> Option<&DomainKey> {
        self.keys.back()
    }

    /// The domain key of that epoch, if it is still there.
    pub(super) fn key(&self, epoch: DomainEpoch) -> Option<&DomainKey> {
        self.keys.iter().rev().find(|key| key.epoch == epoch)
    }

    /// The same domain with a new active key, and without the oldest if there are enough.
    pub(super) fn rotated(&self, random: &mut dyn Random) -> Domain {
        let mut next = self.clone();
        let epoch = self.active().map_or(0, |key| key.epoch.0);
        next.keys.push_back(DomainKey::draw(DomainEpoch(epoch + 1), random));
        while next.keys.len() > KEPT_DOMAIN_KEYS {
            next.keys.pop_front();
        }
        next
    }

    /// The token of this domain, its keys sealed to each member.
    pub(super) fn export(
        &self,
        exporter: &HsmIdentity,
        cache: &mut AgreementCache,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<DomainToken, CryptoFailure> {
        let active = self.active().ok_or(CryptoFailure)?.epoch;
        let mut keys = BTreeMap::new();
        for member in &self.members {
            let wrapping = cache.wrapping_key(exporter, member, backend)?;
            let sealed = self.keys.iter().map(|key| {
                let iv = draw(random, Site::TokenIv);
                let mut sealed = Vec::with_capacity(48);
                let aad = domain_key_aad(key.epoch, &exporter.public, member);
                backend.seal(&wrapping, &iv, &aad, key.key.as_bytes(), &mut sealed);
                SealedDomainKey { epoch: key.epoch, iv, sealed }
            });
            keys.insert(*member, sealed.collect());
        }
        Ok(DomainToken { active, exporter: exporter.public, keys })
    }

    /// The domain of a token, for a member of it.
    pub(super) fn import(
        token: &Arc<DomainToken>,
        own: &HsmIdentity,
        cache: &mut AgreementCache,
        backend: &dyn CryptoBackend,
    ) -> Result<Domain, CryptoFailure> {
        let wrapping = cache.wrapping_key(own, &token.exporter, backend)?;
        let mut keys = VecDeque::new();
        for sealed in token.keys.get(&own.public).ok_or(CryptoFailure)? {
            let aad = domain_key_aad(sealed.epoch, &token.exporter, &own.public);
            let key = backend.open(&wrapping, &sealed.iv, &aad, &sealed.sealed)?;
            let key = SecretKey::from_slice(key.as_bytes()).ok_or(CryptoFailure)?;
            keys.push_back(DomainKey { epoch: sealed.epoch, key });
        }
        let active = keys.back().map(|key: &DomainKey| key.epoch);
        if active != Some(token.active) {
            return Err(CryptoFailure);
        }
        Ok(Domain { members: token.keys.keys().copied().collect(), keys })
    }
}

fn domain_key_aad(epoch: DomainEpoch, exporter: &MemberKey, member: &MemberKey) -> Vec<u8> {
    let mut aad = Vec::with_capacity(4 + 2 * P384_POINT);
    aad.extend_from_slice(&epoch.0.to_be_bytes());
    aad.extend_from_slice(exporter);
    aad.extend_from_slice(member);
    aad
}
