//! What provokes the errors about custom key stores.

use super::provoke::{Case, about, with};
use super::world::World;
use kms_core::Result;
use kms_core::error::ErrorCode;
use kms_core::key_store::ConnectionErrorCode;
use kms_core::ops::Response;
use serde_json::json;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The operations in order.
pub(crate) const CASES: &[Case] = &[
    ("ConnectCustomKeyStore", ErrorCode::CloudHsmClusterInvalidConfiguration, |world| {
        world.local.cluster_mut("cluster").view.hsms.clear();
        world.send()
    }),
    ("ConnectCustomKeyStore", ErrorCode::CloudHsmClusterNotActive, |world| {
        world.local.cluster_mut("cluster").view.active = false;
        world.send()
    }),
    ("ConnectCustomKeyStore", ErrorCode::CustomKeyStoreInvalidState, |world| {
        world.local.cluster_mut("cluster").obstacle = Some(ConnectionErrorCode::NetworkErrors);
        world.send()?;
        world.local.advance(HOUR);
        world.send()
    }),
    ("CreateKey", ErrorCode::CloudHsmClusterInvalidConfiguration, |world| {
        in_cluster(world, "$connected");
        world.local.cluster_mut("connected").view.hsms.clear();
        world.send()
    }),
    ("CreateKey", ErrorCode::CustomKeyStoreInvalidState, |world| {
        in_cluster(world, "$cluster");
        world.send()
    }),
    ("CreateKey", ErrorCode::CustomKeyStoreNotFound, |world| {
        in_cluster(world, "cks-1234567890abcdef0");
        world.send()
    }),
    ("CreateKey", ErrorCode::XksKeyAlreadyInUse, |world| {
        behind_proxy(world, "external-0");
        world.send()?;
        world.send()
    }),
    ("CreateKey", ErrorCode::XksKeyInvalidConfiguration, |world| {
        behind_proxy(world, "external-0");
        let keys = &mut world.local.proxy_mut("external").keys;
        keys.values_mut().for_each(|key| key.described.enabled = false);
        world.send()
    }),
    ("CreateKey", ErrorCode::XksKeyNotFound, |world| {
        behind_proxy(world, "no-such-key");
        world.send()
    }),
    ("DeleteCustomKeyStore", ErrorCode::CustomKeyStoreHasCmks, |world| {
        world.set("CustomKeyStoreId", "$connected");
        let store = world.request["CustomKeyStoreId"].clone();
        world.done("CreateKey", json!({ "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store }));
        world.done("DisconnectCustomKeyStore", json!({ "CustomKeyStoreId": store }));
        world.local.advance(HOUR);
        world.send()
    }),
    ("DeleteCustomKeyStore", ErrorCode::CustomKeyStoreInvalidState, |world| {
        with(world, "CustomKeyStoreId", json!("$connected"))
    }),
    ("DisconnectCustomKeyStore", ErrorCode::CustomKeyStoreInvalidState, |world| {
        with(world, "CustomKeyStoreId", json!("$store"))
    }),
    ("GenerateDataKeyPair", ErrorCode::UnsupportedOperation, with_a_key_in_a_cluster),
    (
        "GenerateDataKeyPairWithoutPlaintext",
        ErrorCode::UnsupportedOperation,
        with_a_key_in_a_cluster,
    ),
    ("GenerateRandom", ErrorCode::CustomKeyStoreInvalidState, |world| {
        with(world, "CustomKeyStoreId", json!("$cluster"))
    }),
    ("GenerateRandom", ErrorCode::UnsupportedOperation, |world| {
        with(world, "CustomKeyStoreId", json!("$external"))
    }),
];

/// Asks for a key in a cluster.
fn in_cluster(world: &mut World, store: &str) {
    world.set("Origin", "AWS_CLOUDHSM");
    world.set("CustomKeyStoreId", store);
}

/// Asks for a key behind a proxy.
fn behind_proxy(world: &mut World, external: &str) {
    world.set("Origin", "EXTERNAL_KEY_STORE");
    world.set("CustomKeyStoreId", "$external");
    world.set("XksKeyId", external);
}

/// Names a key in a cluster.
fn with_a_key_in_a_cluster(world: &mut World) -> Result<Response> {
    let request = json!({ "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "$connected" });
    match world.done("CreateKey", request) {
        Response::CreateKey(made) => about(world, &made.key_metadata.arn.to_string()),
        other => panic!("{other:?}"),
    }
}
