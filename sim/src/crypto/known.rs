//! What is known already of the arithmetic that several parties of a protocol do, or several HSMs of a
//! domain: all but the first of them need not do it again.

use super::curve::Number;
use crate::recent::Recent;
use kms_core::algorithm::{EncryptionAlgorithm, SigningAlgorithm};
use kms_core::crypto::{CryptoBackend, Message, P384_POINT, SecretBytes};
use kms_core::key::KeySpec;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many valid signatures a run remembers.
const SIGNATURES: usize = 64;

/// How many drawn keys a run knows by their points: those of the HSMs of a world, and of sessions, which
/// are agreed upon shortly after they were made.
const NUMBERS: usize = 256;

/// How many ciphertexts under public keys a run remembers with what is in them.
const CIPHERTEXTS: usize = 64;

/// How many parsed keys a run remembers.
const PARSED: usize = 256;

/// What the parties of a run told each other of late. It is all true: a signature is remembered when it was
/// made or found valid, a ciphertext when it was made.
pub(super) struct Known(Mutex<Facts>);

struct Facts {
    /// Names of valid signatures. The HSMs of a domain verify the same orders and domain tokens one after
    /// the other, soon after they were signed; the arithmetic of the curve would be most of what a month
    /// of a quiet world takes.
    signatures: VecDeque<Name>,
    /// What is in ciphertexts. Who imports key material encrypts it for an HSM, which would take a
    /// millisecond to open it.
    plaintexts: Recent<Name, SecretBytes>,
    /// Drawn keys, by their points.
    numbers: Recent<[u8; P384_POINT], Number>,
}

/// A digest of all that a fact hangs on.
pub(super) type Name = [u8; 32];

impl Default for Known {
    fn default() -> Known {
        let (plaintexts, numbers) = (Recent::new(CIPHERTEXTS), Recent::new(NUMBERS));
        Known(Mutex::new(Facts { signatures: VecDeque::new(), plaintexts, numbers }))
    }
}

impl Known {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a signature is known to be valid.
    pub(super) fn is_valid(&self, signature: &Name) -> bool {
        self.facts().signatures.iter().rev().any(|known| known == signature)
    }

    /// Takes note of a valid signature.
    pub(super) fn valid(&self, signature: Name) {
        let signatures = &mut self.facts().signatures;
        if signatures.len() == SIGNATURES {
            signatures.pop_front();
        }
        signatures.push_back(signature);
    }

    /// What is in a ciphertext, if that is known.
    pub(super) fn plaintext(&self, ciphertext: &Name) -> Option<SecretBytes> {
        self.facts().plaintexts.get(ciphertext).cloned()
    }

    /// Takes note of what is in a ciphertext.
    pub(super) fn encrypted(&self, ciphertext: Name, plaintext: SecretBytes) {
        self.facts().plaintexts.insert(ciphertext, plaintext);
    }

    /// The drawn key whose point this is, if that is known.
    pub(super) fn number(&self, public: &[u8; P384_POINT]) -> Option<Number> {
        self.facts().numbers.get(public).cloned()
    }

    /// Takes note of the point of a drawn key.
    pub(super) fn drawn(&self, public: [u8; P384_POINT], number: Number) {
        self.facts().numbers.insert(public, number);
    }
}

/// A public key: its spec, and its SubjectPublicKeyInfo in DER.
type PublicKey<'a> = (KeySpec, &'a [u8]);

/// What the validity of a signature hangs on.
pub(super) fn name_of_signature(
    library: &dyn CryptoBackend,
    (spec, public_key): PublicKey<'_>,
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Name {
    let which = [spec as u8, algorithm as u8, message.kind as u8];
    let lengths = [public_key.len(), signature.len()].map(usize::to_be_bytes).concat();
    library.sha256(&[&which, &lengths, public_key, signature, message.bytes])
}

/// What the content of a ciphertext hangs on.
pub(super) fn name_of_ciphertext(
    library: &dyn CryptoBackend,
    (spec, public_key): PublicKey<'_>,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Name {
    let which = [spec as u8, algorithm as u8];
    library.sha256(&[&which, &public_key.len().to_be_bytes(), public_key, ciphertext])
}

/// The keys parsed of late, by a digest of their material: every HSM of a domain parses the same ones.
pub(super) struct Keys<K>(Mutex<Recent<Name, Arc<K>>>);

impl<K> Default for Keys<K> {
    fn default() -> Keys<K> {
        Keys(Mutex::new(Recent::new(PARSED)))
    }
}

impl<K> Keys<K> {
    fn recent(&self) -> MutexGuard<'_, Recent<Name, Arc<K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of that material, if it was parsed of late.
    pub(super) fn parsed(&self, name: &Name) -> Option<Arc<K>> {
        self.recent().get(name).cloned()
    }

    /// Keeps a parsed key, and hands it out.
    pub(super) fn keep(&self, name: Name, key: K) -> Arc<K> {
        let key = Arc::new(key);
        self.recent().insert(name, key.clone());
        key
    }
}
