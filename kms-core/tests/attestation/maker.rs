//! A maker of attestation documents that shares nothing with what reads them: certificates come from
//! another library, and CBOR is written by hand, as RFC 8949 says.

use super::envelope::{Opened, parts};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use kms_core::attestation::Fingerprint;
use kms_core::crypto::SecretBytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, SigningKey, date_time_ymd,
};

/// ES384 and ES256 (RFC 9053, section 2.1).
pub(crate) const ES384: i64 = -35;
pub(crate) const ES256: i64 = -7;

/// A day, by which certificates begin and end.
pub(crate) type Day = (i32, u8, u8);

/// An enclave with a chain of certificates of its own.
pub(crate) struct Enclave {
    root: Vec<u8>,
    between: Vec<u8>,
    certificate: Vec<u8>,
    key: KeyPair,
    recipient: PrivateDecryptingKey,
}

/// What a document says, to be changed before it is signed.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) algorithm: i64,
    pub(crate) registers: &'static str,
    pub(crate) image: [u8; 48],
    pub(crate) public_key: Option<Vec<u8>>,
}

impl Enclave {
    /// An enclave whose certificates are good on the first day of 2026.
    pub(crate) fn new() -> Enclave {
        Enclave::valid((2025, 12, 31), (2026, 1, 2))
    }

    /// An enclave whose own certificate is good between these days.
    pub(crate) fn valid(from: Day, to: Day) -> Enclave {
        let always = ((2020, 1, 1), (2049, 1, 1));
        let root = params("root", always, true);
        let root = CertifiedIssuer::self_signed(root, pair()).expect("a root");
        let between = params("zone", always, true);
        let between = CertifiedIssuer::signed_by(between, pair(), &root).expect("a certificate");
        let key = pair();
        let certificate = params("enclave", (from, to), false).signed_by(&key, &between);
        Enclave {
            root: root.der().to_vec(),
            between: between.der().to_vec(),
            certificate: certificate.expect("a certificate").der().to_vec(),
            key,
            recipient: PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key"),
        }
    }

    /// The same enclave under the root of another.
    pub(crate) fn claims_root_of(&self, other: &Enclave, statement: &Statement) -> Vec<u8> {
        self.signed(statement, &other.root)
    }

    /// The fingerprint of its root.
    pub(crate) fn root(&self) -> Fingerprint {
        Fingerprint::of(&self.root)
    }

    /// What an honest document of it says.
    pub(crate) fn statement(&self) -> Statement {
        let public = self.recipient.public_key().as_der().expect("a public key");
        Statement {
            algorithm: ES384,
            registers: "pcrs",
            image: [0xab; 48],
            public_key: Some(public.as_ref().to_vec()),
        }
    }

    /// An honest document.
    pub(crate) fn document(&self) -> Vec<u8> {
        self.sign(&self.statement())
    }

    /// A document that says this.
    pub(crate) fn sign(&self, statement: &Statement) -> Vec<u8> {
        self.signed(statement, &self.root)
    }

    fn signed(&self, statement: &Statement, root: &[u8]) -> Vec<u8> {
        let payload = self.payload(statement, root);
        let protected = map(&[(integer(1), integer(statement.algorithm))]);
        let empty = bytes(&[]);
        let signed = array(&[text("Signature1"), bytes(&protected), empty, bytes(&payload)]);
        let signature = self.key.sign(&signed).expect("a signature");
        array(&[bytes(&protected), map(&[]), bytes(&payload), bytes(&side_by_side(&signature))])
    }

    fn payload(&self, statement: &Statement, root: &[u8]) -> Vec<u8> {
        let registers = map(&[
            (integer(0), bytes(&statement.image)),
            (integer(1), bytes(&[1; 48])),
            (integer(8), bytes(&[0; 48])),
        ]);
        let bundle = array(&[bytes(root), bytes(&self.between)]);
        let public_key = statement.public_key.as_ref().map_or(vec![0xf6], |key| bytes(key));
        map(&[
            (text("module_id"), text("i-0123456789abcdef0-enc0123456789abcdef")),
            (text("digest"), text("SHA384")),
            (text("timestamp"), integer(1_767_225_600_000)),
            (text(statement.registers), registers),
            (text("certificate"), bytes(&self.certificate)),
            (text("cabundle"), bundle),
            (text("public_key"), public_key),
            (text("user_data"), vec![0xf6]),
            (text("nonce"), vec![0xf6]),
        ])
    }

    /// What an envelope for the enclave holds.
    pub(crate) fn open(&self, envelope: &[u8]) -> SecretBytes {
        SecretBytes::from(Opened::parse(envelope).open(self.recipient.clone()))
    }
}

fn pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key pair")
}

fn params(name: &str, (from, to): (Day, Day), authority: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) =
        (date_time_ymd(from.0, from.1, from.2), date_time_ymd(to.0, to.1, to.2));
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }
    params
}

/// The two numbers of a signature in DER, each as 48 bytes.
fn side_by_side(signature: &[u8]) -> Vec<u8> {
    let numbers = parts(parts(signature)[0].1);
    let fixed = numbers.iter().flat_map(|(_, number)| {
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        [&vec![0; 48 - number.len()][..], number].concat()
    });
    fixed.collect()
}

fn head(major: u8, number: u64) -> Vec<u8> {
    let (major, bytes) = (major << 5, number.to_be_bytes());
    match number {
        0..24 => vec![major | bytes[7]],
        24..0x100 => vec![major | 24, bytes[7]],
        0x100..0x1_0000 => [&[major | 25], &bytes[6..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[major | 26], &bytes[4..]].concat(),
        _ => [&[major | 27], &bytes[..]].concat(),
    }
}

fn integer(number: i64) -> Vec<u8> {
    match number {
        0.. => head(0, number.unsigned_abs()),
        _ => head(1, number.unsigned_abs() - 1),
    }
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [head(2, bytes.len() as u64), bytes.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.into()].concat()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let pairs = entries.iter().flat_map(|(key, value)| [key, value]);
    pairs.fold(head(5, entries.len() as u64), |map, item| [map, item.clone()].concat())
}
