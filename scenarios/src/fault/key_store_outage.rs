//! key-store-outage: proxies of external key stores that do not answer as they should.

use crate::kind::{REGION, RegionName, Word};
use crate::reader::Reader;

/// How the proxies of external key stores fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStoreOutage {
    /// In which way.
    pub how: HowItFails,
    /// Only those of this Region.
    pub region: Option<RegionName>,
}

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowItFails {
    /// Nothing reaches them and nothing leaves them.
    Unreachable,
    /// They answer long after anybody waits.
    Slow,
    /// What they say cannot be understood.
    Garbled,
}

const HOW: Word<HowItFails> = Word {
    what: "way to fail",
    words: &[
        ("garbled", HowItFails::Garbled),
        ("slow", HowItFails::Slow),
        ("unreachable", HowItFails::Unreachable),
    ],
};

impl KeyStoreOutage {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            how: reader.or("how", &HOW, "unreachable", "In which way they fail."),
            region: reader.optional("region", &REGION, "Only proxies of this Region."),
        }
    }
}
