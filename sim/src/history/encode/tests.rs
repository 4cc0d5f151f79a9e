//! That no two records share their bytes, and that the bytes stay what they are.

use super::*;
use crate::clock::SimTime;
use crate::history::{Audited, Got, Wanted};
use crate::history::{Imports, Routing};
use crate::place::NodeId;
use kms_core::env::RequestId;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(record, &mut bytes);
    bytes
}

fn wishes(key: &Target) -> Vec<Wanted> {
    let (key, d) = (key.clone(), Digest(1));
    let alias: std::sync::Arc<str> = "alias/a".into();
    vec![
        Wanted::CreateKey { multi_region: false, policy: None },
        Wanted::CreateKey { multi_region: true, policy: None },
        Wanted::CreateKey {
            multi_region: false,
            policy: Some((Digest(3), Arc::new(crate::history::PolicyWords::default()))),
        },
        Wanted::CreatePair { multi_region: true },
        Wanted::Plain { operation: "TagResource", key: key.clone() },
        Wanted::Other { operation: "CreateCustomKeyStore" },
        Wanted::DescribeKey { key: key.clone() },
        Wanted::ListKeys,
        Wanted::EnableKey { key: key.clone() },
        Wanted::DisableKey { key: key.clone() },
        Wanted::ScheduleKeyDeletion { key: key.clone(), days: 7 },
        Wanted::ScheduleKeyDeletion { key: key.clone(), days: 8 },
        Wanted::CancelKeyDeletion { key: key.clone() },
        Wanted::CreateAlias { alias: alias.clone(), key: key.clone() },
        Wanted::UpdateAlias { alias: alias.clone(), key: key.clone() },
        Wanted::DeleteAlias { alias },
        Wanted::ListAliases { key: None },
        Wanted::ListAliases { key: Some(key.clone()) },
        Wanted::Encrypt { key: key.clone(), plaintext: d, context: Digest(2) },
        Wanted::Encrypt { key: key.clone(), plaintext: Digest(2), context: d },
        Wanted::Decrypt { blob: d, key: None, context: d },
        Wanted::ReEncrypt {
            blob: d,
            source: None,
            source_context: d,
            key: key.clone(),
            context: d,
        },
        Wanted::GenerateDataKey { key: key.clone(), bytes: 32, context: d, plaintext: true },
        Wanted::GenerateDataKey { key: key.clone(), bytes: 32, context: d, plaintext: false },
        Wanted::GenerateRandom { bytes: 32 },
        Wanted::EnableKeyRotation { key: key.clone(), days: 90 },
        Wanted::DisableKeyRotation { key: key.clone() },
        Wanted::GetKeyRotationStatus { key: key.clone() },
        Wanted::RotateKeyOnDemand { key: key.clone() },
        Wanted::ListKeyRotations { key: key.clone(), materials: false },
        Wanted::ListKeyRotations { key: key.clone(), materials: true },
        Wanted::CreateGrant {
            key: key.clone(),
            grantee: "x".into(),
            operations: ["Decrypt"].into(),
            name: None,
            constrained: false,
        },
        Wanted::CreateGrant {
            key: key.clone(),
            grantee: "x".into(),
            operations: BTreeSet::new(),
            name: Some("Decrypt".into()),
            constrained: false,
        },
        Wanted::ListGrants { key: key.clone() },
        Wanted::RetireGrant { grant: None, by_token: true },
        Wanted::RetireGrant { grant: None, by_token: false },
        Wanted::RevokeGrant { key: key.clone(), grant: None },
        Wanted::RevokeGrant { key: key.clone(), grant: Some(GrantId([1; 32])) },
        Wanted::GetKeyPolicy { key: key.clone() },
        Wanted::PutKeyPolicy { key: key.clone(), policy: d, words: Arc::default() },
        Wanted::ReplicateKey { key: key.clone(), region: None },
        Wanted::UpdatePrimaryRegion { key, region: None },
    ]
}

fn answers() -> Vec<Got> {
    let key = KeyArn {
        region: RegionName::parse("us-east-1").unwrap(),
        account: AccountId::new(1),
        id: KeyId::multi_region([1; 16]),
    };
    let (state, material) = (kms_core::key::KeyState::Enabled, MaterialId([3; 32]));
    vec![
        Got::Created { key },
        Got::Described { key, state, material: None, deletion: None },
        Got::Described { key, state, material: Some(material), deletion: None },
        Got::Scheduled { key, state, deletion: None },
        Got::Scheduled { key, state, deletion: Some(Timestamp::EPOCH) },
        Got::Sealed { key, blob: Digest(1), draw: None, plaintext: None },
        Got::Sealed { key, blob: Digest(1), draw: Some(Digest(1)), plaintext: None },
        Got::Sealed { key, blob: Digest(1), draw: None, plaintext: Some(Digest(1)) },
        Got::Opened { key, plaintext: Digest(1), material: Some(material) },
        Got::Resealed { source: key, key, blob: Digest(1), draw: None },
        Got::Granted { grant: GrantId([3; 32]) },
        Got::Rotation { enabled: false, days: None },
        Got::Rotation { enabled: true, days: Some(90) },
        Got::Policy { policy: Digest(1) },
        Got::Listed { items: 1, complete: true },
        Got::Listed { items: 1, complete: false },
        Got::Replicated { replica: key },
        Got::Random { bytes: 1 },
        Got::Done,
    ]
}

