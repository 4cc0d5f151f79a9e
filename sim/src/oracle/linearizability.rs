//! The control plane of a key behaves as if one change happened after the other, each at a moment
//! between its call and its answer.
//!
//! Judged is what clients saw, key by key: whether there is an order of the changes that answered well,
//! and of those nobody knows the end of, in which each finds the key in a state that permits it. The
//! search is the one of Wing and Gong, done as answers come in (Lowe, "Testing for linearizability",
//! 2017). It is bounded, and a key for which it gives up counts as undecided and not as passed.
//!
//! What DescribeKey shows may be old, as eventual consistency permits: it must have been true at some
//! moment since the longest outage began, and once everything has healed since the world settled.
//! Multi-Region keys change by what other Regions say and are left to other judges.

use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::history::{Event, Got, Source, Target, Wanted};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyId, RegionName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const INFO: OracleInfo = OracleInfo {
    name: "linearizability",
    doc: "The changes of a key have an order in which each was allowed, and reads show what it was.",
    needs: &[Source::Client],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Linearizability::default()) };

/// Changes of one key under way at once, or without a known end, beyond which the search gives up.
const MOST_OPEN: usize = 10;

/// A set of states, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct States(u8);

const ENABLED: States = States(1);
const DISABLED: States = States(2);
const DYING: States = States(4);

impl States {
    const ALL: States = States(7);

    /// The state that clients are shown, if it is one of those.
    fn shown(state: KeyState) -> Option<States> {
        match state {
            KeyState::Enabled => Some(ENABLED),
            KeyState::Disabled => Some(DISABLED),
            KeyState::PendingDeletion => Some(DYING),
            _ => None,
        }
    }

    fn or(self, other: States) -> States {
        States(self.0 | other.0)
    }

    fn meets(self, other: States) -> bool {
        self.0 & other.0 != 0
    }

    fn each(self) -> impl Iterator<Item = States> {
        [ENABLED, DISABLED, DYING].into_iter().filter(move |one| self.meets(*one))
    }
}

/// What a change needs, and what it makes of the key; nothing when that stays as it is.
#[derive(Clone, Copy, Debug)]
struct Change {
    needs: States,
    makes: Option<States>,
}

/// The change that is asked for, if it is one, and of which key.
fn change(wanted: &Wanted) -> Option<(KeyId, Change)> {
    let living = ENABLED.or(DISABLED);
    let (needs, makes) = match wanted {
        Wanted::EnableKey { .. } => (living, Some(ENABLED)),
        Wanted::DisableKey { .. } => (living, Some(DISABLED)),
        Wanted::ScheduleKeyDeletion { .. } => (living, Some(DYING)),
        Wanted::CancelKeyDeletion { .. } => (DYING, Some(DISABLED)),
        Wanted::EnableKeyRotation { .. }
        | Wanted::DisableKeyRotation { .. }
        | Wanted::RotateKeyOnDemand { .. } => (ENABLED, None),
        _ => return None,
    };
    Some((single_region(wanted.key()?)?, Change { needs, makes }))
}

fn single_region(target: &Target) -> Option<KeyId> {
    match target {
        Target::Key { id, .. } if !id.is_multi_region() => Some(*id),
        _ => None,
    }
}

/// A change that is under way, or of which nobody knows whether it ever happened.
#[derive(Debug)]
struct Open {
    change: Change,
    sent: SimTime,
}

/// One way in which everything so far may have happened: the state it led to, and the open changes
/// that have happened in it.
type Way = (States, BTreeSet<RequestId>);

/// A key.
#[derive(Debug)]
struct Line {
    ways: BTreeSet<Way>,
    open: BTreeMap<RequestId, Open>,
    /// The states it may have been in, each from a moment on.
    past: VecDeque<(SimTime, States)>,
    undecided: bool,
}

impl Line {
    /// A key that may be in these states.
    fn new(at: SimTime, states: States) -> Line {
        let ways = states.each().map(|state| (state, BTreeSet::new())).collect();
        let past = VecDeque::from([(at, states)]);
        Line { ways, open: BTreeMap::new(), past, undecided: false }
    }

    fn call(&mut self, request: RequestId, open: Open) {
        self.open.insert(request, open);
        if self.open.len() > MOST_OPEN {
            self.undecided = true;
            self.open.clear();
        }
    }

    /// Every way, with any of the open changes having happened.
    fn grow(&mut self) {
        let mut left: Vec<Way> = self.ways.iter().cloned().collect();
        while let Some((state, done)) = left.pop() {
            for (request, Open { change, .. }) in &self.open {
                if done.contains(request) || !change.needs.meets(state) {
                    continue;
                }
                let mut done = done.clone();
                done.insert(*request);
                let way = (change.makes.unwrap_or(state), done);
                if self.ways.insert(way.clone()) {
                    left.push(way);
                }
            }
        }
    }

    fn states(&self) -> States {
        self.ways.iter().fold(States::default(), |all, (state, _)| all.or(*state))
    }

