//! What is kept of a measurement: one file with every block's timing, so that it can be judged again.

use super::machine::{Build, Machine};
use super::rounds::{Measured, Plan};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// The form of the file.
const SCHEMA_VERSION: u32 = 1;

/// A finished measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The form of this document.
    pub schema_version: u32,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// The program.
    pub build: Build,
    /// The machine.
    pub machine: Machine,
    /// How it was measured.
    pub parameters: Parameters,
    /// Whether it was broken off.
    pub interrupted: bool,
    /// How long it took.
    pub seconds: f64,
    /// The timings.
    pub results: Vec<Timings>,
    /// Operations that the time did not suffice for.
    pub unreached: Vec<String>,
}

/// How it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seconds that it was to take.
    pub seconds: f64,
    /// Milliseconds of a block.
    pub block_millis: f64,
    /// The seed of the order.
    pub seed: u64,
    /// The backends, in the order of their turns.
    pub backends: Vec<String>,
    /// The patterns of operations; none are all.
    pub operations: Vec<String>,
}

/// The timings of one operation on one backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// The operation.
    pub operation: String,
    /// The backend.
    pub backend: String,
    /// Calls of a block.
    pub calls: u32,
    /// Seconds that went into the operation on all backends together.
    pub spent: f64,
    /// Nanoseconds a call, block by block. Two blocks of each backend belong together: they lie around
    /// those of the others or between them.
    pub nanos: Vec<f64>,
}

impl Saved {
    /// What was measured, as data. `labels` are the sides by position.
    pub fn of(measured: &Measured, plan: Plan, labels: &[String], build: Build) -> Saved {
        let timings = measured.rows.iter().map(|row| Timings {
            operation: row.case.to_string(),
            backend: labels.get(row.side).cloned().unwrap_or_default(),
            calls: row.calls,
            spent: row.spent.as_secs_f64(),
            nanos: row.nanos.clone(),
        });
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Saved {
            schema_version: SCHEMA_VERSION,
            began: now.saturating_sub(measured.took).as_secs(),
            build,
            machine: Machine::this(),
            parameters: Parameters {
                seconds: plan.duration.as_secs_f64(),
                block_millis: plan.block.as_secs_f64() * 1e3,
                seed: plan.seed,
                backends: labels.to_vec(),
                operations: Vec::new(),
            },
            interrupted: false,
            seconds: measured.took.as_secs_f64(),
            results: timings.filter(|timings| !timings.nanos.is_empty()).collect(),
            unreached: measured.unreached.iter().map(ToString::to_string).collect(),
        }
    }

    /// Reads what was written.
    ///
    /// # Errors
    /// When it is no such document, is of another form, or holds no timing or what no clock says.
    pub fn parse(text: &str) -> Result<Saved, String> {
        #[derive(Deserialize)]
        struct Form {
            schema_version: u32,
        }
        let wrong = |error| format!("this is no file of `keyquake bench run --out`: {error}");
        let Form { schema_version } = serde_json::from_str(text).map_err(wrong)?;
        if schema_version != SCHEMA_VERSION {
            return Err(format!(
                "it has schema version {schema_version}; this program reads version {SCHEMA_VERSION}"
            ));
        }
        let saved: Saved = serde_json::from_str(text).map_err(wrong)?;
        let no_time = |nanos: &f64| !nanos.is_finite() || *nanos <= 0.0;
        for Timings { operation, backend, nanos, .. } in &saved.results {
            if nanos.is_empty() {
                return Err(format!("{operation} on {backend} has no timing"));
            }
            if nanos.iter().any(no_time) {
                return Err(format!("{operation}: a timing is a number of nanoseconds above 0"));
            }
        }
        Ok(saved)
    }
}

impl Timings {
    /// The timing in the middle, in nanoseconds; none when there are no timings.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
        Some((sorted[low] + sorted[high]) / 2.0)
    }

    /// How far the middle half of the timings lies apart, as a share of the median.
    pub fn spread(&self) -> Option<f64> {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        Some((sorted[last * 3 / 4] - sorted[last / 4]) / self.median()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn saved() -> Saved {
        let plan = Plan { duration: Duration::ZERO, block: Duration::ZERO, seed: 1 };
        let timings = Timings { nanos: vec![3.0, 1.0, 2.0, 10.0], ..Timings::default() };
        let results = vec![timings];
        Saved { results, ..Saved::of(&Measured::default(), plan, &[], Build::default()) }
    }

    #[test]
    fn a_file_is_read_back() {
        let saved = saved();
        let text = serde_json::to_string(&saved).unwrap();
        assert_eq!(Saved::parse(&text), Ok(saved));
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let told = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(saved()).unwrap();
            change(&mut value);
            Saved::parse(&value.to_string()).unwrap_err()
        };
        assert!(told(&|value| value["schema_version"] = 2.into()).contains("version 2"));
        assert!(told(&|value| value["extra"] = 2.into()).contains("extra"));
        assert!(told(&|value| value["results"][0]["nanos"][0] = 0.into()).contains("above 0"));
        let empty = serde_json::json!([]);
        assert!(told(&|value| value["results"][0]["nanos"] = empty.clone()).contains("no timing"));
        assert!(Saved::parse("{}").unwrap_err().contains("bench run"));
    }

    #[test]
    fn the_middle_is_in_the_middle() {
        let timings = &saved().results[0];
        assert_eq!((timings.median(), timings.spread()), (Some(2.5), Some(0.8)));
        assert_eq!(Timings::default().median(), None);
    }
}
