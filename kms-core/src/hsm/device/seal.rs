//! Messages: sealed under a symmetric backing key into a blob, or for the holder of a private key.

use super::{Answer, Execution, draw_secret};
use crate::ciphertext::{self, Blob, EncryptionContext};
use crate::crypto::{SecretBytes, codec};
use crate::env::{Random, Site, draw};
use crate::hsm::{BackingKeyRef, DataKeyPlaintext, Fault, Opening, Reply, Sealing};
use crate::key::KeySpec;
use std::sync::Arc;

impl Execution<'_> {
    pub(super) fn seal(
        &mut self,
        to: &Sealing,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Arc<[u8]>, Fault> {
        match to {
            Sealing::Symmetric { with, context } => {
                self.seal_blob(with, plaintext, context, random)
            }
            Sealing::Public { key, algorithm } => {
                if plaintext.len() > key.spec.longest_plaintext(*algorithm) {
                    return Err(Fault::TooLong);
                }
                let encoded = &key.encoded;
                let backend = self.backend;
                Ok(backend.encrypt_for(key.spec, encoded, *algorithm, plaintext, random)?.into())
            }
        }
    }

    pub(super) fn open(&mut self, from: &Opening) -> Result<SecretBytes, Fault> {
        match from {
            Opening::Symmetric { with, blob, context } => self.open_blob(with, blob, context),
            Opening::Private { with, ciphertext, algorithm } => {
                let opened = self.parsed_key(with)?.pair()?.decrypt(*algorithm, ciphertext);
                opened.map_err(|_| Fault::BadCiphertext)
            }
        }
    }

    fn seal_blob(
        &mut self,
        with: &BackingKeyRef,
        plaintext: &[u8],
        context: &EncryptionContext,
        random: &mut dyn Random,
    ) -> Result<Arc<[u8]>, Fault> {
        let backing = self.parsed_key(with)?;
        let nonce = draw(random, Site::MessageNonce);
        let iv = draw(random, Site::MessageIv);
        let key = backing.symmetric()?.derive(&nonce);
        let mut blob = Blob::prefix(with.key, with.material, &nonce, &iv, plaintext.len());
        let aad = ciphertext::aad(with.key, with.material, context);
        self.backend.seal(&key, &iv, &aad, plaintext, &mut blob);
        Ok(blob.into())
    }

    fn open_blob(
        &mut self,
        with: &BackingKeyRef,
        blob: &[u8],
        context: &EncryptionContext,
    ) -> Result<SecretBytes, Fault> {
        let blob = Blob::parse(blob).ok_or(Fault::BadCiphertext)?;
        if (blob.key, blob.material) != (with.key, with.material) {
            return Err(Fault::BadCiphertext);
        }
        let backing = self.parsed_key(with)?;
        let key = backing.symmetric()?.derive(&blob.nonce);
        let aad = ciphertext::aad(blob.key, blob.material, context);
        let opened = self.backend.open(&key, &blob.iv, &aad, blob.sealed);
        opened.map_err(|_| Fault::BadCiphertext)
    }

    pub(super) fn data_key(
        &mut self,
        with: &BackingKeyRef,
        bytes: usize,
        context: &EncryptionContext,
        wanted: DataKeyPlaintext,
        random: &mut dyn Random,
    ) -> Answer {
        let data_key = draw_secret(random, Site::CallerBytes, bytes);
        let blob = self.seal_blob(with, data_key.as_bytes(), context, random)?;
        let plaintext = (wanted == DataKeyPlaintext::Returned).then_some(data_key);
        Ok(Reply::DataKey { blob, plaintext })
    }

    /// A key pair for the caller: the private half as PKCS#8, which is what the blob holds too.
    pub(super) fn data_key_pair(
        &mut self,
        with: &BackingKeyRef,
        spec: KeySpec,
        context: &EncryptionContext,
        wanted: DataKeyPlaintext,
        random: &mut dyn Random,
    ) -> Answer {
        let material = self.new_material(spec, random)?;
        let public_key = self.public_half(spec, &material)?.ok_or(Fault::Refused)?;
        let private_key = codec::export(spec, &material)?;
        let blob = self.seal_blob(with, private_key.as_bytes(), context, random)?;
        let plaintext = (wanted == DataKeyPlaintext::Returned).then_some(private_key);
        Ok(Reply::DataKeyPair { blob, plaintext, public_key })
    }
}
