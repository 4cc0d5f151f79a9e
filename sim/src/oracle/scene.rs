//! Hand-made histories for the tests of oracles: a Region with a client, a host and a journal, and a
//! journal elsewhere.

use super::{Context, Entry, FaultFacts, Finding, Rules, Verdict, judge};
use crate::clock::SimTime;
use crate::fault::{NodeAction, Window};
use crate::history::{CallFacts, Changed, Digest, Event, Got, Record, Source, Wanted};
use crate::place::{NodeId, RegionIndex, Role, Topology, ZoneIndex};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, KeyArn, KeyId, MaterialId, RegionName};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ACCOUNT: AccountId = AccountId::new(111_122_220_000);
pub(crate) const MATERIAL: MaterialId = MaterialId([3; 32]);

pub(crate) fn key_id() -> KeyId {
    KeyId::single_region([7; 16])
}

pub(crate) fn region(name: &str) -> RegionName {
    RegionName::parse(name).unwrap()
}

/// The other Region.
pub(crate) fn abroad() -> RegionName {
    region("eu-west-1")
}

pub(crate) fn arn() -> KeyArn {
    KeyArn { region: region("us-east-1"), account: ACCOUNT, id: key_id() }
}

/// The key of the scene in a state.
pub(crate) fn key_in(state: KeyState) -> Changed {
    Changed::Key {
        id: key_id(),
        state,
        material: Some(MATERIAL),
        role: None,
        pending: false,
        rotation_days: None,
        deletion: None,
        imports: None,
    }
}

pub(crate) fn erased() -> Changed {
    Changed::KeyErased(key_id())
}

/// A ciphertext of the key of the scene.
pub(crate) fn sealed(blob: u64) -> Got {
    Got::Sealed { key: arn(), blob: Digest(blob), draw: None, plaintext: None }
}

pub(crate) struct Scene {
    topology: Topology,
    history: Vec<Record>,
    at: SimTime,
    position: u64,
    calls: u64,
    ended_at: SimTime,
    faults: Vec<FaultFacts>,
    /// Who calls, and whether as an administrator.
    pub(crate) caller: (&'static str, bool),
}

const CLIENT: NodeId = NodeId(0);
const HOST: NodeId = NodeId(1);
const JOURNAL: NodeId = NodeId(2);

impl Scene {
    pub(crate) fn new() -> Scene {
        let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
        for role in [Role::Client, Role::ApiHost, Role::Journal] {
            topology.add(RegionIndex(0), ZoneIndex(0), role).unwrap();
        }
        Scene {
            topology,
            history: Vec::new(),
            at: SimTime::ZERO,
            position: 0,
            calls: 0,
            ended_at: SimTime::from_secs(600),
            faults: Vec::new(),
            caller: ("arn:aws:iam::111122220000:role/admin", true),
        }
    }

    /// Something is wrong everywhere until the calm.
    pub(crate) fn storm(&mut self) -> &mut Scene {
        let (from, until) = (SimTime::ZERO, self.context().calm_at);
        let (info, window) = (crate::fault::latency::INFO, Window { from, until });
        self.faults.push(FaultFacts { info, window, regions: Vec::new() });
        self
    }

    pub(crate) fn home(&self) -> RegionName {
        region("us-east-1")
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            topology: &self.topology,
            regions: vec![self.home(), abroad()],
            calm_at: SimTime::from_secs(300),
            ended_at: self.ended_at,
            rules: Rules {
                deletion_grace: Duration::from_secs(3_600),
                clock_error: Duration::from_secs(1),
                attempt_timeout: Duration::from_secs(10),
                settling: Duration::from_secs(60),
                policy_delay: Duration::ZERO,
                grant_delay: Duration::from_secs(5),
                alias_delay: Duration::from_secs(5),
                keys: 100,
                aliases_per_key: 2,
                grants_per_key: 2,
                on_demand_rotations: 1,
                memory: Duration::from_secs(600),
                audit_window: Duration::from_secs(5),
                decisions: 3,
                hides_losses: true,
                loses_messages: false,
                lone_try: Some(Duration::from_millis(250)),
                knows_keys: false,
            },
            faults: self.faults.clone(),
            quota: Vec::new(),
            quota_changes: Vec::new(),
        }
    }

    /// What happens next happens at this time.
    pub(crate) fn at(&mut self, millis: u64) -> &mut Scene {
        self.at = SimTime::from_millis(millis);
        self
    }

    pub(crate) fn ended_at(&mut self, millis: u64) {
        self.ended_at = SimTime::from_millis(millis);
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.history
    }

    fn push(&mut self, node: NodeId, event: Event) {
        self.history.push(Record { at: self.at, node, event });
    }

    pub(crate) fn client(&mut self, event: Event) {
        self.push(CLIENT, event);
    }

    pub(crate) fn host(&mut self, event: Event) {
        self.push(HOST, event);
    }

