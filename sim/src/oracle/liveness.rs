//! Every attempt comes to an end in time, and in a healed world to an answer.

use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::history::{Event, Source};
use crate::place::NodeId;
use kms_core::env::RequestId;
use std::collections::BTreeMap;

const INFO: OracleInfo = OracleInfo {
    name: "liveness",
    doc: "Every attempt ends within its time-out, and in a healed world with an answer.",
    needs: &[Source::Client],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Liveness::default()) };

#[derive(Default)]
struct Liveness {
    /// The attempts that have no end so far.
    open: BTreeMap<RequestId, Mark>,
    /// The attempts of calls that are not over.
    calls: BTreeMap<(NodeId, u64), Vec<RequestId>>,
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
                self.open.insert(*request, seen.mark());
                self.calls.entry((seen.record.node, *call)).or_default().push(*request);
            }
            Event::Returned { request, .. } => self.ended(seen, *request, context),
            Event::TimedOut { request } => {
                let healed = context.rules.healed_at;
                let sent = self.open.get(request).map(|mark| mark.at);
                if healed.is_some_and(|healed| sent.is_some_and(|sent| sent >= healed)) {
                    let message = "an attempt was not answered, and nothing was wrong".to_owned();
                    self.violations.push(seen.violates(INFO.name, message));
                }
                self.ended(seen, *request, context);
            }
            // What is still open then was given up with its call.
            Event::Ended { call, .. } => {
                for request in self.calls.remove(&(seen.record.node, *call)).unwrap_or_default() {
                    self.ended(seen, request, context);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        let patience = context.rules.attempt_timeout;
        let due = |mark: &&Mark| mark.at.after(patience) <= context.calm_at;
        let open = self.open.values().filter(due);
        let told =
            open.map(|mark| mark.violates(INFO.name, "an attempt never came to an end".to_owned()));
        self.violations.extend(told);
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

impl Liveness {
    fn ended(&mut self, seen: Seen<'_>, request: RequestId, context: &Context<'_>) {
        let Some(mark) = self.open.remove(&request) else { return };
        self.judged += 1;
        let took = seen.record.at.since(mark.at);
        if took > context.rules.attempt_timeout {
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
        scene.at(50).call(2, Wanted::ListKeys);
        assert_eq!(violations(&scene), 1);
        scene.client(Event::TimedOut { request: RequestId(2) });
        assert_eq!(violations(&scene), 0);
        assert_eq!(scene.judge(&ENTRY).judged, 2);
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
            scene.at(at).call(1, Wanted::ListKeys);
            scene.at(at + 10_000).client(Event::TimedOut { request: RequestId(1) });
            assert_eq!(violations(&scene), told, "{at}");
        }
    }

    #[test]
    fn without_clients_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).call(1, Wanted::ListKeys);
        scene.cannot_judge(&ENTRY, Source::Client);
    }
}
