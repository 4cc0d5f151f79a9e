//! The log and what follows from it: entries are applied once and in order, equal logs give equal
//! states, an append happens once, key tokens are never in it, and every index and counter agrees
//! with the records after any run of operations.

use kms_core::env::Timestamp;
use kms_core::journal::Journal;
use kms_core::key::DAY;
use kms_core::local::Local;
use kms_core::name::{AccountId, AliasName, KeyArn, KeyId, RegionName};
use kms_core::ops::{
    Request, Response, cancel_key_deletion, create_alias, create_grant, create_key, delete_alias,
    disable_key, disable_key_rotation, enable_key, enable_key_rotation, encrypt, replicate_key,
    rotate_key_on_demand, schedule_key_deletion, update_alias, update_primary_region,
};
use kms_core::policy::GrantOperation;
use kms_core::state::{Change, LogEntry, State};
use kms_core::step::{Append, Counter, Precondition, RecordId};
use kms_core::task::{Due, Task, due_of_domain, due_of_key};
use kms_core::token::{TokenChange, TokenStore};
use kms_core::wire::{PendingWindowInDays, RotationPeriodInDays};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

fn deletion(key: KeyArn) -> schedule_key_deletion::Request {
    let pending_window_in_days = Some(PendingWindowInDays(7));
    schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days }
}

fn grant(key: KeyArn, grantee: &str) -> create_grant::Request {
    let grantee = format!("arn:aws:iam::111122223333:user/{grantee}");
    create_grant::Request::new(key, &grantee, GrantOperation::parse("Encrypt"))
}

/// A Region with a history: keys, aliases, grants, a rotation, a deletion under way.
fn lived_in() -> (Local, KeyArn) {
    let mut local = Local::single_region();
    let (key, other) = (local.create_key(), local.create_key());
    let requests: [Request; 7] = [
        create_alias::Request::new("alias/app", key).into(),
        create_alias::Request::new("alias/old", key).into(),
        update_alias::Request::new("alias/app", other).into(),
        delete_alias::Request { alias_name: "alias/old".into() }.into(),
        grant(key, "alice").into(),
        rotate_key_on_demand::Request { key_id: key.into() }.into(),
        deletion(key).into(),
    ];
    for request in requests {
        local.call(request).expect("an answer");
    }
    (local, key)
}

fn replayed(journal: &Journal, upto: usize) -> State {
    let mut state = State::new(journal.state().region());
    journal.entries_after(0)[..upto].iter().for_each(|entry| state.apply(entry));
    state
}

#[test]
fn equal_logs_give_equal_states_and_every_entry_shows() {
    let (local, _) = lived_in();
    let journal = local.journal();
    let entries = journal.entries_after(0).len();
    let digests: Vec<_> = (0..=entries).map(|upto| replayed(journal, upto).digest()).collect();
    assert_eq!(digests[entries], journal.state().digest());
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), entries + 1);
    let restored = Journal::restore(
        journal.state().region(),
        journal.entries_after(0).to_vec(),
        journal.tokens().clone(),
    );
    assert_eq!((restored.head(), restored.state().digest()), (journal.head(), digests[entries]));
}

#[test]
fn the_digest_sees_what_a_record_says_and_not_only_that_it_changed() {
    let (local, key) = lived_in();
    let journal = local.journal();
    let mut other = journal.state().key(key.id).unwrap().0.as_ref().clone();
    let as_it_is = other.clone();
    other.description = "something else".into();
    let [one, two] = [as_it_is, other].map(|record| {
        let mut state = replayed(journal, journal.entries_after(0).len());
        state.apply(&entry(journal.head() + 1, vec![Change::PutKey(Arc::new(record))]));
        state.digest()
    });
    assert_ne!(one, two);
}

fn entry(position: u64, changes: Vec<Change>) -> LogEntry {
    LogEntry { position, id: u128::from(position), committed: Timestamp::EPOCH, changes }
}

fn empty() -> State {
    State::new(RegionName::parse("us-east-1").expect("a Region"))
}

