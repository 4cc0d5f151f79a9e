//! The disk of a journal is full. It answers no append, for it can promise nothing, until there is room.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness, Patients};
use crate::fault::placement::{Placed, Placement};
use crate::place::Role;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "journal-full",
    doc: "Fills the disks of journals, so that nothing more is written.",
    hinders: true,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::JournalFull, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let patients = Patients::all(Role::Journal, region, at);
    Placed::about(Illness::new(INFO, at.window, patients, Ailment::Full), "journals", region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn all_of_them_ail() {
        let words = scenarios::JournalFull { region: None };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Full, 2);
    }
}
