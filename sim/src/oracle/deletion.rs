//! A key dies when it was scheduled to, not before, and stays dead.

use super::key_log::{Place, state_of};
use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::history::{Changed, Event, Got, Source, Wanted};
use kms_core::env::RequestId;
use kms_core::key::KeyState;
use kms_core::name::{KeyArn, RegionName};
use std::collections::BTreeMap;
use std::time::Duration;

const INFO: OracleInfo = OracleInfo {
    name: "deletion",
    doc: "No key is erased before its waiting period is over, against a cancellation, or much later, \
          and none works afterwards.",
    needs: &[Source::Client, Source::Host, Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Deletion::default()) };

const DAY: Duration = Duration::from_secs(86_400);
/// The shortest waiting period there is; a primary that waited for its replicas has at least this.
const SHORTEST: Duration = Duration::from_secs(7 * 86_400);

#[derive(Default)]
struct Deletion {
    /// The waiting period a client asked for, which a primary remembers until its replicas are gone.
    asked: BTreeMap<Place, Duration>,
    waiting: BTreeMap<Place, Waiting>,
    erased: BTreeMap<Place, Erased>,
    judged: u64,
    violations: Vec<Violation>,
}

/// The entries of a log between which a key does not exist. A replica may be made again afterwards.
struct Erased {
    by: u64,
    made_again: Option<u64>,
}

/// A waiting period that runs.
struct Waiting {
    from: SimTime,
    since: Mark,
    window: Duration,
}

impl Oracle for Deletion {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        match &seen.record.event {
            Event::Committed { region, id, position, changes } => {
                for change in changes {
                    self.changed(seen, *region, (*id, *position), change);
                }
            }
            Event::Returned { request, got: Ok(got) } => self.returned(seen, *request, got),
            _ => {}
        }
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        for ((region, id), waiting) in &self.waiting {
            let grace = context.rules.deletion_grace + context.rules.clock_error;
            let latest = waiting.since.at.after(waiting.window).after(grace).after(DAY);
            if latest <= context.ended_at {
                let message = format!("{id} in {region} should have been erased by {latest}");
                self.violations.push(waiting.since.violates(INFO.name, message));
            }
        }
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

impl Deletion {
    fn changed(
        &mut self,
        seen: Seen<'_>,
        region: RegionName,
        (request, position): (RequestId, u64),
        change: &Changed,
    ) {
        match change {
            Changed::KeyErased(id) => self.erase(seen, (region, *id), position),
            Changed::Key { id, state, .. } => {
                let asked = asked(seen, request);
                if let Some((_, window)) = asked {
                    self.asked.insert((region, *id), window);
                }
                if let Some(erased) = self.erased.get_mut(&(region, *id)) {
                    erased.made_again.get_or_insert(position);
                }
                let from = asked.map_or(seen.record.at, |(at, _)| at);
                self.follow(seen, (region, *id), *state, from);
            }
            Changed::Domain(_) | Changed::Other => {}
        }
    }

    /// A waiting period starts with the state and ends with it. One that a client asked for starts when
    /// it does: the deletion date is of the decision, and the way to the journal may be long.
    fn follow(&mut self, seen: Seen<'_>, place: Place, state: KeyState, from: SimTime) {
        match state {
            KeyState::PendingDeletion => {
                let window = self.asked.get(&place).copied().unwrap_or(SHORTEST);
                let waiting = Waiting { from, since: seen.mark(), window };
                self.waiting.entry(place).or_insert(waiting);
            }
            KeyState::PendingReplicaDeletion => {
                // What is left of a period that a new replica interrupted is a week at least.
                if self.waiting.remove(&place).is_some() {
                    self.asked.remove(&place);
                }
            }
            _ => {
                self.waiting.remove(&place);
                self.asked.remove(&place);
            }
        }
    }

