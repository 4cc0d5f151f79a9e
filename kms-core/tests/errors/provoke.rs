//! How each error is provoked where no operation needs a way of its own, and what the ways are made of.

use super::world::World;
use kms_core::Result;
use kms_core::error::ErrorCode;
use kms_core::hsm::Fault;
use kms_core::local::Trouble;
use kms_core::ops::Response;
use serde_json::json;
use std::time::Duration;

/// Makes a request go wrong and sends it.
pub(crate) type Provoke = fn(&mut World) -> Result<Response>;

/// An operation, an error of it, and what provokes it.
pub(crate) type Case = (&'static str, ErrorCode, Provoke);

/// The way that fits every operation which has no way of its own.
pub(crate) fn usual(code: ErrorCode) -> Option<Provoke> {
    Some(match code {
        ErrorCode::CustomKeyStoreNotFound => {
            |world| with(world, "CustomKeyStoreId", json!("cks-1234567890abcdef0"))
        }
        ErrorCode::DependencyTimeout => |world| with_trouble(world, Trouble::Silence),
        ErrorCode::Disabled => |world| after(world, "DisableKey"),
        ErrorCode::DryRunOperation => |world| with(world, "DryRun", json!(true)),
        ErrorCode::InvalidArn => |world| about(world, "arn:aws:kms:nowhere"),
        ErrorCode::InvalidCiphertext => |world| with(world, "CiphertextBlob", json!("AAAA")),
        ErrorCode::InvalidGrantId => |world| with(world, "GrantId", json!("ab".repeat(32))),
        ErrorCode::InvalidGrantToken => |world| with(world, "GrantTokens", json!(["made-up"])),
        ErrorCode::InvalidKeyUsage => |world| match world.operation.name() {
            "Decrypt" => {
                let key = world.subject();
                world.set("KeyId", json!(key));
                with(world, "EncryptionAlgorithm", json!("RSAES_OAEP_SHA_256"))
            }
            "Sign" | "Verify" => about(world, "$HMAC_256 GENERATE_VERIFY_MAC"),
            _ => about(world, "$ECC_NIST_P256 SIGN_VERIFY"),
        },
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
        ErrorCode::UnsupportedOperation => |world| about(world, "$HMAC_256 GENERATE_VERIFY_MAC"),
        _ => return None,
    })
}

/// With another value for a member.
pub(crate) fn with(world: &mut World, member: &str, value: serde_json::Value) -> Result<Response> {
    world.set(member, value);
    world.send()
}

/// About another key.
pub(crate) fn about(world: &mut World, key: &str) -> Result<Response> {
    world.set_key(key);
    world.send()
}

/// After something was done to its key.
pub(crate) fn after(world: &mut World, operation: &str) -> Result<Response> {
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
