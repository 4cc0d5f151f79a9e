//! Multi-Region keys: replicated, used everywhere, moved, removed.

use std::time::Duration;

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::DurationIn;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::DAY;

/// Replicate keys, use primaries and replicas, move primaries, delete replicas.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiRegion {
    /// Weight: createKey of a multi-Region primary.
    pub create: u32,
    /// Weight: replicateKey.
    pub replicate: u32,
    /// Weight: updatePrimaryRegion.
    pub update_primary: u32,
    /// Weight: scheduleKeyDeletion of a replica.
    pub delete_replica: u32,
    /// Weight: scheduleKeyDeletion of a primary.
    pub delete_primary: u32,
    /// Weight: encrypt in one Region.
    pub encrypt: u32,
    /// Weight: decrypt in another.
    pub decrypt: u32,
    /// The waiting period of scheduled deletions.
    pub window: Duration,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "multi-region",
    doc: "Replicate keys, use primaries and replicas, move primaries, delete replicas.",
    read: |reader| WorkloadKind::MultiRegion(MultiRegion::read(reader)),
};

impl MultiRegion {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [
            create,
            replicate,
            update_primary,
            delete_replica,
            delete_primary,
            encrypt,
            decrypt,
        ] = mix(
            reader,
            [
                ("create", 1, "CreateKey of a multi-Region primary."),
                ("replicate", 2, "ReplicateKey."),
                ("update_primary", 1, "UpdatePrimaryRegion."),
                ("delete_replica", 1, "ScheduleKeyDeletion of a replica."),
                ("delete_primary", 0, "ScheduleKeyDeletion of a primary."),
                ("encrypt", 4, "Encrypt in one Region."),
                ("decrypt", 4, "Decrypt in another."),
            ],
        );
        Self {
            create,
            replicate,
            update_primary,
            delete_replica,
            delete_primary,
            encrypt,
            decrypt,
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