    fn erase(&mut self, seen: Seen<'_>, place: Place, position: u64) {
        self.judged += 1;
        self.erased.insert(place, Erased { by: position, made_again: None });
        let state = seen.known.keys.past(place).and_then(|past| state_of(past.last()?));
        let problem = match self.waiting.remove(&place) {
            None => Some(format!("was erased while its state was {}", name(state))),
            Some(waiting) => too_early(&waiting, seen.record.at),
        };
        if let Some(problem) = problem {
            let message = format!("{} in {} {problem}", place.1, place.0);
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    fn returned(&mut self, seen: Seen<'_>, request: RequestId, got: &Got) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        for key in keys_used(got) {
            self.judged += 1;
            let Some(erased) = self.erased.get(&(key.region, key.id)) else { continue };
            let mut good = attempt.answers.iter().filter(|answer| answer.error.is_none());
            let again = erased.made_again.unwrap_or(u64::MAX);
            if good.all(|answer| (erased.by..again).contains(&answer.position)) {
                let by = erased.by;
                let message = format!("{key} was used after log entry {by}, which erased it");
                self.violations.push(seen.violates(INFO.name, message));
            }
        }
    }
}

/// When a client asked for a waiting period by this request, and for which.
fn asked(seen: Seen<'_>, request: RequestId) -> Option<(SimTime, Duration)> {
    let attempt = seen.known.attempts.get(request)?;
    match attempt.facts.wanted {
        Wanted::ScheduleKeyDeletion { days, .. } => Some((attempt.at, DAY * days)),
        _ => None,
    }
}

fn name(state: Option<KeyState>) -> &'static str {
    state.map_or("unknown", KeyState::as_str)
}

fn too_early(waiting: &Waiting, at: SimTime) -> Option<String> {
    let from = waiting.from;
    let waited = at.since(from);
    (waited < waiting.window).then(|| {
        format!("was erased {waited:?} after {from}, before {:?} had passed", waiting.window)
    })
}

/// The keys whose material an answer needed.
fn keys_used(got: &Got) -> impl Iterator<Item = &KeyArn> {
    let (one, other) = match got {
        Got::Sealed { key, .. }
        | Got::Opened { key, .. }
        | Got::Proved { key, .. }
        | Got::Genuine { key }
        | Got::Encapsulated { key, .. }
        | Got::SharedSecret { key, .. } => (Some(key), None),
        Got::Resealed { source, key, .. } => (Some(source), Some(key)),
        _ => (None, None),
    };
    one.into_iter().chain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Digest, Target};
    use crate::oracle::scene::{Scene, erased, key_id, key_in, sealed};

    const DAYS: u64 = 86_400_000;

    /// A key that is scheduled for deletion after seven days at the first moment of day 1.
    fn scheduled() -> Scene {
        let mut scene = Scene::new();
        let key = Target::Key { region: None, id: key_id() };
        scene.at(1).created(1);
        scene.at(DAYS).call(2, Wanted::ScheduleKeyDeletion { key, days: 7 });
        scene.commit(2, vec![key_in(KeyState::PendingDeletion)]);
        scene.answer(2, None);
        scene.ended_at(30 * DAYS);
        scene
    }

    fn violations(scene: &Scene) -> Vec<Violation> {
        scene.judge(&ENTRY).violations
    }

    #[test]
    fn a_key_may_die_in_time() {
        let mut scene = scheduled();
        scene.at(8 * DAYS + 1).task(vec![erased()]);
        assert_eq!(violations(&scene), []);
        assert_eq!(scene.judge(&ENTRY).judged, 1);
    }

    #[test]
    fn a_day_too_early_is_murder() {
        let mut scene = scheduled();
        scene.at(8 * DAYS - 1).task(vec![erased()]);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn a_cancelled_key_lives() {
        let mut scene = scheduled();
        scene.at(2 * DAYS).task(vec![key_in(KeyState::Disabled)]);
        assert_eq!(violations(&scene), []);
        scene.at(9 * DAYS).task(vec![erased()]);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn a_key_that_is_due_long_since_is_erased() {
        let mut scene = scheduled();
        scene.ended_at(9 * DAYS);
        assert_eq!(violations(&scene), [], "the service may take a day");
        scene.ended_at(10 * DAYS);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn an_erased_key_does_not_work() {
        let encrypt = || Wanted::Encrypt {
            key: Target::Key { region: None, id: key_id() },
            plaintext: Digest(1),
            context: Digest(2),
        };
        let mut scene = scheduled();
        scene.at(5 * DAYS).call(3, encrypt());
        scene.answer(3, None);
        scene.at(9 * DAYS).task(vec![erased()]);
        scene.returned(3, sealed(7));
        assert_eq!(violations(&scene), [], "decided before the end");
        scene.call(4, encrypt());
        scene.answer(4, None);
        scene.returned(4, sealed(8));
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn a_replica_that_was_made_again_works() {
        let key = Target::Key { region: None, id: key_id() };
        let encrypt = Wanted::Encrypt { key, plaintext: Digest(1), context: Digest(2) };
        let mut scene = scheduled();
        scene.at(9 * DAYS).task(vec![erased()]);
        scene.at(10 * DAYS).task(vec![key_in(KeyState::Enabled)]);
        scene.call(3, encrypt);
        scene.answer(3, None);
        scene.returned(3, sealed(7));
        assert_eq!(violations(&scene), []);
    }

    #[test]
    fn without_a_journal_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).call(1, Wanted::ListKeys);
        scene.answer(1, None);
        scene.cannot_judge(&ENTRY, Source::Journal);
    }
}