#[test]
#[should_panic(expected = "a log is applied without gaps")]
fn an_entry_is_not_applied_twice() {
    let mut state = empty();
    state.apply(&entry(1, Vec::new()));
    state.apply(&entry(1, Vec::new()));
}

#[test]
#[should_panic(expected = "a log is applied without gaps")]
fn a_gap_is_not_stepped_over() {
    empty().apply(&entry(2, Vec::new()));
}

#[test]
fn an_append_happens_once_and_only_on_what_it_relied_on() {
    let (local, key) = lived_in();
    let mut journal = Journal::restore(
        local.journal().state().region(),
        local.journal().entries_after(0).to_vec(),
        TokenStore::default(),
    );
    let (record, version) = journal.state().key(key.id).unwrap();
    let append = Append {
        changes: vec![Change::PutKey(record.clone())],
        preconditions: vec![Precondition::VersionIs(RecordId::Key(key.id), version)].into(),
        ..Append::default()
    };
    let position = journal.append(1_000, &append, local.now()).unwrap();
    assert_eq!(position, local.journal().head() + 1);
    assert_eq!(journal.append(1_000, &append, local.now()), Ok(position), "the same append");
    assert_eq!(journal.head(), position);
    let conflict = journal.append(1_001, &append, local.now()).unwrap_err();
    assert_eq!((conflict.broken, conflict.head), (append.preconditions[0].clone(), position));
    assert_eq!(journal.entries_after(position), []);
}

#[test]
fn key_tokens_come_and_go_beside_the_log() {
    let (mut local, key) = lived_in();
    let ids: Vec<_> = local.key(key).tokens().collect();
    assert_eq!(ids.len(), 2, "the key was rotated once");
    let token = local.journal().tokens().get(key.id, ids[0]).unwrap().clone();
    let head = local.journal().head();
    let mut journal = Journal::restore(
        key.region,
        local.journal().entries_after(0).to_vec(),
        local.journal().tokens().clone(),
    );
    let tokens = vec![TokenChange::Erase(ids[0])];
    let append = Append { tokens, ..Append::default() };
    assert_eq!(journal.append(7_000, &append, local.now()), Ok(head), "no entry of its own");
    assert!(journal.tokens().get(key.id, ids[0]).is_none());
    local.advance(9 * DAY);
    assert!(local.journal().state().key(key.id).is_none());
    for id in ids {
        assert!(local.journal().tokens().get(key.id, id).is_none(), "erased with the key");
    }
    let sealed: Vec<u8> = token.sealed.to_vec();
    let log = format!("{:?}", local.journal().entries_after(0));
    assert!(!log.contains(&format!("{sealed:?}")));
}

#[test]
fn an_erased_key_takes_its_aliases_grants_and_counts_along() {
    let (mut local, key) = lived_in();
    local.call(cancel_key_deletion::Request { key_id: key.into() }).unwrap();
    local.call(create_alias::Request::new("alias/last", key)).unwrap();
    local.call(deletion(key)).unwrap();
    let (account, name) = (key.account, AliasName::parse("alias/last").unwrap());
    let counters = [Counter::Keys(account), Counter::Aliases(key.id), Counter::Grants(key.id)];
    let counts = |local: &Local| counters.map(|counter| local.journal().state().count(counter));
    assert_eq!(counts(&local), [2, 1, 1]);
    local.advance(9 * DAY);
    assert_eq!(counts(&local), [1, 0, 0]);
    assert!(local.journal().state().alias(account, &name).is_none());
    assert!(local.call(create_key::Request::default()).is_ok());
}

