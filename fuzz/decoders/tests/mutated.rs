//! Every decoder, given any bytes, and valid inputs with a few bytes changed.

use decoders::{DECODERS, Decoder, SIGNERS, http_request, is_signed, private_key};
use kms_core::algorithm::MessageType;
use kms_core::crypto::codec::{export, public_key};
use kms_core::crypto::{CryptoBackend, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use proptest::prelude::*;
use serde_json::Value;
use std::path::Path;

/// Specs whose keys are parsed in different ways and made fast.
const SPECS: [KeySpec; 7] = [
    KeySpec::EccNistP256,
    KeySpec::EccNistP521,
    KeySpec::EccSecgP256k1,
    KeySpec::EccNistEdwards25519,
    KeySpec::MlDsa44,
    KeySpec::MlKem512,
    KeySpec::Sm2,
];

fn material(spec: KeySpec) -> SecretBytes {
    RustCrypto.generate(spec, &mut SeededRandom::new(1)).expect("a key")
}

fn public(spec: KeySpec) -> Vec<u8> {
    let key = RustCrypto.load(spec, &material(spec)).expect("canonical");
    key.public_key().to_vec()
}

/// Inputs with up to three bytes changed, and perhaps an end cut off.
fn mutated(inputs: Vec<Vec<u8>>) -> impl Strategy<Value = (usize, Vec<u8>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (0..inputs.len(), changes, cut).prop_map(move |(which, changes, cut)| {
        let mut bytes = inputs[which].clone();
        if !bytes.is_empty() {
            changes.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
            bytes.truncate(cut.map_or(bytes.len(), |at| at.index(bytes.len())));
        }
        (which, bytes)
    })
}

/// A full request of each operation.
fn requests() -> Vec<Vec<u8>> {
    let samples = include_str!("../../../kms-core/tests/wire_samples.json");
    let samples: Value = serde_json::from_str(samples).expect("samples of the wire");
    let samples = samples.as_object().expect("by operation").clone();
    let input = |(name, sample): (String, Value)| format!("{name}\n{}", sample["request"]).into();
    samples.into_iter().map(input).collect()
}

/// The inputs of a decoder's corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let entries = std::fs::read_dir(&folder).expect("a corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("an input")).collect()
}

#[test]
fn the_corpus_comes_back() {
    for decoder in DECODERS {
        let inputs = corpus(decoder.name);
        assert!(inputs.len() >= 4, "{} has {} inputs", decoder.name, inputs.len());
        inputs.iter().for_each(|input| (decoder.run)(input));
    }
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    assert_eq!(folders.expect("the corpora").count(), DECODERS.len(), "a corpus of no decoder");
}

#[test]
fn every_decoder_has_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    for Decoder { name, .. } in DECODERS {
        let target = std::fs::read_to_string(fuzz.join(format!("targets/{name}.rs")));
        assert!(target.expect(name).contains(&format!("decoders::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
}

#[test]
fn any_bytes_come_back() {
    proptest!(ProptestConfig::with_cases(200), |(bytes in prop::collection::vec(any::<u8>(), 0..300))| {
        DECODERS.iter().for_each(|decoder| (decoder.run)(&bytes));
    });
}

#[test]
fn changed_inputs_come_back() {
    for decoder in DECODERS {
        proptest!(ProptestConfig::with_cases(300), |((_, bytes) in mutated(corpus(decoder.name)))| {
            (decoder.run)(&bytes);
        });
    }
}

#[test]
fn changed_requests_come_back() {
    requests().iter().for_each(|request| decoders::request(request));
    proptest!(ProptestConfig::with_cases(2_000), |((_, bytes) in mutated(requests()))| {
        decoders::request(&bytes);
    });
}

#[test]
fn changed_keys_come_back() {
    let private = |spec| export(spec, &material(spec)).expect("canonical").as_bytes().to_vec();
    let keys = SPECS.map(private).to_vec();
    proptest!(ProptestConfig::with_cases(300), |((which, bytes) in mutated(keys))| {
        private_key(SPECS[which], &bytes);
    });
    let keys = SPECS.map(public).to_vec();
    proptest!(ProptestConfig::with_cases(300), |((which, bytes) in mutated(keys))| {
        let _ = public_key(SPECS[which], &bytes);
    });
}

#[test]
fn changed_signatures_come_back() {
    let signed = |(spec, algorithm)| {
        let key = RustCrypto.load(spec, &material(spec)).expect("canonical");
        let message = Message { bytes: b"signed", kind: MessageType::Raw };
        key.sign(algorithm, message, &mut SeededRandom::new(2)).expect("a signature")
    };
    let made = SIGNERS.map(signed).to_vec();
    proptest!(ProptestConfig::with_cases(100), |((_, bytes) in mutated(made))| {
        decoders::signature(&bytes);
    });
}

#[test]
fn the_corpus_has_requests_whose_signature_holds() {
    let requests = corpus("authorization");
    let requests = requests.iter().filter_map(|input| http_request(input));
    assert!(requests.filter(|(parts, body)| is_signed(parts, body)).count() >= 3);
}
