//! HSMs forget the keys they have unwrapped, all at the same moment, and whoever uses them again at
//! once stampedes: the first command with each key takes many times as long.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness};
use crate::fault::placement::{Placed, Placement};

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-cold-cache",
    doc: "Makes HSMs forget what they have unwrapped, so that the first use of each key takes long.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmColdCache, at: &Placement<'_>) -> Placed {
    Illness::of_hsms(INFO, &words.hsms, Ailment::Cold(words.factor), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn so_many_of_each_region_are_cold() {
        let hsms = scenarios::Hsms { region: None, hsms: 2 };
        let words = scenarios::HsmColdCache { hsms, factor: 50 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Cold(50), 4);
    }
}
