//! The life of keys: created, disabled, enabled, scheduled for deletion, saved from it.

use std::time::Duration;

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::DurationIn;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::DAY;

/// Create keys, disable and enable them, schedule and cancel their deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyLifecycle {
    /// Weight: createKey.
    pub create: u32,
    /// Weight: describeKey.
    pub describe: u32,
    /// Weight: disableKey.
    pub disable: u32,
    /// Weight: enableKey.
    pub enable: u32,
    /// Weight: scheduleKeyDeletion.
    pub schedule_deletion: u32,
    /// Weight: cancelKeyDeletion.
    pub cancel_deletion: u32,
    /// The waiting period of scheduled deletions.
    pub window: Duration,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "key-lifecycle",
    doc: "Create keys, disable and enable them, schedule and cancel their deletion.",
    read: |reader| WorkloadKind::KeyLifecycle(KeyLifecycle::read(reader)),
};

impl KeyLifecycle {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [
            create,
            describe,
            disable,
            enable,
            schedule_deletion,
            cancel_deletion,
        ] = mix(
            reader,
            [
                ("create", 1, "CreateKey."),
                ("describe", 4, "DescribeKey."),
                ("disable", 2, "DisableKey."),
                ("enable", 2, "EnableKey."),
                ("schedule_deletion", 1, "ScheduleKeyDeletion."),
                ("cancel_deletion", 1, "CancelKeyDeletion."),
            ],
        );
        Self {
            create,
            describe,
            disable,
            enable,
            schedule_deletion,
            cancel_deletion,
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
