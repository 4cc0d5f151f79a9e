//! A flood of new keys: the smallest quota, the largest write.

use kms_core::ops::Response;

use super::WorkloadKind;
use super::generator::{Generator, Moment, Planned};
use super::seat::{NewKey, Seat};
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Create keys and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCreation {
    /// The share of keys that are multi-Region primaries.
    pub multi_region_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "key-creation",
    doc: "Create keys and nothing else.",
    read: |reader| WorkloadKind::KeyCreation(KeyCreation::read(reader)),
};

impl KeyCreation {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            multi_region_share: reader.or(
                "multi_region_share",
                &PROBABILITY,
                0.0,
                "The share of keys that are multi-Region primaries.",
            ),
        }
    }
}

/// One client.
pub(super) struct Client {
    parameters: KeyCreation,
    seat: Seat,
}

impl Client {
    pub(super) fn new(parameters: &KeyCreation, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let multi_region = moment.draw.chance(self.parameters.multi_region_share.get());
        self.seat.create_key(if multi_region { NewKey::MultiRegion } else { NewKey::SingleRegion })
    }

    fn learn(&mut self, _: &Planned, _: &kms_core::Result<Response>) {}
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ops::Request;

    #[test]
    fn keys_of_both_kinds_are_made() {
        let run = Run::of("key-creation", "multi_region_share = 0.5", 40);
        run.uses(&["CreateKey"]);
        let multi_region = run.count(|_, request| match request {
            Request::CreateKey(request) => request.multi_region,
            _ => false,
        });
        assert!((10..30).contains(&multi_region), "{multi_region}");
    }
}
