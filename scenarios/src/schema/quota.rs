//! Request quotas: whose figures, and how much of them.

use crate::kind::{Named, Number};
use crate::reader::Reader;

/// The request quotas of every account and Region.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// The named set of limits.
    pub profile: String,
    /// Every limit is multiplied by this.
    pub scale: f64,
}

const PROFILE: Named =
    Named { what: "quota profile", among: |vocabulary| &vocabulary.quota_profiles };

impl Quota {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        reader.table("quota", "The request quotas of every account and Region.", |reader| Self {
            profile: reader.or("profile", &PROFILE, "aws-2026", "The named set of limits."),
            scale: reader.or(
                "scale",
                &Number { min: 1e-6, max: 1e6 },
                1.0,
                "Every limit is multiplied by this, so that few requests exhaust them.",
            ),
        })
    }
}
