//! Every kind of precondition, broken: two hosts decide on the same prefix of the log, one of them
//! appends, and the other's append is refused for exactly the reason it should be. Decided again on
//! the newest state, the request gets its documented answer. This is the window in which deletion
//! races live, so nothing here may be left to chance.

use kms_core::crypto::{AwsLc, CryptoBackend};
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Timestamp};
use kms_core::hsm::{self, Command, Founded, HsmDevice, HsmIdentity, Mandate, Session, Within};
use kms_core::journal::Journal;
use kms_core::local::SeededRandom;
use kms_core::name::{AccountId, AliasName, GrantId, KeyArn, PrincipalArn, RegionName};
use kms_core::ops::{
    Request, Response, create_alias, create_grant, create_key, delete_alias, disable_key,
    retire_grant, revoke_grant, schedule_key_deletion, update_alias,
};
use kms_core::policy::{GrantOperation, Policy, PolicyKind};
use kms_core::quota::Meter;
use kms_core::state::{Change, DomainRecord};
use kms_core::step::{
    Append, Ask, Conflict, Counter, Outcome, Precondition, RecordId, Reply, Step, UniqueName,
};
use kms_core::task::{DOMAIN_KEY_LIFE, Task};
use kms_core::token::TokenChange;
use kms_core::wire::KeyRef;
use kms_core::{ErrorCode, Kms, Result, Settings};
use std::sync::Arc;
use std::time::Duration;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// A journal, an HSM, and as many hosts as a test asks for.
struct Rig {
    journal: Journal,
    hsm: HsmDevice,
    domain: Founded,
    settings: Settings,
    owner: Arc<Caller>,
    now: Timestamp,
    requests: u128,
    orders: u64,
}

impl Rig {
    fn new() -> Rig {
        let region = RegionName::parse("us-east-1").expect("a Region");
        let backend: Arc<dyn CryptoBackend> = Arc::new(AwsLc);
        let random = &mut SeededRandom::new(0);
        let identity = HsmIdentity::generate(backend.as_ref(), random);
        let hsms = [(region, vec![identity.clone()])];
        let domains = hsm::found(&hsms, backend.as_ref(), random).expect("a domain");
        let domain = domains[&region].clone();
        let token = domain.token.clone();
        let now = Timestamp::from_seconds(1_767_225_600);
        let mut rig = Rig {
            journal: Journal::new(region),
            hsm: HsmDevice::new(identity, backend),
            domain,
            settings: Settings::default(),
            owner: Arc::new(owner()),
            now,
            requests: 0,
            orders: 0,
        };
        let tokens_since = token.active;
        let record = DomainRecord { token, rotated: now, tokens_since };
        let changes = vec![Change::PutDomain(record)];
        rig.append(&Append { changes, ..Append::default() }).expect("nothing to conflict with");
        rig
    }

    /// A host that has caught up with the journal, and from now on falls behind.
    fn host(&self) -> Kms {
        let mut kms = Kms::new(self.journal.state().region(), self.settings.clone());
        self.journal.entries_after(0).iter().for_each(|entry| kms.apply(entry));
        for token in self.journal.tokens().iter() {
            kms.apply_token(&TokenChange::Put(token.clone()));
        }
        kms
    }

    /// Takes a request to its outcome on a host; every request draws bytes of its own.
    fn decide(&mut self, host: &Kms, caller: &Arc<Caller>, request: &Request) -> Outcome {
        self.requests += 1;
        let seed = u64::try_from(self.requests).expect("a short test");
        self.decide_drawing(host, caller, request, seed)
    }

    fn decide_drawing(
        &mut self,
        host: &Kms,
        caller: &Arc<Caller>,
        request: &Request,
        seed: u64,
    ) -> Outcome {
        let call = self.call(caller);
        let random = &mut SeededRandom::new(seed);
        let step = host.decide(&call, request, &mut Meter::off(), random);
        self.finish(host, &call, step)
    }

    fn carry_out(&mut self, host: &Kms, task: &Task) -> Outcome {
        let call = self.call(&self.owner);
        let step = host.carry_out(&call, task, &mut SeededRandom::new(77));
        self.finish(host, &call, step)
    }

