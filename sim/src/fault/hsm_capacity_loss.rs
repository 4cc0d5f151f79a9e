//! HSMs lose most of what they can do at once: a card with one engine left of several.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness};
use crate::fault::placement::{Placed, Placement};

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-capacity-loss",
    doc: "Leaves HSMs only some of the commands they can carry out at once.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmCapacityLoss, at: &Placement<'_>) -> Placed {
    Illness::of_hsms(INFO, &words.hsms, Ailment::Narrow(words.lanes), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn two_of_each_region_are_narrow() {
        let hsms = scenarios::Hsms { region: None, hsms: 2 };
        let words = scenarios::HsmCapacityLoss { hsms, lanes: 1 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Narrow(1), 4);
    }
}
