//! Loads at several rates: what is kept of them, as data.

use crate::goal::Goal;
use crate::outcome::{Outcome, SCHEMA_VERSION};
use crate::search::Bracket;
use schemars::JsonSchema;
use serde::Serialize;

/// A service keeps up when it answers at least this share of the calls a second that are due.
const KEEPS_UP: f64 = 0.9;

/// Loads at several rates, in the order they were tried.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Trials {
    /// The form of this document.
    pub schema_version: u32,
    /// What a rate has to hold beside keeping up; without a goal, that is all.
    pub goal: Option<String>,
    /// Whether it was broken off.
    pub interrupted: bool,
    /// The loads.
    pub trials: Vec<Trial>,
    /// The highest rate that held and the lowest that did not.
    pub bracket: Bracket,
}

/// A load at a rate.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Trial {
    /// Calls a second that were offered.
    pub rate: f64,
    /// Whether all that had to hold did, the service kept up, and the driver did not bound the load.
    pub held: bool,
    /// What did not hold.
    pub unmet: Vec<String>,
    /// The load.
    pub outcome: Outcome,
}

/// What `run.json` holds.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant, reason = "it is there for its schema")]
enum Document {
    /// One load.
    Load(Outcome),
    /// Several.
    Trials(Trials),
}

impl Trials {
    /// No trial yet.
    pub fn new(goal: Option<String>) -> Trials {
        Trials {
            schema_version: SCHEMA_VERSION,
            goal,
            interrupted: false,
            trials: Vec::new(),
            bracket: Bracket::default(),
        }
    }
}

/// What a load at a rate did not hold: its goal, that the service keeps up with what is due, and that it is
/// the service that is measured.
pub fn unmet(goal: Option<&Goal>, outcome: &Outcome) -> Vec<String> {
    let Outcome { due_per_second: due, achieved_per_second: achieved, counts, .. } = outcome;
    let behind = *achieved < KEEPS_UP * due;
    let behind = behind.then(|| format!("{achieved:.0} of {due:.0} calls a second were answered"));
    let bound = outcome.client_bound.then(|| {
        let late = 100.0 * outcome.share(counts.late + counts.dropped);
        format!("client-bound: the driver sent {late:.1} % of the calls late or never")
    });
    let goal = goal.map(|goal| goal.unmet(outcome)).unwrap_or_default();
    goal.into_iter().chain(behind).chain(bound).collect()
}

/// The JSON Schema of `run.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Whether a value is what a schema says, as far as types and members go.
    fn fits(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str() {
            let definition = root.pointer(name.trim_start_matches('#')).ok_or("a dangling $ref")?;
            return fits(value, definition, root);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let found = any.iter().any(|one| fits(value, one, root).is_ok());
            return found.then_some(()).ok_or_else(|| format!("{value} fits none of {any:?}"));
        }
        let is = |kind: &Value| match kind.as_str().unwrap_or_default() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            _ => false,
        };
        let right = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(is),
            Value::Null => true,
            kind => is(kind),
        };
        if !right {
            return Err(format!("{value} is not {}", schema["type"]));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            value.get(name.as_str().unwrap()).ok_or_else(|| format!("{name} is missing"))?;
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let known = &schema["properties"][name];
            let known = if known.is_null() { &schema["additionalProperties"] } else { known };
            if known.is_null() {
                return Err(format!("{name} is unknown"));
            }
            fits(member, known, root).map_err(|why| format!("{name}: {why}"))?;
        }
        let mut items = value.as_array().into_iter().flatten();
        items.try_for_each(|item| fits(item, &schema["items"], root))
    }

    #[test]
    fn what_is_written_fits_its_schema() {
        let schema = schema();
        let mut outcome = Outcome::default();
        outcome.counts.failed.insert("Timeout".to_owned(), 3);
        outcome.late_because = Some(crate::outcome::Cause::Machine);
        outcome.samples.push(crate::outcome::Sample::default());
        let mut trials = Trials::new(Some("p99<1s".to_owned()));
        trials.trials.push(Trial {
            rate: 10.0,
            held: false,
            unmet: vec!["no".to_owned()],
            outcome: outcome.clone(),
        });
        for document in [Document::Load(outcome), Document::Trials(trials)] {
            let mut value = serde_json::to_value(&document).unwrap();
            assert_eq!(fits(&value, &schema, &schema), Ok(()));
            value["surprise"] = Value::Null;
            assert!(fits(&value, &schema, &schema).is_err());
        }
    }

    fn outcome(due: f64, achieved: f64) -> Outcome {
        let mut outcome =
            Outcome { due_per_second: due, achieved_per_second: achieved, ..Outcome::default() };
        (outcome.counts.sent, outcome.counts.succeeded) = (1_000, 1_000);
        outcome
    }

    /// A search with a goal for throttling said that half a million calls a second were held by a service
    /// that had answered thirty thousand.
    #[test]
    fn a_service_that_falls_behind_holds_no_goal() {
        let goal: Goal = "throttled<1e-4".parse().unwrap();
        for goal in [None, Some(&goal)] {
            assert_eq!(unmet(goal, &outcome(100.0, 95.0)), <[String; 0]>::default());
            let said = unmet(goal, &outcome(500_000.0, 29_593.0));
            assert_eq!(said, ["29593 of 500000 calls a second were answered"]);
        }
        let mut throttled = outcome(100.0, 80.0);
        throttled.counts.throttled = 10;
        assert_eq!(unmet(Some(&goal), &throttled).len(), 2);
    }

    #[test]
    fn a_load_that_the_driver_bounds_holds_nothing() {
        let mut outcome = outcome(100.0, 100.0);
        (outcome.client_bound, outcome.counts.late) = (true, 40);
        let said = unmet(None, &outcome);
        assert_eq!(said, ["client-bound: the driver sent 4.0 % of the calls late or never"]);
    }
}
