//! How far a command is that an HSM was given: it waits, it has begun, or nobody wants it any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const WAITING: u64 = u64::MAX;
const WITHDRAWN: u64 = u64::MAX - 1;

/// A stage, which the host and the HSM share.
pub(super) struct Stage(AtomicU64);

impl Stage {
    /// It waits for the HSM.
    pub(super) fn waiting() -> Stage {
        Stage(AtomicU64::new(WAITING))
    }

    /// It begins, by the fleet's clock; whether it is still wanted.
    pub(super) fn begin(&self, now: Duration) -> bool {
        self.leave_waiting(nanos(now))
    }

    /// It is not wanted any more, which spares an HSM what it has not begun.
    pub(super) fn withdraw(&self) {
        self.leave_waiting(WITHDRAWN);
    }

    /// When it began, if it has.
    pub(super) fn began(&self) -> Option<Duration> {
        let at = self.0.load(Ordering::Acquire);
        (at < WITHDRAWN).then(|| Duration::from_nanos(at))
    }

    fn leave_waiting(&self, to: u64) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A time on the fleet's clock, in nanoseconds.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).map_or(WITHDRAWN - 1, |nanos| nanos.min(WITHDRAWN - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(5);

    #[test]
    fn what_has_begun_cannot_be_withdrawn_and_the_other_way_round() {
        let (begun, withdrawn) = (Stage::waiting(), Stage::waiting());
        assert_eq!(begun.began(), None);
        assert!(begun.begin(NOW));
        begun.withdraw();
        assert_eq!(begun.began(), Some(NOW));
        withdrawn.withdraw();
        assert!(!withdrawn.begin(NOW));
        assert_eq!(withdrawn.began(), None);
    }
}
