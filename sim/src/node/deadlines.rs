//! Deadlines of open questions, with one timer for all questions of a kind.
//!
//! Questions of a kind wait equally long, so their deadlines are a queue. Nearly all are answered in
//! time; a timer for each of them would cost as much as the messages.

use super::{Alarm, Out};
use crate::clock::SimTime;
use crate::message::AskId;
use std::collections::VecDeque;
use std::time::Duration;

/// What a question waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Hsm,
    /// An HSM that makes a key pair.
    HsmPair,
    /// An HSM, before another one is asked beside it.
    Hedge,
    Region,
    Append,
    CatchUp,
    KeyStore,
}

impl Wait {
    const ALL: [Wait; 7] = [
        Wait::Hsm,
        Wait::HsmPair,
        Wait::Hedge,
        Wait::Region,
        Wait::Append,
        Wait::CatchUp,
        Wait::KeyStore,
    ];

    /// From the number in a timer's token.
    pub(super) fn of(kind: u64) -> Option<Wait> {
        Wait::ALL.into_iter().find(|wait| *wait as u64 == kind)
    }
}

/// The queues, one a kind.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queues: [VecDeque<(SimTime, AskId)>; Wait::ALL.len()],
}

impl Deadlines {
    /// Notes a question that waits from now on.
    pub(super) fn add(
        &mut self,
        now: SimTime,
        wait: Wait,
        timeout: Duration,
        ask: AskId,
        out: &mut Out,
    ) {
        let queue = &mut self.queues[wait as usize];
        if queue.is_empty() {
            out.after(timeout, Alarm::Deadline(wait as u64).token());
        }
        queue.push_back((now.after(timeout), ask));
    }

    /// The questions of a kind that have waited long enough. The next one still open gets the timer.
    pub(super) fn over(
        &mut self,
        now: SimTime,
        kind: u64,
        open: impl Fn(AskId) -> bool,
        out: &mut Out,
    ) -> Vec<AskId> {
        let index = usize::try_from(kind).unwrap_or(usize::MAX);
        let Some(queue) = self.queues.get_mut(index) else { return Vec::new() };
        let mut over = Vec::new();
        while let Some((due, ask)) = queue.front().copied() {
            match open(ask) {
                true if due > now => {
                    out.after(due.since(now), Alarm::Deadline(kind).token());
                    break;
                }
                true => over.push(ask),
                false => {}
            }
            queue.pop_front();
        }
        over
    }

    /// Forgets all of them; the timers of a former life do not fire.
    pub(super) fn clear(&mut self) {
        self.queues.iter_mut().for_each(VecDeque::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Effect;

    fn timers(out: &mut Out) -> usize {
        out.drain().filter(|effect| matches!(effect, Effect::After(..))).count()
    }

    #[test]
    fn one_timer_serves_all_and_moves_to_the_next_open_question() {
        let (mut deadlines, mut out) = (Deadlines::default(), Out::default());
        let timeout = Duration::from_secs(1);
        for ask in 1..=5 {
            deadlines.add(SimTime::from_millis(ask), Wait::Hsm, timeout, ask, &mut out);
        }
        assert_eq!(timers(&mut out), 1);
        let open = |ask: AskId| ask != 1 && ask != 2;
        let at = SimTime::from_millis(1_003);
        assert_eq!(deadlines.over(at, Wait::Hsm as u64, open, &mut out), [3]);
        assert_eq!(timers(&mut out), 1, "for the fourth");
    }
}
