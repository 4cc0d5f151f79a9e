//! Backing keys that an HSM has unwrapped and parsed already. Parsing an RSA key costs more than many
//! a signature with it, and a busy key comes in with every command.
//!
//! The cache is volatile as everything in an HSM, bounded, and decides nothing: a key is found only by
//! the very token it came in, bit for bit, so a hit answers what a miss would have. What is dropped is
//! wiped, because every kind of key wipes itself. Two generations stand in for an order of use: when
//! the recent one is full it becomes the older one, and what was not used since is gone.

use crate::ciphertext::KDF_LABEL;
use crate::crypto::{
    CryptoBackend, CryptoFailure, DerivationKey, PrivateKey, SecretBytes, SecretKey,
};
use crate::hsm::Fault;
use crate::key::KeySpec;
use crate::name::TokenId;
use crate::table::Table;
use crate::token::KeyToken;
use std::mem;
use std::sync::Arc;

/// How many parsed keys an HSM keeps unless said: some megabytes of RSA-4096 keys at most, and more
/// keys than a Region uses often at once.
pub const CACHED_KEYS: usize = 1024;

/// A backing key, ready for use.
pub(super) enum Parsed {
    /// Derives message keys.
    Symmetric(Box<dyn DerivationKey>),
    /// Authenticates messages, by the algorithm of its spec.
    Mac(KeySpec, SecretBytes),
    /// Signs, opens and agrees.
    Pair(Box<dyn PrivateKey>),
}

impl Parsed {
    /// This is the one place where a backing key is parsed.
    pub(super) fn of(
        spec: KeySpec,
        material: SecretBytes,
        backend: &dyn CryptoBackend,
    ) -> Result<Parsed, CryptoFailure> {
        match spec {
            KeySpec::SymmetricDefault => {
                let key = SecretKey::from_slice(material.as_bytes());
                let ready = |key| Parsed::Symmetric(backend.derivation_key(&key, KDF_LABEL));
                key.map(ready).ok_or(CryptoFailure)
            }
            _ if spec.is_asymmetric() => backend.load(spec, &material).map(Parsed::Pair),
            _ => Ok(Parsed::Mac(spec, material)),
        }
    }

    /// The key, if it is a symmetric encryption key.
    pub(super) fn symmetric(&self) -> Result<&dyn DerivationKey, Fault> {
        match self {
            Parsed::Symmetric(key) => Ok(key.as_ref()),
            _ => Err(Fault::BadToken),
        }
    }

    /// The key, if it is a private key.
    pub(super) fn pair(&self) -> Result<&dyn PrivateKey, Fault> {
        match self {
            Parsed::Pair(key) => Ok(key.as_ref()),
            _ => Err(Fault::BadToken),
        }
    }
}

#[derive(Clone)]
struct Entry {
    token: Arc<KeyToken>,
    key: Arc<Parsed>,
}

type Generation = Table<TokenId, Entry>;

/// The keys.
#[derive(Clone)]
pub(in crate::hsm) struct KeyCache {
    capacity: usize,
    recent: Generation,
    older: Generation,
}

impl KeyCache {
    /// An empty cache for so many keys.
    pub(super) fn new(capacity: usize) -> KeyCache {
        KeyCache { capacity, recent: Table::new(), older: Table::new() }
    }

    /// The key that came in this token.
    pub(super) fn get(&mut self, token: &Arc<KeyToken>) -> Option<Arc<Parsed>> {
        if let Some(entry) = self.recent.get(&token.id) {
            return (entry.token == *token).then(|| entry.key.clone());
        }
        let entry = self.older.remove(&token.id).filter(|entry| entry.token == *token)?;
        self.put(&entry.token, &entry.key);
        Some(entry.key)
    }

    /// Keeps the key that came in this token.
    pub(super) fn put(&mut self, token: &Arc<KeyToken>, key: &Arc<Parsed>) {
        if self.capacity == 0 {
            return;
        }
        if self.recent.len() >= self.capacity.div_ceil(2) {
            self.older = mem::take(&mut self.recent);
        }
        self.older.remove(&token.id);
        self.recent.insert(token.id, Entry { token: token.clone(), key: key.clone() });
    }

    /// Wipes the key that came in any token of that id.
    pub(super) fn forget(&mut self, token: TokenId) {
        self.recent.remove(&token);
        self.older.remove(&token);
    }

    /// Wipes every key.
    pub(in crate::hsm) fn clear(&mut self) {
        *self = KeyCache::new(self.capacity);
    }

    /// How many keys there are.
    pub(in crate::hsm) fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::RustCrypto;
    use crate::name::{KeyId, MaterialId};
    use crate::token::{DomainEpoch, TokenKind};

    fn token(number: u8) -> Arc<KeyToken> {
        Arc::new(KeyToken {
            id: TokenId([number; 16]),
            epoch: DomainEpoch(1),
            key: KeyId::single_region([number; 16]),
            material: MaterialId([number; 32]),
            kind: TokenKind::BackingKey(KeySpec::SymmetricDefault),
            iv: [0; 12],
            sealed: vec![number; 48].into(),
        })
    }

    fn parsed(number: u8) -> Arc<Parsed> {
        let material = SecretBytes::from(vec![number; 32]);
        Arc::new(Parsed::of(KeySpec::SymmetricDefault, material, &RustCrypto).unwrap())
    }

    fn filled(capacity: usize, keys: u8) -> KeyCache {
        let mut cache = KeyCache::new(capacity);
        (0..keys).for_each(|number| cache.put(&token(number), &parsed(number)));
        cache
    }

    #[test]
    fn a_key_is_found_by_the_very_token_alone() {
        let mut cache = filled(8, 1);
        assert!(cache.get(&token(0)).is_some(), "an equal token, wherever it is in memory");
        let mut other = KeyToken::clone(&token(0));
        other.sealed[47] ^= 1;
        assert!(cache.get(&Arc::new(other)).is_none());
        assert!(cache.get(&token(1)).is_none());
    }

    #[test]
    fn it_is_never_larger_than_said() {
        for capacity in [0, 1, 2, 7, 8] {
            for keys in 0..40 {
                let held = filled(capacity, keys).len();
                assert!(held <= capacity.next_multiple_of(2), "{held} of {capacity}");
                assert_eq!(held == 0, capacity == 0 || keys == 0);
            }
        }
    }

    #[test]
    fn a_key_in_use_outlives_those_that_are_not() {
        let mut cache = filled(8, 1);
        for number in 1..100 {
            assert!(cache.get(&token(0)).is_some(), "after {number} others");
            cache.put(&token(number), &parsed(number));
        }
        assert!(cache.get(&token(1)).is_none());
    }

    #[test]
    fn what_is_dropped_is_nowhere_else() {
        let mut cache = KeyCache::new(4);
        let keys: Vec<_> = (0..3).map(parsed).collect();
        keys.iter().zip(0..).for_each(|(key, number)| cache.put(&token(number), key));
        cache.forget(TokenId([0; 16]));
        assert_eq!(keys.iter().map(Arc::strong_count).collect::<Vec<_>>(), [1, 2, 2]);
        cache.clear();
        assert_eq!(keys.iter().map(Arc::strong_count).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(cache.len(), 0);
    }
}
