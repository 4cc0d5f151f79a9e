//! The scenario language from outside: exact errors, the library, and input that is nearly right.

mod errors;
mod files;
mod mutation;
mod schema;

use scenarios::{ArgumentProblem, Names, ParameterInfo, ParameterKind, Vocabulary};
use std::time::Duration;

/// A small vocabulary of the kind that the simulator supplies.
fn vocabulary() -> Vocabulary {
    let (min, max) = (Duration::ZERO, Duration::from_secs(1));
    Vocabulary {
        parameters: vec![ParameterInfo {
            name: "hsm.service_time",
            kind: ParameterKind::Duration { min, max },
            default: "\"250us\"",
            doc: "How long an HSM computes.",
        }],
        operations: Names::Known(vec!["CreateKey", "Decrypt", "ScheduleKeyDeletion"]),
        errors: Names::Known(vec!["NotFoundException", "ThrottlingException"]),
        oracles: Names::Known(vec!["durability", "key-state"]),
        sabotages: Names::Known(vec!["stale-follower"]),
        quota_profiles: Names::Known(vec!["aws-2026", "seed"]),
        quota_pools: Names::Known(vec!["CreateKey", "symmetric"]),
        check_arguments: |_, arguments| match arguments.keys().find(|name| *name != "Known") {
            None => Ok(()),
            Some(name) => Err(ArgumentProblem {
                argument: Some(name.clone()),
                message: format!("unknown argument \"{name}\""),
            }),
        },
    }
}
