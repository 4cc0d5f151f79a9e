//! How long this thread has been on a processor.

use std::time::Duration;

/// The time this thread has had so far, where the system tells.
#[cfg(unix)]
pub(crate) fn time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    Some(Duration::new(seconds, nanos))
}

/// The time this thread has had so far, where the system tells.
#[cfg(not(unix))]
pub(crate) fn time() -> Option<Duration> {
    None
}

/// The time this thread has had since then.
pub(crate) fn since(before: Option<Duration>) -> Option<Duration> {
    Some(time()?.saturating_sub(before?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_is_counted_and_sleep_is_not() {
        let before = time();
        std::thread::sleep(Duration::from_millis(60));
        let slept = since(before);
        let until = Instant::now() + Duration::from_millis(60);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let worked = since(before);
        assert!(slept < Some(Duration::from_millis(50)), "{slept:?}");
        assert!(worked > slept, "{worked:?}");
    }
}
