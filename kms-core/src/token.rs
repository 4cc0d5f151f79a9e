//! Key tokens: backing keys wrapped by a domain key, and where they are kept.
//!
//! Tokens live beside the journal, not in it, and do not count in a key's version: rotating the domain
//! key re-encrypts every token without touching a key, and deleting a key really erases its tokens
//! instead of leaving them in a log (AWS KMS Cryptographic Details, Key hierarchy).

use crate::key::KeySpec;
use crate::name::{KeyId, MaterialId, TokenId};
use crate::table::Table;
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

/// Which domain key; counted up by one at every rotation of the domain key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainEpoch(pub u32);

/// What is sealed in a key token. The seal authenticates it, so that nobody can pass one secret off as
/// another kind and learn something from what an HSM makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The material of a key of that spec, in canonical form.
    BackingKey(KeySpec),
    /// The private half of an agreement key that material is to be sent to.
    TransferKey,
}

impl TokenKind {
    /// The name the seal authenticates.
    pub fn name(self) -> &'static str {
        match self {
            TokenKind::BackingKey(spec) => spec.as_str(),
            TokenKind::TransferKey => "transfer key",
        }
    }
}

/// A backing key, sealed under a domain key, with the metadata it is bound to.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyToken {
    /// Stays the same when the token is re-encrypted.
    pub id: TokenId,
    /// The domain key that opens it.
    pub epoch: DomainEpoch,
    /// The key it belongs to.
    pub key: KeyId,
    /// The material in it.
    pub material: MaterialId,
    /// What the material is.
    pub kind: TokenKind,
    /// The initialisation vector.
    pub iv: [u8; 12],
    /// Ciphertext and tag; those of a symmetric key lie here, and cost no further look at memory.
    pub sealed: SmallVec<[u8; 48]>,
}

impl KeyToken {
    /// What the seal authenticates beside the backing key.
    pub fn aad(&self) -> Vec<u8> {
        const LABEL: &[u8] = b"keyquake key token 2";
        let mut aad = Vec::with_capacity(LABEL.len() + 16 + 4 + 17 + 32 + 24);
        aad.extend_from_slice(LABEL);
        aad.extend_from_slice(&self.id.0);
        aad.extend_from_slice(&self.epoch.0.to_be_bytes());
        aad.extend_from_slice(&self.key.to_bytes());
        aad.extend_from_slice(&self.material.0);
        aad.extend_from_slice(self.kind.name().as_bytes());
        aad
    }
}

impl fmt::Debug for KeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyToken({} of {}, epoch {})", self.id, self.key, self.epoch.0)
    }
}

/// One change of the token store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenChange {
    /// A new backing key.
    Put(Arc<KeyToken>),
    /// The same backing key under a newer domain key; nothing, if the token was erased meanwhile.
    Reencrypt(Arc<KeyToken>),
    /// The end of a backing key.
    Erase(TokenId),
}

/// Every key token of a Region.
///
/// They are found by their key, not by their id: so the wait for a token's memory does not begin only
/// when the key's record has come and told the id.
#[derive(Clone, Debug, Default)]
pub struct TokenStore {
    tokens: Table<KeyId, SmallVec<[Arc<KeyToken>; 1]>>,
    keys: BTreeMap<TokenId, KeyId>,
}

impl TokenStore {
    /// A token of a key.
    pub fn get(&self, key: KeyId, id: TokenId) -> Option<&Arc<KeyToken>> {
        self.of_key(key).iter().rev().find(|token| token.id == id)
    }

    /// Every token of a key, oldest first.
    pub fn of_key(&self, key: KeyId) -> &[Arc<KeyToken>] {
        self.tokens.get(&key).map_or(&[], SmallVec::as_slice)
    }

    /// Looks at the newest token of a key that will be wanted soon, for nothing but that its memory is
    /// on the way while that of the key's record is. Among many keys both waits are long.
    pub(crate) fn expect(&self, key: KeyId) {
        let newest = self.of_key(key).last();
        black_box(newest.map(|token| (token.epoch, token.sealed.last().copied())));
    }

