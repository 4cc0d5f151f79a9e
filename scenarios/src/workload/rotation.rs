//! Rotation, automatic and on demand, while old ciphertexts must stay readable.

use std::time::Duration;

use kms_core::ops::{
    Response, disable_key_rotation, enable_key_rotation, get_key_rotation_status,
    list_key_rotations, rotate_key_on_demand,
};
use kms_core::wire::{IncludeKeyMaterial, KeyRef, RotationPeriodInDays};

use super::WorkloadKind;
use super::generator::{Generator, Moment, Planned};
use super::seat::{NewKey, Seat, days};
use super::weights::mix;
use super::weights::pick;
use crate::kind::DaysIn;
use crate::reader::Entry;
use crate::reader::Reader;

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
                &DaysIn { min: 90, max: 2_560 },
                "365d",
                "The rotation period that is set.",
            ),
        }
    }
}

/// The plaintexts are short: it is their keys that matter.
const PLAINTEXT: usize = 32;

/// One client.
pub(super) struct Client {
    parameters: Rotation,
    seat: Seat,
}

impl Client {
    pub(super) fn new(parameters: &Rotation, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat }
    }

    fn weights(&self) -> [u32; 7] {
        let p = &self.parameters;
        [p.decrypt, p.encrypt, p.on_demand, p.enable, p.disable, p.status, p.list]
    }

    fn change(&self, action: usize, key_id: KeyRef) -> Planned {
        let seat = &self.seat;
        match action {
            2 => seat.admin(rotate_key_on_demand::Request { key_id }),
            3 => {
                let period = RotationPeriodInDays(days(self.parameters.period));
                let rotation_period_in_days = Some(period);
                seat.admin(enable_key_rotation::Request { key_id, rotation_period_in_days })
            }
            4 => seat.admin(disable_key_rotation::Request { key_id }),
            5 => seat.admin(get_key_rotation_status::Request { key_id }),
            _ => seat.admin(list_key_rotations::Request {
                include_key_material: Some(IncludeKeyMaterial::AllKeyMaterial),
                ..list_key_rotations::Request::new(key_id)
            }),
        }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let (seat, action) = (&self.seat, pick(self.weights(), moment.draw));
        if action == 0
            && let Some(planned) = seat.decrypt(0.0, moment.draw)
        {
            return planned;
        }
        match seat.key(moment.draw).map(KeyRef::from) {
            None => seat.create_key(NewKey::SingleRegion),
            Some(key) if action < 2 => seat.admin(seat.encrypt(key, PLAINTEXT, moment.draw)),
            Some(key) => self.change(action, key),
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
    use kms_core::ops::Operation;

    #[test]
    fn keys_rotate_and_old_ciphertexts_stay_readable() {
        let run = Run::of("rotation", "", 300);
        run.uses(&[
            "Decrypt",
            "DisableKeyRotation",
            "EnableKeyRotation",
            "Encrypt",
            "GetKeyRotationStatus",
            "ListKeyRotations",
            "RotateKeyOnDemand",
        ]);
        let mut decrypts = run
            .calls
            .iter()
            .filter(|(planned, _)| planned.request.operation() == Operation::Decrypt);
        assert!(decrypts.all(|(_, result)| result.is_ok()));
    }
}
