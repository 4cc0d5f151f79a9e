//! The examples of GB/T 32918.5 (the curve that SM2 recommends): a signature and a ciphertext of one key.
//! OpenSSL derives the same public key, verifies the one and reads the other.

use super::keys::{number, of_bare, of_scalar, sequence, signature_of};
use super::records::hex;
use super::tally::{Tally, VALID};
use der::Encode;
use der::asn1::OctetStringRef;
use kms_core::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use kms_core::crypto::{Algorithm, Message};
use kms_core::key::KeySpec;

const SPEC: KeySpec = KeySpec::Sm2;
const SCALAR: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const POINT: &str = concat!(
    "04",
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
);

/// GB/T 32918.5, A.2, whose identifier is the one that AWS KMS has too.
#[test]
fn the_signature() {
    let signature = signature_of(
        &hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
        &hex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
    );
    let algorithm = SigningAlgorithm::Sm2Dsa;
    let asked = Algorithm::Signing(algorithm, MessageType::Raw);
    let mut tally = Tally::of("SM2DSA, GB/T 32918.5", SPEC, asked);
    tally.case(1, VALID, |backend| {
        let message = Message { bytes: b"message digest", kind: MessageType::Raw };
        let key = of_bare(SPEC, &hex(POINT));
        backend.verify(SPEC, &key, algorithm, message, &signature).is_ok()
    });
    tally.must_be(1, 0);
}

/// GB/T 32918.5, C.2, in the encoding of GM/T 0009: x and y of C1, then C3, then C2.
#[test]
fn the_ciphertext() {
    let x = hex("04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73");
    let y = hex("e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0");
    let hash = hex("59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766");
    let text = hex("21886ca989ca9c7d58087307ca93092d651efa");
    let octets = |bytes| OctetStringRef::new(bytes).and_then(|it| it.to_der()).expect("short");
    let ciphertext = sequence(&[number(&x), number(&y), octets(&hash), octets(&text)]);
    let algorithm = EncryptionAlgorithm::Sm2Pke;
    let mut tally = Tally::of("SM2PKE, GB/T 32918.5", SPEC, Algorithm::Encryption(algorithm));
    tally.case(1, VALID, |backend| {
        let key = backend.load(SPEC, &of_scalar(SPEC, &hex(SCALAR))).expect("canonical");
        let read = key.decrypt(algorithm, &ciphertext);
        key.public_key().ends_with(&hex(POINT))
            && read.is_ok_and(|plaintext| plaintext.as_bytes() == b"encryption standard")
    });
    tally.must_be(1, 0);
}
