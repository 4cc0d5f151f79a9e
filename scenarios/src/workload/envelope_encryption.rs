//! Envelope encryption: the everyday load of a KMS.
//!
//! Callers ask for a data key, keep it for a while, and later ask for it back from its ciphertext.

use std::time::Duration;

use super::WorkloadKind;
use super::choice::KeyChoice;
use crate::kind::{Count, POSITIVE_DURATION, PROBABILITY};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Generate data keys, reuse them for a while, and decrypt earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvelopeEncryption {
    /// Which key a request uses.
    pub choice: KeyChoice,
    /// How many items a client encrypts under one data key; 1 is a new one each time.
    pub data_key_uses: u32,
    /// A data key is not reused for longer than this.
    pub data_key_age: Duration,
    /// The share of items that are read back rather than written.
    pub decrypt_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "envelope-encryption",
    doc: "Generate data keys, reuse them for a while, and decrypt earlier ones.",
    read: |reader| WorkloadKind::EnvelopeEncryption(EnvelopeEncryption::read(reader)),
};

impl EnvelopeEncryption {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            choice: KeyChoice::read(reader),
            data_key_uses: reader.or(
                "data_key_uses",
                &Count {
                    min: 1,
                    max: u32::MAX,
                },
                1,
                "How many items a client encrypts under one data key; 1 is a new one each time.",
            ),
            data_key_age: reader.or(
                "data_key_age",
                &POSITIVE_DURATION,
                "5m",
                "A data key is not reused for longer than this.",
            ),
            decrypt_share: reader.or(
                "decrypt_share",
                &PROBABILITY,
                0.5,
                "The share of items that are read back rather than written.",
            ),
        }
    }
}
