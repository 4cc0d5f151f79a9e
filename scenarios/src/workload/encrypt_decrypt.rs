//! Direct encryption of small secrets: every item is a call.

use super::WorkloadKind;
use super::choice::KeyChoice;
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
                &SizeIn {
                    min: Bytes(1),
                    max: Bytes(4096),
                },
                "256B",
                "The size of each plaintext; Encrypt takes at most 4 KiB.",
            ),
            decrypt_share: reader.or(
                "decrypt_share",
                &PROBABILITY,
                0.5,
                "The share of calls that decrypt.",
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
