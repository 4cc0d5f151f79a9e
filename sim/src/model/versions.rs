//! A value at every position of a log.

use crate::clock::SimTime;

/// The values something had, each from a position on.
#[derive(Clone, Debug)]
pub(crate) struct Versions<T>(Vec<Version<T>>);

/// One value.
#[derive(Clone, Debug)]
pub(crate) struct Version<T> {
    /// The log entry that brought it.
    pub(crate) position: u64,
    /// When that was committed.
    pub(crate) at: SimTime,
    /// The value.
    pub(crate) value: T,
}

impl<T> Default for Versions<T> {
    fn default() -> Versions<T> {
        Versions(Vec::new())
    }
}

impl<T> Versions<T> {
    /// Adds the value that a later log entry brings; the same entry may correct itself.
    pub(crate) fn put(&mut self, position: u64, at: SimTime, value: T) {
        if self.0.last().is_some_and(|last| last.position == position) {
            self.0.pop();
        }
        self.0.push(Version { position, at, value });
    }

    /// The value at a position.
    pub(crate) fn at(&self, position: u64) -> Option<&T> {
        self.version_at(position).map(|version| &version.value)
    }

    /// The value at a position, and since when.
    pub(crate) fn version_at(&self, position: u64) -> Option<&Version<T>> {
        self.up_to(position).last()
    }

    /// Every value up to a position, oldest first.
    pub(crate) fn up_to(&self, position: u64) -> &[Version<T>] {
        let end = self.0.partition_point(|version| version.position <= position);
        &self.0[..end]
    }

    /// The newest value.
    pub(crate) fn last(&self) -> Option<&T> {
        self.0.last().map(|version| &version.value)
    }

    /// Every value, oldest first.
    pub(crate) fn all(&self) -> &[Version<T>] {
        &self.0
    }

    /// What a reader may see at a position who hears of changes late: the value in the log, and each
    /// one whose successor is not `known` for certain. `None` is what was there before the first.
    pub(crate) fn visible(
        &self,
        position: u64,
        known: impl Fn(SimTime) -> bool,
    ) -> impl Iterator<Item = Option<&T>> {
        let past = self.up_to(position);
        let certain = past.iter().rposition(|version| known(version.at));
        let from = certain.unwrap_or(0);
        let before = certain.is_none().then_some(None);
        before.into_iter().chain(past[from..].iter().map(|version| Some(&version.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions() -> Versions<char> {
        let mut versions = Versions::default();
        versions.put(3, SimTime::from_secs(30), 'a');
        versions.put(5, SimTime::from_secs(50), 'b');
        versions
    }

    #[test]
    fn a_value_holds_until_the_next() {
        let versions = versions();
        assert_eq!(
            [2, 3, 4, 5, 9].map(|at| versions.at(at)),
            [None, Some(&'a'), Some(&'a'), Some(&'b'), Some(&'b')]
        );
    }

    #[test]
    fn late_readers_may_see_older_values() {
        let versions = versions();
        let seen = |since| {
            let known = move |at| at <= SimTime::from_secs(since);
            versions.visible(9, known).map(Option::<&_>::copied).collect::<Vec<_>>()
        };
        assert_eq!(seen(60), [Some('b')]);
        assert_eq!(seen(40), [Some('a'), Some('b')]);
        assert_eq!(seen(10), [None, Some('a'), Some('b')]);
    }
}
