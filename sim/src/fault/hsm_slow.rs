//! HSMs take longer for everything, as one does whose cooling fails: it answers, only late.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness};
use crate::fault::placement::{Placed, Placement};

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-slow",
    doc: "Makes HSMs take many times as long for every command.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmSlow, at: &Placement<'_>) -> Placed {
    Illness::of_hsms(INFO, &words.hsms, Ailment::Slow(words.factor), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn two_of_each_region_are_slow() {
        let hsms = scenarios::Hsms { region: None, hsms: 2 };
        let words = scenarios::HsmSlow { hsms, factor: 20 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Slow(20), 4);
    }
}
