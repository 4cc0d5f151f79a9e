//! Who knows every secret key of a run, and looks for them where none may be.
//!
//! The simulator's cryptography notes the keys that it works with: backing keys and the private halves
//! of key pairs, the keys of domains, of MACs, of HSMs and of operators. What a client is answered and
//! what a journal keeps is then searched for pieces of them. Nothing of this is in the history but that
//! something was found, so that a run without a leak is the same with and without the search.
//!
//! A piece is 16 bytes of a key that begin at a multiple of eight: whoever shows 23 bytes of a key in a
//! row, wherever they stand, shows one. Not seen are fewer bytes than that, keys in another
//! form (hexadecimal digits, Base64), the key of a single message, and of material longer than
//! [`LONGEST`] all but its end. Plaintexts, data keys and shared secrets are what a client is answered
//! in the clear: they are not searched. The words of the audit trail are names and codes, which have no
//! room for a key.

use kms_core::name::MaterialId;
use kms_core::ops::Response;
use kms_core::token::KeyToken;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many pieces of keys a run remembers: those of 5,461 symmetric keys.
const REMEMBERED: usize = 1 << 14;
/// How many bytes of a key are searched for. Of a private half the primes and exponents are at the end.
const LONGEST: usize = 512;
/// The bits of the filter in front of the search.
const FILTER_BITS: u32 = 19;
const WORD: usize = 8;

/// The secret keys of a run. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<Pieces>>);

/// The pieces, by their first halves.
#[derive(Default)]
struct Pieces {
    halves: BTreeMap<u64, u64>,
    /// The first halves in the order in which they came.
    order: VecDeque<u64>,
    /// A bit for each first half there ever was; almost every word that is searched for has none.
    filter: Vec<u64>,
    /// A key of 32 bytes, for a planted bug to show.
    last: Option<[u8; 32]>,
}

impl Secrets {
    /// Takes note of a key.
    pub(crate) fn note(&self, key: &[u8]) {
        self.note_private(&[], key);
    }

    /// Takes note of the material of a key pair, of which everybody may see the public half.
    pub(crate) fn note_private(&self, public: &[u8], key: &[u8]) {
        let mut pieces = self.pieces();
        if let Ok(key) = key.try_into() {
            pieces.last = Some(key);
        }
        let key = &key[key.len().saturating_sub(LONGEST)..];
        let known = |piece: (u64, u64)| pieces.halves.get(&piece.0) == Some(&piece.1);
        if last(key).is_some_and(known) {
            return;
        }
        for at in (0..key.len()).step_by(WORD) {
            let Some(piece) = piece(key, at) else { break };
            let is_public = public.windows(2 * WORD).any(|part| part == &key[at..at + 2 * WORD]);
            if !is_public {
                pieces.insert(piece);
            }
        }
    }

    /// Whether these bytes show a piece of a key.
    pub(crate) fn show_in(&self, bytes: &[u8]) -> bool {
        let pieces = self.pieces();
        !pieces.halves.is_empty() && (0..bytes.len()).any(|at| pieces.are_at(bytes, at))
    }

    /// Whether an answer shows one beside what it may say in the clear.
    pub(crate) fn show_in_answer(&self, answer: &Response) -> bool {
        let material = |id: &Option<MaterialId>| id.is_some_and(|id| self.show_in(&id.0));
        match answer {
            Response::Encrypt(r) => self.show_in(&r.ciphertext_blob.0),
            Response::Decrypt(r) => material(&r.key_material_id),
            Response::ReEncrypt(r) => {
                self.show_in(&r.ciphertext_blob.0)
                    || material(&r.source_key_material_id)
                    || material(&r.destination_key_material_id)
            }
            Response::GenerateDataKey(r) => {
                self.show_in(&r.ciphertext_blob.0) || material(&r.key_material_id)
            }
            Response::GenerateDataKeyWithoutPlaintext(r) => {
                self.show_in(&r.ciphertext_blob.0) || material(&r.key_material_id)
            }
            Response::GenerateDataKeyPair(r) => {
                [&r.private_key_ciphertext_blob.0[..], &r.public_key.0, &r.key_material_id.0]
                    .into_iter()
                    .any(|bytes| self.show_in(bytes))
            }
            Response::GenerateDataKeyPairWithoutPlaintext(r) => {
                [&r.private_key_ciphertext_blob.0[..], &r.public_key.0, &r.key_material_id.0]
                    .into_iter()
                    .any(|bytes| self.show_in(bytes))
            }
            Response::GetParametersForImport(r) => {
                self.show_in(&r.import_token.0) || self.show_in(&r.public_key.0)
            }
            Response::ImportKeyMaterial(r) => self.show_in(&r.key_material_id.0),
            Response::DescribeKey(r) => material(&r.key_metadata.current_key_material_id),
            Response::ListKeyRotations(r) => {
                r.rotations.0.iter().any(|one| self.show_in(&one.key_material_id.0))
            }
            Response::GetPublicKey(r) => self.show_in(&r.public_key.0),
            Response::Encapsulate(r) => self.show_in(&r.shared_secret_ciphertext_blob.0),
            Response::Sign(r) => self.show_in(&r.signature.0),
            Response::GenerateMac(r) => self.show_in(&r.mac.0),
            // Names, dates, policies and plaintexts.
            _ => false,
        }
    }

