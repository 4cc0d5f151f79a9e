//! Key policies: replaced while calls depend on them.

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Replace key policies, read them, and make calls that they allow or deny.
#[derive(Debug, Clone, PartialEq)]
pub struct Policies {
    /// Weight: putKeyPolicy.
    pub put: u32,
    /// Weight: getKeyPolicy.
    pub get: u32,
    /// Weight: a cryptographic call.
    pub use_key: u32,
    /// The share of new policies that deny the callers.
    pub deny_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "policies",
    doc: "Replace key policies, read them, and make calls that they allow or deny.",
    read: |reader| WorkloadKind::Policies(Policies::read(reader)),
};

impl Policies {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [put, get, use_key] = mix(
            reader,
            [
                ("put", 1, "PutKeyPolicy."),
                ("get", 2, "GetKeyPolicy."),
                ("use_key", 6, "A cryptographic call."),
            ],
        );
        Self {
            put,
            get,
            use_key,
            deny_share: reader.or(
                "deny_share",
                &PROBABILITY,
                0.25,
                "The share of new policies that deny the callers.",
            ),
        }
    }
}
