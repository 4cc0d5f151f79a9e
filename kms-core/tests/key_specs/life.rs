//! A key stays the same key in another Region, and when its domain key is gone.

use crate::world::{HOME, ask, create, kinds, public_key, region, signature};
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::{Response, create_key, generate_mac, replicate_key, sign, verify};
use kms_core::wire::SigningAlgorithm;
use std::time::Duration;

#[test]
fn a_replica_of_any_kind_of_key_is_the_same_key() {
    let mut local = Local::regions(&[HOME, "eu-west-1"]);
    let there = region("eu-west-1");
    for (home, spec, usage) in kinds().filter(|(home, spec, _)| {
        home.as_str() == HOME && !matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096)
    }) {
        let request =
            create_key::Request { multi_region: true, ..create_key::Request::of(spec, usage) };
        let key = create(&mut local, home, request).unwrap();
        local.call(replicate_key::Request::new(key, there)).unwrap();
        local.advance(Duration::from_secs(5));
        let replica = KeyArn { region: there, ..key };
        if spec.is_asymmetric() {
            let (one, two) = (public_key(&mut local, key), public_key(&mut local, replica));
            assert_eq!(one.public_key, two.public_key, "{spec}");
        }
        if let Some(algorithm) = spec.signing_algorithms().first()
            && usage == KeyUsage::SignVerify
        {
            let request = sign::Request::new(replica, *b"message", *algorithm);
            let made = signature(&mut local, request, replica);
            local.call(verify::Request::new(key, *b"message", *algorithm, made)).unwrap();
        }
        if let Some(algorithm) = spec.mac_algorithm() {
            let mac = |local: &mut Local, key: KeyArn| {
                ask(local, key, generate_mac::Request::new(key.id, *b"message", algorithm))
            };
            let (Ok(Response::GenerateMac(one)), Ok(Response::GenerateMac(two))) =
                (mac(&mut local, key), mac(&mut local, replica))
            else {
                panic!()
            };
            assert_eq!(one.mac, two.mac);
        }
    }
}

#[test]
fn a_key_outlives_its_domain_keys() {
    let mut local = Local::single_region();
    let key = local.create_key_of(KeySpec::MlDsa44, KeyUsage::SignVerify);
    let algorithm = SigningAlgorithm::MlDsaShake256;
    let before = signature(&mut local, sign::Request::new(key, *b"message", algorithm), key);
    local.advance(Duration::from_secs(20 * 86_400));
    local.call(verify::Request::new(key, *b"message", algorithm, before)).unwrap();
    let after = signature(&mut local, sign::Request::new(key, *b"message", algorithm), key);
    local.call(verify::Request::new(key, *b"message", algorithm, after)).unwrap();
}
