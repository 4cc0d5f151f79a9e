//! Traffic surges: a cache in front of the service is lost, a job is started everywhere.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness, Patients};
use crate::fault::placement::{Placed, Placement};
use crate::place::Role;

/// The line of the table.
pub const INFO: FaultInfo =
    FaultInfo { name: "surge", doc: "Makes many calls of each that is due.", hinders: false };

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::Surge, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let patients = Patients::all(Role::Client, region, at);
    Placed::about(
        Illness::new(INFO, at.window, patients, Ailment::Surge(words.factor)),
        "clients",
        region,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn all_of_them_ail() {
        let words = scenarios::Surge { region: None, factor: 9 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Surge(9), 2);
    }
}
