//! HSMs take commands and answer none: they are up, can be reached, and have stopped.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness};
use crate::fault::placement::{Placed, Placement};

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-hang",
    doc: "Makes HSMs take commands without answering any.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmHang, at: &Placement<'_>) -> Placed {
    Illness::of_hsms(INFO, &words.hsms, Ailment::Hung, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn two_of_each_region_hang() {
        let hsms = scenarios::Hsms { region: None, hsms: 2 };
        let words = scenarios::HsmHang { hsms };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Hung, 4);
    }
}
