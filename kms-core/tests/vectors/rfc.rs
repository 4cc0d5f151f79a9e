//! What fixes how a signature is made: the nonce of RFC 6979, and the μ of FIPS 204.

use super::keys::{of_scalar, signature_of};
use super::lattices::shake256;
use super::records::hex;
use super::tally::{Tally, VALID};
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::crypto::{CryptoBackend, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;

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
            ("test", "013e99020abf5cee7525d16b69b229652ab6bdf2affcaef38773b4b7d08725f10cdb93482fdcc54edcee91eca4166b2a7c6265ef0ce2bd7051b7cef945babd47ee6d01fbd0013c674aa79cb39849527916ce301c66ea7ce8b80682786ad60f98f7e78a19ca69eff5c57400e3b3a0ad66ce0978214d13baf4e9ac60752f7b155e2de4dce3"),
        ],
    },
];

/// The nonce of an ECDSA signature is the one that RFC 6979 derives.
#[test]
fn deterministic_ecdsa() {
    let mut tally = Tally::of_one("RFC 6979", &RustCrypto);
    for example in RFC_6979 {
        let material = of_scalar(example.spec, &hex(example.scalar));
        for (number, (message, signature)) in example.signatures.iter().enumerate() {
            let numbers = hex(signature);
            let (r, s) = numbers.split_at(numbers.len() / 2);
            let expected = signature_of(r, s);
            let message = Message { bytes: message.as_bytes(), kind: MessageType::Raw };
            tally.case(number, VALID, |backend| {
                let key = backend.load(example.spec, &material).expect("canonical");
                let signed = key.sign(example.algorithm, message, &mut SeededRandom::new(1));
                signed.is_ok_and(|signature| signature == expected)
            });
        }
    }
    tally.must_be(6, 0);
}

/// FIPS 204, algorithm 7: μ of a message, given instead of it, makes the same signature. Here it is
/// computed from the standard's definition, outside of the backend.
#[test]
fn an_external_mu_signs_the_message() {
    let spec = KeySpec::MlDsa65;
    let algorithm = SigningAlgorithm::MlDsaShake256;
    let key = RustCrypto.load(spec, &SecretBytes::from(vec![5; 32])).expect("a seed");
    let public = key.public_key();
    let bare = kms_core::crypto::codec::public_key(spec, public).expect("a public key");
    let mu = shake256(&[&shake256(&[bare]), &[0, 0], b"a message"]);
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
