//! The words this build knows, for the scenario language to check a file against.

use crate::oracle::ORACLES;
use crate::parameters::Parameters;
use crate::sabotage::SABOTAGES;
use kms_core::error::ErrorCode;
use kms_core::ops::Operation;
use kms_core::quota::Profile;
use scenarios::{Names, Vocabulary};
use std::collections::BTreeSet;

/// Everything a scenario may name.
pub fn vocabulary() -> Vocabulary {
    Vocabulary {
        parameters: Parameters::table(),
        operations: known(Operation::ALL.iter().map(|operation| operation.name())),
        errors: known(ErrorCode::ALL.iter().map(|code| code.wire_name())),
        oracles: known(ORACLES.iter().map(|entry| entry.info.name)),
        sabotages: known(SABOTAGES.iter().map(|info| info.name)),
        quota_profiles: known(Profile::names().iter().copied()),
        quota_pools: known(pools()),
        check_arguments: scenarios::check_arguments,
    }
}

fn known(names: impl Iterator<Item = &'static str>) -> Names {
    Names::Known(names.collect())
}

fn pools() -> impl Iterator<Item = &'static str> {
    let profiles = Profile::names().iter().filter_map(|name| Profile::named(name));
    let names: BTreeSet<&'static str> = profiles
        .flat_map(|profile| profile.pools().map(|pool| pool.name).collect::<Vec<_>>())
        .collect();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::{Document, Scenario, library};
    use std::path::Path;

    #[test]
    fn what_a_document_writes_reads_as_the_same_scenario() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        for path in library(&folder).unwrap() {
            let file = Scenario::load(&path, &[], &vocabulary()).unwrap();
            let document = Document::open(&path, &[]).unwrap();
            let again = document.scenario(&file.name, &vocabulary()).unwrap();
            assert_eq!(file, again, "{}", path.display());
        }
    }
}
