//! Every attempt comes to an end in time, and in a healed world to an answer. Where the network loses a
//! message now and then, one attempt of a call may have lost its own; two of them have not.

use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::history::{Event, Source};
use crate::place::NodeId;
use kms_core::env::RequestId;
use std::collections::BTreeMap;
use std::time::Duration;

const INFO: OracleInfo = OracleInfo {
    name: "liveness",
    doc: "Every attempt ends within its time-out, and in a healed world with an answer.",
    needs: &[Source::Client],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Liveness::default()) };

/// A clock may show the end of a time-out this much later.
const TICK: Duration = Duration::from_micros(1);

/// A call that is not over.
#[derive(Default)]
struct Call {
    /// Its attempts that have no end so far.
    open: Vec<(RequestId, Mark)>,
    /// How many of its attempts nobody answered, though nothing was wrong.
    unanswered: u32,
}

#[derive(Default)]
struct Liveness {
    calls: BTreeMap<(NodeId, u64), Call>,
    judged: u64,
    violations: Vec<Violation>,
}

impl Oracle for Liveness {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        match &seen.record.event {
            // What was made before time began has no client that waits.
            Event::Called { request, call, .. } if seen.record.at > SimTime::ZERO => {
                let call = self.calls.entry((seen.record.node, *call)).or_default();
                call.open.reserve_exact(1);
                call.open.push((*request, seen.mark()));
            }
            Event::Returned { request, .. } => {
                self.ended(seen, *request, context);
            }
            Event::TimedOut { request } => {
                if let Some(sent) = self.ended(seen, *request, context) {
                    self.unanswered(seen, (*request, sent), context);
                }
            }
            // What is still open then was given up with its call.
            Event::Ended { call, .. } => {
                let call = self.calls.remove(&(seen.record.node, *call)).unwrap_or_default();
                call.open.iter().for_each(|(_, sent)| self.judge(seen, *sent, context));
            }
            _ => {}
        }
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        let patience = context.rules.attempt_timeout;
        let sent = self.calls.values().flat_map(|call| &call.open).map(|(_, sent)| sent);
        let due = sent.filter(|sent| sent.at.after(patience) < context.ended_at);
        let told =
            due.map(|sent| sent.violates(INFO.name, "an attempt never came to an end".to_owned()));
        self.violations.extend(told);
        self.violations.sort_by_key(|violation| violation.index);
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

impl Liveness {
    /// The call that an attempt belongs to, unless it is over.
    fn call(&mut self, seen: Seen<'_>, request: RequestId) -> Option<&mut Call> {
        self.calls.get_mut(&seen.known.attempts.get(request)?.call)
    }

    fn unanswered(&mut self, seen: Seen<'_>, attempt: (RequestId, Mark), context: &Context<'_>) {
        let (request, _) = attempt;
        let attempt = seen.known.attempts.get(request);
        let now = seen.record.at;
        if attempt.is_none_or(|attempt| seen.known.is_hindered(attempt, now, context)) {
            return;
        }
        let Some(call) = self.call(seen, request) else { return };
        call.unanswered += 1;
        if call.unanswered > u32::from(context.rules.loses_messages) {
            let message = "an attempt was not answered, and nothing was wrong".to_owned();
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    /// An attempt came to an end; when it was sent, if that is news.
    fn ended(&mut self, seen: Seen<'_>, request: RequestId, context: &Context<'_>) -> Option<Mark> {
        let call = self.call(seen, request)?;
        let at = call.open.iter().position(|(open, _)| *open == request)?;
        let (_, sent) = call.open.swap_remove(at);
        self.judge(seen, sent, context);
        Some(sent)
    }

    fn judge(&mut self, seen: Seen<'_>, sent: Mark, context: &Context<'_>) {
        self.judged += 1;
        let took = seen.record.at.since(sent.at);
        if took > context.rules.attempt_timeout + TICK {
            let message = format!("an attempt ended after {took:?} only");
            self.violations.push(seen.violates(INFO.name, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Got, Wanted};
    use crate::oracle::scene::Scene;

    fn violations(scene: &Scene) -> usize {
        scene.judge(&ENTRY).violations.len()
    }

    fn answered_after(millis: u64) -> Scene {
        let mut scene = Scene::new();
        scene.at(1).call(1, Wanted::ListKeys);
        scene.at(1 + millis).returned(1, Got::Listed { items: 0, complete: true });
        scene
    }

    #[test]
    fn every_attempt_ends() {
        let mut scene = answered_after(20);
        scene.storm().at(50).call(2, Wanted::ListKeys);
        assert_eq!(violations(&scene), 1);
        scene.client(Event::TimedOut { request: RequestId(2) });
        assert_eq!(violations(&scene), 0);
        assert_eq!(scene.judge(&ENTRY).judged, 2);
    }

    #[test]
    fn an_attempt_of_the_calm_has_until_the_end() {
        for (at, told) in [(300_000, 1), (589_999, 1), (590_000, 0)] {
            let mut scene = Scene::new();
            scene.at(at).call(1, Wanted::ListKeys);
            assert_eq!(violations(&scene), told, "{at}");
        }
    }

    #[test]
    fn an_attempt_that_ends_too_late_is_told() {
        assert_eq!(violations(&answered_after(10_000)), 0);
        assert_eq!(violations(&answered_after(10_001)), 1);
    }

    #[test]
    fn in_a_healed_world_there_is_an_answer() {
        for (at, told) in [(359_999, 0), (360_000, 1)] {
            let mut scene = Scene::new();
            scene.storm().at(at).call(1, Wanted::ListKeys);
            scene.at(at + 10_000).client(Event::TimedOut { request: RequestId(1) });
            assert_eq!(violations(&scene), told, "{at}");
        }
    }

    #[test]
    fn where_messages_are_lost_one_attempt_of_a_call_is_excused() {
        let told = |attempts: u128| {
            let mut scene = Scene::new();
            scene.at(400_000).call(1, Wanted::ListKeys);
            scene.client(Event::TimedOut { request: RequestId(1) });
            for request in 2..=attempts {
                scene.call_again(request, Wanted::ListKeys);
                scene.client(Event::TimedOut { request: RequestId(request) });
            }
            let mut context = scene.context();
            context.rules.loses_messages = true;
            scene.judge_with(&ENTRY, &context).violations.len()
        };
        assert_eq!([1, 2, 3].map(told), [0, 1, 2]);
    }

    #[test]
    fn without_clients_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).call(1, Wanted::ListKeys);
        scene.cannot_judge(&ENTRY, Source::Client);
    }
}
