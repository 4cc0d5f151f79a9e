//! The parsed keys in an HSM's memory: they change no answer, and end with what they came from.

use super::*;
use crate::algorithm::{MacAlgorithm, MessageType, SigningAlgorithm};
use crate::hsm::{CACHED_KEYS, SignedMessage};

/// A key of each way of use: message keys, MACs, a key pair.
const SPECS: [KeySpec; 3] = [KeySpec::SymmetricDefault, KeySpec::Hmac256, KeySpec::EccNistP256];

fn generate(cluster: &mut Cluster, number: u8, spec: KeySpec) -> Arc<KeyToken> {
    match cluster.run(0, &Command::GenerateBackingKey { key: id(number), spec }, &[]) {
        Ok(Reply::BackingKey { token, .. }) => token,
        other => panic!("{other:?}"),
    }
}

fn command(token: &KeyToken, spec: KeySpec) -> Command {
    let (with, bytes) = (of(token), SecretBytes::from(PLAINTEXT.to_vec()));
    match spec {
        KeySpec::Hmac256 => {
            let algorithm = MacAlgorithm::HmacSha256;
            Command::GenerateMac { with, algorithm, message: bytes }
        }
        KeySpec::EccNistP256 => Command::Sign {
            with,
            algorithm: SigningAlgorithm::EcdsaSha256,
            message: SignedMessage { bytes, kind: MessageType::Raw },
        },
        _ => sealing(token),
    }
}

/// Every answer of a long session: keys come and go, some tokens are damaged.
fn session(backend: &Arc<dyn CryptoBackend>, cached_keys: usize) -> Vec<Result<Reply, Fault>> {
    let mut cluster = Cluster::new(backend, 1, 1);
    let identity = cluster.devices[0].identity().clone();
    cluster.devices[0] = HsmDevice::with_cache(identity, backend.clone(), cached_keys);
    cluster.join(0).unwrap();
    let tokens: Vec<_> = (0..9)
        .map(|number| (SPECS[usize::from(number) % 3], number))
        .map(|(spec, number)| (spec, generate(&mut cluster, number, spec)))
        .collect();
    let mut answers = Vec::new();
    for turn in 0..200_usize {
        let (spec, token) = &tokens[turn * turn % tokens.len()];
        let mut sent = KeyToken::clone(token);
        let damaged = turn % 7 == 3;
        sent.sealed[turn % 16] ^= u8::from(damaged);
        let answer = cluster.run(0, &command(token, *spec), &[Arc::new(sent)]);
        assert_eq!(answer.is_err(), damaged, "turn {turn}");
        assert!(cluster.devices[0].cached_keys() <= cached_keys);
        answers.push(answer);
    }
    answers
}

#[test]
fn no_answer_depends_on_it() {
    let backend: Arc<dyn CryptoBackend> = Arc::new(RustCrypto);
    let without = session(&backend, 0);
    for cached_keys in [2, 4, CACHED_KEYS] {
        assert!(session(&backend, cached_keys) == without, "{cached_keys} keys");
    }
}

/// A cluster of one HSM that has used a key of each kind.
fn used(backend: &Arc<dyn CryptoBackend>) -> (Cluster, Vec<Arc<KeyToken>>) {
    let mut cluster = Cluster::new(backend, 1, 1);
    let tokens = (0..).zip(SPECS).map(|(number, spec)| {
        let token = generate(&mut cluster, number, spec);
        cluster.run(0, &command(&token, spec), std::slice::from_ref(&token)).unwrap();
        token
    });
    let tokens = tokens.collect::<Vec<_>>();
    assert_eq!(cluster.devices[0].cached_keys(), tokens.len());
    (cluster, tokens)
}

#[test]
fn a_reset_and_a_rotation_wipe_it() {
    for backend in backends() {
        let (mut cluster, _) = used(&backend);
        cluster.devices[0].reset();
        assert_eq!(cluster.devices[0].cached_keys(), 0);
        let (mut cluster, _) = used(&backend);
        cluster.rotate(0);
        assert_eq!(cluster.devices[0].cached_keys(), 0);
        let (mut cluster, _) = used(&backend);
        let people: Vec<_> = cluster.domain.people().cloned().collect();
        let mandate = Mandate::new(&Command::Leave, &cluster.token, &people, &mut cluster.random);
        cluster.devices[0].manage(&Command::Leave, &mandate, &mut cluster.random).unwrap();
        assert_eq!(cluster.devices[0].cached_keys(), 0);
    }
}

#[test]
fn the_end_of_a_token_wipes_its_key() {
    for backend in backends() {
        let (mut cluster, tokens) = used(&backend);
        for (token, left) in tokens.iter().zip([2, 1, 0]) {
            cluster.devices[0].forget(token.id);
            assert_eq!(cluster.devices[0].cached_keys(), left);
        }
    }
}

/// The cached key of a token does not outlive the domain key that sealed it.
#[test]
fn a_dropped_domain_key_ends_its_tokens() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let token = cluster.key(id(1));
        for _ in 0..4 {
            cluster.seal(0, &token).unwrap();
            cluster.rotate(0);
        }
        assert_eq!(cluster.seal(0, &token), Err(Fault::UnknownDomainKey));
    }
}
