//! Probes: marks that something really happened, so that a sweep which never met a race does not pass
//! for one that survived it.
//!
//! A probe judges nothing. It is a name in [`Probe`] and a line where its record passes in [`Probes`];
//! beside them every pair of an operation and the state of the key it named is counted. `keyquake sim
//! sweep --floor` fails when one of [`wanted`] was met too seldom.

mod table;

pub use table::Probe;

use crate::clock::SimTime;
use crate::fault::NodeAction;
use crate::fault::point::Point;
use crate::history::{CallFacts, Changed, Event, Got, Record, Routing, SetRole, Target};
use crate::oracle::{Context, Known};
use crate::place::{NodeId, Role};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyArn, KeyId, RegionName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What counts as a partition.
const PARTITIONS: [&str; 4] = ["clogging", "link-cut", "region-partition", "zone-loss"];

/// Hedges that are remembered; what is older has been answered long since.
const HEDGES: usize = 64;

/// The states that any key can be brought to by its own operations alone.
const ORDINARY: [KeyState; 3] = [KeyState::Enabled, KeyState::Disabled, KeyState::PendingDeletion];

/// The operations that name a key and that clients of the swarm make use of.
const ON_KEYS: [&str; 30] = [
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateMac",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
    "ListKeyRotations",
    "PutKeyPolicy",
    "ReEncrypt",
    "ReplicateKey",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "UpdateAlias",
    "Verify",
    "VerifyMac",
];

/// How often things happened in a run.
#[derive(Debug, Default)]
pub struct Probes {
    hits: BTreeMap<Probe, u64>,
    cells: BTreeMap<(&'static str, KeyState), u64>,
    points: BTreeMap<&'static str, u64>,
    /// The calls that have been tried more than once.
    retried: BTreeSet<(NodeId, u64)>,
    /// Who was asked beside another.
    hedges: VecDeque<(RequestId, Option<NodeId>)>,
    /// How far each journal is.
    heads: BTreeMap<RegionName, u64>,
}

/// How a pair of operation and state is called in results.
fn cell(operation: &str, state: KeyState) -> String {
    format!("{operation} on {}", state.as_str())
}

/// How a fault point is called in results.
fn fired(point: &str) -> String {
    format!("fault point {point}")
}

/// What a sweep of the swarm is expected to meet: every probe, every fault point, and every operation on
/// a key in each state that a key is brought to by its own operations.
pub fn wanted() -> impl Iterator<Item = String> {
    let cells = ON_KEYS.iter().flat_map(|name| ORDINARY.map(|state| cell(name, state)));
    let points = Point::ALL.iter().map(|point| fired(point.name()));
    Probe::ALL.iter().map(|probe| probe.name().to_owned()).chain(cells).chain(points)
}

impl Probes {
    /// What was met, and how often.
    pub fn hits(&self) -> BTreeMap<String, u64> {
        let marks = self.hits.iter().map(|(probe, hits)| (probe.name().to_owned(), *hits));
        let cells = self.cells.iter().map(|((name, state), hits)| (cell(name, *state), *hits));
        let points = self.points.iter().map(|(name, hits)| (fired(name), *hits));
        marks.chain(cells).chain(points).collect()
    }

    fn hit(&mut self, probe: Probe) {
        *self.hits.entry(probe).or_default() += 1;
    }

    fn hit_if(&mut self, happened: bool, probe: Probe) {
        if happened {
            self.hit(probe);
        }
    }

