//! What provokes the errors of importing key material.

use super::provoke::{Case, about, with};
use super::world::region;
use kms_core::error::ErrorCode;
use kms_core::name::KeyArn;
use serde_json::json;
use std::time::Duration;

/// The operations in order.
pub(crate) const CASES: &[Case] = &[
    ("DeleteImportedKeyMaterial", ErrorCode::KmsInvalidState, |world| {
        let local = &mut world.local;
        let key = local.create_primary_to_import();
        let replica = KeyArn { region: region("ap-northeast-1"), ..key };
        let named = json!({ "KeyId": key.to_string(), "ReplicaRegion": "ap-northeast-1" });
        let parameters = local.parameters(key).expect("parameters");
        local.import(key, parameters.wrap(&[1; 32])).expect("an import");
        world.done("ReplicateKey", named);
        world.local.advance(Duration::from_secs(5));
        let parameters = world.local.parameters(replica).expect("parameters");
        world.local.import(replica, parameters.wrap(&[1; 32])).expect("an import");
        let named = json!({ "KeyId": key.to_string(), "PrimaryRegion": "ap-northeast-1" });
        world.done("UpdatePrimaryRegion", named);
        about(world, &key.to_string())
    }),
    ("DeleteImportedKeyMaterial", ErrorCode::UnsupportedOperation, |world| about(world, "$other")),
    ("GetParametersForImport", ErrorCode::UnsupportedOperation, |world| about(world, "$other")),
    ("ImportKeyMaterial", ErrorCode::ExpiredImportToken, |world| {
        world.local.advance(Duration::from_secs(24 * 3600));
        world.send()
    }),
    ("ImportKeyMaterial", ErrorCode::IncorrectKeyMaterial, |world| {
        world.send()?;
        with(world, "KeyMaterialId", json!("05".repeat(32)))
    }),
    ("ImportKeyMaterial", ErrorCode::InvalidCiphertext, |world| {
        with(world, "EncryptedKeyMaterial", json!("AAAA"))
    }),
    ("ImportKeyMaterial", ErrorCode::InvalidImportToken, |world| {
        with(world, "ImportToken", json!("AAAA"))
    }),
    ("ImportKeyMaterial", ErrorCode::UnsupportedOperation, |world| about(world, "$other")),
];