    pub(crate) fn journal(&mut self, event: Event) {
        self.push(JOURNAL, event);
    }

    pub(crate) fn call(&mut self, request: u128, wanted: Wanted) {
        self.call_as(request, wanted, false);
    }

    pub(crate) fn call_as(&mut self, request: u128, wanted: Wanted, dry_run: bool) {
        self.calls += 1;
        let (principal, administrator) = self.caller;
        let (call, region) = (self.calls, self.home());
        let principal = principal.into();
        let account = ACCOUNT;
        let facts = Arc::new(CallFacts { principal, account, administrator, dry_run, wanted });
        let request = RequestId(request);
        self.client(Event::Called { request, call, attempt: 1, region, facts });
    }

    /// One more attempt of the latest call.
    pub(crate) fn call_again(&mut self, request: u128, wanted: Wanted) {
        self.calls -= 1;
        self.call(request, wanted);
    }

    /// A host answers on the newest state.
    pub(crate) fn answer(&mut self, request: u128, error: Option<ErrorCode>) {
        self.answer_at(request, self.position, error);
    }

    pub(crate) fn answer_at(&mut self, request: u128, position: u64, error: Option<ErrorCode>) {
        let now = self.context().wall(self.at);
        let request = RequestId(request);
        self.host(Event::Answered { request, position, now, pool: None, error });
    }

    /// The host refuses by a request quota.
    pub(crate) fn refuse(&mut self, request: u128, pool: &'static str) {
        let (position, now) = (self.position, self.context().wall(self.at));
        let (request, error) = (RequestId(request), Some(ErrorCode::Throttling));
        self.host(Event::Answered { request, position, now, pool: Some(pool), error });
    }

    /// The host crashes.
    pub(crate) fn crash_host(&mut self) {
        self.host(Event::Acted(NodeAction::Crash(HOST)));
    }

    /// The host comes back from a crash.
    pub(crate) fn restart_host(&mut self) {
        self.host(Event::Acted(NodeAction::Restart(HOST)));
    }

    pub(crate) fn returned(&mut self, request: u128, got: Got) {
        self.client(Event::Returned { request: RequestId(request), got: Ok(Box::new(got)) });
    }

    pub(crate) fn commit(&mut self, request: u128, changes: Vec<Changed>) {
        self.position += 1;
        let (region, position, id) = (self.home(), self.position, RequestId(request));
        let changes = changes.into();
        self.journal(Event::Committed { region, position, id, changes });
    }

    /// Something that no client asked for, in a Region.
    pub(crate) fn commit_in(&mut self, region: RegionName, changes: Vec<Changed>) {
        self.position += 1;
        let (position, id) = (self.position, RequestId(u128::MAX - u128::from(self.position)));
        self.journal(Event::Committed { region, position, id, changes: changes.into() });
    }

    /// Something that no client asked for.
    pub(crate) fn task(&mut self, changes: Vec<Changed>) {
        self.commit(u128::MAX - u128::from(self.position), changes);
    }

    /// A client creates the key of the scene.
    pub(crate) fn created(&mut self, request: u128) {
        self.call(request, Wanted::CreateKey { multi_region: false, policy: None });
        self.commit(request, vec![key_in(KeyState::Enabled)]);
        self.answer_at(request, self.position - 1, None);
        self.returned(request, Got::Created { key: arn() });
    }

    pub(crate) fn judge(&self, entry: &Entry) -> Finding {
        self.judge_with(entry, &self.context())
    }

    pub(crate) fn judge_with(&self, entry: &Entry, context: &Context<'_>) -> Finding {
        let judged = judge(&self.history, context);
        let judged = judged.into_iter().find(|judged| judged.info == entry.info).unwrap();
        assert!(!matches!(judged.verdict, Verdict::CannotJudge { .. }), "{:?}", judged.verdict);
        judged.finding
    }

    pub(crate) fn verdict(&self, entry: &Entry) -> Verdict {
        let judged = judge(&self.history, &self.context());
        let mut of = judged.iter().filter(|judged| judged.info == entry.info);
        of.next().expect("it is in the table").verdict
    }

    /// How many violations an oracle tells.
    pub(crate) fn complaints(&self, oracle: &str) -> usize {
        let judged = judge(&self.history, &self.context());
        let mut of = judged.iter().filter(|judged| judged.info.name == oracle);
        of.next().map_or(0, |judged| judged.finding.violations.len())
    }

    pub(crate) fn cannot_judge(&self, entry: &Entry, missing: Source) {
        // What this scene has, without the source that is to be missing.
        let context = self.context();
        let history: Vec<Record> = self
            .history
            .iter()
            .filter(|record| record.event.source() != missing)
            .cloned()
            .collect();
        let judged = judge(&history, &context);
        let judged = judged.iter().find(|judged| judged.info == entry.info).unwrap();
        assert_eq!(judged.verdict, Verdict::CannotJudge { missing });
    }
}
