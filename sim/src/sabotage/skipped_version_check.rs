//! A host whose appends no longer say which versions they were decided on.
//!
//! A decision that was overtaken is then committed over what overtook it: an update is lost.

use super::{Sabotage, SabotageInfo};
use kms_core::step::{Append, Precondition};
use std::sync::Arc;

pub(super) const INFO: SabotageInfo = SabotageInfo {
    name: "skipped-version-check",
    doc: "Drops the version preconditions of an append, so that a stale decision is committed.",
    new: || Arc::new(SkippedVersionCheck),
};

struct SkippedVersionCheck;

impl Sabotage for SkippedVersionCheck {
    fn append(&self, append: &mut Append) {
        append.preconditions.retain(|one| !matches!(one, Precondition::VersionIs(..)));
    }
}
