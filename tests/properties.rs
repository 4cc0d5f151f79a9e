//! Random sequences of operations, judged by the reference model.
//!
//! The sequences run through the smallest shell of the core, in two Regions and with time passing;
//! the history goes to the same oracle that judges simulated runs. What fails is shrunk. The sequences
//! are the same at every run, so that a green commit stays green; `PROPTEST_CASES` asks for more.

use kms_core::local::Local;
use kms_core::name::{AccountId, AliasName, KeyArn, RegionName};
use kms_core::ops::{self, Request, Response};
use kms_core::policy::GrantOperation;
use kms_core::wire::{
    CiphertextBlob, GrantTokens, KeyRef, PendingWindowInDays, RotationPeriodInDays,
};
use proptest::prelude::*;
use scenarios::Who;
use sim::client::Principals;
use sim::history::{Event, Facts, History};
use sim::oracle::{Context, Rules};
use sim::place::{RegionIndex, Role, Topology, ZoneIndex};
use sim::random::Seed;
use sim::rehearsal::Rehearsal;
use std::collections::BTreeMap;
use std::time::Duration;

const ACCOUNT: AccountId = AccountId::new(111_122_220_000);
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// One step. Numbers pick among what exists by then.
#[derive(Clone, Debug)]
enum Act {
    CreateKey(bool),
    Describe(u8),
    Enable(u8),
    Disable(u8),
    Schedule(u8, u32),
    Cancel(u8),
    CreateAlias(u8, u8),
    UpdateAlias(u8, u8),
    DeleteAlias(u8),
    ThroughAlias(u8),
    Encrypt(u8),
    Decrypt(u8, bool),
    DataKey(u8),
    ReEncrypt(u8, u8),
    Rotate(u8),
    EnableRotation(u8, u32),
    DisableRotation(u8),
    RotationStatus(u8),
    Grant(u8, bool),
    UseGrant(u8, bool),
    Revoke(u8),
    Replicate(u8),
    UpdatePrimary(u8, bool),
    Days(u8),
    Seconds(u8),
}

fn act() -> impl Strategy<Value = Act> {
    use Act::{
        Cancel, CreateAlias, CreateKey, DataKey, Days, Decrypt, DeleteAlias, Describe, Disable,
        DisableRotation, Enable, EnableRotation, Encrypt, Grant, ReEncrypt, Replicate, Revoke,
        Rotate, RotationStatus, Schedule, Seconds, ThroughAlias, UpdateAlias, UpdatePrimary,
        UseGrant,
    };
    let key = any::<u8>;
    prop_oneof![
        2 => any::<bool>().prop_map(CreateKey),
        2 => key().prop_map(Describe),
        1 => key().prop_map(Enable),
        1 => key().prop_map(Disable),
        1 => (key(), 6_u32..32).prop_map(|(k, d)| Schedule(k, d)),
        1 => key().prop_map(Cancel),
        1 => (0_u8..4, key()).prop_map(|(a, k)| CreateAlias(a, k)),
        1 => (0_u8..4, key()).prop_map(|(a, k)| UpdateAlias(a, k)),
        1 => (0_u8..4).prop_map(DeleteAlias),
        1 => (0_u8..4).prop_map(ThroughAlias),
        3 => key().prop_map(Encrypt),
        3 => (key(), any::<bool>()).prop_map(|(b, h)| Decrypt(b, h)),
        1 => key().prop_map(DataKey),
        1 => (key(), key()).prop_map(|(b, k)| ReEncrypt(b, k)),
        2 => key().prop_map(Rotate),
        1 => (key(), 90_u32..120).prop_map(|(k, d)| EnableRotation(k, d)),
        1 => key().prop_map(DisableRotation),
        1 => key().prop_map(RotationStatus),
        1 => (key(), any::<bool>()).prop_map(|(k, n)| Grant(k, n)),
        2 => (key(), any::<bool>()).prop_map(|(k, t)| UseGrant(k, t)),
        1 => key().prop_map(Revoke),
        1 => key().prop_map(Replicate),
        1 => (key(), any::<bool>()).prop_map(|(k, r)| UpdatePrimary(k, r)),
        1 => (1_u8..60).prop_map(Days),
        2 => (1_u8..30).prop_map(Seconds),
    ]
}

