//! What one thread measures: three histograms and counts, without a lock and without allocating.
//!
//! Response is from the intended start to the answer, service from the sending, lag from the intended
//! start to the sending; so response is lag and service together. All three are of every answer. The
//! response times of failures are kept a second time, so that those of successes are known as well: a
//! service that refuses quickly is not a quick one.

mod packed;

pub(crate) use packed::Packed;

use crate::pools::MOST_POOLS;
use hdrhistogram::Histogram;
use kms_core::error::ErrorCode;
use std::collections::BTreeMap;
use std::time::Duration;

/// A minute in nanoseconds; what takes longer counts as that, and the maximum says so.
const LONGEST: u64 = 60_000_000_000;

/// How many names of what is not modelled are told apart.
const MOST_NAMES: usize = 32;

/// A call that is sent this long after its intended start is late.
pub const LATE: Duration = Duration::from_millis(1);

/// The measurements of one thread, or of several together. All times are nanoseconds.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// From the intended start to the answer.
    pub response: Histogram<u64>,
    /// From the sending to the answer.
    pub service: Histogram<u64>,
    /// From the intended start to the sending.
    pub lag: Histogram<u64>,
    /// From the intended start to those answers that were no success. No interval tells of them, only the
    /// whole run.
    failures: Histogram<u32>,
    /// Calls that were sent later than [`LATE`] after their intended start.
    pub late: u64,
    /// The most calls that were under way at once.
    pub in_flight: u64,
    /// Keys and grants that the load parted with. No interval tells of them, only the whole run.
    pub parted: u64,
    /// Keys and grants that it could not part with.
    pub unparted: u64,
    /// Answers by the position of the pool that their calls draw from, where quotas are looked at.
    pooled: [u64; MOST_POOLS],
    /// Errors by the position of their code in [`ErrorCode::ALL`].
    errors: [u64; ErrorCode::ALL.len()],
    /// What went wrong otherwise, by name.
    others: BTreeMap<String, u64>,
}

impl Recorder {
    /// Nothing measured yet. It holds three quarters of a megabyte, whatever is recorded.
    ///
    /// # Panics
    /// Never: the bounds are constants that a histogram accepts.
    pub fn new() -> Recorder {
        let empty = Histogram::new_with_bounds(1, LONGEST, 3).expect("constant bounds");
        let (response, service, lag) = (empty.clone(), empty.clone(), empty);
        let failures = Histogram::new_with_bounds(1, LONGEST, 3).expect("constant bounds");
        let errors = [0; ErrorCode::ALL.len()];
        let (pooled, others) = ([0; MOST_POOLS], BTreeMap::new());
        Recorder {
            response,
            service,
            lag,
            failures,
            late: 0,
            in_flight: 0,
            parted: 0,
            unparted: 0,
            pooled,
            errors,
            others,
        }
    }

    /// Notes a call: how late it was sent, how long its answer took then, and its error.
    #[inline]
    pub fn note(&mut self, lag: Duration, service: Duration, error: Option<ErrorCode>) {
        let response = self.times(lag, service);
        if let Some(error) = error {
            self.errors[error as usize] += 1;
            self.failures.saturating_record(response);
        }
    }

    /// Notes the times of a call; that of its response.
    #[inline]
    fn times(&mut self, lag: Duration, service: Duration) -> u64 {
        let response = nanos(lag.saturating_add(service));
        self.lag.saturating_record(nanos(lag));
        self.service.saturating_record(nanos(service));
        self.response.saturating_record(response);
        self.late += u64::from(lag > LATE);
        response
    }

    /// Notes a call that ended otherwise than the service's model has it, by a name for that. What comes
    /// after so many names counts as one.
    pub fn note_other(&mut self, lag: Duration, service: Duration, name: &str) {
        let response = self.times(lag, service);
        self.failures.saturating_record(response);
        self.add_other(name, 1);
    }

    /// Notes how many calls are under way.
    #[inline]
    pub fn under_way(&mut self, calls: u64) {
        self.in_flight = self.in_flight.max(calls);
    }

    /// Notes that something was parted with, or could not be.
    pub fn part(&mut self, done: bool) {
        match done {
            true => self.parted += 1,
            false => self.unparted += 1,
        }
    }

    /// Notes that a call draws from the pool at a position of its profile.
    #[inline]
    pub fn draw(&mut self, pool: usize) {
        if let Some(calls) = self.pooled.get_mut(pool) {
            *calls += 1;
        }
    }

    /// Answers by the position of the pool that their calls draw from.
    pub fn pooled(&self) -> &[u64] {
        &self.pooled
    }

    fn add_other(&mut self, name: &str, count: u64) {
        let full = self.others.len() >= MOST_NAMES && !self.others.contains_key(name);
        let name = if full { "Other" } else { name };
        match self.others.get_mut(name) {
            Some(sum) => *sum += count,
            None => drop(self.others.insert(name.to_owned(), count)),
        }
    }

