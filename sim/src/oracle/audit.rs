//! Every answer is in the audit trail, once, and says there what it said to the client.
//!
//! Of a change, the journal writes the record together with the change. Of everything else the host
//! that answered keeps it for a while, and a crash loses what was not written: that window is stated,
//! and what is lost outside of it is a violation.

use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::fault::NodeAction;
use crate::history::{Audited, Event, Source, Target, Wanted};
use crate::place::{NodeId, Role};
use crate::recent::Recent;
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::KeyId;
use std::collections::{BTreeMap, VecDeque};

const INFO: OracleInfo = OracleInfo {
    name: "audit",
    doc: "Every answer has exactly one audit record that says the same, but for the loss window.",
    needs: &[Source::Host, Source::Audit],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Audit::new()) };

/// An answer that has no record yet.
struct Open {
    request: RequestId,
    answered: Mark,
    error: Option<ErrorCode>,
}

struct Audit {
    /// By the host that is to write the record, in the order of the answers.
    open: BTreeMap<NodeId, VecDeque<Open>>,
    /// When a request's record was written with its change.
    changed: Recent<RequestId, SimTime>,
    judged: u64,
    lost: u64,
    violations: Vec<Violation>,
}

fn is_journal(seen: Seen<'_>, context: &Context<'_>) -> bool {
    context.topology.place(seen.record.node).role == Role::Journal
}

impl Oracle for Audit {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        match &seen.record.event {
            // What was there before time began has no audit: its journal says that it was asked for.
            Event::Answered { request, error, .. } if !is_journal(seen, context) => {
                self.answered(seen, *request, *error);
            }
            Event::Audited(records) => match is_journal(seen, context) {
                true => self.with_change(seen, records, context),
                false => self.by_host(seen, records),
            },
            Event::Acted(NodeAction::Crash(node)) => {
                self.lose(*node, seen.record.at, context);
            }
            _ => {}
        }
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        let nodes: Vec<NodeId> = self.open.keys().copied().collect();
        for node in nodes {
            self.lose(node, context.ended_at, context);
        }
        Finding {
            judged: self.judged,
            detail: vec![("records lost within the window", self.lost)],
            violations: std::mem::take(&mut self.violations),
        }
    }
}

impl Audit {
    fn new() -> Audit {
        Audit {
            open: BTreeMap::new(),
            changed: Recent::new(usize::MAX),
            judged: 0,
            lost: 0,
            violations: Vec::new(),
        }
    }

    fn answered(&mut self, seen: Seen<'_>, request: RequestId, error: Option<ErrorCode>) {
        if error.is_none() && self.changed.get(&request).is_some() {
            self.judged += 1;
            return;
        }
        let open = Open { request, answered: seen.mark(), error };
        self.open.entry(seen.record.node).or_default().push_back(open);
    }

    /// The record of a change: one for a request, however often it is tried.
    fn with_change(&mut self, seen: Seen<'_>, records: &[Audited], context: &Context<'_>) {
        let now = seen.record.at;
        while self.changed.oldest().is_some_and(|at| at.after(context.rules.memory) < now) {
            self.changed.forget_oldest();
        }
        for record in records {
            if self.changed.insert(record.request, now).is_some() {
                self.tell(seen, format!("two records of the change by {}", record.request));
            }
            if let Some(error) = record.error {
                self.tell(seen, format!("{} changed something and has {error}", record.request));
            }
            self.compare(seen, record);
        }
    }

    /// What a host has kept: a record for each of its answers.
    fn by_host(&mut self, seen: Seen<'_>, records: &[Audited]) {
        let mut open = self.open.remove(&seen.record.node).unwrap_or_default();
        for record in records {
            self.judged += 1;
            let of = |open: &Open| open.request == record.request;
            let Some(answer) = open.iter().position(of).and_then(|at| open.remove(at)) else {
                self.tell(seen, format!("a record more than {} had answers", record.request));
                continue;
            };
            if answer.error != record.error {
                let said = |error: Option<ErrorCode>| {
                    error.map_or("success".to_owned(), |error| error.to_string())
                };
                let (right, wrong) = (said(answer.error), said(record.error));
                let request = record.request;
                self.tell(seen, format!("{request} came to {right}, and its record says {wrong}"));
            }
            self.compare(seen, record);
        }
        for open in open {
            let message = format!("the answer to {} has no record", open.request);
            self.violations.push(open.answered.violates(INFO.name, message));
        }
    }

