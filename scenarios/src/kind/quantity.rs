//! Quantities with a unit: durations, clock offsets and sizes.

use std::time::Duration;

use super::{Complaint, Kind};
use crate::units::{self, Bytes, ClockOffset, DAY};
use crate::value::{Data, Value};

/// The longest span of simulated time anything may take.
const LONGEST: Duration = Duration::from_secs(36_500 * DAY.as_secs());

/// A duration in an inclusive range.
pub(crate) struct DurationIn {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

/// A duration of whole days in an inclusive range, as requests name it.
pub(crate) struct DaysIn {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

/// A size in an inclusive range.
pub(crate) struct SizeIn {
    pub(crate) min: Bytes,
    pub(crate) max: Bytes,
}

pub(crate) struct OffsetKind;

/// Any duration, zero included.
pub(crate) const ANY_DURATION: DurationIn = DurationIn { min: Duration::ZERO, max: LONGEST };
/// A duration above zero.
pub(crate) const POSITIVE_DURATION: DurationIn =
    DurationIn { min: Duration::from_nanos(1), max: LONGEST };
/// The time from one event to the next of many, which a run has to get through.
pub(crate) const INTERVAL: DurationIn = DurationIn { min: Duration::from_millis(1), max: LONGEST };
/// How far a clock is ahead, or behind with a minus sign.
pub(crate) const OFFSET: OffsetKind = OffsetKind;

impl Kind for DurationIn {
    type Value = Duration;

    fn name(&self) -> String {
        let (min, max) = (units::duration_text(self.min), units::duration_text(self.max));
        match (self.min.as_nanos(), self.max == LONGEST) {
            (0, true) => "duration".into(),
            (_, true) => format!("duration from {min}"),
            _ => format!("duration {min} to {max}"),
        }
    }

    fn parse(&self, value: &Value) -> Result<Duration, Complaint> {
        let duration = quantity(value, "a duration", "s", units::parse_duration)?;
        if (self.min..=self.max).contains(&duration) {
            return Ok(duration);
        }
        let (min, max) = (units::duration_text(self.min), units::duration_text(self.max));
        let message =
            format!("{} is out of range; it must be \"{min}\" to \"{max}\"", value.toml());
        Err(Complaint::about(value, message))
    }
}

impl DaysIn {
    fn range(&self) -> DurationIn {
        DurationIn { min: self.min * DAY, max: self.max * DAY }
    }
}

impl Kind for DaysIn {
    type Value = Duration;

    fn name(&self) -> String {
        format!("{} in whole days", self.range().name())
    }

    fn parse(&self, value: &Value) -> Result<Duration, Complaint> {
        let duration = self.range().parse(value)?;
        if duration.as_nanos() % DAY.as_nanos() == 0 {
            return Ok(duration);
        }
        let days = duration.as_secs() / DAY.as_secs();
        let message = format!(
            "{} is no number of whole days; a request names days, as in \"{days}d\"",
            value.toml()
        );
        Err(Complaint::about(value, message))
    }
}

impl Kind for SizeIn {
    type Value = Bytes;

    fn name(&self) -> String {
        format!("size {}B to {}B", self.min.0, self.max.0)
    }

    fn parse(&self, value: &Value) -> Result<Bytes, Complaint> {
        let size = quantity(value, "a size", "B", units::parse_bytes)?;
        if (self.min..=self.max).contains(&size) {
            return Ok(size);
        }
        let (min, max) = (self.min.0, self.max.0);
        let message =
            format!("{} is out of range; it must be \"{min}B\" to \"{max}B\"", value.toml());
        Err(Complaint::about(value, message))
    }
}

impl Kind for OffsetKind {
    type Value = ClockOffset;

    fn name(&self) -> String {
        "clock offset such as \"-250ms\"".into()
    }

    fn parse(&self, value: &Value) -> Result<ClockOffset, Complaint> {
        quantity(value, "a clock offset", "s", units::parse_offset)
    }
}

/// Reads a string with a unit; a bare number is told which string it should have been.
fn quantity<T>(
    value: &Value,
    what: &str,
    usual_unit: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, Complaint> {
    match &value.data {
        Data::Text(text) => parse(text).map_err(|message| Complaint::about(value, message)),
        Data::Integer(_) | Data::Number(_) => {
            let with_unit = format!("{what} needs a unit, as in \"{}{usual_unit}\"", value.toml());
            Err(Complaint::about(value, format!("{with_unit}; found {}", value.found())))
        }
        _ => Err(Complaint::expected(value, &format!("{what} such as \"5{usual_unit}\""))),
    }
}