    /// A change answered well. Whether there is a way in which it happened.
    fn happened(&mut self, request: RequestId, at: SimTime) -> bool {
        if !self.open.contains_key(&request) {
            return true;
        }
        self.grow();
        let before = self.states();
        self.open.remove(&request);
        self.ways = std::mem::take(&mut self.ways)
            .into_iter()
            .filter_map(|(state, mut done)| done.remove(&request).then_some((state, done)))
            .collect();
        self.past.extend([(at, before), (at, self.states())]);
        let possible = !self.ways.is_empty();
        if !possible {
            *self = Line::new(at, States::ALL);
        }
        possible
    }

    /// A change was refused, so it has not happened.
    fn refused(&mut self, request: RequestId) {
        if self.open.remove(&request).is_some() {
            self.ways.retain(|(_, done)| !done.contains(&request));
        }
    }

    /// Whoever has not heard of the end of a change for so long will see no more of it.
    fn forget(&mut self, now: SimTime, memory: Duration) {
        let over = |open: &Open| open.sent.after(memory) < now;
        let gone: Vec<RequestId> =
            self.open.iter().filter(|(_, open)| over(open)).map(|(id, _)| *id).collect();
        if gone.is_empty() {
            return;
        }
        self.grow();
        for request in gone {
            self.open.remove(&request);
            self.ways = std::mem::take(&mut self.ways)
                .into_iter()
                .map(|(state, mut done)| {
                    done.remove(&request);
                    (state, done)
                })
                .collect();
        }
        self.past.push_back((now, self.states()));
    }

    /// Whether the key may have been in a state at some moment since then.
    fn was(&mut self, state: States, since: SimTime, memory: Duration) -> bool {
        self.grow();
        let mut may = self.states();
        let mut from = self.past.iter().rev();
        for (at, states) in &mut from {
            may = may.or(*states);
            if *at <= since {
                break;
            }
        }
        while self.past.get(1).is_some_and(|(at, _)| at.after(memory) < since) {
            self.past.pop_front();
        }
        may.meets(state)
    }
}

#[derive(Default)]
struct Linearizability {
    lines: BTreeMap<(RegionName, KeyId), Line>,
    changes: u64,
    reads: u64,
    violations: Vec<Violation>,
}

impl Oracle for Linearizability {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        match &seen.record.event {
            Event::Called { request, region, facts, .. } => {
                let Some((id, change)) = change(&facts.wanted) else { return };
                let at = seen.record.at;
                let line = self.line(*region, id, at);
                line.forget(at, context.rules.memory);
                line.call(*request, Open { change, sent: at });
            }
            Event::Returned { request, got: Ok(got) } => self.well(seen, *request, got, context),
            Event::Returned { request, got: Err(code) } => self.refused(seen, *request, *code),
            _ => {}
        }
    }

    fn undecided(&self) -> u64 {
        self.lines.values().filter(|line| line.undecided).count() as u64
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let undecided = self.undecided();
        Finding {
            judged: self.changes + self.reads,
            detail: vec![
                ("changes", self.changes),
                ("reads", self.reads),
                ("keys left undecided", undecided),
            ],
            violations: std::mem::take(&mut self.violations),
        }
    }
}

impl Linearizability {
    /// What nobody has said anything about may be in any state.
    fn line(&mut self, region: RegionName, id: KeyId, at: SimTime) -> &mut Line {
        self.lines.entry((region, id)).or_insert_with(|| Line::new(at, States::ALL))
    }

    fn well(&mut self, seen: Seen<'_>, request: RequestId, got: &Got, context: &Context<'_>) {
        let at = seen.record.at;
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        if let Got::Created { key } = got
            && !key.id.is_multi_region()
        {
            self.lines.insert((key.region, key.id), Line::new(attempt.at, ENABLED));
        }
        if let Got::Described { key, state, .. } = got
            && !key.id.is_multi_region()
            && let Some(state) = States::shown(*state)
        {
            let hindered = seen.known.is_hindered(attempt, at, context);
            let old = if hindered { context.rules.memory } else { context.rules.settling };
            let since = SimTime::ZERO.after(attempt.at.since(SimTime::ZERO).saturating_sub(old));
            let line = self.line(key.region, key.id, at);
            if line.undecided {
                return;
            }
            let was = line.was(state, since, context.rules.memory);
            self.reads += 1;
            if !was {
                let message = format!("{} showed a state it cannot have had", attempt.describe());
                self.violations.push(seen.violates(INFO.name, message));
            }
        }
        if let Some((id, _)) = change(&attempt.facts.wanted) {
            let line = self.line(attempt.region, id, at);
            if line.undecided {
                return;
            }
            let possible = line.happened(request, at);
            self.changes += 1;
            if !possible {
                let what = attempt.describe();
                let message =
                    format!("{what} answered well, and no order of the changes permits it");
                self.violations.push(seen.violates(INFO.name, message));
            }
        }
    }

