//! hsm-cut: HSMs that are cut off in one direction.

use super::Hsms;
use crate::kind::Word;
use crate::reader::Reader;

/// HSMs that are cut off in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmCut {
    /// Which.
    pub hsms: Hsms,
    /// In which.
    pub direction: CutDirection,
}

/// What no longer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutDirection {
    /// What is said to them.
    Deaf,
    /// What they say.
    Mute,
}

const DIRECTION: Word<CutDirection> = Word {
    what: "direction",
    words: &[("deaf", CutDirection::Deaf), ("mute", CutDirection::Mute)],
};

impl HsmCut {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let doc = "Deaf HSMs hear nothing; what mute ones say is not heard.";
        Self {
            hsms: Hsms::read(reader),
            direction: reader.or("direction", &DIRECTION, "mute", doc),
        }
    }
}