fn called(wanted: Wanted) -> Event {
    Event::Called {
        request: RequestId(1),
        call: 1,
        attempt: 1,
        region: RegionName::parse("us-east-1").unwrap(),
        facts: Arc::new(CallFacts {
            principal: "arn:aws:iam::000000000001:role/admin".into(),
            account: AccountId::new(1),
            administrator: true,
            dry_run: false,
            wanted,
        }),
    }
}

fn service_events() -> Vec<Event> {
    let region = RegionName::parse("us-east-1").unwrap();
    let (request, id) = (RequestId(1), KeyId::multi_region([1; 16]));
    let tried = |task| {
        let (task, error) = (Box::new(task), Some(ErrorCode::KmsInternal));
        Event::TaskTried { region, id: request, task, error }
    };
    let committed = |changes: Vec<Changed>| {
        let changes = changes.into();
        Event::Committed { region, position: 1, id: request, changes }
    };
    let key = |role, pending| Changed::Key {
        id,
        state: kms_core::key::KeyState::Enabled,
        material: None,
        role,
        pending,
        rotation_days: None,
        deletion: None,
        imports: None,
    };
    let answered = |pool, error| {
        let now = Timestamp::EPOCH;
        Event::Answered { request, position: 1, now, pool, error }
    };
    let audited = |key, error| Audited { request, operation: "Encrypt", key, billed: None, error };
    let bill = Some((AccountId::new(1), kms_core::price::Class::Symmetric));
    let kept = |unopenable, missing, overdue| {
        let (position, tokens, digest) = (1, 1, [0; 32]);
        let holdings = Holdings { region, position, tokens, digest, missing, unopenable, overdue };
        Event::Kept(Box::new(holdings))
    };
    let skew = |change| Event::Acted(NodeAction::Skew(NodeId(7), change));
    let drift = |micros, ppm| ClockChange::Skew { offset_micros: micros, drift_ppm: ppm };
    vec![
        Event::TimedOut { request },
        Event::Ended { call: 1, error: None },
        Event::Ended { call: 1, error: Some(ErrorCode::Throttling) },
        answered(None, None),
        answered(Some("p"), None),
        answered(None, Some(ErrorCode::Disabled)),
        Event::Admitted { account: AccountId::new(1), pool: "p" },
        committed(vec![]),
        committed(vec![Changed::Other]),
        committed(vec![Changed::KeyErased(id)]),
        committed(vec![key(None, false)]),
        committed(vec![key(None, true)]),
        committed(vec![key(Some(SetRole::Primary(BTreeSet::new())), false)]),
        committed(vec![key(Some(SetRole::Primary([region].into())), false)]),
        committed(vec![key(Some(SetRole::Replica(region, [region].into())), false)]),
        tried(Task::RotateKey(id)),
        tried(Task::Synchronize(id, region)),
        tried(Task::RotateDomainKey),
        Event::Audited([audited(None, None)].into()),
        Event::Audited([audited(Some(id), None)].into()),
        Event::Audited([Audited { billed: bill, ..audited(None, None) }].into()),
        Event::Audited([audited(None, Some(ErrorCode::Disabled))].into()),
        Event::Conflicted { request, head: 3 },
        Event::CommandThrottled { request, pool: "p" },
        Event::Executed { command: "Encrypt", done: true },
        Event::Routed { request, hsm: None, what: Routing::Saturated },
        Event::Routed { request, hsm: Some(NodeId(0)), what: Routing::Hedged },
        Event::Routed { request, hsm: Some(NodeId(0)), what: Routing::TimedOut },
        Event::Loaded(Box::default()),
        Event::Loaded(Box::new(HsmLoad { commands: 1, ..HsmLoad::default() })),
        Event::Loaded(Box::new(HsmLoad { refused: 1, ..HsmLoad::default() })),
        Event::Acted(NodeAction::Ail(NodeId(7), Ailment::Slow(2))),
        Event::Acted(NodeAction::Ail(NodeId(7), Ailment::Slow(3))),
        Event::Acted(NodeAction::Ail(NodeId(7), Ailment::Hung)),
        Event::Acted(NodeAction::Heal(NodeId(7), Ailment::Hung)),
        kept(0, vec![], vec![]),
        kept(1, vec![], vec![]),
        kept(0, vec![id], vec![]),
        kept(0, vec![], vec![Task::RotateDomainKey]),
        Event::Settled(Box::new(Settlement { region, position: 1, digest: [0; 32], sets: vec![] })),
        Event::Fired("bug"),
        Event::Sabotaged("bug"),
        Event::Acted(NodeAction::Crash(NodeId(7))),
        Event::Acted(NodeAction::Restart(NodeId(7))),
        skew(ClockChange::Correct),
        skew(drift(1, 0)),
        skew(drift(0, 1)),
    ]
}

