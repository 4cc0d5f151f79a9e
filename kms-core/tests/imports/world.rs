//! Short forms of what the tests do over and over.

use kms_core::error::{ErrorCode, Result};
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, MaterialId, RegionName};
use kms_core::ops::describe_key::KeyMetadata;
use kms_core::ops::list_key_rotations::RotationsListEntry;
use kms_core::ops::{
    Response, decrypt, delete_imported_key_material, describe_key, encrypt, list_key_rotations,
    rotate_key_on_demand,
};
use kms_core::wire::{CiphertextBlob, GrantTokens, IncludeKeyMaterial, KeyMaterialState};

pub(crate) const FIRST: [u8; 32] = [1; 32];
pub(crate) const SECOND: [u8; 32] = [2; 32];
pub(crate) const THIRD: [u8; 32] = [3; 32];

pub(crate) fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

/// A symmetric key that waits for its material.
pub(crate) fn empty_key(local: &mut Local) -> KeyArn {
    local.create_key_to_import(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt)
}

pub(crate) fn describe(local: &mut Local, key: KeyArn) -> KeyMetadata {
    let request =
        describe_key::Request { key_id: key.into(), grant_tokens: GrantTokens::default() };
    match local.call_in(key.region, request).expect("a description") {
        Response::DescribeKey(response) => *response.key_metadata,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn seal(local: &mut Local, key: KeyArn, text: &str) -> Result<CiphertextBlob> {
    let request = encrypt::Request::new(key, text.as_bytes().to_vec());
    match local.call_in(key.region, request)? {
        Response::Encrypt(response) => Ok(response.ciphertext_blob),
        other => panic!("{other:?}"),
    }
}

/// The text of a ciphertext, opened in a Region.
pub(crate) fn open(local: &mut Local, at: RegionName, blob: &CiphertextBlob) -> Result<String> {
    match local.call_in(at, decrypt::Request::new(blob.clone()))? {
        Response::Decrypt(response) => {
            let plaintext =
                response.plaintext.expect("no recipient is named").0.as_bytes().to_vec();
            Ok(String::from_utf8(plaintext).expect("text"))
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn delete(
    local: &mut Local,
    key: KeyArn,
    material: Option<MaterialId>,
) -> Result<Option<MaterialId>> {
    let request =
        delete_imported_key_material::Request { key_id: key.into(), key_material_id: material };
    match local.call_in(key.region, request)? {
        Response::DeleteImportedKeyMaterial(response) => {
            assert_eq!(response.key_id, key);
            Ok(response.key_material_id)
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn rotate(local: &mut Local, key: KeyArn) -> Result<()> {
    let request = rotate_key_on_demand::Request { key_id: key.into() };
    local.call_in(key.region, request).map(drop)
}

/// Every material of a key.
pub(crate) fn rotations(local: &mut Local, key: KeyArn) -> Vec<RotationsListEntry> {
    let request = list_key_rotations::Request {
        include_key_material: Some(IncludeKeyMaterial::AllKeyMaterial),
        ..list_key_rotations::Request::new(key)
    };
    match local.call_in(key.region, request).expect("a list") {
        Response::ListKeyRotations(response) => response.rotations.0,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn states(local: &mut Local, key: KeyArn) -> Vec<KeyMaterialState> {
    rotations(local, key).into_iter().map(|entry| entry.key_material_state).collect()
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    let error = result.expect_err("a refusal");
    // There are many things that may not be supported.
    assert!(error.code != ErrorCode::UnsupportedOperation || error.message.is_some(), "{error}");
    error.code
}