    /// An operator's order to rotate the domain key.
    fn rotate_domain_key(&mut self) -> Outcome {
        let (host, call) = (self.host(), self.call(&self.owner));
        let step = host.rotate_domain_key(&call, &mut SeededRandom::new(78));
        self.finish(&host, &call, step)
    }

    fn finish(&mut self, host: &Kms, call: &Call, mut step: Step) -> Outcome {
        let random = &mut SeededRandom::new(99);
        loop {
            match step {
                Step::Done(outcome) => return *outcome,
                Step::Ask(Ask::Hsm { command, tokens }, then) => {
                    let token = self.journal.state().domain().expect("a domain").0.token.clone();
                    let join = Command::Join { token: token.clone() };
                    self.order(&join, &token).expect("the HSM is a member");
                    let reply = match command.is_order() {
                        true => self.order(&command, &token),
                        false => {
                            let session = self.session();
                            let within =
                                Within { session: Some(session.credential()), now: self.now };
                            self.hsm.execute(&command, &tokens, within, random)
                        }
                    };
                    let reply = reply.expect("an answer");
                    step = then.resume(Reply::Hsm(reply), host, call, random);
                }
                other => panic!("no such step in this test: {other:?}"),
            }
        }
    }

    /// A new session with the HSM, which draws bytes of its own.
    fn session(&mut self) -> Session {
        let token = self.journal.state().domain().expect("a domain").0.token.clone();
        let random = &mut SeededRandom::new(self.orders << 32);
        let session = Session::with(&mut self.hsm, &token, self.domain.host(), self.now, random);
        session.expect("a session")
    }

    /// An order to the HSM, with the service host's consent; each draws bytes of its own.
    fn order(
        &mut self,
        order: &Command,
        token: &hsm::DomainToken,
    ) -> std::result::Result<hsm::Reply, hsm::Fault> {
        self.orders += 1;
        let random = &mut SeededRandom::new(99 + self.orders);
        let mandate = Mandate::new(order, token, [self.domain.host()], random);
        self.hsm.manage(order, &mandate, random)
    }

    fn call(&self, caller: &Arc<Caller>) -> Call {
        Call {
            request_id: RequestId(self.requests),
            caller: caller.clone(),
            service: None,
            network: NetworkPath::default(),
            now: self.now,
            monotonic: Duration::ZERO,
            decision: 0,
            caught_up: true,
        }
    }

    fn append(&mut self, append: &Append) -> std::result::Result<u64, Conflict> {
        let id = u128::from(self.journal.head()) + 1;
        self.journal.append(id, append, self.now)
    }

    /// A request of the owner's on a host that is not behind.
    fn done(&mut self, request: impl Into<Request>) -> Response {
        let owner = self.owner.clone();
        let outcome = self.decide(&self.host(), &owner, &request.into());
        self.append(&changes_of(&outcome)).expect("nobody is in between");
        outcome.result.expect("an answer")
    }

    fn create_key(&mut self) -> KeyArn {
        match self.done(create_key::Request::default()) {
            Response::CreateKey(made) => made.key_metadata.arn,
            other => panic!("{other:?}"),
        }
    }

    fn grant(&mut self, request: create_grant::Request) -> create_grant::Response {
        match self.done(request) {
            Response::CreateGrant(made) => made,
            other => panic!("{other:?}"),
        }
    }

    /// Both requests are decided on one prefix, the first is appended; what breaks the second, and
    /// what the second answers when it is decided again.
    fn race(
        &mut self,
        first: impl Into<Request>,
        second: impl Into<Request>,
    ) -> (Precondition, Result<Response>) {
        let owner = self.owner.clone();
        self.race_of(first, &owner, second)
    }

    fn race_of(
        &mut self,
        first: impl Into<Request>,
        caller: &Arc<Caller>,
        second: impl Into<Request>,
    ) -> (Precondition, Result<Response>) {
        let (host, owner, second) = (self.host(), self.owner.clone(), second.into());
        let won = self.decide(&host, &owner, &first.into());
        let lost = self.decide(&host, caller, &second);
        assert!(lost.result.is_ok(), "alone it would have succeeded: {:?}", lost.result);
        self.append(&changes_of(&won)).expect("the first one is not too late");
        let refused = self.append(&changes_of(&lost)).expect_err("the second one is stale");
        assert_eq!(refused.head, self.journal.head());
        let again = self.decide(&self.host(), caller, &second);
        if let (Ok(_), Some(append)) = (&again.result, &again.append) {
            self.append(append).expect("the newest state");
        }
        (refused.broken, again.result)
    }
}

