//! Once everything is calm, everything comes to rest, and everybody agrees.

use super::key_log::{is_pending, key_of, state_of};
use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::clock::SimTime;
use crate::history::{Changed, Event, SetMember, SetRole, Settlement, Source};
use crate::place::{NodeId, Role};
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyId, MaterialId, RegionName};
use kms_core::task::Task;
use std::collections::{BTreeMap, BTreeSet};

const INFO: OracleInfo = OracleInfo {
    name: "convergence",
    doc: "After the calm followers agree with their journal, sets of keys agree on one primary, \
          material and list of replicas, and no work is left.",
    needs: &[Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Convergence::default()) };

#[derive(Default)]
struct Convergence {
    settled: BTreeMap<RegionName, (u64, [u8; 32])>,
    /// Who has said what it came to, and the last who did.
    spoke: BTreeMap<NodeId, Mark>,
    sets: BTreeMap<KeyId, Set>,
    /// Every task that failed when it was last tried.
    failing: BTreeMap<(RegionName, Task), Failing>,
    /// The record that last changed a key.
    last: BTreeMap<(RegionName, KeyId), Last>,
    judged: u64,
    undecided: u64,
    violations: Vec<Violation>,
}

/// A task that fails: since when, and the last try.
struct Failing {
    since: SimTime,
    seen: Mark,
    error: ErrorCode,
}

/// What the log says last of a key.
struct Last {
    seen: Mark,
    change: Changed,
}

/// What was said at the end about the keys of one id.
struct Set {
    primaries: BTreeSet<RegionName>,
    materials: BTreeSet<Option<MaterialId>>,
    /// The lists of replicas that the keys show.
    replicas: BTreeSet<BTreeSet<RegionName>>,
    seen: Mark,
}

