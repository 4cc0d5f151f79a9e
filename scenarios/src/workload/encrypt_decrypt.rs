//! Direct encryption of small secrets: every item is a call.

use kms_core::ops::{Response, re_encrypt};

use super::WorkloadKind;
use super::choice::KeyChoice;
use super::generator::{Draw, Generator, Moment, Planned};
use super::seat::{NewKey, Seat};
use crate::kind::{Count, PROBABILITY, SizeIn};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::{Bytes, Probability};

/// Encrypt small plaintexts and decrypt earlier ciphertexts.
#[derive(Debug, Clone, PartialEq)]
pub struct EncryptDecrypt {
    /// Which key a request uses.
    pub choice: KeyChoice,
    /// The size of each plaintext.
    pub plaintext: Bytes,
    /// The share of calls that decrypt.
    pub decrypt_share: Probability,
    /// The share of those that encrypt anew at once, by ReEncrypt.
    pub re_encrypt_share: Probability,
    /// Pairs in the encryption context.
    pub context_pairs: u32,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "encrypt-decrypt",
    doc: "Encrypt small plaintexts and decrypt earlier ciphertexts.",
    read: |reader| WorkloadKind::EncryptDecrypt(EncryptDecrypt::read(reader)),
};

impl EncryptDecrypt {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            choice: KeyChoice::read(reader),
            plaintext: reader.or(
                "plaintext",
                &SizeIn { min: Bytes(1), max: Bytes(4096) },
                "256B",
                "The size of each plaintext; Encrypt takes at most 4 KiB.",
            ),
            decrypt_share: reader.or(
                "decrypt_share",
                &PROBABILITY,
                0.5,
                "The share of calls that decrypt.",
            ),
            re_encrypt_share: reader.or(
                "re_encrypt_share",
                &PROBABILITY,
                0.1,
                "The share of those that encrypt anew at once, by ReEncrypt.",
            ),
            context_pairs: reader.or(
                "context_pairs",
                &Count { min: 0, max: 64 },
                2,
                "Pairs in the encryption context.",
            ),
        }
    }
}

/// One client.
pub(super) struct Client {
    parameters: EncryptDecrypt,
    seat: Seat,
}

impl Client {
    pub(super) fn new(parameters: &EncryptDecrypt, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat }
    }

    /// A call about an earlier ciphertext, if there is one.
    fn reuse(&self, draw: &mut dyn Draw) -> Option<Planned> {
        if draw.chance(self.parameters.re_encrypt_share.get()) {
            return self.re_encrypt(draw);
        }
        self.seat.decrypt(0.0, draw)
    }

    fn re_encrypt(&self, draw: &mut dyn Draw) -> Option<Planned> {
        let (sealed, destination) = (self.seat.sealed(draw)?, self.seat.key(draw)?);
        let request = re_encrypt::Request {
            source_encryption_context: sealed.context.clone(),
            source_key_id: Some(sealed.key.into()),
            destination_encryption_context: self.seat.context(draw),
            ..re_encrypt::Request::new(sealed.blob.clone(), destination)
        };
        Some(self.seat.admin_in(sealed.key.region, request))
    }

    fn encrypt(&self, draw: &mut dyn Draw) -> Planned {
        let length = usize::try_from(self.parameters.plaintext.0).unwrap_or(usize::MAX);
        match self.seat.key(draw) {
            Some(key) => self.seat.admin(self.seat.encrypt(key, length, draw)),
            None => self.seat.create_key(NewKey::SingleRegion),
        }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let reuses = moment.draw.chance(self.parameters.decrypt_share.get());
        let reuse = if reuses { self.reuse(moment.draw) } else { None };
        reuse.unwrap_or_else(|| self.encrypt(moment.draw))
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ops::Request;

    #[test]
    fn plaintexts_are_encrypted_decrypted_and_encrypted_anew() {
        let run = Run::of("encrypt-decrypt", "plaintext = '4KiB'\ncontext_pairs = 64", 100);
        run.uses(&["Decrypt", "Encrypt", "ReEncrypt"]);
        assert!(run.calls.iter().all(|(_, result)| result.is_ok()));
        let fits = |request: &Request| match request {
            Request::Encrypt(request) => {
                request.plaintext.0.len() == 4096 && request.encryption_context.pairs().len() == 64
            }
            _ => false,
        };
        assert!(run.count(|_, request| fits(request)) > 30);
    }

    #[test]
    fn only_the_selected_keys_are_used() {
        let run = Run::of("encrypt-decrypt", "keys = ['multi-region']\ndecrypt_share = 0", 20);
        let multi_region = run.calls.iter().filter(|(planned, _)| match &*planned.request {
            Request::Encrypt(request) => request.key_id.to_string().contains("mrk-"),
            _ => false,
        });
        assert_eq!(multi_region.count(), 20);
    }
}
