//! What provokes an error of one operation that the usual way does not.

use super::provoke::{Case, about, after, with};
use super::world::{World, region};
use kms_core::Result;
use kms_core::error::ErrorCode;
use kms_core::hsm::Fault;
use kms_core::integration::{Integration, Used};
use kms_core::local::Trouble;
use kms_core::ops::{Response, describe_key};
use kms_core::wire::{GrantTokens, KeyRef};
use serde_json::json;

/// The operations in order.
pub(crate) const CASES: &[Case] = &[
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
    ("CreateKey", ErrorCode::UnsupportedOperation, |world| {
        world.set("KeyUsage", "SIGN_VERIFY");
        with(world, "KeySpec", json!("SM2"))
    }),
    ("Decrypt", ErrorCode::IncorrectKey, |world| about(world, "$other")),
    ("DeleteAlias", ErrorCode::NotFound, |world| with(world, "AliasName", json!("alias/none"))),
    ("DescribeKey", ErrorCode::DependencyTimeout, |world| first_use(world, Trouble::Silence)),
    ("DescribeKey", ErrorCode::KmsInternal, |world| {
        first_use(world, Trouble::Hsm(Fault::BadToken))
    }),
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
    ("Decapsulate", ErrorCode::InvalidCiphertext, |world| {
        with(world, "SharedSecretCiphertextBlob", json!("AAAA"))
    }),
    ("Verify", ErrorCode::KmsInvalidSignature, |world| with(world, "Message", json!("b3RoZXI="))),
    ("VerifyMac", ErrorCode::KmsInvalidMac, |world| with(world, "Message", json!("b3RoZXI="))),
];

/// A service asks for the key of its predefined alias, which has to be made for it.
fn first_use(world: &mut World, trouble: Trouble) -> Result<Response> {
    let local = &mut world.local;
    let (region, owner) = (region("us-east-1"), local.owner());
    let used = Used { account: owner.account(), region, name: "orders" };
    let service = Integration::named("ebs").map(|service| service.between(used));
    let (key_id, grant_tokens) = (KeyRef::new("alias/aws/ebs"), GrantTokens::default());
    let request = describe_key::Request { key_id, grant_tokens }.into();
    local.set_trouble(Some(trouble));
    local.outcome_through(region, &owner, service, &request).result
}
