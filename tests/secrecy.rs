//! No key shows anywhere: whatever a library of a run is given as a key is looked for in everything that
//! is written down of the run.

use crate::support::scenario;
use kms_core::algorithm::{MacAlgorithm, SigningAlgorithm};
use kms_core::crypto::{
    AwsLc, CryptoBackend, CryptoFailure, DerivationKey, IV_LENGTH, P384_POINT, P384_SCALAR,
    PrivateKey, SecretBytes, SecretKey,
};
use kms_core::env::Timestamp;
use kms_core::hsm::HsmIdentity;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::{Local, SeededRandom};
use kms_core::name::RegionName;
use kms_core::ops::{
    Request, Response, decrypt, encrypt, generate_data_key, generate_mac, rotate_key_on_demand,
    sign,
};
use sim::random::Seed;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// As many bytes in a row of a key as count as a leak.
const WINDOW: usize = 16;

/// A library, and every part of every key that it was given or has made: domain keys, backing keys, the
/// keys of single messages.
#[derive(Default)]
struct Watching {
    library: AwsLc,
    seen: Mutex<BTreeSet<[u8; WINDOW]>>,
}

impl Watching {
    fn note(&self, key: &[u8]) {
        self.note_what_is_not_in(&[], key);
    }

    /// The material of many a key pair has the public half in it, which is shown to everybody.
    fn note_what_is_not_in(&self, public: &[u8], key: &[u8]) {
        let public: BTreeSet<&[u8]> = public.windows(WINDOW).collect();
        let parts = key.windows(WINDOW).filter(|part| !public.contains(part));
        let parts = parts.filter_map(|part| <[u8; WINDOW]>::try_from(part).ok());
        self.seen.lock().expect("whoever held it is done").extend(parts);
    }

    fn secrets(&self) -> Secrets {
        Secrets(self.seen.lock().expect("whoever held it is done").clone())
    }
}

impl CryptoBackend for Watching {
    kms_core::forward_to_backend!(
        self, self.library;
        name, sha256, hmac_sha256, supports, generate, verify, encrypt_for, encapsulate, unwrap_key,
    );

    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        self.note(key.as_bytes());
        self.library.derive_key(key, label, context)
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        self.note(key.as_bytes());
        self.library.derivation_key(key, label)
    }

    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        self.note(key.as_bytes());
        self.library.seal(key, iv, aad, plaintext, out);
    }

    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        self.note(key.as_bytes());
        self.library.open(key, iv, aad, sealed)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        self.note(private);
        self.library.p384_public(private)
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        self.note(private);
        self.library.p384_agree(private, peer)
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        let key = self.library.load(spec, material)?;
        self.note_what_is_not_in(key.public_key(), material.as_bytes());
        Ok(key)
    }

    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        self.note(key.as_bytes());
        self.library.hmac(algorithm, key, message)
    }
}

/// Parts of keys.
struct Secrets(BTreeSet<[u8; WINDOW]>);

impl Secrets {
    fn are_in(&self, bytes: &[u8]) -> bool {
        let mut parts =
            bytes.windows(WINDOW).filter_map(|part| <[u8; WINDOW]>::try_from(part).ok());
        parts.any(|part| self.0.contains(&part))
    }

    /// Whether a text shows one, as hexadecimal digits or as a list of numbers.
    fn show_in(&self, text: &str) -> bool {
        let digits: Vec<u8> = text.bytes().filter_map(hexadecimal).collect();
        let pairs = |from: usize| {
            let pairs = digits[from.min(digits.len())..].chunks_exact(2);
            pairs.map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>()
        };
        let numbers = text.split(|letter: char| !letter.is_ascii_digit());
        let numbers: Vec<u8> = numbers.filter_map(|number| number.parse().ok()).collect();
        [pairs(0), pairs(1), numbers].iter().any(|bytes| self.are_in(bytes))
    }
}

fn hexadecimal(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| digit.try_into().ok())
}

