//! The rules about imported material that need no service around them.

use super::*;
use crate::local::Local;
use crate::multi_region::Replica;
use crate::name::KeyArn;

fn key(local: &mut Local) -> (KeyArn, Key) {
    let arn =
        local.create_key_to_import(KeySpec::SymmetricDefault, crate::key::KeyUsage::EncryptDecrypt);
    (arn, Key::clone(&local.key(arn)))
}

fn arrival(byte: u8) -> Arrival {
    Arrival {
        id: MaterialId([byte; 32]),
        token: TokenId([byte; 16]),
        expires: None,
        label: None,
        public_key: None,
    }
}

#[test]
fn wrappings_fit_as_documented() {
    use WrappingAlgorithm::{
        RsaAesKeyWrapSha1, RsaAesKeyWrapSha256, RsaesOaepSha1, RsaesOaepSha256, RsaesPkcs1V15,
        Sm2Pke,
    };
    let by_oaep = [RsaesOaepSha1, RsaesOaepSha256];
    let by_key_wrap = [RsaAesKeyWrapSha1, RsaAesKeyWrapSha256];
    let fits = |spec, key, algorithm| can_wrap(spec, Wrapping { key, algorithm });
    for key in [WrappingKeySpec::Rsa2048, WrappingKeySpec::Rsa3072, WrappingKeySpec::Rsa4096] {
        for spec in KeySpec::ALL.iter().copied() {
            let bytes = spec.imported_length().is_some();
            let rsa = matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
            let too_long = spec == KeySpec::EccNistP521 && key == WrappingKeySpec::Rsa2048;
            for oaep in by_oaep {
                let expected = spec.is_importable() && !rsa && !too_long;
                assert_eq!(fits(spec, key, oaep), expected, "{spec} {key} {oaep}");
            }
            for wrap in by_key_wrap {
                let expected = spec.is_importable() && !bytes;
                assert_eq!(fits(spec, key, wrap), expected, "{spec} {key} {wrap}");
            }
            assert!(!fits(spec, key, RsaesPkcs1V15) && !fits(spec, key, Sm2Pke));
        }
    }
    assert!(fits(KeySpec::Sm2, WrappingKeySpec::Sm2, Sm2Pke));
    assert!(!fits(KeySpec::SymmetricDefault, WrappingKeySpec::Sm2, Sm2Pke));
    assert!(!fits(KeySpec::Sm2, WrappingKeySpec::Sm2, RsaesOaepSha256));
}

#[test]
fn a_key_lacks_material_until_all_of_it_is_here() {
    let mut local = Local::single_region();
    let (_, mut key) = key(&mut local);
    assert!(key.lacks_material());
    key.take_new(arrival(1)).unwrap();
    assert!(!key.lacks_material());
    key.take_new(arrival(2)).unwrap();
    assert_eq!(key.lose(MaterialId([2; 32])), Some(TokenId([2; 16])));
    assert!(!key.lacks_material() && key.awaiting.is_none());
    assert_eq!(key.lose(MaterialId([1; 32])), Some(TokenId([1; 16])));
    assert_eq!(key.lose(MaterialId([1; 32])), None, "twice");
    assert!(key.lacks_material());
    assert_eq!(key.take_again(arrival(1)), Ok(None));
    assert_eq!(key.take_again(arrival(1)), Ok(Some(TokenId([1; 16]))));
}

#[test]
fn a_report_that_comes_late_or_twice_changes_nothing() {
    let mut local = Local::single_region();
    let arn = local.create_primary_to_import();
    let mut key = Key::clone(&local.key(arn));
    let europe = RegionName::parse("eu-west-1").unwrap();
    key.take_new(arrival(1)).unwrap();
    if let Some(MultiRegion::Primary(primary)) = &mut key.multi_region {
        primary.replicas.register(europe, Replica { created: key.created, version: 0 });
    }
    key.take_new(arrival(2)).unwrap();
    let since = key.as_primary().unwrap().awaiting_since;
    let created = key.created;
    let told = |as_of, shared_version, byte: Option<u8>| Holding {
        created,
        as_of,
        shared_version,
        material: byte.map(|byte| MaterialId([byte; 32])),
    };
    assert!(key.hear_of(europe, told(4, since - 1, Some(2))));
    assert_eq!(
        key.awaiting_state(),
        KeyMaterialState::PendingMultiRegionImportAndRotation,
        "that was another time the same material awaited rotation"
    );
    assert!(key.hear_of(europe, told(6, since, Some(2))));
    assert_eq!(key.awaiting_state(), KeyMaterialState::PendingRotation);
    assert!(!key.hear_of(europe, told(5, since, None)), "late");
    assert!(!key.hear_of(europe, told(6, since, Some(2))), "twice");
    assert_eq!(key.awaiting_state(), KeyMaterialState::PendingRotation);
    assert!(key.hear_of(europe, told(7, since, None)));
    assert_eq!(key.awaiting_state(), KeyMaterialState::PendingMultiRegionImportAndRotation);
}