struct Play<'a> {
    stage: Rehearsal<'a>,
    regions: Vec<RegionName>,
    keys: Vec<KeyArn>,
    blobs: Vec<(RegionName, CiphertextBlob)>,
    grants: Vec<(KeyArn, ops::create_grant::Response)>,
}

impl Play<'_> {
    fn key(&self, number: u8) -> Option<KeyArn> {
        (!self.keys.is_empty()).then(|| self.keys[usize::from(number) % self.keys.len()])
    }

    fn call(&mut self, region: RegionName, request: impl Into<Request>) -> Option<Response> {
        self.stage.call(region, ACCOUNT, Who::Admin, &request.into()).ok()
    }

    fn on_key<R: Into<Request>>(
        &mut self,
        number: u8,
        request: impl FnOnce(KeyArn) -> R,
    ) -> Option<Response> {
        let key = self.key(number)?;
        self.call(key.region, request(key))
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Days(days) => self.stage.advance(Duration::from_secs(86_400 * u64::from(*days))),
            Act::Seconds(seconds) => self.stage.advance(Duration::from_secs(u64::from(*seconds))),
            _ => {
                self.keys_and_aliases(act);
                self.cryptography(act);
                self.rotation_and_grants(act);
            }
        }
    }

    fn keys_and_aliases(&mut self, act: &Act) {
        let home = self.regions[0];
        let name = |number: u8| format!("alias/{number}");
        match act {
            Act::CreateKey(multi_region) => {
                let request =
                    ops::create_key::Request { multi_region: *multi_region, ..Default::default() };
                if let Some(Response::CreateKey(made)) = self.call(home, request) {
                    self.keys.push(made.key_metadata.arn);
                }
            }
            Act::Describe(k) => drop(self.on_key(*k, |key| ops::describe_key::Request {
                key_id: key.into(),
                grant_tokens: GrantTokens::default(),
            })),
            Act::Enable(k) => {
                drop(self.on_key(*k, |key| ops::enable_key::Request { key_id: key.into() }));
            }
            Act::Disable(k) => {
                drop(self.on_key(*k, |key| ops::disable_key::Request { key_id: key.into() }));
            }
            Act::Schedule(k, days) => {
                let pending_window_in_days = Some(PendingWindowInDays(*days));
                drop(self.on_key(*k, |key| ops::schedule_key_deletion::Request {
                    key_id: key.into(),
                    pending_window_in_days,
                }));
            }
            Act::Cancel(k) => {
                drop(
                    self.on_key(*k, |key| ops::cancel_key_deletion::Request { key_id: key.into() }),
                );
            }
            Act::CreateAlias(a, k) => {
                drop(self.on_key(*k, |key| ops::create_alias::Request::new(&name(*a), key)));
            }
            Act::UpdateAlias(a, k) => {
                drop(self.on_key(*k, |key| ops::update_alias::Request::new(&name(*a), key)));
            }
            Act::DeleteAlias(a) => {
                let request = ops::delete_alias::Request { alias_name: name(*a).into() };
                self.call(home, request);
            }
            Act::ThroughAlias(a) => {
                debug_assert!(AliasName::parse(&name(*a)).is_some());
                let key_id = KeyRef::new(&name(*a));
                self.call(
                    home,
                    ops::describe_key::Request { key_id, grant_tokens: GrantTokens::default() },
                );
            }
            Act::Replicate(k) => {
                let there = self.regions[1];
                let made = self.on_key(*k, |key| ops::replicate_key::Request::new(key, there));
                if let Some(Response::ReplicateKey(made)) = made {
                    self.keys.push(made.replica_key_metadata.arn);
                }
            }
            Act::UpdatePrimary(k, other) => {
                let to = self.regions[usize::from(*other)];
                drop(self.on_key(*k, |key| ops::update_primary_region::Request {
                    key_id: key.into(),
                    primary_region: to.as_str().into(),
                }));
            }
            _ => {}
        }
    }

    fn cryptography(&mut self, act: &Act) {
        match act {
            Act::Encrypt(k) => {
                let sealed = self.on_key(*k, |key| ops::encrypt::Request::new(key, vec![*k; 9]));
                if let Some(Response::Encrypt(sealed)) = sealed {
                    self.blobs.push((sealed.key_id.region, sealed.ciphertext_blob));
                }
            }
            Act::DataKey(k) => {
                let made = self.on_key(*k, ops::generate_data_key::Request::new);
                if let Some(Response::GenerateDataKey(made)) = made {
                    self.blobs.push((made.key_id.region, made.ciphertext_blob));
                }
            }
            Act::Decrypt(b, elsewhere) => {
                let Some((region, blob)) = self.blob(*b) else { return };
                let there = self.regions[usize::from(region == self.regions[0])];
                let region = if *elsewhere { there } else { region };
                self.call(region, ops::decrypt::Request::new(blob));
            }
            Act::ReEncrypt(b, k) => {
                let Some((region, blob)) = self.blob(*b) else { return };
                let Some(key) = self.key(*k).filter(|key| key.region == region) else { return };
                let moved = self.call(region, ops::re_encrypt::Request::new(blob, key));
                if let Some(Response::ReEncrypt(moved)) = moved {
                    self.blobs.push((region, moved.ciphertext_blob));
                }
            }
            _ => {}
        }
    }

    fn blob(&self, number: u8) -> Option<(RegionName, CiphertextBlob)> {
        (!self.blobs.is_empty()).then(|| self.blobs[usize::from(number) % self.blobs.len()].clone())
    }

    fn rotation_and_grants(&mut self, act: &Act) {
        match act {
            Act::Rotate(k) => {
                drop(
                    self.on_key(*k, |key| ops::rotate_key_on_demand::Request {
                        key_id: key.into(),
                    }),
                );
            }
            Act::EnableRotation(k, days) => {
                let rotation_period_in_days = Some(RotationPeriodInDays(*days));
                drop(self.on_key(*k, |key| ops::enable_key_rotation::Request {
                    rotation_period_in_days,
                    ..ops::enable_key_rotation::Request::new(key)
                }));
            }
            Act::DisableRotation(k) => {
                drop(
                    self.on_key(*k, |key| ops::disable_key_rotation::Request {
                        key_id: key.into(),
                    }),
                );
            }
            Act::RotationStatus(k) => drop(
                self.on_key(*k, |key| ops::get_key_rotation_status::Request { key_id: key.into() }),
            ),
            Act::Grant(k, named) => {
                let Some(key) = self.key(*k) else { return };
                let may = GrantOperation::parse("Encrypt");
                let mut request =
                    ops::create_grant::Request::new(key, &Who::Worker(0).arn(ACCOUNT), may);
                request.name = named.then(|| "one".into());
                if let Some(Response::CreateGrant(made)) = self.call(key.region, request) {
                    self.grants.push((key, made));
                }
            }
            Act::UseGrant(g, with_token) if !self.grants.is_empty() => {
                let (key, grant) = self.grants[usize::from(*g) % self.grants.len()].clone();
                let mut request = ops::encrypt::Request::new(key, vec![*g; 3]);
                if *with_token {
                    request.grant_tokens = GrantTokens(vec![grant.grant_token]);
                }
                let _ = self.stage.call(key.region, ACCOUNT, Who::Worker(0), &request.into());
            }
            Act::Revoke(g) if !self.grants.is_empty() => {
                let (key, grant) = self.grants[usize::from(*g) % self.grants.len()].clone();
                self.call(key.region, ops::revoke_grant::Request::new(key, grant.grant_id));
            }
            _ => {}
        }
    }
}