    /// A record says what was asked, and of which key.
    fn compare(&mut self, seen: Seen<'_>, record: &Audited) {
        let Some(attempt) = seen.known.attempts.get(record.request) else { return };
        let wanted = &attempt.facts.wanted;
        if wanted.operation() != record.operation {
            let message = format!("{} is {} in its record", attempt.describe(), record.operation);
            self.tell(seen, message);
        }
        let other = match (named(wanted), record.key) {
            (Some(named), Some(key)) => named != key,
            (Some(_), None) => record.error.is_none(),
            (None, _) => false,
        };
        if other {
            let key = record.key.map_or("no key".to_owned(), |key| key.to_string());
            self.tell(seen, format!("{} is of {key} in its record", attempt.describe()));
        }
    }

    /// A host loses what it had kept; nothing of that may be older than the window.
    fn lose(&mut self, node: NodeId, at: SimTime, context: &Context<'_>) {
        for open in self.open.remove(&node).unwrap_or_default() {
            match open.answered.at.after(context.rules.audit_window) < at {
                true => {
                    let message = format!("the answer to {} was never recorded", open.request);
                    self.violations.push(open.answered.violates(INFO.name, message));
                }
                false => self.lost += 1,
            }
        }
    }

    fn tell(&mut self, seen: Seen<'_>, message: String) {
        self.violations.push(seen.violates(INFO.name, message));
    }
}

/// The key that a request names by its id and that its record begins with.
fn named(wanted: &Wanted) -> Option<KeyId> {
    let target = match wanted {
        // The first of its two keys is the one that opens the ciphertext.
        Wanted::ReEncrypt { source, .. } => source.as_ref(),
        // A list names no key, and the record of a move begins with the key that the alias leaves.
        Wanted::ListAliases { .. } | Wanted::UpdateAlias { .. } => None,
        other => other.key(),
    };
    match target {
        Some(Target::Key { id, .. }) => Some(*id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Changed, Digest};
    use crate::oracle::scene::{Scene, key_id};

    fn record(request: u128, error: Option<ErrorCode>) -> Audited {
        let request = RequestId(request);
        Audited { request, operation: "ListAliases", key: None, billed: None, error }
    }

    fn written(scene: &mut Scene, records: &[Audited]) {
        scene.host(Event::Audited(records.into()));
    }

    /// One request, answered with this at second 1.
    fn answered(error: Option<ErrorCode>) -> Scene {
        let mut scene = Scene::new();
        scene.at(1_000).call(1, Wanted::ListAliases { key: None });
        scene.answer(1, error);
        scene
    }

    fn told(scene: &Scene) -> Vec<String> {
        scene.judge(&ENTRY).violations.into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn a_record_for_each_answer() {
        let denied = Some(ErrorCode::AccessDenied);
        for (records, wrong) in [
            (vec![record(1, denied)], 0),
            (vec![], 1),
            (vec![record(1, denied); 2], 1),
            (vec![record(1, None)], 1),
            (vec![record(1, denied), record(2, None)], 1),
            (vec![Audited { operation: "Encrypt", ..record(1, denied) }], 1),
        ] {
            let mut scene = answered(denied);
            written(&mut scene, &records);
            assert_eq!(told(&scene).len(), wrong, "{records:?}");
        }
    }

    #[test]
    fn a_record_names_the_key_that_the_request_names() {
        let id = key_id();
        let key = Target::Key { region: None, id };
        let came = |key, error| {
            let wanted = Wanted::Encrypt { key, plaintext: Digest(1), context: Digest(2) };
            [Some(id), Some(KeyId::single_region([9; 16])), None].map(|key| {
                let mut scene = Scene::new();
                scene.at(1_000).call(1, wanted.clone());
                scene.answer(1, error);
                let record = Audited { operation: "Encrypt", key, ..record(1, error) };
                written(&mut scene, &[record]);
                told(&scene).len()
            })
        };
        assert_eq!(came(key.clone(), None), [0, 1, 1]);
        assert_eq!(came(key, Some(ErrorCode::NotFound)), [0, 1, 0], "perhaps none was found");
        assert_eq!(came(Target::Nothing, None), [0, 0, 0]);
    }

    #[test]
    fn a_crash_loses_what_was_not_written_and_no_more() {
        for (crash, wrong) in [(6_000, 0), (6_001, 1)] {
            let mut scene = answered(None);
            // Somebody must have written something, or there is no audit to judge.
            scene.journal(Event::Audited([].into()));
            scene.at(crash).crash_host();
            assert_eq!(told(&scene).len(), wrong, "{crash}");
        }
    }

    #[test]
    fn a_change_is_recorded_with_it_and_once() {
        let change = || Event::Audited([record(1, None)].into());
        let mut scene = Scene::new();
        scene.at(1_000).call(1, Wanted::ListAliases { key: None });
        scene.commit(1, vec![Changed::Other]);
        scene.journal(change());
        scene.answer(1, None);
        assert_eq!(told(&scene), [] as [String; 0]);
        scene.journal(change());
        assert_eq!(told(&scene).len(), 1);
    }
}
