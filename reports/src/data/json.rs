//! The JSON form of a report: written for other tools, read back with one clear error.

use std::fmt;

use serde::Deserialize;

use super::{Limit, Micros, RunReport, SCHEMA_VERSION, Series};

/// Why a text is not a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// The text is not JSON, or a field is missing or of the wrong type.
    Syntax {
        /// What the parser found, with line and column.
        message: String,
    },
    /// The report was written in another form.
    SchemaVersion {
        /// The version that the text names.
        found: u32,
    },
    /// A value that no run can have.
    Value {
        /// The field, as a path into the JSON document.
        field: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { message } => write!(f, "not a run report: {message}"),
            Self::SchemaVersion { found } => write!(
                f,
                "the run report has schema_version {found}, but this version reads \
                 {SCHEMA_VERSION}; run the scenario again to get a current report"
            ),
            Self::Value { field, expected } => write!(f, "`{field}` must be {expected}"),
        }
    }
}

impl std::error::Error for ReportError {}

impl RunReport {
    /// Reads a report back.
    ///
    /// # Errors
    /// Text that is not JSON, another `schema_version`, and values that no run can have.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version: found } =
            serde_json::from_str(text).map_err(|error| syntax(&error))?;
        if found != SCHEMA_VERSION {
            return Err(ReportError::SchemaVersion { found });
        }
        let report: Self = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        report.check()?;
        Ok(report)
    }

    /// Writes the report, indented for people who open the file.
    ///
    /// # Errors
    /// The values that [`RunReport::from_json`] would refuse, so that nothing unreadable is kept.
    pub fn to_json(&self) -> Result<String, ReportError> {
        self.check()?;
        serde_json::to_string_pretty(self).map_err(|error| syntax(&error))
    }

    fn check(&self) -> Result<(), ReportError> {
        let wall = sane(self.wall_seconds);
        require(wall, || "wall_seconds".into(), "a number of seconds from 0")?;
        for (i, series) in self.series.iter().enumerate() {
            check_series(i, series)?;
        }
        for (i, latency) in self.latencies.iter().enumerate() {
            let mut quantiles = latency.quantiles.iter().map(|q| q.quantile);
            let right = quantiles.all(|q| (0.0..=1.0).contains(&q));
            require(right, || format!("latencies[{i}].quantiles"), "between 0 and 1")?;
        }
        for (i, fault) in self.faults.iter().enumerate() {
            let right = fault.from <= fault.until;
            require(right, || format!("faults[{i}].until"), "no earlier than `from`")?;
        }
        Ok(())
    }
}

fn check_series(i: usize, series: &Series) -> Result<(), ReportError> {
    let width = series.width > Micros(0);
    require(width, || format!("series[{i}].width"), "above 0")?;
    let limit = series.limit.as_ref().map_or(0.0, Limit::effective);
    require(sane(limit), || format!("series[{i}].limit"), "a number from 0")
}

fn sane(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

fn syntax(error: &serde_json::Error) -> ReportError {
    ReportError::Syntax { message: error.to_string() }
}

fn require(
    right: bool,
    field: impl FnOnce() -> String,
    expected: &'static str,
) -> Result<(), ReportError> {
    if right { Ok(()) } else { Err(ReportError::Value { field: field(), expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, Tool, Verdict};

    fn report() -> RunReport {
        let tool = Tool { version: "0.1.0".into(), commit: "abc".into() };
        let scenario = Scenario { name: "x".into(), description: String::new() };
        RunReport::new(tool, scenario, u64::MAX, Verdict::ExpectedViolation)
    }

    #[test]
    fn a_report_survives_its_json() {
        let report = report();
        let json = report.to_json().unwrap();
        assert!(json.contains("\"verdict\": \"expected-violation\""));
        assert_eq!(RunReport::from_json(&json).unwrap(), report);
    }

    #[test]
    fn errors_say_what_and_where() {
        let unreadable = RunReport::from_json("{\n  \"seed\"").unwrap_err().to_string();
        assert!(unreadable.contains("line 2"), "{unreadable}");
        let other = RunReport::from_json("{\"schema_version\": 9}").unwrap_err();
        assert_eq!(other, ReportError::SchemaVersion { found: 9 });
    }

    #[test]
    fn a_bucket_without_width_is_refused_in_both_directions() {
        let mut report = report();
        report.series.push(Series {
            region: "eu-west-1".into(),
            pool: "symmetric".into(),
            width: Micros(0),
            limit: None,
            buckets: Vec::new(),
        });
        let refused = ReportError::Value { field: "series[0].width".into(), expected: "above 0" };
        assert_eq!(report.to_json().unwrap_err(), refused);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(RunReport::from_json(&json).unwrap_err(), refused);
    }
}