    /// Whether a key token shows one.
    pub(crate) fn show_in_token(&self, token: &KeyToken) -> bool {
        self.show_in(&token.sealed) || self.show_in(&token.material.0)
    }

    /// A key of 32 bytes that is in use.
    pub(crate) fn last(&self) -> Option<[u8; 32]> {
        self.pieces().last
    }

    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pieces {
    fn insert(&mut self, (first, second): (u64, u64)) {
        if self.halves.insert(first, second).is_some() {
            return;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.halves.remove(&oldest);
        }
        self.order.push_back(first);
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
        let (word, bit) = place(first);
        self.filter[word] |= bit;
    }

    #[inline]
    fn are_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some(first) = word(bytes, at) else { return false };
        let (place, bit) = place(first);
        self.filter[place] & bit != 0
            && piece(bytes, at).is_some_and(|(one, two)| self.halves.get(&one) == Some(&two))
    }
}

/// Where the filter has its bit for a word.
fn place(word: u64) -> (usize, u64) {
    let spread = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    (usize::try_from(spread >> 6).unwrap_or_default(), 1 << (spread & 63))
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

fn piece(bytes: &[u8], at: usize) -> Option<(u64, u64)> {
    Some((word(bytes, at)?, word(bytes, at + WORD)?))
}

/// The last piece of a key.
fn last(key: &[u8]) -> Option<(u64, u64)> {
    piece(key, (key.len() / WORD).checked_sub(2)? * WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(of: u8) -> [u8; 32] {
        std::array::from_fn(|at| u8::try_from(at).unwrap().wrapping_mul(7) ^ of.wrapping_mul(31))
    }

    #[test]
    fn twenty_three_bytes_in_a_row_are_found_wherever_they_stand() {
        let secrets = Secrets::default();
        assert!(!secrets.show_in(&key(1)), "it is nobody's key");
        secrets.note(&key(1));
        secrets.note(&key(2));
        for from in 0..=9 {
            let part = &key(1)[from..from + 23];
            assert!(secrets.show_in(&[&[9; 5], part, &[8; 3]].concat()), "from {from}");
        }
        assert!(secrets.show_in(&key(2)));
        assert!(!secrets.show_in(&key(3)));
        assert!(!secrets.show_in(&key(1)[1..16]));
        let halves = [&key(1)[..8], &key(2)[8..16]].concat();
        assert!(!secrets.show_in(&halves), "the halves of two keys");
    }

    #[test]
    fn what_everybody_may_see_of_a_key_pair_is_no_leak() {
        let secrets = Secrets::default();
        let material = [key(1), key(2)].concat();
        secrets.note_private(&key(1), &material);
        assert!(!secrets.show_in(&key(1)));
        assert!(secrets.show_in(&key(2)));
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_new() {
        let secrets = Secrets::default();
        let numbered = |number: u64| {
            let mut key = [0; 32];
            for (at, part) in key.chunks_exact_mut(8).enumerate() {
                let word = number.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ (at as u64) << 61;
                part.copy_from_slice(&word.to_le_bytes());
            }
            key
        };
        let keys = REMEMBERED as u64 / 3 + 100;
        (1..=keys).for_each(|number| secrets.note(&numbered(number)));
        let (halves, order) = {
            let pieces = secrets.pieces();
            (pieces.halves.len(), pieces.order.len())
        };
        assert_eq!((halves, order), (REMEMBERED, REMEMBERED));
        assert!(secrets.show_in(&numbered(keys)) && !secrets.show_in(&numbered(1)));
    }

    #[test]
    fn a_token_that_is_not_sealed_is_found() {
        use kms_core::name::{KeyId, TokenId};
        use kms_core::token::{DomainEpoch, TokenKind};
        let secrets = Secrets::default();
        secrets.note(&key(1));
        let token = |sealed: &[u8]| KeyToken {
            id: TokenId([0; 16]),
            epoch: DomainEpoch(1),
            key: KeyId::single_region([1; 16]),
            material: MaterialId([2; 32]),
            kind: TokenKind::TransferKey,
            iv: [0; 12],
            sealed: sealed.into(),
        };
        assert!(!secrets.show_in_token(&token(&key(2))));
        assert!(secrets.show_in_token(&token(&key(1))));
    }
}