    /// Adds what another has measured; the most calls under way at once are not a sum, and stay.
    pub fn add(&mut self, other: &Recorder) {
        let pairs = [
            (&mut self.response, &other.response),
            (&mut self.service, &other.service),
            (&mut self.lag, &other.lag),
        ];
        for (sum, part) in pairs {
            // The bounds are the same, so there is nothing that does not fit.
            let _ = sum.add(part);
        }
        if !other.failures.is_empty() {
            let _ = self.failures.add(&other.failures);
        }
        self.late += other.late;
        self.parted += other.parted;
        self.unparted += other.unparted;
        self.pooled.iter_mut().zip(other.pooled).for_each(|(sum, part)| *sum += part);
        self.errors.iter_mut().zip(other.errors).for_each(|(sum, part)| *sum += part);
        other.others.iter().for_each(|(name, count)| self.add_other(name, *count));
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.response.reset();
        self.service.reset();
        self.lag.reset();
        if !self.failures.is_empty() {
            self.failures.reset();
        }
        (self.late, self.parted, self.unparted) = (0, 0, 0);
        self.in_flight = 0;
        self.pooled.fill(0);
        self.errors.fill(0);
        self.others.clear();
    }

    /// Calls that were answered.
    pub fn answered(&self) -> u64 {
        self.response.len()
    }

    /// From the intended start to those answers that were a success.
    ///
    /// # Panics
    /// Never: the bounds are constants that a histogram accepts.
    pub fn successes(&self) -> Histogram<u64> {
        let mut successes = Histogram::new_with_bounds(1, LONGEST, 3).expect("constant bounds");
        for one in self.response.iter_recorded() {
            let (value, all) = (one.value_iterated_to(), one.count_at_value());
            let count = all.saturating_sub(self.failures.count_at(value).into());
            // None at all would still be the least or the greatest.
            if count > 0 {
                successes.saturating_record_n(value, count);
            }
        }
        successes
    }

    /// Errors that occurred, with how many there were.
    pub fn errors(&self) -> impl Iterator<Item = (ErrorCode, u64)> {
        let all = ErrorCode::ALL.iter().copied().zip(self.errors);
        all.filter(|(_, count)| *count > 0)
    }

    /// What went wrong otherwise, by name, with how often it did.
    pub fn others(&self) -> impl Iterator<Item = (&str, u64)> {
        self.others.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// How many answers were this error.
    pub fn count(&self, error: ErrorCode) -> u64 {
        self.errors[error as usize]
    }
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::new()
    }
}

/// A histogram begins at one nanosecond.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(LONGEST).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_at_their_position() {
        let mut recorder = Recorder::new();
        let brief = Duration::from_micros(1);
        for code in ErrorCode::ALL {
            recorder.note(brief, brief, Some(*code));
        }
        assert!(recorder.errors().eq(ErrorCode::ALL.iter().map(|code| (*code, 1))));
    }

    #[test]
    fn what_is_not_modelled_is_counted_by_name_up_to_a_number_of_names() {
        let mut recorder = Recorder::new();
        for number in 0..2 * MOST_NAMES {
            recorder.note_other(Duration::ZERO, Duration::ZERO, &format!("name-{number}"));
        }
        assert_eq!(recorder.others().count(), MOST_NAMES + 1);
        assert_eq!(recorder.others().map(|(_, count)| count).sum::<u64>(), recorder.answered());
    }

    /// Throttled calls are answered at once; taken together with the others they made a service look the
    /// faster the more it refused.
    #[test]
    fn successes_are_known_apart_from_failures() {
        let mut one = Recorder::new();
        let (quick, slow) = (Duration::from_micros(5), Duration::from_millis(40));
        (0..10).for_each(|_| one.note(quick, slow, None));
        (0..90).for_each(|_| one.note(quick, quick, Some(ErrorCode::Throttling)));
        (0..50).for_each(|_| one.note_other(quick, quick, "Timeout"));
        let mut sum = Recorder::new();
        sum.add(&one);
        sum.add(&one);
        let millis = |nanos: u64| (nanos + 500_000) / 1_000_000;
        let successes = sum.successes();
        assert_eq!((successes.len(), sum.answered()), (20, 300));
        assert_eq!((millis(successes.min()), millis(successes.max())), (40, 40));
        assert_eq!(millis(sum.response.value_at_quantile(0.5)), 0, "of every answer");
        sum.clear();
        assert!(sum.successes().is_empty());
        sum.note(quick, slow, None);
        assert_eq!(sum.successes().len(), 1);
    }

    #[test]
    fn response_is_lag_and_service_and_sums_are_exact() {
        let mut one = Recorder::new();
        one.note(Duration::from_millis(2), Duration::from_millis(5), None);
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.answered(), sum.late), (2, 2));
        let millis = |nanos: u64| (nanos + 500_000) / 1_000_000;
        assert_eq!(millis(sum.response.max()), 7);
        assert_eq!(millis(sum.service.max()), 5);
        sum.clear();
        assert_eq!((sum.answered(), sum.late), (0, 0));
    }
}