/// Nothing that a simulated run writes down: neither a line nor the whole of any record, and neither
/// what an oracle says nor what the run is said to have expected.
fn is_silent(name: &str) {
    let watching = Arc::new(Watching::default());
    let run =
        sim::run::run(&scenario(name), Seed(1), watching.clone(), |_| ControlFlow::Continue(()));
    let run = run.unwrap_or_else(|error| panic!("{name}: {error}"));
    let secrets = watching.secrets();
    assert!(secrets.0.len() > 50, "{name}: {} parts of keys", secrets.0.len());
    for record in run.history.records() {
        let said = sim::history::line(&record.event);
        assert!(!secrets.show_in(&said), "{name}: {said}");
        let said = format!("{record:?}");
        assert!(!secrets.show_in(&said), "{name}: {said}");
    }
    for judged in &run.judged {
        let said = format!("{:?}", judged.finding);
        assert!(!secrets.show_in(&said), "{name}: {said}");
    }
}

#[test]
fn no_history_shows_a_key() {
    is_silent("hsm/domain-key-rotation-under-partition");
    is_silent("regressions/token-lost");
}

/// Neither an answer with its audit record, nor the log, nor a key token, in a KMS that rotates domain
/// keys and key material all the time.
#[test]
fn no_outcome_no_entry_and_no_token_shows_a_key() {
    let watching = Arc::new(Watching::default());
    let mut local = local(&watching);
    let keys = [
        (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt),
        (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
        (KeySpec::EccNistP256, KeyUsage::SignVerify),
        (KeySpec::EccNistEdwards25519, KeyUsage::SignVerify),
    ]
    .map(|(spec, usage)| local.create_key_of(spec, usage));
    let mut shown = Vec::new();
    for _ in 0..10 {
        let mut requests: Vec<Request> = vec![
            encrypt::Request::new(keys[0], *b"a plaintext").into(),
            generate_data_key::Request::new(keys[0]).into(),
            rotate_key_on_demand::Request { key_id: keys[0].into() }.into(),
            generate_mac::Request::new(keys[1], *b"message", MacAlgorithm::HmacSha256).into(),
            sign::Request::new(keys[2], *b"message", SigningAlgorithm::EcdsaSha256).into(),
            sign::Request::new(keys[3], *b"message", SigningAlgorithm::Ed25519Sha512).into(),
        ];
        while let Some(request) = requests.pop() {
            let owner = local.owner();
            let outcome = local.outcome(region(), &owner, &request);
            if let Ok(Response::Encrypt(made)) = &outcome.result {
                requests.push(decrypt::Request::new(made.ciphertext_blob.clone()).into());
            }
            shown.push(format!("{outcome:?}"));
        }
        local.advance(Duration::from_secs(25 * 3600));
    }
    shown.extend(local.journal().entries_after(0).iter().map(|entry| format!("{entry:?}")));
    let secrets = watching.secrets();
    assert!(secrets.0.len() > 500, "{} parts of keys", secrets.0.len());
    for text in &shown {
        assert!(!secrets.show_in(text), "{text}");
    }
    for token in local.journal().tokens().iter() {
        let bytes = [token.aad(), token.iv.to_vec(), token.sealed.to_vec()].concat();
        assert!(!secrets.are_in(&bytes), "{token:?}");
    }
}

fn region() -> RegionName {
    RegionName::parse("us-east-1").expect("a Region")
}

fn local(watching: &Arc<Watching>) -> Local {
    let backend: Arc<dyn CryptoBackend> = watching.clone();
    let mut random = SeededRandom::new(1);
    let hsms = [(region(), vec![HsmIdentity::generate(backend.as_ref(), &mut random)])];
    Local::founded(&hsms, &backend, Box::new(random), Timestamp::from_seconds(1_767_225_600))
}

/// The search finds what it is for, wherever it stands.
#[test]
fn a_key_that_shows_is_found() {
    let watching = Watching::default();
    let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 1).unwrap());
    watching.derive_key(&SecretKey::new(key), b"label", b"context");
    let secrets = watching.secrets();
    assert!(secrets.are_in(&[&[9, 9], &key[3..], &[9]].concat()));
    assert!(!secrets.are_in(&key[..WINDOW - 1]), "fewer bytes than count");
    let hexadecimal: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [format!("x{key:?}y"), format!("{key:02X?}"), format!("key {hexadecimal}.")] {
        assert!(secrets.show_in(&text), "{text}");
    }
    assert!(!secrets.show_in("SecretKey(32 bytes)"));
}
