//! Every kind of key through the service, from one table: what it may be made for, what it then does,
//! what it refuses to do, and that it does the same in another Region.

mod algorithms;
mod life;
mod permissions;
mod world;

use crate::world::{CHINA, HOME, ask, create, one_of_each, public_key, region};
use kms_core::ErrorCode;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::ops::{Response, create_key, describe_key};
use kms_core::wire::GrantTokens;

#[test]
fn a_key_shows_what_it_is_and_what_it_can_do() {
    let (mut local, keys) = one_of_each();
    for (spec, usage, key) in keys {
        let request =
            describe_key::Request { key_id: key.into(), grant_tokens: GrantTokens::default() };
        let Ok(Response::DescribeKey(shown)) = ask(&mut local, key, request) else { panic!() };
        let shown = shown.key_metadata;
        assert_eq!((shown.key_spec, shown.key_usage, shown.enabled), (spec, usage, true));
        let counts = [
            shown.encryption_algorithms.len(),
            shown.signing_algorithms.len(),
            shown.mac_algorithms.len(),
            shown.key_agreement_algorithms.len(),
            shown.encapsulation_algorithms.len(),
        ];
        let expected = match usage {
            KeyUsage::EncryptDecrypt => [spec.encryption_algorithms().len(), 0, 0, 0, 0],
            KeyUsage::SignVerify => [0, spec.signing_algorithms().len(), 0, 0, 0],
            KeyUsage::GenerateVerifyMac => [0, 0, 1, 0, 0],
            KeyUsage::KeyAgreement => [0, 0, 0, 1, 0],
            KeyUsage::EncapsulateDecapsulate => [0, 0, 0, 0, 1],
        };
        assert_eq!(counts, expected, "{spec} {usage}");
        let symmetric = spec == KeySpec::SymmetricDefault;
        assert_eq!(shown.current_key_material_id.is_some(), symmetric);
        if spec.is_asymmetric() {
            let public = public_key(&mut local, key);
            assert_eq!((public.key_spec, public.key_usage), (spec, usage));
            assert_eq!(public.signing_algorithms, shown.signing_algorithms);
        }
    }
}

#[test]
fn a_usage_the_spec_does_not_have_and_a_spec_the_region_does_not_have_are_refused() {
    let mut local = Local::regions(&[HOME, CHINA]);
    for spec in KeySpec::ALL {
        let home = region(if *spec == KeySpec::Sm2 { CHINA } else { HOME });
        for usage in KeyUsage::ALL.iter().filter(|usage| !spec.usages().contains(usage)) {
            let error = create(&mut local, home, create_key::Request::of(*spec, *usage));
            let expected = ErrorCode::Validation
                .says(format!("KeyUsage {usage} is not compatible with KeySpec {spec}"));
            assert_eq!(error, Err(expected));
        }
        let unsaid = create_key::Request { key_spec: Some(*spec), ..Default::default() };
        let made = create(&mut local, home, unsaid);
        match spec {
            KeySpec::SymmetricDefault => drop(made.expect("the one default")),
            _ => assert_eq!(made.unwrap_err().code, ErrorCode::Validation, "{spec}"),
        }
    }
    for (place, spec) in [
        (HOME, KeySpec::Sm2),
        (CHINA, KeySpec::MlKem512),
        (CHINA, KeySpec::MlKem768),
        (CHINA, KeySpec::MlKem1024),
    ] {
        let request = create_key::Request::of(spec, spec.usages()[0]);
        let error = create(&mut local, region(place), request).unwrap_err();
        let says = format!("Key spec {spec} is not supported in {place}.");
        assert_eq!(error, ErrorCode::UnsupportedOperation.says(says));
    }
}
