//! The disk of a journal is slow: a neighbour that writes, a controller that reads its own errors.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness, Patients};
use crate::fault::placement::{Placed, Placement};
use crate::place::Role;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "journal-slow",
    doc: "Makes the disks of journals take many times as long.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::JournalSlow, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let patients = Patients::all(Role::Journal, region, at);
    Placed::about(
        Illness::new(INFO, at.window, patients, Ailment::Slow(words.factor)),
        "journals",
        region,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn all_of_them_ail() {
        let words = scenarios::JournalSlow { region: None, factor: 9 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Slow(9), 2);
    }
}