    /// Takes note of a record; `known` is what the records before it say of keys, and with it of
    /// attempts.
    pub(crate) fn note(&mut self, record: &Record, known: &Known, context: &Context<'_>) {
        match &record.event {
            Event::Called { call, attempt: 2.., .. } => {
                self.retried.insert((record.node, *call));
            }
            Event::Ended { call, error } => {
                let retried =
                    !self.retried.is_empty() && self.retried.remove(&(record.node, *call));
                self.hit_if(retried && error.is_none(), Probe::RetrySucceeded);
            }
            Event::Returned { request, got } => self.returned(*request, got, known),
            Event::TimedOut { request } => {
                let attempt = known.attempts.get(*request);
                let committed = attempt.is_some_and(|attempt| attempt.committed.is_some());
                self.hit_if(committed, Probe::CommittedUnheard);
            }
            Event::Answered { request, position, error, .. } => {
                self.hit_if(*error == Some(ErrorCode::Throttling), Probe::Throttled);
                self.answered(*request, *position, known);
            }
            Event::Admitted { .. } | Event::Called { .. } => {}
            Event::CommandThrottled { .. } => self.hit(Probe::CommandThrottled),
            Event::Conflicted { .. } => self.hit(Probe::DecisionRepeated),
            Event::Committed { region, position, changes, .. } => {
                self.heads.insert(*region, *position);
                for change in changes {
                    self.changed(record.at, *region, change, known, context);
                }
            }
            Event::TaskTried { error, .. } => self.hit_if(error.is_some(), Probe::TaskFailed),
            Event::Executed { command, done: true } => {
                self.hit_if(*command == "Join", Probe::HsmRejoined);
                self.hit_if(*command == "RotateDomainKey", Probe::DomainKeyRotated);
            }
            Event::Routed { request, hsm, what } => self.routed(*request, *hsm, *what),
            Event::Acted(NodeAction::Crash(node)) => self.crashed(*node, context),
            Event::Fired(point) => *self.points.entry(point).or_default() += 1,
            Event::Executed { .. }
            | Event::Acted(_)
            | Event::Audited(_)
            | Event::Loaded(_)
            | Event::Settled(_)
            | Event::Kept(_)
            | Event::Exposed { .. }
            | Event::Sabotaged(_) => {}
        }
    }

    fn returned(&mut self, request: RequestId, got: &Result<Box<Got>, ErrorCode>, known: &Known) {
        let ordinary = |facts: &CallFacts| !facts.administrator;
        let attempt = known.attempts.get(request);
        let by_another = attempt.is_some_and(|attempt| ordinary(&attempt.facts));
        match got.as_deref() {
            Ok(Got::Opened {
                key: KeyArn { region, id, .. }, material: Some(material), ..
            }) => {
                let now = known.keys.past((*region, *id)).and_then(|past| past.last());
                let is_old = matches!(now, Some(Changed::Key { material: Some(now), .. })
                    if now != material);
                self.hit_if(is_old, Probe::OldMaterialOpened);
                self.hit_if(by_another, Probe::OthersPermitted);
            }
            Ok(_) => self.hit_if(by_another, Probe::OthersPermitted),
            Err(ErrorCode::AccessDenied) => self.hit_if(by_another, Probe::OthersRefused),
            Err(ErrorCode::DryRunOperation) => self.hit(Probe::DryRun),
            Err(_) => {}
        }
    }

    fn answered(&mut self, request: RequestId, position: u64, known: &Known) {
        let Some(attempt) = known.attempts.get(request) else { return };
        self.hit_if(attempt.answers.len() > 1, Probe::AnsweredTwice);
        let head = self.heads.get(&attempt.region).copied().unwrap_or_default();
        self.hit_if(position < head, Probe::DecisionStale);
        let wanted = &attempt.facts.wanted;
        if let Some(Target::Key { id, .. }) = wanted.key()
            && let Some(past) = known.keys.past((attempt.region, *id))
            && let Some(Changed::Key { state, .. }) = past.at(position)
        {
            *self.cells.entry((wanted.operation(), *state)).or_default() += 1;
        }
    }

    fn changed(
        &mut self,
        at: SimTime,
        region: RegionName,
        change: &Changed,
        known: &Known,
        context: &Context<'_>,
    ) {
        let before = |id: KeyId| known.keys.past((region, id)).and_then(|past| past.last());
        match change {
            Changed::KeyErased(_) => {
                self.hit(Probe::KeyErased);
                let cuts =
                    context.faults.iter().filter(|fault| PARTITIONS.contains(&fault.info.name));
                let mut cuts = cuts.map(|fault| fault.window);
                self.hit_if(cuts.any(|cut| cut.contains(at)), Probe::DeletionInPartition);
            }
            Changed::Key { id, state, material, role, pending, .. } => match before(*id) {
                None | Some(Changed::KeyErased(_)) => {
                    let is_replica = matches!(role, Some(SetRole::Replica(..)));
                    self.hit_if(is_replica, Probe::ReplicaMade);
                }
                Some(Changed::Key {
                    state: was,
                    material: old,
                    role: part,
                    pending: waited,
                    ..
                }) => {
                    let taken_back = *was == KeyState::PendingDeletion && was != state;
                    self.hit_if(taken_back, Probe::DeletionCancelled);
                    self.hit_if(material != old && old.is_some(), Probe::Rotated);
                    self.hit_if(*pending && !waited, Probe::RotationPending);
                    let moved = matches!(
                        (part, role),
                        (Some(SetRole::Primary(_)), Some(SetRole::Replica(..)))
                    );
                    self.hit_if(moved, Probe::PrimaryMoved);
                }
                Some(Changed::Domain(_) | Changed::Other) => {}
            },
            Changed::Domain(_) | Changed::Other => {}
        }
    }

