//! Grants: given, used at once with their token or later without, taken back.

use super::WorkloadKind;
use super::weights::mix;
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Create grants, use them with and without their grant token, retire and revoke them.
#[derive(Debug, Clone, PartialEq)]
pub struct Grants {
    /// Weight: createGrant.
    pub create: u32,
    /// Weight: a cryptographic call that only the grant allows.
    pub use_grant: u32,
    /// Weight: listGrants.
    pub list: u32,
    /// Weight: retireGrant.
    pub retire: u32,
    /// Weight: revokeGrant.
    pub revoke: u32,
    /// The share of uses that carry the grant token.
    pub token_share: Probability,
    /// The share of grants with an encryption context constraint.
    pub constraint_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "grants",
    doc: "Create grants, use them with and without their grant token, retire and revoke them.",
    read: |reader| WorkloadKind::Grants(Grants::read(reader)),
};

impl Grants {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [create, use_grant, list, retire, revoke] = mix(
            reader,
            [
                ("create", 2, "CreateGrant."),
                (
                    "use_grant",
                    6,
                    "A cryptographic call that only the grant allows.",
                ),
                ("list", 1, "ListGrants."),
                ("retire", 1, "RetireGrant."),
                ("revoke", 1, "RevokeGrant."),
            ],
        );
        Self {
            create,
            use_grant,
            list,
            retire,
            revoke,
            token_share: reader.or(
                "token_share",
                &PROBABILITY,
                0.5,
                "The share of uses that carry the grant token.",
            ),
            constraint_share: reader.or(
                "constraint_share",
                &PROBABILITY,
                0.25,
                "The share of grants with an encryption context constraint.",
            ),
        }
    }
}
