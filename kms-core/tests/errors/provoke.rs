//! How each error is provoked: one way for all operations, and the operations that need another.

use super::world::{World, region};
use kms_core::Result;
use kms_core::error::ErrorCode;
use kms_core::hsm::Fault;
use kms_core::local::Trouble;
use kms_core::ops::Response;
use serde_json::json;
use std::time::Duration;

/// Makes a request go wrong and sends it.
pub(crate) type Provoke = fn(&mut World) -> Result<Response>;

/// The way that fits every operation which has no way of its own.
pub(crate) fn usual(code: ErrorCode) -> Option<Provoke> {
    Some(match code {
        ErrorCode::DependencyTimeout => |world| with_trouble(world, Trouble::Silence),
        ErrorCode::Disabled => |world| after(world, "DisableKey"),
        ErrorCode::DryRunOperation => |world| with(world, "DryRun", json!(true)),
        ErrorCode::InvalidArn => |world| about(world, "arn:aws:kms:nowhere"),
        ErrorCode::InvalidCiphertext => |world| with(world, "CiphertextBlob", json!("AAAA")),
        ErrorCode::InvalidGrantId => |world| with(world, "GrantId", json!("ab".repeat(32))),
        ErrorCode::InvalidGrantToken => |world| with(world, "GrantTokens", json!(["made-up"])),
        ErrorCode::InvalidMarker => |world| with(world, "Marker", json!("bWFkZS11cA")),
        ErrorCode::KeyUnavailable => |world| with_trouble(world, Trouble::Hsm(Fault::NotJoined)),
        ErrorCode::KmsInternal => |world| {
            let conflicts = with_trouble(world, Trouble::Conflicts);
            conflicts.and_then(|_| with_trouble(world, Trouble::Hsm(Fault::BadToken)))
        },
        ErrorCode::KmsInvalidState => |world| after(world, "ScheduleKeyDeletion"),
        ErrorCode::MalformedPolicyDocument => |world| with(world, "Policy", json!("{")),
        ErrorCode::NotFound => |world| about(world, "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ErrorCode::Tag => |world| {
            let tag = json!({ "TagKey": "team", "TagValue": "" });
            with(world, "Tags", json!([tag, tag]))
        },
        _ => return None,
    })
}

/// What is special about one operation.
pub(crate) const SPECIAL: &[(&str, ErrorCode, Provoke)] = &[
    ("CancelKeyDeletion", ErrorCode::KmsInvalidState, |world| {
        let key = world.subject();
        world.done("CancelKeyDeletion", json!({ "KeyId": key }));
        world.send()
    }),
    ("CreateAlias", ErrorCode::AlreadyExists, |world| with(world, "AliasName", json!("alias/app"))),
    ("CreateAlias", ErrorCode::InvalidAliasName, |world| {
        with(world, "AliasName", json!("alias/aws/app"))
    }),
    ("CreateAlias", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.aliases_per_key = 1;
        world.send()
    }),
    ("CreateGrant", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.grants_per_key = 1;
        world.send()
    }),
    ("CreateKey", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.keys = 2;
        world.send()
    }),
    ("CreateKey", ErrorCode::UnsupportedOperation, |world| with(world, "KeySpec", json!("SM2"))),
    ("Decrypt", ErrorCode::IncorrectKey, |world| about(world, "$other")),
    ("DeleteAlias", ErrorCode::NotFound, |world| with(world, "AliasName", json!("alias/none"))),
    ("ListRetirableGrants", ErrorCode::InvalidArn, |world| {
        with(world, "RetiringPrincipal", json!("carol"))
    }),
    ("PutKeyPolicy", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.policy_bytes = 10;
        world.send()
    }),
    ("ReEncrypt", ErrorCode::IncorrectKey, |world| with(world, "SourceKeyId", json!("$other"))),
    ("ReplicateKey", ErrorCode::AlreadyExists, |world| {
        with(world, "ReplicaRegion", json!("eu-west-1"))
    }),
    ("ReplicateKey", ErrorCode::LimitExceeded, |world| {
        world.local.settings_of_mut(region("ap-northeast-1")).limits.keys = 0;
        world.send()
    }),
    ("ReplicateKey", ErrorCode::UnsupportedOperation, |world| about(world, "$other")),
    ("RetireGrant", ErrorCode::InvalidGrantToken, |world| {
        world.request = json!({ "GrantToken": "made-up" });
        world.send()
    }),
    ("RotateKeyOnDemand", ErrorCode::Conflict, |world| {
        let rotation = json!({ "KeyId": "$key", "RotationPeriodInDays": 90 });
        world.done("EnableKeyRotation", rotation);
        let due = world.local.now().after(90 * kms_core::key::DAY);
        world.local.set_time(due);
        world.send()
    }),
    ("RotateKeyOnDemand", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.on_demand_rotations = 0;
        world.send()
    }),
    ("TagResource", ErrorCode::LimitExceeded, |world| {
        let tag = |number: u32| json!({ "TagKey": number.to_string(), "TagValue": "" });
        let tags: Vec<_> = (0..50).map(tag).collect();
        world.done("TagResource", json!({ "KeyId": "$key", "Tags": tags }));
        world.send()
    }),
    ("UntagResource", ErrorCode::Tag, |world| with(world, "TagKeys", json!(["aws:team"]))),
    ("UpdateAlias", ErrorCode::KmsInvalidState, |world| after(world, "ScheduleKeyDeletion")),
    ("UpdateAlias", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.aliases_per_key = 0;
        world.send()
    }),
    ("UpdatePrimaryRegion", ErrorCode::UnsupportedOperation, |world| about(world, "$other")),
];

/// With another value for a member.
fn with(world: &mut World, member: &str, value: serde_json::Value) -> Result<Response> {
    world.set(member, value);
    world.send()
}

/// About another key.
fn about(world: &mut World, key: &str) -> Result<Response> {
    world.set_key(key);
    world.send()
}

/// After something was done to its key.
fn after(world: &mut World, operation: &str) -> Result<Response> {
    let key = world.subject();
    world.done(operation, json!({ "KeyId": key }));
    world.send()
}

/// While something is wrong around it.
fn with_trouble(world: &mut World, trouble: Trouble) -> Result<Response> {
    world.local.advance(Duration::ZERO);
    world.local.set_trouble(Some(trouble));
    world.send()
}
