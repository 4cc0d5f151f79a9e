//! What an HSM is, as long as it exists: the keys by which a domain knows it.

use super::canon::Canon;
use super::signing::{SigningKey, VerifyingKey};
use super::{MemberKey, Scalar, WRAP_LABEL, new_pair, wrapping_key};
use crate::crypto::{CryptoBackend, CryptoFailure, P384_SCALAR, SecretBytes, SecretKey};
use crate::env::Random;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// What an HSM is to its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It serves.
    Online,
    /// It lies in a safe, so that the domain outlives the loss of every HSM that serves. It is
    /// given the domain by people alone, manages it, and touches no backing key (AWS KMS
    /// Cryptographic Details, Durability protection).
    Offline,
}

/// An HSM as a domain knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// Its public agreement key: domain keys are sealed to it.
    pub agreement: MemberKey,
    /// Its public signing key: domain tokens are signed by it.
    pub signing: VerifyingKey,
    /// Whether it serves.
    pub standing: Standing,
}

impl Member {
    /// The same HSM, to be kept offline.
    #[must_use]
    pub fn offline(self) -> Member {
        Member { standing: Standing::Offline, ..self }
    }

    pub(super) fn write(&self, canon: Canon) -> Canon {
        canon.bytes(&self.agreement).bytes(self.signing.as_bytes()).number(self.standing as u64)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({:02x?})", &self.agreement[1..5])
    }
}

/// What an HSM is: its agreement key and its signing key. A reset does not take them; destroying the
/// HSM does.
#[derive(Clone)]
pub struct HsmIdentity {
    private: Scalar,
    signing: SigningKey,
    /// The public half of the agreement key.
    pub public: MemberKey,
}

impl HsmIdentity {
    /// A new identity.
    ///
    /// # Panics
    /// When the backend has no P-384, which every backend must have.
    pub fn generate(backend: &dyn CryptoBackend, random: &mut dyn Random) -> HsmIdentity {
        let signing = SigningKey::generate(backend, random).expect("every backend has P-384");
        let (private, public) = new_pair(backend, random);
        HsmIdentity { private, signing, public: *public }
    }

    /// The identity that has these private keys.
    pub(super) fn restore(
        private: &SecretBytes,
        signing: SecretBytes,
        backend: &dyn CryptoBackend,
    ) -> Result<HsmIdentity, CryptoFailure> {
        let private = Zeroizing::new(private.as_bytes().try_into().map_err(|_| CryptoFailure)?);
        let signing = SigningKey::from_material(signing, backend)?;
        let public = backend.p384_public(&private)?;
        Ok(HsmIdentity { private, signing, public })
    }

    /// The private agreement key, to be sealed.
    pub(super) fn private(&self) -> &[u8; P384_SCALAR] {
        &self.private
    }

    /// What a domain may know of it, as of an HSM that serves.
    pub fn member(&self) -> Member {
        let signing = self.signing.public().clone();
        Member { agreement: self.public, signing, standing: Standing::Online }
    }

    /// The signing key, for domain tokens and sessions.
    pub(in crate::hsm) fn signing(&self) -> &SigningKey {
        &self.signing
    }
}

impl fmt::Debug for HsmIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HsmIdentity({:02x?})", &self.public[1..5])
    }
}

/// What an HSM need not compute again while it is up: wrapping keys shared with other members, because
/// static agreement gives the same one every time, and its Region's signing key, which every token of
/// the domain brings along.
#[derive(Clone, Default)]
pub(in crate::hsm) struct AgreementCache {
    wrapping: BTreeMap<MemberKey, SecretKey>,
    replication: Option<SigningKey>,
}

impl AgreementCache {
    pub(super) fn wrapping_key(
        &mut self,
        own: &HsmIdentity,
        peer: &MemberKey,
        backend: &dyn CryptoBackend,
    ) -> Result<SecretKey, CryptoFailure> {
        if let Some(key) = self.wrapping.get(peer) {
            return Ok(key.clone());
        }
        let key = wrapping_key(&own.private, peer, WRAP_LABEL, backend)?;
        self.wrapping.insert(*peer, key.clone());
        Ok(key)
    }

    /// The Region's signing key in this material, parsed once.
    pub(super) fn replication(
        &mut self,
        material: SecretBytes,
        backend: &dyn CryptoBackend,
    ) -> Result<SigningKey, CryptoFailure> {
        if let Some(known) = self.replication.as_ref().filter(|known| known.is_of(&material)) {
            return Ok(known.clone());
        }
        let key = SigningKey::from_material(material, backend)?;
        self.replication = Some(key.clone());
        Ok(key)
    }
}