fn topology() -> Topology {
    let mut topology = Topology::new(REGIONS).expect("two Regions");
    for region in 0..REGIONS.len() {
        let region = RegionIndex(u8::try_from(region).expect("two Regions"));
        topology.add(region, ZoneIndex(0), Role::Journal).expect("a Region of it");
    }
    topology
}

fn violations(acts: &[Act]) -> Vec<String> {
    let topology = topology();
    let regions: Vec<_> =
        REGIONS.iter().map(|name| RegionName::parse(name).expect("a Region")).collect();
    let journals: BTreeMap<_, _> =
        regions.iter().copied().zip(topology.nodes().map(|(node, _)| node)).collect();
    let principals = Principals::of(&[ACCOUNT], &[]);
    let mut history = History::default();
    let local = Local::regions(&REGIONS);
    let stage = Rehearsal::new(local, Facts::new(Seed(1)), &principals, journals, &mut history);
    let mut play = Play {
        stage,
        regions: regions.clone(),
        keys: Vec::new(),
        blobs: Vec::new(),
        grants: Vec::new(),
    };
    for act in acts {
        play.act(act);
    }
    let context = Context {
        topology: &topology,
        regions,
        calm_at: sim::clock::SimTime::MAX,
        ended_at: sim::clock::SimTime::MAX,
        rules: Rules { attempt_timeout: Duration::from_secs(10), ..rules() },
        faults: Vec::new(),
        quota: Vec::new(),
        quota_changes: Vec::new(),
    };
    let judged = sim::oracle::judge(history.records(), &context);
    let model = judged.into_iter().find(|judged| judged.info.name == "reference-model");
    let finding = model.expect("the oracle is in the table").finding;
    let count = |what| finding.detail.iter().find(|(name, _)| *name == what).map_or(0, |(_, n)| *n);
    let answers = history.records().iter();
    let answers = answers.filter(|record| matches!(record.event, Event::Answered { .. })).count();
    assert_eq!(count("answers"), answers as u64, "every answer is judged");
    assert_eq!(count("answers that were service faults"), 0, "nothing here is ever unavailable");
    finding.violations.into_iter().map(|violation| violation.message).collect()
}