fn sample() -> Vec<Event> {
    let id = KeyId::single_region([1; 16]);
    let region = RegionName::parse("us-east-1");
    let mut events = service_events();
    events.extend(wishes(&Target::Key { region: None, id }).into_iter().map(called));
    let targets = [Target::Key { region, id }, Target::Nothing];
    events.extend(targets.map(|key| called(Wanted::EnableKey { key })));
    let returned = |got| Event::Returned { request: RequestId(1), got };
    events.extend(answers().into_iter().map(|got| returned(Ok(Box::new(got)))));
    events.push(returned(Err(ErrorCode::Disabled)));
    events
}

/// Imports and key pairs, which differ in one thing each.
fn of_imports() -> Vec<Event> {
    let (d, material) = (Digest(1), MaterialId([3; 32]));
    let id = KeyId::single_region([1; 16]);
    let target = || Target::Key { region: None, id };
    let import = |wrapped, stays, expires, new, material| Wanted::ImportKeyMaterial {
        key: target(),
        token: d,
        wrapped,
        stays,
        expires,
        new,
        material,
    };
    let pair = |plaintext| Wanted::GenerateDataKeyPair { key: target(), context: d, plaintext };
    let wanted = vec![
        Wanted::CreateKeyToImport { multi_region: false },
        Wanted::CreateKeyToImport { multi_region: true },
        pair(false),
        pair(true),
        Wanted::GetParametersForImport { key: target(), fits: false },
        Wanted::GetParametersForImport { key: target(), fits: true },
        Wanted::DeleteImportedKeyMaterial { key: target(), material: None },
        Wanted::DeleteImportedKeyMaterial { key: target(), material: Some(material) },
        import(d, false, None, None, None),
        import(Digest(2), false, None, None, None),
        import(d, true, None, None, None),
        import(d, false, Some(Timestamp::EPOCH), None, None),
        import(d, false, None, Some(false), None),
        import(d, false, None, Some(true), None),
        import(d, false, None, None, Some(material)),
    ];
    let region = RegionName::parse("us-east-1").unwrap();
    let key = KeyArn { region, account: AccountId::new(1), id };
    let got = [
        Got::ImportParameters { key, token: d, until: Timestamp::EPOCH },
        Got::ImportParameters { key, token: Digest(2), until: Timestamp::EPOCH },
        Got::OfMaterial { key, material: None },
        Got::OfMaterial { key, material: Some(material) },
    ];
    let held = |here, expires| Held { material, here, expires };
    let imports = [
        Imports::default(),
        Imports { belonging: vec![held(true, None)], awaiting: None },
        Imports { belonging: vec![held(false, None)], awaiting: None },
        Imports { belonging: vec![held(true, Some(Timestamp::EPOCH))], awaiting: None },
        Imports { belonging: vec![], awaiting: Some(held(true, None)) },
    ];
    let request = RequestId(1);
    let changed = |imports| Event::Committed {
        region,
        position: 1,
        id: request,
        changes: [Changed::Key {
            id,
            state: kms_core::key::KeyState::Enabled,
            material: None,
            role: None,
            pending: false,
            rotation_days: None,
            deletion: None,
            imports,
        }]
        .into(),
    };
    let imports = imports.into_iter().map(|imports| changed(Some(Arc::new(imports))));
    let returned = |got| Event::Returned { request, got: Ok(Box::new(got)) };
    let mut events: Vec<_> = wanted.into_iter().map(called).collect();
    events.extend(got.into_iter().map(returned));
    events.push(changed(None));
    events.extend(imports);
    events
}

#[test]
fn different_events_have_different_bytes() {
    let mut sample = sample();
    sample.push(called(Wanted::CreateExternalKey));
    sample.extend(of_imports());
    let record = |event: &Event| {
        let event = event.clone();
        bytes_of(&Record { at: SimTime::from_millis(1), node: NodeId(7), event })
    };
    let different: BTreeSet<_> = sample.iter().map(record).collect();
    assert_eq!(different.len(), sample.len());
}

#[test]
fn when_and_where_count_too() {
    let record = |at, node| Record {
        at: SimTime::from_millis(at),
        node: NodeId(node),
        event: Event::TimedOut { request: RequestId(1) },
    };
    let records = [record(1, 1), record(2, 1), record(1, 2)];
    assert_eq!(records.iter().map(bytes_of).collect::<BTreeSet<_>>().len(), 3);
}

/// A change of these bytes changes the digest of every recorded run, so it must be meant.
#[test]
fn the_bytes_do_not_change_by_accident() {
    let mut bytes = Vec::new();
    for event in sample() {
        write(&Record { at: SimTime::ZERO, node: NodeId(0), event }, &mut bytes);
    }
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, "07bebf460f3e0d7461a0749bd563cc5a84b307c5361fd03e3397ab1bd9d05895");
}
