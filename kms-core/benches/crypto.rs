//! What each library costs, bare: every algorithm of every spec on each backend that has it, with a
//! parsed key, and the parsing itself, which a host pays when its HSM has forgotten the key.
//!
//! ```text
//! cargo bench -p kms-core --bench crypto -- 'RSA_2048.*sign'
//! ```

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use kms_core::crypto::{
    Algorithm, BACKENDS, CryptoBackend, Message, PrivateKey, RustCrypto, SecretBytes, SecretKey,
};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use std::hint::black_box;
use std::time::Duration;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn short<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
    group
}

/// Keys of 256 bits: a derived key, a sealed and an opened message of 32 bytes, and all three as one
/// Encrypt does them.
fn symmetric(criterion: &mut Criterion) {
    let mut group = short(criterion, "SYMMETRIC_DEFAULT");
    let key = SecretKey::new([1; 32]);
    for backend in BACKENDS {
        let mut sealed = Vec::new();
        backend.seal(&key, &[2; 12], b"aad", &[3; 32], &mut sealed);
        group.bench_function(BenchmarkId::new("derive", backend.name()), |bencher| {
            bencher.iter(|| backend.derive_key(&key, b"label", black_box(&[4; 16])));
        });
        group.bench_function(BenchmarkId::new("open 32 bytes", backend.name()), |bencher| {
            bencher.iter(|| backend.open(&key, &[2; 12], b"aad", black_box(&sealed)));
        });
        group.bench_function(BenchmarkId::new("derive and seal", backend.name()), |bencher| {
            bencher.iter(|| {
                let derived = backend.derive_key(&key, b"label", black_box(&[4; 16]));
                let mut out = Vec::with_capacity(48);
                backend.seal(&derived, &[2; 12], b"aad", black_box(&[3; 32]), &mut out);
                out
            });
        });
    }
    group.finish();
}

/// Everything else.
fn keys(criterion: &mut Criterion) {
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::SymmetricDefault) {
        let material = RustCrypto.generate(spec, &mut SeededRandom::new(7)).expect("every spec");
        let mut group = short(criterion, spec.as_str());
        for backend in BACKENDS {
            let Ok(key) = backend.load(spec, &material) else { continue };
            group.bench_function(BenchmarkId::new("load", backend.name()), |bencher| {
                bencher.iter(|| backend.load(spec, black_box(&material)));
            });
            for algorithm in spec.algorithms() {
                if backend.supports(spec, algorithm) {
                    pair(&mut group, *backend, spec, key.as_ref(), algorithm);
                }
            }
        }
        for backend in BACKENDS {
            if let Some(algorithm) = spec.mac_algorithm()
                && backend.supports(spec, Algorithm::Mac(algorithm))
            {
                mac(&mut group, *backend, &material, algorithm);
            }
        }
        group.finish();
    }
}

fn mac(
    group: &mut Group<'_>,
    backend: &dyn CryptoBackend,
    key: &SecretBytes,
    algorithm: kms_core::algorithm::MacAlgorithm,
) {
    group.bench_function(BenchmarkId::new("tag 64 bytes", backend.name()), |bencher| {
        bencher.iter(|| backend.hmac(algorithm, key, black_box(&[5; 64])));
    });
}

/// Both directions of one algorithm: with the private and with the public half.
fn pair(
    group: &mut Group<'_>,
    backend: &dyn CryptoBackend,
    spec: KeySpec,
    key: &dyn PrivateKey,
    algorithm: Algorithm,
) {
    let (public, random) = (key.public_key().to_vec(), &mut SeededRandom::new(1));
    let id = |what: &str| BenchmarkId::new(what.to_owned(), backend.name());
    match algorithm {
        Algorithm::Signing(algorithm, kind) => {
            let form = algorithm.message_forms().iter().find(|form| form.0 == kind);
            let bytes = vec![5; form.and_then(|form| form.1).unwrap_or(64)];
            let message = Message { bytes: &bytes, kind };
            let signature = key.sign(algorithm, message, random).expect("a signature");
            group.bench_function(id(&format!("sign {algorithm} {kind}")), |bencher| {
                bencher.iter(|| key.sign(algorithm, black_box(message), random));
            });
            group.bench_function(id(&format!("verify {algorithm} {kind}")), |bencher| {
                bencher.iter(|| {
                    backend.verify(spec, &public, algorithm, message, black_box(&signature))
                });
            });
        }
        Algorithm::Encryption(algorithm) => {
            let sealed = backend.encrypt_for(spec, &public, algorithm, &[6; 32], random);
            let sealed = sealed.expect("a ciphertext");
            group.bench_function(id(&format!("encrypt {algorithm}")), |bencher| {
                bencher.iter(|| backend.encrypt_for(spec, &public, algorithm, &[6; 32], random));
            });
            group.bench_function(id(&format!("decrypt {algorithm}")), |bencher| {
                bencher.iter(|| key.decrypt(algorithm, black_box(&sealed)));
            });
        }
        Algorithm::KeyAgreement => {
            group.bench_function(id("agree"), |bencher| {
                bencher.iter(|| key.agree(black_box(&public)));
            });
        }
        Algorithm::Encapsulation => {
            let (ciphertext, _) = backend.encapsulate(spec, &public, random).expect("a secret");
            group.bench_function(id("encapsulate"), |bencher| {
                bencher.iter(|| backend.encapsulate(spec, black_box(&public), random));
            });
            group.bench_function(id("decapsulate"), |bencher| {
                bencher.iter(|| key.decapsulate(black_box(&ciphertext)));
            });
        }
        Algorithm::Mac(_) => {}
    }
}

criterion_group!(benches, symmetric, keys);
criterion_main!(benches);