fn changes_of(outcome: &Outcome) -> Append {
    outcome.append.clone().expect("the outcome has changes")
}

fn owner() -> Caller {
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    let role = PrincipalArn::parse("arn:aws:iam::111122223333:role/owner").expect("an ARN");
    Caller::new(role).with_policy(Arc::new(policy))
}

fn alice() -> Arc<Caller> {
    Arc::new(Caller::new(PrincipalArn::parse(ALICE).expect("an ARN")))
}

fn deletion(key: KeyArn) -> schedule_key_deletion::Request {
    schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None }
}

fn permitting(key: KeyArn, operations: &[&str]) -> create_grant::Request {
    let operations = operations.iter().filter_map(|name| GrantOperation::parse(name));
    create_grant::Request::new(key, ALICE, operations)
}

fn refusal(result: Result<Response>) -> ErrorCode {
    result.expect_err("a refusal").code
}

#[test]
fn a_key_that_changed_meanwhile() {
    let mut rig = Rig::new();
    let key = rig.create_key();
    let (_, version) = rig.journal.state().key(key.id).unwrap();
    let disable = disable_key::Request { key_id: key.into() };
    let (broken, again) = rig.race(deletion(key), disable);
    assert_eq!(broken, Precondition::VersionIs(RecordId::Key(key.id), version));
    assert_eq!(refusal(again), ErrorCode::KmsInvalidState);
}

#[test]
fn an_alias_that_was_deleted_meanwhile() {
    let mut rig = Rig::new();
    let (key, other) = (rig.create_key(), rig.create_key());
    rig.done(create_alias::Request::new("alias/app", key));
    let delete = delete_alias::Request { alias_name: "alias/app".into() };
    let (broken, again) = rig.race(delete, update_alias::Request::new("alias/app", other));
    let alias = RecordId::Alias(key.account, AliasName::parse("alias/app").unwrap());
    assert!(matches!(broken, Precondition::VersionIs(record, 4) if record == alias));
    assert_eq!(refusal(again), ErrorCode::NotFound);
}

#[test]
fn a_grant_that_permitted_the_request_and_was_revoked_meanwhile() {
    let mut rig = Rig::new();
    let key = rig.create_key();
    let parent = rig.grant(permitting(key, &["CreateGrant", "Encrypt"]));
    let revoke = revoke_grant::Request::new(key, parent.grant_id.clone());
    let (broken, again) = rig.race_of(revoke, &alice(), permitting(key, &["Encrypt"]));
    let id = GrantId::parse(parent.grant_id.as_str()).unwrap();
    assert_eq!(broken, Precondition::VersionIs(RecordId::Grant(id), 3));
    assert_eq!(refusal(again), ErrorCode::AccessDenied);
}

#[test]
fn a_grant_that_somebody_else_ended_meanwhile() {
    let mut rig = Rig::new();
    let key = rig.create_key();
    let grant = rig.grant(permitting(key, &["RetireGrant"]));
    let retire = retire_grant::Request {
        key_id: Some(key.into()),
        grant_id: Some(grant.grant_id.clone()),
        ..Default::default()
    };
    let revoke = revoke_grant::Request::new(key, grant.grant_id.clone());
    let (broken, again) = rig.race_of(revoke, &alice(), retire);
    let id = GrantId::parse(grant.grant_id.as_str()).unwrap();
    assert_eq!(broken, Precondition::VersionIs(RecordId::Grant(id), 3));
    assert_eq!(refusal(again), ErrorCode::InvalidGrantId);
}

#[test]
fn a_domain_key_that_another_worker_rotated() {
    let mut rig = Rig::new();
    rig.now = rig.now.after(DOMAIN_KEY_LIFE);
    let host = rig.host();
    let one = rig.carry_out(&host, &Task::RotateDomainKey);
    let other = rig.carry_out(&host, &Task::RotateDomainKey);
    rig.append(&changes_of(&one)).unwrap();
    let refused = rig.append(&changes_of(&other)).unwrap_err();
    assert_eq!(refused.broken, Precondition::VersionIs(RecordId::Domain, 1));
    let again = rig.carry_out(&rig.host(), &Task::RotateDomainKey);
    assert_eq!((again.result, again.append), (Ok(Response::TaskDone), None));
}

