//! What is known already of the arithmetic that several parties of a protocol do, or several HSMs of a
//! domain: all but the first of them need not do it again.

use crate::recent::Recent;
use kms_core::algorithm::SigningAlgorithm;
use kms_core::crypto::{CryptoBackend, Message, P384_POINT, SecretBytes};
use kms_core::key::KeySpec;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many valid signatures a run remembers.
const REMEMBERED: usize = 64;

/// The signatures of late that are known to be valid, each under a digest of all that its validity hangs
/// on. The HSMs of a domain verify the same orders and domain tokens one after the other, soon after they
/// were signed; the arithmetic of the curve would be most of what a month of a quiet world takes.
#[derive(Clone, Default)]
pub(super) struct Valid(Arc<Mutex<VecDeque<[u8; 32]>>>);

impl Valid {
    fn names(&self) -> MutexGuard<'_, VecDeque<[u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn knows(&self, name: &[u8; 32]) -> bool {
        self.names().iter().rev().any(|known| known == name)
    }

    pub(super) fn remember(&self, name: [u8; 32]) {
        let mut names = self.names();
        if names.len() == REMEMBERED {
            names.pop_front();
        }
        names.push_back(name);
    }
}

/// What the validity of a signature hangs on.
pub(super) fn name_of(
    library: &dyn CryptoBackend,
    (spec, public_key): (KeySpec, &[u8]),
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> [u8; 32] {
    let which = [spec as u8, algorithm as u8, message.kind as u8];
    let lengths = [public_key.len(), signature.len()].map(usize::to_be_bytes).concat();
    library.sha256(&[&which, &lengths, public_key, signature, message.bytes])
}

/// How many keys and shared secrets of agreements a run remembers: those of the HSMs of a world, and of
/// sessions, both sides of which come to their secret shortly after each other.
const AGREED: usize = 256;

/// How many parsed keys a run remembers.
const PARSED: usize = 256;

/// The agreements of late. Both sides come to the same secret, so that whichever comes second may be
/// told.
pub(super) struct Agreements(Mutex<Agreed>);

struct Agreed {
    /// Public points, by the digest of the private scalar.
    publics: Recent<[u8; 32], [u8; P384_POINT]>,
    /// Shared secrets, by the points of both sides, the lower one first.
    shared: Recent<([u8; P384_POINT], [u8; P384_POINT]), SecretBytes>,
}

impl Default for Agreements {
    fn default() -> Agreements {
        let (publics, shared) = (Recent::new(AGREED), Recent::new(AGREED));
        Agreements(Mutex::new(Agreed { publics, shared }))
    }
}

impl Agreements {
    fn agreed(&self) -> MutexGuard<'_, Agreed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the point of a scalar, which is known by its digest.
    pub(super) fn know(&self, private: [u8; 32], public: [u8; P384_POINT]) {
        self.agreed().publics.insert(private, public);
    }

    /// What the other side came to, if it did.
    pub(super) fn shared(&self, own: [u8; 32], peer: &[u8; P384_POINT]) -> Option<SecretBytes> {
        let agreed = self.agreed();
        let public = *agreed.publics.get(&own)?;
        agreed.shared.get(&sides(public, *peer)).cloned()
    }

    /// Takes note of what this side came to.
    pub(super) fn keep(&self, own: [u8; 32], peer: [u8; P384_POINT], shared: SecretBytes) {
        let mut agreed = self.agreed();
        if let Some(public) = agreed.publics.get(&own).copied() {
            agreed.shared.insert(sides(public, peer), shared);
        }
    }
}

fn sides(one: [u8; P384_POINT], other: [u8; P384_POINT]) -> ([u8; P384_POINT], [u8; P384_POINT]) {
    (one.min(other), one.max(other))
}

/// The keys parsed of late, by a digest of their material: every HSM of a domain parses the same ones.
pub(super) struct Keys<K>(Mutex<Recent<[u8; 32], Arc<K>>>);

impl<K> Default for Keys<K> {
    fn default() -> Keys<K> {
        Keys(Mutex::new(Recent::new(PARSED)))
    }
}

impl<K> Keys<K> {
    fn recent(&self) -> MutexGuard<'_, Recent<[u8; 32], Arc<K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of that material, if it was parsed of late.
    pub(super) fn parsed(&self, name: &[u8; 32]) -> Option<Arc<K>> {
        self.recent().get(name).cloned()
    }

    /// Keeps a parsed key, and hands it out.
    pub(super) fn keep(&self, name: [u8; 32], key: K) -> Arc<K> {
        let key = Arc::new(key);
        self.recent().insert(name, key.clone());
        key
    }
}
