//! A value that reaches other hosts late: the current one, and what was true before.
//!
//! Policies, grants, aliases and tags are eventually consistent: the log of a host may already hold a
//! change that its authorization does not act on yet (AWS KMS Developer Guide, eventual consistency).
//! The log stays a strict prefix; only what is *seen* of it lags.

use crate::env::Timestamp;
use std::time::Duration;

/// How long a superseded value is kept unless a shell says less, so no propagation delay may be longer.
pub const LONGEST_PROPAGATION: Duration = Duration::from_secs(600);

/// How late a host sees each kind of change. Zero, the default, is at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Propagation {
    /// Key policies.
    pub policy: Duration,
    /// Grants, made and withdrawn.
    pub grant: Duration,
    /// Aliases, as names of keys.
    pub alias: Duration,
    /// Tags and aliases, as conditions see them.
    pub tag: Duration,
}

impl Propagation {
    /// As AWS has it: seconds, and longer for what conditions ask of tags and aliases. AWS documents
    /// "usually less than a few seconds, in some cases several minutes" for the former and "up to
    /// five minutes" for the latter (AWS KMS Developer Guide, eventual consistency; ABAC for AWS
    /// KMS); the figures within are chosen.
    pub const AWS: Propagation = Propagation {
        policy: Duration::from_secs(3),
        grant: Duration::from_secs(3),
        alias: Duration::from_secs(3),
        tag: Duration::from_secs(60),
    };

    /// The longest of the delays.
    pub fn longest(&self) -> Duration {
        let Propagation { policy, grant, alias, tag } = *self;
        policy.max(grant).max(alias).max(tag)
    }
}

/// What a host sees: its clock and how late changes reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    /// The host's clock.
    pub now: Timestamp,
    /// The delays of this host.
    pub delays: Propagation,
}

/// A value and its recent past.
///
/// Most values never change, so that the past is elsewhere: what every request reads lies together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<T> {
    current: T,
    past: Option<Box<Past<T>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Past<T> {
    /// When the current value was committed.
    since: Timestamp,
    /// What was superseded and when it was committed, oldest first.
    superseded: Vec<(T, Timestamp)>,
}

impl<T: PartialEq> History<T> {
    /// A value that is there from the start: whoever sees the record sees it.
    pub fn new(value: T) -> History<T> {
        History { current: value, past: None }
    }

    /// The value in the log.
    pub fn current(&self) -> &T {
        &self.current
    }

    /// The value a host sees that hears of changes `delay` after they were committed.
    pub fn seen(&self, now: Timestamp, delay: Duration) -> &T {
        let Some(past) = self.past.as_deref() else { return &self.current };
        if self.has_arrived(now, delay) {
            return &self.current;
        }
        let arrived = past.superseded.iter().rev().find(|(_, since)| since.after(delay) <= now);
        arrived.or(past.superseded.first()).map_or(&self.current, |(value, _)| value)
    }

    /// Whether a host that hears of changes `delay` after they were committed has heard of the last one.
    pub fn has_arrived(&self, now: Timestamp, delay: Duration) -> bool {
        delay.is_zero() || self.past.as_deref().is_none_or(|past| past.since.after(delay) <= now)
    }

    /// A change committed at `at`; what was superseded is remembered for so long.
    pub fn set(&mut self, value: T, at: Timestamp, remembered: Duration) {
        if value == self.current {
            return;
        }
        let before = std::mem::replace(&mut self.current, value);
        let begun = || Box::new(Past { since: Timestamp::EPOCH, superseded: Vec::new() });
        let past = self.past.get_or_insert_with(begun);
        past.superseded.push((before, past.since));
        past.since = at;
        past.forget(remembered);
    }

    /// Whether nothing but the current value can be seen by anyone at `now`.
    pub fn is_settled(&self, now: Timestamp, remembered: Duration) -> bool {
        self.past.as_deref().is_none_or(|past| past.since.after(remembered) <= now)
    }
}

impl<T> Past<T> {
    fn forget(&mut self, remembered: Duration) {
        let now = self.since;
        let old = self.superseded.windows(2);
        let old = old.take_while(|pair| pair[1].1.after(remembered) <= now).count();
        self.superseded.drain(..old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Timestamp = Timestamp::from_seconds;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_change_is_seen_when_its_delay_has_passed() {
        let mut history = History::new("a");
        history.set("b", AT(100), LONGEST_PROPAGATION);
        history.set("c", AT(103), LONGEST_PROPAGATION);
        assert_eq!(history.seen(AT(104), Duration::ZERO), &"c");
        assert_eq!(history.seen(AT(104), 5 * SECOND), &"a");
        assert_eq!(history.seen(AT(106), 5 * SECOND), &"b");
        assert_eq!(history.seen(AT(108), 5 * SECOND), &"c");
    }

    fn kept(history: &History<u64>) -> usize {
        history.past.as_deref().map_or(0, |past| past.superseded.len())
    }

    #[test]
    fn the_past_does_not_grow_for_ever() {
        for (remembered, most) in [(LONGEST_PROPAGATION, 12), (Duration::ZERO, 1)] {
            let mut history = History::new(0);
            for step in 1..10_000 {
                history.set(step, AT(step * 60), remembered);
            }
            assert!(kept(&history) <= most, "{}", kept(&history));
        }
    }
}