/// The version of the domain's record is the lease of the rotation: whichever of several workers and
/// operators comes first, its domain key alone is the next one, and the others find nothing to do.
#[test]
fn one_of_those_who_race_for_the_domain_key_rotates_it() {
    const RACERS: usize = 4;
    let mut rig = Rig::new();
    let active = |rig: &Rig| rig.journal.state().domain().map(|(domain, _)| domain.token.clone());
    for first in 0..RACERS {
        let before = active(&rig).expect("a domain");
        rig.now = rig.now.after(DOMAIN_KEY_LIFE);
        let hosts: Vec<_> = (0..RACERS).map(|_| rig.host()).collect();
        let mut made: Vec<_> =
            hosts[1..].iter().map(|host| rig.carry_out(host, &Task::RotateDomainKey)).collect();
        made.push(rig.rotate_domain_key());
        made.rotate_left(first);
        let tokens: Vec<_> = made.iter().map(rotated_to).collect();
        let taken: Vec<_> = made.iter().map(|one| rig.append(&changes_of(one)).is_ok()).collect();
        assert_eq!(taken, [true, false, false, false], "{first} in front");
        let after = active(&rig).expect("a domain");
        assert_eq!(after, tokens[0]);
        assert!(tokens[1..].iter().all(|token| *token != after), "each made a key of its own");
        assert_eq!(after.active.0, before.active.0 + 1, "and one was taken");
        for host in [rig.host(), rig.host()] {
            let again = rig.carry_out(&host, &Task::RotateDomainKey);
            assert_eq!((again.result, again.append), (Ok(Response::TaskDone), None));
        }
        for _ in 0..2 {
            let reencrypted = rig.carry_out(&rig.host(), &Task::ReencryptTokens(after.active));
            let _ = reencrypted.append.map(|append| rig.append(&append).expect("nobody else"));
        }
    }
}

/// The domain token that a rotation came to.
fn rotated_to(outcome: &Outcome) -> Arc<hsm::DomainToken> {
    match &changes_of(outcome).changes[..] {
        [Change::PutDomain(record)] => record.token.clone(),
        other => panic!("no rotation: {other:?}"),
    }
}

/// Each rotation drops the oldest domain key, so one order after another would lose what is under it.
#[test]
fn an_order_to_rotate_waits_for_no_day_but_for_the_key_tokens() {
    let mut rig = Rig::new();
    rig.create_key();
    let ordered = rig.rotate_domain_key();
    rig.append(&changes_of(&ordered)).unwrap();
    let active = |rig: &Rig| rig.journal.state().domain().map(|(domain, _)| domain.token.active);
    let second = active(&rig).expect("a domain");
    let early = rig.rotate_domain_key();
    assert_eq!((early.result, early.append), (Ok(Response::TaskDone), None));
    for _ in 0..2 {
        let reencrypted = rig.carry_out(&rig.host(), &Task::ReencryptTokens(second));
        rig.append(&changes_of(&reencrypted)).unwrap();
    }
    let ordered = rig.rotate_domain_key();
    rig.append(&changes_of(&ordered)).unwrap();
    assert!(active(&rig) > Some(second));
}

/// What was wrapped before a rotation is not committed after it, where nobody would look for it.
#[test]
fn a_key_token_does_not_outlive_the_domain_key_it_was_made_under() {
    let mut rig = Rig::new();
    let (host, owner) = (rig.host(), rig.owner.clone());
    let made = rig.decide(&host, &owner, &create_key::Request::default().into());
    let ordered = rig.rotate_domain_key();
    rig.append(&changes_of(&ordered)).unwrap();
    let refused = rig.append(&changes_of(&made)).unwrap_err();
    assert_eq!(refused.broken, Precondition::VersionIs(RecordId::Domain, 1));
    rig.create_key();
}

