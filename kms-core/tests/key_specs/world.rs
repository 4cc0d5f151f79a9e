//! One key of every kind, and what tests ask of it again and again.

use kms_core::Result;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, RegionName};
use kms_core::ops::{Request, Response, create_key, decrypt, encrypt, get_public_key, sign};
use kms_core::wire::{CiphertextBlob, EncryptionAlgorithm, Plaintext, SignatureBlob};

pub(crate) const HOME: &str = "us-east-1";
pub(crate) const CHINA: &str = "cn-north-1";

pub(crate) fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

/// Every kind of key, and the Region to make it in.
pub(crate) fn kinds() -> impl Iterator<Item = (RegionName, KeySpec, KeyUsage)> {
    KeySpec::ALL.iter().flat_map(|spec| {
        let region = region(if *spec == KeySpec::Sm2 { CHINA } else { HOME });
        spec.usages().iter().map(move |usage| (region, *spec, *usage))
    })
}

pub(crate) fn create(
    local: &mut Local,
    region: RegionName,
    request: create_key::Request,
) -> Result<KeyArn> {
    match local.call_in(region, request)? {
        Response::CreateKey(made) => Ok(made.key_metadata.arn),
        other => panic!("{other:?}"),
    }
}

/// One key of every kind.
pub(crate) fn one_of_each() -> (Local, Vec<(KeySpec, KeyUsage, KeyArn)>) {
    let mut local = Local::regions(&[HOME, CHINA]);
    let mut keys = Vec::new();
    for (region, spec, usage) in kinds() {
        let key = create(&mut local, region, create_key::Request::of(spec, usage)).expect("a key");
        keys.push((spec, usage, key));
    }
    (local, keys)
}

pub(crate) fn ask(local: &mut Local, key: KeyArn, request: impl Into<Request>) -> Result<Response> {
    local.call_in(key.region, request)
}

pub(crate) fn public_key(local: &mut Local, key: KeyArn) -> get_public_key::Response {
    match ask(local, key, get_public_key::Request::new(key)) {
        Ok(Response::GetPublicKey(got)) => got,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn signature(local: &mut Local, request: sign::Request, key: KeyArn) -> SignatureBlob {
    match ask(local, key, request) {
        Ok(Response::Sign(signed)) => signed.signature,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn sealed(
    local: &mut Local,
    key: KeyArn,
    plaintext: &[u8],
    by: EncryptionAlgorithm,
) -> CiphertextBlob {
    let request = encrypt::Request {
        encryption_algorithm: Some(by),
        ..encrypt::Request::new(key, plaintext)
    };
    match ask(local, key, request) {
        Ok(Response::Encrypt(sealed)) => sealed.ciphertext_blob,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn opening(
    key: KeyArn,
    blob: CiphertextBlob,
    by: EncryptionAlgorithm,
) -> decrypt::Request {
    decrypt::Request {
        key_id: Some(key.into()),
        encryption_algorithm: Some(by),
        ..decrypt::Request::new(blob)
    }
}

pub(crate) fn opened(
    local: &mut Local,
    key: KeyArn,
    blob: CiphertextBlob,
    by: EncryptionAlgorithm,
) -> Result<Plaintext> {
    match ask(local, key, opening(key, blob, by))? {
        Response::Decrypt(opened) => Ok(opened.plaintext.expect("no recipient is named")),
        other => panic!("{other:?}"),
    }
}