    /// A fault of the service leaves open whether something has happened; every other error does not.
    fn refused(&mut self, seen: Seen<'_>, request: RequestId, code: ErrorCode) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        if let Some((id, _)) = change(&attempt.facts.wanted)
            && !code.is_server_fault()
        {
            self.line(attempt.region, id, seen.record.at).refused(request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Verdict;
    use crate::oracle::scene::{Scene, arn, key_id};

    fn key() -> Target {
        Target::Key { region: None, id: key_id() }
    }

    fn disable() -> Wanted {
        Wanted::DisableKey { key: key() }
    }

    fn cancel() -> Wanted {
        Wanted::CancelKeyDeletion { key: key() }
    }

    fn schedule() -> Wanted {
        Wanted::ScheduleKeyDeletion { key: key(), days: 7 }
    }

    fn rotate() -> Wanted {
        Wanted::RotateKeyOnDemand { key: key() }
    }

    fn told(scene: &Scene) -> usize {
        scene.judge(&ENTRY).violations.len()
    }

    /// A scene with a key, and these changes one after the other.
    fn in_turn(changes: &[Wanted]) -> Scene {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        for (request, wanted) in (2..).zip(changes) {
            scene.at(1_000 * u64::try_from(request).unwrap());
            scene.call(request, wanted.clone());
            scene.returned(request, Got::Done);
        }
        scene
    }

    #[test]
    fn changes_find_the_state_they_need() {
        assert_eq!(told(&in_turn(&[disable(), schedule(), cancel(), schedule()])), 0);
        assert_eq!(told(&in_turn(&[cancel()])), 1);
        assert_eq!(told(&in_turn(&[schedule(), disable()])), 1);
        assert_eq!(told(&in_turn(&[disable(), rotate()])), 1);
    }

    #[test]
    fn what_overlaps_may_happen_in_either_order() {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        scene.call(2, schedule());
        scene.call(3, cancel());
        scene.returned(3, Got::Done);
        assert_eq!(told(&scene), 0, "the other one may have come first");
        scene.client(Event::Returned { request: RequestId(2), got: Err(ErrorCode::NotFound) });
        assert_eq!(told(&scene), 0, "that is heard too late to be held against it");
        let mut scene = in_turn(&[]);
        scene.call(2, schedule());
        scene.client(Event::Returned { request: RequestId(2), got: Err(ErrorCode::NotFound) });
        scene.call(3, cancel());
        scene.returned(3, Got::Done);
        assert_eq!(told(&scene), 1);
    }

    #[test]
    fn what_nobody_knows_the_end_of_may_have_happened() {
        for (code, wrong) in [(ErrorCode::KmsInternal, 0), (ErrorCode::Disabled, 1)] {
            let mut scene = in_turn(&[]);
            scene.call(2, schedule());
            scene.client(Event::Returned { request: RequestId(2), got: Err(code) });
            scene.call(3, cancel());
            scene.returned(3, Got::Done);
            assert_eq!(told(&scene), wrong, "{code}");
        }
        let mut scene = in_turn(&[]);
        scene.call(2, schedule());
        scene.client(Event::TimedOut { request: RequestId(2) });
        scene.call(3, cancel());
        scene.returned(3, Got::Done);
        assert_eq!(told(&scene), 0);
    }

    #[test]
    fn a_read_shows_what_was_true_not_too_long_ago() {
        let read = |millis, state| {
            let mut scene = in_turn(&[disable()]);
            scene.storm().at(millis).call(9, Wanted::DescribeKey { key: key() });
            scene.returned(9, Got::Described { key: arn(), state, material: None, deletion: None });
            told(&scene)
        };
        assert_eq!(read(10_000, KeyState::Disabled), 0);
        assert_eq!(read(10_000, KeyState::Enabled), 0, "the host may not have heard");
        assert_eq!(read(10_000, KeyState::PendingDeletion), 1, "it never was");
        assert_eq!(read(500_000, KeyState::Disabled), 0);
        assert_eq!(read(500_000, KeyState::Enabled), 1, "everything has healed long since");
    }

    #[test]
    fn too_many_at_once_are_undecided_and_not_passed() {
        let mut scene = in_turn(&[]);
        for request in 2..30 {
            scene.call(request, disable());
        }
        scene.call(50, cancel());
        scene.returned(50, Got::Done);
        let finding = scene.judge(&ENTRY);
        assert_eq!((finding.judged, &finding.violations[..]), (0, &[][..]));
        assert!(finding.detail.contains(&("keys left undecided", 1)));
        assert_eq!(scene.verdict(&ENTRY), Verdict::Undecided { left: 1, judged: 0 });
        // One key that is decided does not speak for the other.
        let other = Target::Key { region: None, id: KeyId::single_region([8; 16]) };
        scene.call(60, Wanted::DisableKey { key: other });
        scene.returned(60, Got::Done);
        assert_eq!(scene.verdict(&ENTRY), Verdict::Undecided { left: 1, judged: 1 });
    }
}