#[test]
fn a_key_id_that_was_drawn_twice() {
    let mut rig = Rig::new();
    let (host, owner) = (rig.host(), rig.owner.clone());
    let request = create_key::Request::default().into();
    let one = rig.decide_drawing(&host, &owner, &request, 5);
    let other = rig.decide_drawing(&host, &owner, &request, 5);
    let Ok(Response::CreateKey(made)) = &one.result else { panic!() };
    rig.append(&changes_of(&one)).unwrap();
    let refused = rig.append(&changes_of(&other)).unwrap_err();
    let id = made.key_metadata.arn.id;
    assert_eq!(refused.broken, Precondition::Absent(UniqueName::Key(id)));
    assert_ne!(rig.create_key().id, id, "decided again it draws another one");
}

#[test]
fn an_alias_name_that_was_taken_meanwhile() {
    let mut rig = Rig::new();
    let (key, other) = (rig.create_key(), rig.create_key());
    let (broken, again) = rig.race(
        create_alias::Request::new("alias/app", key),
        create_alias::Request::new("alias/app", other),
    );
    let name = UniqueName::Alias(key.account, AliasName::parse("alias/app").unwrap());
    assert_eq!(broken, Precondition::Absent(name));
    assert_eq!(refusal(again), ErrorCode::AlreadyExists);
}

#[test]
fn a_named_grant_that_was_made_meanwhile() {
    let mut rig = Rig::new();
    let key = rig.create_key();
    let name = Some("app".into());
    let request = create_grant::Request { name, ..permitting(key, &["Encrypt"]) };
    let (broken, again) = rig.race(request.clone(), request);
    assert!(matches!(broken, Precondition::Absent(UniqueName::Grant(on, _)) if on == key.id));
    let made = rig.journal.state().grants_after(key.id, None).next().unwrap();
    let Ok(Response::CreateGrant(answer)) = again else { panic!() };
    assert_eq!(answer.grant_id.as_str(), made.id.to_string(), "the grant there is");
    assert_eq!(rig.journal.state().count(Counter::Grants(key.id)), 1);
}

#[test]
fn the_last_key_of_an_account() {
    let mut rig = Rig::new();
    rig.settings.limits.keys = 1;
    let create = create_key::Request::default;
    let (broken, again) = rig.race(create(), create());
    let account = AccountId::new(111_122_223_333);
    assert_eq!(broken, Precondition::CountBelow(Counter::Keys(account), 1));
    assert_eq!(refusal(again), ErrorCode::LimitExceeded);
}

#[test]
fn the_last_alias_of_a_key() {
    let mut rig = Rig::new();
    rig.settings.limits.aliases_per_key = 1;
    let key = rig.create_key();
    let alias = |name| create_alias::Request::new(name, key);
    let (broken, again) = rig.race(alias("alias/one"), alias("alias/other"));
    assert_eq!(broken, Precondition::CountBelow(Counter::Aliases(key.id), 1));
    assert_eq!(refusal(again), ErrorCode::LimitExceeded);
}

#[test]
fn the_last_grant_on_a_key() {
    let mut rig = Rig::new();
    rig.settings.limits.grants_per_key = 1;
    let key = rig.create_key();
    let request = permitting(key, &["Encrypt"]);
    let (broken, again) = rig.race(request.clone(), request);
    assert_eq!(broken, Precondition::CountBelow(Counter::Grants(key.id), 1));
    assert_eq!(refusal(again), ErrorCode::LimitExceeded);
}

#[test]
fn two_that_both_fit_do_not_disturb_each_other() {
    let mut rig = Rig::new();
    rig.settings.limits.keys = 3;
    rig.settings.limits.aliases_per_key = 2;
    rig.settings.limits.grants_per_key = 2;
    let key = rig.create_key();
    let requests: [Request; 6] = [
        create_key::Request::default().into(),
        create_key::Request::default().into(),
        create_alias::Request::new("alias/one", key).into(),
        create_alias::Request::new("alias/other", KeyRef::from(key)).into(),
        permitting(key, &["Encrypt"]).into(),
        permitting(key, &["Decrypt"]).into(),
    ];
    let (host, owner) = (rig.host(), rig.owner.clone());
    let outcomes = requests.map(|request| rig.decide(&host, &owner, &request));
    for outcome in &outcomes {
        rig.append(&changes_of(outcome)).unwrap();
    }
    let state = rig.journal.state();
    for counter in [Counter::Keys(key.account), Counter::Aliases(key.id), Counter::Grants(key.id)] {
        assert_eq!(state.count(counter), if counter == Counter::Keys(key.account) { 3 } else { 2 });
    }
}
