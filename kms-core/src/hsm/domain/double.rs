//! A backend that is fast and no cryptography at all: it keeps every rule that a state machine of
//! domains can meet (what was sealed opens only as it was sealed, what was signed verifies only as it
//! was signed, both sides agree on one secret), so that hundreds of thousands of states can be
//! explored in seconds. For tests of the domain alone.

use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, SigningAlgorithm};
use crate::crypto::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, IV_LENGTH, Message, P384_POINT,
    P384_SCALAR, PrivateKey, SecretBytes, SecretKey, TAG_LENGTH, Underived,
};
use crate::env::{Random, Site};
use crate::key::KeySpec;

/// The backend.
pub(super) struct Double;

fn mix(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = [0x9e37_79b9_7f4a_7c15_u64, 1, 2, 3];
    for part in parts {
        for byte in (part.len() as u64).to_be_bytes().iter().chain(*part) {
            state[0] = (state[0] ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            state[1] = state[1].rotate_left(5) ^ state[0];
            state[2] = state[2].wrapping_add(state[1]);
            state[3] ^= state[2].rotate_left(17);
        }
    }
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_mut(8).zip(state) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

struct Key(Vec<u8>);

impl PrivateKey for Key {
    fn public_key(&self) -> &[u8] {
        &self.0
    }

    fn sign(
        &self,
        _: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        Ok(mix(&[&self.0, message.bytes]).to_vec())
    }

    fn decrypt(&self, _: EncryptionAlgorithm, _: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }

    fn agree(&self, _: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }

    fn decapsulate(&self, _: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }
}

impl CryptoBackend for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        mix(parts)
    }

    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
        mix(&[key.as_bytes(), &mix(parts)])
    }

    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        SecretKey::new(mix(&[key.as_bytes(), label, context]))
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        Box::new(Underived { backend: &Double, key: key.clone(), label })
    }

    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(plaintext);
        out.extend_from_slice(&mix(&[key.as_bytes(), iv, aad, plaintext])[..TAG_LENGTH]);
    }

    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(CryptoFailure)?;
        let right = mix(&[key.as_bytes(), iv, aad, text]);
        match right.starts_with(tag) {
            true => Ok(SecretBytes::from(text.to_vec())),
            false => Err(CryptoFailure),
        }
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        let mut point = [4; P384_POINT];
        point[1..=P384_SCALAR].copy_from_slice(private);
        Ok(point)
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        let own = self.p384_public(private)?;
        let (low, high) = if own <= *peer { (&own, peer) } else { (peer, &own) };
        let mut secret = mix(&[low, high]).to_vec();
        secret.extend_from_slice(&[7; 16]);
        Ok(SecretBytes::from(secret))
    }

    fn supports(&self, spec: KeySpec, _: Algorithm) -> bool {
        spec == KeySpec::EccNistP384
    }

    fn generate(&self, _: KeySpec, random: &mut dyn Random) -> Result<SecretBytes, CryptoFailure> {
        let mut bytes = vec![0; 32];
        random.fill(Site::BackingKey, &mut bytes);
        Ok(SecretBytes::from(bytes))
    }

    fn load(
        &self,
        _: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        Ok(Box::new(Key(material.as_bytes().to_vec())))
    }

    fn verify(
        &self,
        _: KeySpec,
        public_key: &[u8],
        _: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        let right = mix(&[public_key, message.bytes]);
        (right == signature).then_some(()).ok_or(CryptoFailure)
    }

    fn encrypt_for(
        &self,
        _: KeySpec,
        _: &[u8],
        _: EncryptionAlgorithm,
        _: &[u8],
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        Err(CryptoFailure)
    }

    fn encapsulate(
        &self,
        _: KeySpec,
        _: &[u8],
        _: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        Err(CryptoFailure)
    }

    fn hmac(&self, _: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        mix(&[key.as_bytes(), message]).to_vec()
    }

    fn unwrap_key(&self, _: &SecretBytes, _: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }
}