impl Oracle for Convergence {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        match &seen.record.event {
            Event::Committed { region, changes, .. } => {
                for change in changes {
                    let Some(id) = key_of(change) else { continue };
                    let last = Last { seen: seen.mark(), change: change.clone() };
                    self.last.insert((*region, id), last);
                }
            }
            Event::TaskTried { region, task, error: None, .. } => {
                self.judged += 1;
                self.failing.remove(&(*region, **task));
            }
            Event::TaskTried { region, task, error: Some(error), .. } => {
                self.judged += 1;
                let (at, seen, error) = (seen.record.at, seen.mark(), *error);
                let first = Failing { since: at, seen, error };
                let failing = self.failing.entry((*region, **task)).or_insert(first);
                (failing.seen, failing.error) = (seen, error);
            }
            Event::Settled(settlement) => {
                let Settlement { region, position, digest, sets } = &**settlement;
                self.spoke.insert(seen.record.node, seen.mark());
                self.settle(seen.mark(), *region, (*position, *digest));
                sets.iter().for_each(|member| self.member(seen.mark(), member));
            }
            _ => {}
        }
    }

    fn undecided(&self) -> u64 {
        self.undecided
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        self.undecided += u64::from(self.spoke.is_empty());
        match context.calm() >= context.rules.settling {
            true => {
                self.judge_sets(context);
                self.judge_silence(context);
                self.judge_rest(context);
                self.judge_tasks(context);
            }
            false => self.undecided += 1,
        }
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

impl Convergence {
    fn complain(&mut self, seen: Mark, message: String) {
        self.violations.push(seen.violates(INFO.name, message));
    }

    fn settle(&mut self, seen: Mark, region: RegionName, state: (u64, [u8; 32])) {
        self.judged += 1;
        let first = *self.settled.entry(region).or_insert(state);
        if first.0 != state.0 {
            let message = format!("{region} settled at position {} and {}", first.0, state.0);
            self.complain(seen, message);
        } else if first.1 != state.1 {
            let message = format!("two states of {region} at position {} differ", first.0);
            self.complain(seen, message);
        }
    }

    fn member(&mut self, seen: Mark, member: &SetMember) {
        let set = self.sets.entry(member.key.id).or_insert_with(|| Set {
            primaries: BTreeSet::new(),
            materials: BTreeSet::new(),
            replicas: BTreeSet::new(),
            seen,
        });
        if member.primary {
            set.primaries.insert(member.key.region);
        }
        set.materials.insert(member.material);
        set.replicas.insert(member.replicas.clone());
    }

    /// When one node of a kind says what it came to, all do, and every journal does.
    fn judge_silence(&mut self, context: &Context<'_>) {
        let Some(last) = self.spoke.values().max_by_key(|mark| mark.index).copied() else { return };
        let role = |node: NodeId| context.topology.place(node).role;
        let known = self.spoke.keys().filter(|node| context.topology.contains(**node));
        let mut speak: BTreeSet<Role> = known.map(|node| role(*node)).collect();
        speak.insert(Role::Journal);
        let nodes = context.topology.nodes().filter(|(_, place)| speak.contains(&place.role));
        let silent: Vec<NodeId> =
            nodes.map(|(node, _)| node).filter(|node| !self.spoke.contains_key(node)).collect();
        for node in silent {
            let name = context.topology.name(node);
            self.complain(last, format!("{name} never says what it came to"));
        }
    }

    /// In a healed world no task keeps failing. One that came up a moment ago may: an HSM that does not
    /// know of the newest domain key has to be told first, and each of them may be one.
    fn judge_tasks(&mut self, context: &Context<'_>) {
        for ((region, task), failing) in std::mem::take(&mut self.failing) {
            let Failing { since, seen, error } = failing;
            if seen.at > since.max(context.calm_at).after(context.rules.settling) {
                self.complain(seen, format!("{region} still cannot carry out {task}: {error}"));
            }
        }
    }

    /// Sets can be judged only if every Region has spoken.
    fn judge_sets(&mut self, context: &Context<'_>) {
        if context.regions.iter().any(|region| !self.settled.contains_key(region)) {
            return;
        }
        for (id, set) in std::mem::take(&mut self.sets) {
            self.judged += 1;
            if set.primaries.len() != 1 {
                let message = format!("{id} has {} primaries, not one", set.primaries.len());
                self.complain(set.seen, message);
            }
            if set.materials.len() != 1 {
                let message = format!("the keys of {id} encrypt with different materials");
                self.complain(set.seen, message);
            }
            if set.replicas.len() != 1 && self.is_quiet(id, context) {
                let message = format!("the keys of {id} show different replicas");
                self.complain(set.seen, message);
            }
        }
    }

    /// Whether nothing has happened to any key of a set for so long that each has heard of all others.
    fn is_quiet(&self, id: KeyId, context: &Context<'_>) -> bool {
        let settled = |last: &Last| last.seen.at.after(context.rules.settling) <= context.ended_at;
        let last = context.regions.iter().filter_map(|region| self.last.get(&(*region, id)));
        last.into_iter().all(settled)
    }

    fn judge_rest(&mut self, context: &Context<'_>) {
        let overdue = |last: &Last| last.seen.at.after(context.rules.settling) <= context.ended_at;
        let left = self.last.iter().filter(|(_, last)| overdue(last));
        let left = left.filter_map(|((region, id), last)| {
            Some((last.seen, format!("{id} in {region} {}", self.work_left(&last.change, *id)?)))
        });
        for (seen, message) in left.collect::<Vec<_>>() {
            self.complain(seen, message);
        }
    }

    /// What should have been done about a key by now.
    fn work_left(&self, last: &Changed, id: KeyId) -> Option<String> {
        if let Some(state @ (KeyState::Creating | KeyState::Updating)) = state_of(last) {
            return Some(format!("is still {state}"));
        }
        if is_pending(last) {
            return Some("still waits for its new material".to_owned());
        }
        let Changed::Key { role: Some(SetRole::Primary(replicas)), .. } = last else { return None };
        let gone = |region: &&RegionName| {
            let last = self.last.get(&(**region, id));
            last.is_some_and(|last| state_of(&last.change).is_none())
        };
        let gone = replicas.iter().find(gone)?;
        Some(format!("still counts on the replica in {gone}, which is erased"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Wanted;
    use crate::oracle::Verdict;
    use crate::oracle::scene::{MATERIAL, Scene, abroad, arn, key_in};
    use kms_core::env::RequestId;
    use kms_core::name::KeyArn;

    fn settled(position: u64, digest: u8, sets: Vec<SetMember>) -> impl Fn(RegionName) -> Event {
        move |region| {
            let (digest, sets) = ([digest; 32], sets.clone());
            Event::Settled(Box::new(Settlement { region, position, digest, sets }))
        }
    }

    fn violations(scene: &Scene) -> usize {
        scene.judge(&ENTRY).violations.len()
    }

    /// A world in which one follower has settled in each Region.
    fn calm(sets: [Vec<SetMember>; 2]) -> Scene {
        let mut scene = Scene::new();
        scene.at(1);
        let [here, there] = sets;
        scene.journal(settled(5, 1, here)(scene.home()));
        scene.journal(settled(9, 2, there)(abroad()));
        scene
    }

    fn member(region: RegionName, primary: bool, material: MaterialId) -> SetMember {
        let (key, replicas) = (KeyArn { region, ..arn() }, [abroad()].into());
        SetMember { key, primary, replicas, material: Some(material) }
    }

    #[test]
    fn agreement_is_fine() {
        let home = Scene::new().home();
        let scene =
            calm([vec![member(home, true, MATERIAL)], vec![member(abroad(), false, MATERIAL)]]);
        assert_eq!(violations(&scene), 0);
        assert_eq!(scene.judge(&ENTRY).judged, 3);
    }

    #[test]
    fn when_one_host_speaks_all_speak_and_the_journal_does() {
        let mut scene = calm([vec![], vec![]]);
        assert_eq!(scene.verdict(&ENTRY), Verdict::Passed, "a host need not say anything");
        scene.host(settled(5, 1, vec![])(scene.home()));
        assert_eq!(violations(&scene), 0);
        let mut scene = Scene::new();
        let said = settled(5, 1, vec![])(scene.home());
        scene.at(1).host(said);
        assert_eq!(violations(&scene), 1, "the journal is silent");
    }

    #[test]
    fn a_run_that_was_cut_short_is_undecided() {
        let mut scene = calm([vec![], vec![]]);
        scene.ended_at(359_999);
        assert_eq!(scene.verdict(&ENTRY), Verdict::Undecided { left: 1, judged: 2 });
        let mut scene = Scene::new();
        scene.at(1).created(1);
        assert_eq!(scene.verdict(&ENTRY), Verdict::Undecided { left: 1, judged: 0 });
    }

    #[test]
    fn followers_that_disagree_are_told() {
        let mut scene = calm([vec![], vec![]]);
        scene.journal(settled(4, 1, vec![])(scene.home()));
        assert_eq!(violations(&scene), 1, "another position");
        scene.journal(settled(5, 3, vec![])(scene.home()));
        assert_eq!(violations(&scene), 2, "another state");
    }

    #[test]
    fn a_set_has_one_primary_and_one_material() {
        let home = Scene::new().home();
        let two =
            calm([vec![member(home, true, MATERIAL)], vec![member(abroad(), true, MATERIAL)]]);
        assert_eq!(violations(&two), 1);
        let other = MaterialId([9; 32]);
        let torn = calm([vec![member(home, true, MATERIAL)], vec![member(abroad(), false, other)]]);
        assert_eq!(violations(&torn), 1);
    }

    #[test]
    fn every_key_of_a_set_shows_the_same_replicas_when_all_is_quiet() {
        let home = Scene::new().home();
        let mut ignorant = member(home, true, MATERIAL);
        ignorant.replicas.clear();
        let mut scene = calm([vec![ignorant], vec![member(abroad(), false, MATERIAL)]]);
        assert_eq!(violations(&scene), 1);
        scene.at(599_000).task(vec![key_in(KeyState::Enabled)]);
        assert_eq!(violations(&scene), 0, "that may be the news");
    }

    #[test]
    fn no_work_is_left() {
        let mut scene = calm([vec![], vec![]]);
        scene.task(vec![key_in(KeyState::Creating)]);
        assert_eq!(violations(&scene), 1);
        scene.task(vec![key_in(KeyState::Enabled)]);
        assert_eq!(violations(&scene), 0);
    }

    /// Seconds at which a task fails, and the one at which it goes well, if any. The world of the scene
    /// heals at second 300, and a minute later it has settled.
    fn failing(seconds: &[u64], well: Option<u64>) -> usize {
        let mut scene = calm([vec![], vec![]]);
        let region = scene.home();
        let mut tries: Vec<_> =
            seconds.iter().map(|at| (*at, Some(ErrorCode::KmsInternal))).collect();
        tries.extend(well.map(|at| (at, None)));
        tries.sort_unstable_by_key(|(at, _)| *at);
        for (at, error) in tries {
            let (id, task) = (RequestId(9), Box::new(Task::RotateDomainKey));
            scene.at(at * 1_000).journal(Event::TaskTried { region, id, task, error });
        }
        violations(&scene)
    }

    #[test]
    fn a_task_that_fails_for_long_in_a_healed_world_is_told() {
        assert_eq!(failing(&[100, 361], None), 1);
        assert_eq!(failing(&[100, 359], None), 0, "the world has just healed");
        assert_eq!(failing(&[400, 459], None), 0, "it has just come up");
        assert_eq!(failing(&[400, 461], None), 1);
        assert_eq!(failing(&[100, 400], Some(500)), 0);
        assert_eq!(failing(&[100, 500], Some(400)), 0, "that is a new one");
    }

    #[test]
    fn without_a_journal_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).call(1, Wanted::ListKeys);
        scene.cannot_judge(&ENTRY, Source::Journal);
    }
}
