//! Waiting for a moment while answers come in: the timer of the kernel where it can be waited for
//! together with sockets, else a loop that lets sockets have their turn.
//!
//! The timers of the async runtime have a grain of a millisecond, which is what late means here.

use std::time::{Duration, Instant};
use tokio::task::yield_now;

#[cfg(target_os = "linux")]
use {
    rustix::fd::OwnedFd,
    rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
    tokio::io::unix::AsyncFd,
};

/// A wait that is shorter than this is spun: waking up takes about as long.
const SHORT: Duration = Duration::from_micros(50);

/// Waits for moments, one after another.
pub(super) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: Option<AsyncFd<OwnedFd>>,
}

impl Alarm {
    /// An alarm that sleeps where the system can be asked for it, or never sleeps.
    pub(super) fn new(sleeps: bool) -> Alarm {
        #[cfg(target_os = "linux")]
        return Alarm { timer: if sleeps { timer() } else { None } };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = sleeps;
            Alarm {}
        }
    }

    /// Waits until a moment. It may be given up and begun again for another one.
    pub(super) async fn wait(&self, until: Instant) {
        #[cfg(target_os = "linux")]
        if let Some(timer) = &self.timer {
            let left = until.saturating_duration_since(Instant::now());
            if left > SHORT && set(timer, left) && rung(timer).await {
                return;
            }
        }
        while Instant::now() < until {
            yield_now().await;
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "its successor is unsafe, which is forbidden here, and an owned descriptor keeps what that asks for"
)]
fn timer() -> Option<AsyncFd<OwnedFd>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags).ok()?).ok()
}

/// Whether the timer could be set; setting it again forgets the last time.
#[cfg(target_os = "linux")]
fn set(timer: &AsyncFd<OwnedFd>, left: Duration) -> bool {
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    let value = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    };
    let spec = Itimerspec { it_interval: never, it_value: value };
    timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &spec).is_ok()
}

/// Waits for the timer; false when it cannot be waited for.
#[cfg(target_os = "linux")]
async fn rung(timer: &AsyncFd<OwnedFd>) -> bool {
    loop {
        let Ok(mut ready) = timer.readable().await else { return false };
        let mut count = [0_u8; 8];
        // Readiness may be of an earlier time that was given up; then nothing is there to read.
        if rustix::io::read(timer.get_ref(), &mut count).is_ok() {
            ready.clear_ready();
            return true;
        }
        ready.clear_ready();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[test]
    fn no_wait_ends_early_and_one_that_was_given_up_does_not_ring() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for sleeps in [true, false] {
                let alarm = Alarm::new(sleeps);
                let began = Instant::now();
                tokio::select! {
                    () = alarm.wait(began + Duration::from_millis(1)) => {}
                    () = pending() => {}
                }
                let brief = tokio::time::timeout(
                    Duration::from_millis(2),
                    alarm.wait(began + Duration::from_secs(60)),
                );
                assert!(brief.await.is_err());
                let until = Instant::now() + Duration::from_millis(5);
                alarm.wait(until).await;
                assert!(Instant::now() >= until);
                assert!(until.elapsed() < Duration::from_millis(500));
            }
        });
    }
}
