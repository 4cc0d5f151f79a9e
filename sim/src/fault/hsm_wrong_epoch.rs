//! HSMs stay in an old state of their domain and believe to be up to date: one that was swapped for its
//! image of yesterday. What such an HSM wraps is under a domain key that may be dropped already.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness};
use crate::fault::placement::{Placed, Placement};

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-wrong-epoch",
    doc: "Keeps HSMs in the state of the domain they are in, while they claim to be up to date.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmWrongEpoch, at: &Placement<'_>) -> Placed {
    Illness::of_hsms(INFO, &words.hsms, Ailment::Stale, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn two_of_each_region_are_stale() {
        let hsms = scenarios::Hsms { region: None, hsms: 2 };
        let words = scenarios::HsmWrongEpoch { hsms };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Stale, 4);
    }
}
