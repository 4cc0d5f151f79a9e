//! Rotation, automatic and on demand, while old ciphertexts must stay readable.

use std::time::Duration;

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::DurationIn;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::DAY;

/// Rotate keys, change how they rotate, and decrypt what earlier key material encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// Weight: rotateKeyOnDemand.
    pub on_demand: u32,
    /// Weight: enableKeyRotation.
    pub enable: u32,
    /// Weight: disableKeyRotation.
    pub disable: u32,
    /// Weight: getKeyRotationStatus.
    pub status: u32,
    /// Weight: listKeyRotations.
    pub list: u32,
    /// Weight: encrypt.
    pub encrypt: u32,
    /// Weight: decrypt of an earlier ciphertext.
    pub decrypt: u32,
    /// The rotation period that is set.
    pub period: Duration,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "rotation",
    doc: "Rotate keys, change how they rotate, and decrypt what earlier key material encrypted.",
    read: |reader| WorkloadKind::Rotation(Rotation::read(reader)),
};

impl Rotation {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [on_demand, enable, disable, status, list, encrypt, decrypt] = mix(
            reader,
            [
                ("on_demand", 1, "RotateKeyOnDemand."),
                ("enable", 1, "EnableKeyRotation."),
                ("disable", 1, "DisableKeyRotation."),
                ("status", 2, "GetKeyRotationStatus."),
                ("list", 1, "ListKeyRotations."),
                ("encrypt", 4, "Encrypt."),
                ("decrypt", 4, "Decrypt of an earlier ciphertext."),
            ],
        );
        Self {
            on_demand,
            enable,
            disable,
            status,
            list,
            encrypt,
            decrypt,
            period: reader.or(
                "period",
                &DurationIn {
                    min: 90 * DAY,
                    max: 2_560 * DAY,
                },
                "365d",
                "The rotation period that is set.",
            ),
        }
    }
}