    fn routed(&mut self, request: RequestId, hsm: Option<NodeId>, what: Routing) {
        match what {
            Routing::Hedged => {
                self.hit(Probe::HedgeSent);
                if self.hedges.len() == HEDGES {
                    self.hedges.pop_front();
                }
                self.hedges.push_back((request, hsm));
            }
            // What is dropped comes from the one that lost.
            Routing::Discarded => {
                if let Some(at) = self.hedges.iter().position(|(hedged, _)| *hedged == request) {
                    let (_, second) = self.hedges.remove(at).unwrap_or((request, None));
                    self.hit_if(second != hsm, Probe::HedgeWon);
                }
            }
            Routing::Retried => self.hit(Probe::HsmRetried),
            Routing::TimedOut => self.hit(Probe::HsmTimedOut),
            Routing::Quarantined => self.hit(Probe::HsmQuarantined),
            Routing::Refused => self.hit(Probe::HsmRefused),
            Routing::Saturated => self.hit(Probe::FleetSaturated),
            Routing::Distrusted => self.hit(Probe::HsmDistrusted),
            Routing::InSession => self.hit(Probe::SessionBegun),
            Routing::Renewed => self.hit(Probe::SessionRenewed),
            Routing::NoSession => self.hit(Probe::SessionUnknown),
        }
    }

    fn crashed(&mut self, node: NodeId, context: &Context<'_>) {
        match context.topology.place(node).role {
            Role::ApiHost => self.hit(Probe::HostCrashed),
            Role::Hsm => self.hit(Probe::HsmCrashed),
            Role::Journal => self.hit(Probe::JournalCrashed),
            Role::Worker => self.hit(Probe::WorkerCrashed),
            Role::Client | Role::KeyStore => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Window, latency, link_cut};
    use crate::history::{Digest, Wanted};
    use crate::oracle::FaultFacts;
    use crate::oracle::scene::{ACCOUNT, MATERIAL, Scene, abroad, arn, erased, key_id, key_in};
    use crate::oracle::{Context, Judges};
    use kms_core::name::MaterialId;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(Probe::ALL.is_sorted_by_key(|probe| probe.name()));
        for probe in Probe::ALL {
            assert!(probe.doc().len() > 20 && probe.doc().ends_with('.'), "{}", probe.name());
        }
        assert!(ON_KEYS.is_sorted());
        let operations = kms_core::ops::Operation::ALL.iter().map(|one| one.name());
        let known: BTreeSet<&str> = operations.collect();
        assert!(ON_KEYS.iter().all(|name| known.contains(name)));
    }

    fn hits_with(scene: &Scene, context: &Context<'_>) -> BTreeMap<String, u64> {
        let mut judges = Judges::new(context);
        scene.records().iter().for_each(|record| judges.record(record, context));
        judges.probes()
    }

    fn hits(scene: &Scene) -> BTreeMap<String, u64> {
        hits_with(scene, &scene.context())
    }