#[test]
fn an_alias_made_anew_and_deleted_again_fades_from_its_second_end_on() {
    let mut local = Local::single_region();
    local.settings_mut().propagation.alias = Duration::from_secs(300);
    let key = local.create_key();
    let alias = || create_alias::Request::new("alias/app", key);
    let delete = || delete_alias::Request { alias_name: "alias/app".into() };
    local.call(alias()).unwrap();
    local.advance(Duration::from_secs(1000));
    local.call(delete()).unwrap();
    local.advance(Duration::from_secs(100));
    local.call(alias()).unwrap();
    local.advance(Duration::from_secs(400));
    local.call(delete()).unwrap();
    // The next entry finds the first deletion more than ten minutes old, and lets it fade.
    local.advance(Duration::from_secs(110));
    local.create_key();
    let by_alias = || encrypt::Request::new(kms_core::wire::KeyRef::new("alias/app"), *b"x");
    assert!(local.call(by_alias()).is_ok(), "this host hears of the second deletion later");
    local.advance(Duration::from_secs(300));
    assert!(local.call(by_alias()).is_err());
}

/// What is due, worked out from the records alone.
fn recomputed(state: &State) -> BTreeSet<Due> {
    let keys = state.keys_after(None).flat_map(|key| due_of_key(key));
    let domain = state.domain().and_then(|(record, _)| due_of_domain(record));
    keys.chain(domain).collect()
}

fn indexed(state: &State) -> BTreeSet<Due> {
    let departures = |due: &&Due| !matches!(due.task, Task::ReportDeparture(_));
    state.due().filter(departures).copied().collect()
}

/// One of the things that change what is due, with one of a few keys.
fn request(kind: u8, key: KeyArn, other: KeyArn) -> Request {
    let key_id = key.into();
    match kind % 13 {
        0 => create_key::Request { multi_region: true, ..Default::default() }.into(),
        1 => disable_key::Request { key_id }.into(),
        2 => enable_key::Request { key_id }.into(),
        3 => enable_key_rotation::Request {
            key_id,
            rotation_period_in_days: Some(RotationPeriodInDays(90)),
        }
        .into(),
        4 => disable_key_rotation::Request { key_id }.into(),
        5 => rotate_key_on_demand::Request { key_id }.into(),
        6 => deletion(key).into(),
        7 => cancel_key_deletion::Request { key_id }.into(),
        8 => create_alias::Request::new("alias/app", key).into(),
        9 => update_alias::Request::new("alias/app", other).into(),
        10 => grant(key, "alice").into(),
        11 => replicate_key::Request::new(key, there()).into(),
        _ => update_primary_region::Request { key_id, primary_region: "eu-west-1".into() }.into(),
    }
}

fn there() -> RegionName {
    RegionName::parse("eu-west-1").expect("a Region")
}

fn check_indexes(state: &State) -> Result<(), TestCaseError> {
    prop_assert_eq!(indexed(state), recomputed(state));
    let account = AccountId::new(111_122_223_333);
    let ids: Vec<KeyId> = state.keys_after(None).map(|key| key.id()).collect();
    prop_assert_eq!(state.count(Counter::Keys(account)), ids.len() as u64);
    let aliases: u64 = ids.iter().map(|id| state.count(Counter::Aliases(*id))).sum();
    prop_assert_eq!(aliases, state.aliases_after(account, None).count() as u64);
    for id in ids {
        let grants = state.grants_after(id, None).count() as u64;
        prop_assert_eq!(state.count(Counter::Grants(id)), grants);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn indexes_and_counters_agree_with_the_records(
        steps in proptest::collection::vec((any::<u8>(), 0..4_usize, 0..4_usize, 0..30_u32), 1..40),
    ) {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let keys = [0; 4].map(|_| {
            let request = create_key::Request { multi_region: true, ..Default::default() };
            match local.call(request) {
                Ok(Response::CreateKey(made)) => made.key_metadata.arn,
                other => panic!("{other:?}"),
            }
        });
        for (kind, key, other, days) in steps {
            // Most are refused in some state or other; what matters is what is left behind.
            let _ = local.call(request(kind, keys[key], keys[other]));
            for region in [keys[0].region, there()] {
                check_indexes(local.journal_of(region).state())?;
            }
            local.advance(days * DAY);
            check_indexes(local.journal().state())?;
        }
    }
}