    /// Carries out one change.
    pub fn apply(&mut self, change: &TokenChange) {
        match change {
            TokenChange::Put(token) => {
                self.erase(token.id);
                self.keys.insert(token.id, token.key);
                match self.tokens.get_mut(&token.key) {
                    Some(others) => others.push(token.clone()),
                    None => drop(self.tokens.insert(token.key, smallvec![token.clone()])),
                }
            }
            TokenChange::Reencrypt(token) => {
                let of_key = self.tokens.get_mut(&token.key).into_iter().flatten();
                let older =
                    |kept: &&mut Arc<KeyToken>| kept.id == token.id && kept.epoch < token.epoch;
                of_key.filter(older).for_each(|kept| *kept = token.clone());
            }
            TokenChange::Erase(id) => self.erase(*id),
        }
    }

    fn erase(&mut self, id: TokenId) {
        let Some(key) = self.keys.remove(&id) else { return };
        let Some(of_key) = self.tokens.get_mut(&key) else { return };
        of_key.retain(|token| token.id != id);
        if of_key.is_empty() {
            self.tokens.remove(&key);
        }
    }

    /// Up to `limit` tokens that an older domain key than `epoch` sealed, by id.
    pub fn older_than(&self, epoch: DomainEpoch, limit: usize) -> Vec<(KeyId, TokenId)> {
        let older = self.iter().filter(|token| token.epoch < epoch);
        older.map(|token| (token.key, token.id)).take(limit).collect()
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Every token, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyToken>> {
        self.keys.iter().filter_map(|(id, key)| self.get(*key, *id))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn token(epoch: u32) -> Arc<KeyToken> {
        Arc::new(KeyToken {
            id: TokenId([1; 16]),
            epoch: DomainEpoch(epoch),
            key: KeyId::single_region([2; 16]),
            material: MaterialId([3; 32]),
            kind: TokenKind::BackingKey(KeySpec::SymmetricDefault),
            iv: [0; 12],
            sealed: vec![0; 48].into(),
        })
    }

    #[test]
    fn an_erased_token_does_not_come_back_by_re_encryption() {
        let mut store = TokenStore::default();
        store.apply(&TokenChange::Put(token(1)));
        store.apply(&TokenChange::Erase(TokenId([1; 16])));
        store.apply(&TokenChange::Reencrypt(token(2)));
        assert!(store.is_empty());
    }

    #[test]
    fn a_late_re_encryption_does_not_go_back_to_an_older_domain_key() {
        let mut store = TokenStore::default();
        store.apply(&TokenChange::Put(token(3)));
        store.apply(&TokenChange::Reencrypt(token(2)));
        let (key, id) = (KeyId::single_region([2; 16]), TokenId([1; 16]));
        assert_eq!(store.get(key, id).unwrap().epoch, DomainEpoch(3));
        assert_eq!(store.older_than(DomainEpoch(4), 10), [(key, id)]);
    }

    #[test]
    fn a_key_has_the_tokens_that_were_put_and_not_erased() {
        let of = |key: u8, id: u8| {
            let (key, id) = (KeyId::single_region([key; 16]), TokenId([id; 16]));
            Arc::new(KeyToken { key, id, ..KeyToken::clone(&token(1)) })
        };
        let mut store = TokenStore::default();
        for token in [of(1, 9), of(2, 5), of(1, 3), of(1, 9)] {
            store.apply(&TokenChange::Put(token));
        }
        let ids = |key: u8| -> Vec<u8> {
            let tokens = store.of_key(KeyId::single_region([key; 16])).iter();
            tokens.map(|token| token.id.0[0]).collect()
        };
        assert_eq!((ids(1), ids(2), ids(3)), (vec![3, 9], vec![5], vec![]));
        let all: Vec<_> = store.iter().map(|token| token.id.0[0]).collect();
        assert_eq!(all, [3, 5, 9], "in the order of their ids");
        store.apply(&TokenChange::Erase(TokenId([3; 16])));
        store.apply(&TokenChange::Erase(TokenId([5; 16])));
        assert_eq!(store.len(), 1);
        assert!(store.of_key(KeyId::single_region([2; 16])).is_empty());
        assert_eq!(store.of_key(KeyId::single_region([1; 16])), [of(1, 9)]);
    }
}