    fn of(hits: &[(&str, u64)]) -> BTreeMap<String, u64> {
        hits.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn describe() -> Wanted {
        Wanted::DescribeKey { key: Target::Key { region: None, id: key_id() } }
    }

    #[test]
    fn an_operation_meets_the_state_it_was_decided_on() {
        let mut scene = Scene::new();
        scene.task(vec![key_in(KeyState::Enabled)]);
        scene.task(vec![key_in(KeyState::Disabled)]);
        scene.call(1, describe());
        scene.answer(1, None);
        scene.call(2, describe());
        scene.answer_at(2, 1, None);
        let expected =
            [("decision-stale", 1), ("DescribeKey on Disabled", 1), ("DescribeKey on Enabled", 1)];
        assert_eq!(hits(&scene), of(&expected));
    }

    #[test]
    fn calls_that_are_tried_again_or_given_up_are_marked() {
        let mut scene = Scene::new();
        scene.call(1, Wanted::ListKeys);
        scene.commit(1, vec![Changed::Other]);
        scene.client(Event::TimedOut { request: RequestId(1) });
        scene.client(Event::Called {
            request: RequestId(2),
            call: 1,
            attempt: 2,
            region: scene.home(),
            facts: std::sync::Arc::new(CallFacts {
                principal: "x".into(),
                account: ACCOUNT,
                administrator: false,
                dry_run: false,
                wanted: Wanted::ListKeys,
            }),
        });
        scene.answer(2, None);
        scene.answer(2, None);
        scene.returned(2, Got::Done);
        scene.client(Event::Ended { call: 1, error: None });
        let (request, got) = (RequestId(2), Err(ErrorCode::DryRunOperation));
        scene.client(Event::Returned { request, got });
        let expected = [
            ("answered-twice", 1),
            ("committed-unheard", 1),
            ("dry-run", 1),
            ("others-permitted", 1),
            ("retry-succeeded", 1),
        ];
        assert_eq!(hits(&scene), of(&expected));
    }

    #[test]
    fn the_second_hsm_wins_when_the_first_is_dropped() {
        let routed = |hsm, what| Event::Routed { request: RequestId(1), hsm: Some(hsm), what };
        let mut scene = Scene::new();
        scene.host(routed(NodeId(8), Routing::Hedged));
        scene.host(routed(NodeId(8), Routing::Discarded));
        assert_eq!(hits(&scene), of(&[("hedge-sent", 1)]));
        scene.host(routed(NodeId(8), Routing::Hedged));
        scene.host(routed(NodeId(7), Routing::Discarded));
        assert_eq!(hits(&scene), of(&[("hedge-sent", 2), ("hedge-won", 1)]));
    }

    #[test]
    fn a_deletion_counts_as_in_a_partition_only_in_one() {
        let mut scene = Scene::new();
        scene.task(vec![key_in(KeyState::PendingDeletion)]);
        scene.at(5_000).task(vec![erased()]);
        assert_eq!(hits(&scene), of(&[("key-erased", 1)]));
        let window = Window { from: SimTime::from_secs(5), until: SimTime::from_secs(6) };
        for (info, cut) in [(link_cut::INFO, true), (latency::INFO, false)] {
            let mut context = scene.context();
            context.faults = vec![FaultFacts { info, window, regions: Vec::new() }];
            let met = hits_with(&scene, &context).contains_key("deletion-in-partition");
            assert_eq!(met, cut, "{}", info.name);
        }
    }

    #[test]
    fn what_becomes_of_a_key_is_marked() {
        let key = |state, material, role, pending| Changed::Key {
            id: key_id(),
            state,
            material: Some(material),
            role,
            pending,
            rotation_days: None,
            deletion: None,
            imports: None,
        };
        let newer = MaterialId([4; 32]);
        let primary = || Some(SetRole::Primary([abroad()].into()));
        let replica = || Some(SetRole::Replica(abroad(), BTreeSet::new()));
        let mut scene = Scene::new();
        scene.task(vec![key(KeyState::Enabled, MATERIAL, primary(), false)]);
        scene.task(vec![key(KeyState::Enabled, MATERIAL, primary(), true)]);
        scene.task(vec![key(KeyState::PendingDeletion, newer, primary(), false)]);
        scene.task(vec![key(KeyState::Disabled, newer, replica(), false)]);
        scene.commit_in(abroad(), vec![key(KeyState::Enabled, newer, replica(), false)]);
        scene.call(1, describe());
        scene.returned(
            1,
            Got::Opened { key: arn(), plaintext: Digest(1), material: Some(MATERIAL) },
        );
        let expected = [
            ("deletion-cancelled", 1),
            ("old-material-opened", 1),
            ("primary-moved", 1),
            ("replica-made", 1),
            ("rotated", 1),
            ("rotation-pending", 1),
        ];
        assert_eq!(hits(&scene), of(&expected));
    }

    #[test]
    fn a_sweep_is_to_meet_every_probe_and_every_ordinary_cell() {
        let wanted: Vec<String> = wanted().collect();
        assert_eq!(wanted.len(), Probe::ALL.len() + 3 * ON_KEYS.len() + Point::ALL.len());
        assert!(wanted.contains(&"Encrypt on PendingDeletion".to_owned()));
    }
}
