//! Many hands on few keys: some use them, some schedule their deletion, some cancel it.
//!
//! The window between a decision and its commit is where a key is used after its deletion, or
//! deleted after it was saved.

use std::time::Duration;

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::DurationIn;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::DAY;

/// Use, schedule for deletion and save the same keys, past the waiting period.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionRace {
    /// Weight: encrypt.
    pub encrypt: u32,
    /// Weight: decrypt of an earlier ciphertext.
    pub decrypt: u32,
    /// Weight: describeKey.
    pub describe: u32,
    /// Weight: scheduleKeyDeletion.
    pub schedule_deletion: u32,
    /// Weight: cancelKeyDeletion.
    pub cancel_deletion: u32,
    /// Weight: enableKey, which a saved key needs.
    pub enable: u32,
    /// Weight: createKey, to take the place of deleted keys.
    pub create: u32,
    /// The waiting period of scheduled deletions.
    pub window: Duration,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "deletion-race",
    doc: "Use, schedule for deletion and save the same keys, past the waiting period.",
    read: |reader| WorkloadKind::DeletionRace(DeletionRace::read(reader)),
};

impl DeletionRace {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [
            encrypt,
            decrypt,
            describe,
            schedule_deletion,
            cancel_deletion,
            enable,
            create,
        ] = mix(
            reader,
            [
                ("encrypt", 4, "Encrypt."),
                ("decrypt", 4, "Decrypt of an earlier ciphertext."),
                ("describe", 2, "DescribeKey."),
                ("schedule_deletion", 1, "ScheduleKeyDeletion."),
                ("cancel_deletion", 1, "CancelKeyDeletion."),
                ("enable", 1, "EnableKey, which a saved key needs."),
                ("create", 0, "CreateKey, to take the place of deleted keys."),
            ],
        );
        Self {
            encrypt,
            decrypt,
            describe,
            schedule_deletion,
            cancel_deletion,
            enable,
            create,
            window: reader.or(
                "window",
                &DurationIn {
                    min: 7 * DAY,
                    max: 30 * DAY,
                },
                "7d",
                "The waiting period of scheduled deletions.",
            ),
        }
    }
}
