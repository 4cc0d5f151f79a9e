//! Many hands on few keys: some use them, some schedule their deletion, some cancel it.
//!
//! The window between a decision and its commit is where a key is used after its deletion, or
//! deleted after it was saved.

use std::time::Duration;

use kms_core::ops::{
    Response, cancel_key_deletion, describe_key, enable_key, schedule_key_deletion,
};
use kms_core::wire::{GrantTokens, KeyRef};

use super::WorkloadKind;
use super::generator::{Generator, Moment, Planned};
use super::seat::{NewKey, Seat, window};
use super::weights::mix;
use super::weights::pick;
use crate::kind::DaysIn;
use crate::reader::Entry;
use crate::reader::Reader;

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
        let [encrypt, decrypt, describe, schedule_deletion, cancel_deletion, enable, create] = mix(
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
                &DaysIn { min: 7, max: 30 },
                "7d",
                "The waiting period of scheduled deletions.",
            ),
        }
    }
}

/// The plaintexts are short: it is their keys that matter.
const PLAINTEXT: usize = 32;

/// One client.
pub(super) struct Client {
    parameters: DeletionRace,
    seat: Seat,
}

impl Client {
    pub(super) fn new(parameters: &DeletionRace, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat }
    }

    fn weights(&self) -> [u32; 7] {
        let p = &self.parameters;
        [
            p.create,
            p.decrypt,
            p.encrypt,
            p.describe,
            p.schedule_deletion,
            p.cancel_deletion,
            p.enable,
        ]
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let (seat, action) = (&self.seat, pick(self.weights(), moment.draw));
        if action == 1
            && let Some(planned) = seat.decrypt(0.0, moment.draw)
        {
            return planned;
        }
        let Some(key_id) = seat.key(moment.draw).filter(|_| action > 0).map(KeyRef::from) else {
            return seat.create_key(NewKey::SingleRegion);
        };
        match action {
            1 | 2 => seat.admin(seat.encrypt(key_id, PLAINTEXT, moment.draw)),
            3 => {
                let grant_tokens = GrantTokens::default();
                seat.admin(describe_key::Request { key_id, grant_tokens })
            }
            4 => {
                let pending_window_in_days = window(self.parameters.window);
                seat.admin(schedule_key_deletion::Request { key_id, pending_window_in_days })
            }
            5 => seat.admin(cancel_key_deletion::Request { key_id }),
            _ => seat.admin(enable_key::Request { key_id }),
        }
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

    #[test]
    fn keys_are_used_scheduled_and_saved() {
        Run::of("deletion-race", "mix = { create = 1 }", 300).uses(&[
            "CancelKeyDeletion",
            "CreateKey",
            "Decrypt",
            "DescribeKey",
            "EnableKey",
            "Encrypt",
            "ScheduleKeyDeletion",
        ]);
    }

    #[test]
    fn nothing_is_made_unless_asked_for() {
        let run = Run::of("deletion-race", "", 200);
        assert!(run.operations().iter().all(|operation| operation.name() != "CreateKey"));
    }
}