fn rules() -> Rules {
    let settings = kms_core::Settings::default();
    Rules {
        deletion_grace: settings.deletion_grace,
        clock_error: Duration::ZERO,
        attempt_timeout: Duration::ZERO,
        settling: Duration::from_secs(60),
        policy_delay: Duration::ZERO,
        grant_delay: Duration::ZERO,
        alias_delay: Duration::ZERO,
        keys: settings.limits.keys,
        aliases_per_key: settings.limits.aliases_per_key,
        grants_per_key: settings.limits.grants_per_key,
        on_demand_rotations: settings.limits.on_demand_rotations,
        audit_window: Duration::from_secs(5),
        memory: Duration::from_secs(3_600),
        decisions: 5,
        hides_losses: true,
        loses_messages: false,
        lone_try: None,
        knows_keys: false,
    }
}

/// The same sequences everywhere, unless `PROPTEST_CASES` or `PROPTEST_RNG_SEED` ask for others.
fn config() -> ProptestConfig {
    let set = |name| std::env::var_os(name).is_some();
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if !set("PROPTEST_CASES") {
        config.cases = 512;
    }
    if !set("PROPTEST_RNG_SEED") {
        config.rng_seed = proptest::test_runner::RngSeed::Fixed(20_260_101);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_service_does_what_the_model_says(acts in prop::collection::vec(act(), 1..120)) {
        let violations = violations(&acts);
        prop_assert!(violations.is_empty(), "{violations:#?}");
    }
}
