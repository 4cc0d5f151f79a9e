//! Request quotas change while they are in use: a support case is granted, or an account is slowed down.
//!
//! A host counts on within the running interval; what it has admitted stays admitted.

use crate::fault::FaultInfo;
use crate::fault::ailment::{Ailment, Illness, Patients};
use crate::fault::placement::{Placed, Placement};
use crate::place::Role;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "quota-change",
    doc: "Raises or lowers request quotas while they are in use.",
    hinders: false,
};

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::QuotaChange, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let patients = Patients::all(Role::ApiHost, region, at);
    let ailment = Ailment::Quota(permille(words.factor));
    Placed::about(Illness::new(INFO, at.window, patients, ailment), "request quotas", region)
}

/// A factor in thousandths, which is how finely it is told.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a million")]
pub fn permille(factor: f64) -> u32 {
    libm::round(factor * 1_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn all_hosts_hear_of_it() {
        let words = scenarios::QuotaChange { region: None, factor: 0.25 };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Quota(250), 4);
    }
}
