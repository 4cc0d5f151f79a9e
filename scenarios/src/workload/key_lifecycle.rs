//! The life of keys: created, disabled, enabled, scheduled for deletion, saved from it.

use std::time::Duration;

use kms_core::ErrorCode;
use kms_core::name::KeyArn;
use kms_core::ops::{
    Response, cancel_key_deletion, describe_key, disable_key, enable_key, list_keys,
    schedule_key_deletion,
};
use kms_core::wire::{GrantTokens, KeyRef};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned};
use super::seat::{NewKey, Seat, window};
use super::weights::mix;
use super::weights::pick;
use crate::kind::DaysIn;
use crate::reader::Entry;
use crate::reader::Reader;

/// Create keys, disable and enable them, schedule and cancel their deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyLifecycle {
    /// Weight: createKey.
    pub create: u32,
    /// Weight: listKeys.
    pub list: u32,
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
        let [create, list, describe, disable, enable, schedule_deletion, cancel_deletion] = mix(
            reader,
            [
                ("create", 1, "CreateKey."),
                ("list", 1, "ListKeys."),
                ("describe", 4, "DescribeKey."),
                ("disable", 2, "DisableKey."),
                ("enable", 2, "EnableKey."),
                ("schedule_deletion", 1, "ScheduleKeyDeletion."),
                ("cancel_deletion", 1, "CancelKeyDeletion."),
            ],
        );
        Self {
            create,
            list,
            describe,
            disable,
            enable,
            schedule_deletion,
            cancel_deletion,
            window: reader.or(
                "window",
                &DaysIn { min: 7, max: 30 },
                "7d",
                "The waiting period of scheduled deletions.",
            ),
        }
    }
}

/// One client. It changes keys it made itself, unless the workload names others.
pub(super) struct Client {
    parameters: KeyLifecycle,
    seat: Seat,
    keys: Subject,
}

/// Whose keys a client changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Own,
    Named,
}

impl Client {
    pub(super) fn new(parameters: &KeyLifecycle, seat: Seat, keys: Subject) -> Client {
        Client { parameters: parameters.clone(), seat, keys }
    }

    fn key(&self, draw: &mut dyn Draw) -> Option<KeyArn> {
        match self.keys {
            Subject::Own => self.seat.own_key(draw),
            Subject::Named => self.seat.key(draw),
        }
    }

    fn weights(&self) -> [u32; 7] {
        let p = &self.parameters;
        [p.create, p.list, p.describe, p.disable, p.enable, p.schedule_deletion, p.cancel_deletion]
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let (seat, action) = (&self.seat, pick(self.weights(), moment.draw));
        let Some(key_id) = self.key(moment.draw).filter(|_| action > 0).map(KeyRef::from) else {
            return seat.create_key(NewKey::SingleRegion);
        };
        match action {
            1 => seat.admin(list_keys::Request::default()),
            2 => {
                let grant_tokens = GrantTokens::default();
                seat.admin(describe_key::Request { key_id, grant_tokens })
            }
            3 => seat.admin(disable_key::Request { key_id }),
            4 => seat.admin(enable_key::Request { key_id }),
            5 => {
                let pending_window_in_days = window(self.parameters.window);
                seat.admin(schedule_key_deletion::Request { key_id, pending_window_in_days })
            }
            _ => seat.admin(cancel_key_deletion::Request { key_id }),
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        if let Err(error) = result
            && error.code == ErrorCode::NotFound
            && let Some(gone) = planned.key()
        {
            self.seat.forget_key(gone);
        }
        self.seat.learn(planned, result);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;

    const ALL: [&str; 7] = [
        "CancelKeyDeletion",
        "CreateKey",
        "DescribeKey",
        "DisableKey",
        "EnableKey",
        "ListKeys",
        "ScheduleKeyDeletion",
    ];

    #[test]
    fn keys_live_through_every_call() {
        Run::of("key-lifecycle", "", 300).uses(&ALL);
    }

    #[test]
    fn named_keys_are_changed_instead_of_new_ones() {
        let run = Run::of("key-lifecycle", "keys = ['symmetric-0']\nmix = { create = 0 }", 200);
        let others = ALL.into_iter().filter(|name| *name != "CreateKey");
        run.uses(&others.collect::<Vec<_>>());
    }
}
