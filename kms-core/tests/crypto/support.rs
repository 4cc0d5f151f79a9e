//! What the checks share: seeded draws, one key a spec, and who does what.

use kms_core::crypto::{Algorithm, BACKENDS, CryptoBackend, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

/// A stream of draws; the same seed gives the same bytes.
pub(crate) fn random(seed: u64) -> SeededRandom {
    SeededRandom::new(seed)
}

/// Key material of a spec, made once: RSA keys take long.
pub(crate) fn material(spec: KeySpec) -> SecretBytes {
    static MADE: LazyLock<Mutex<BTreeMap<KeySpec, SecretBytes>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().expect("no test panicked here");
    made.entry(spec)
        .or_insert_with(|| RustCrypto.generate(spec, &mut random(7)).expect("every spec"))
        .clone()
}

/// The public key of that material.
pub(crate) fn public_key(spec: KeySpec) -> Vec<u8> {
    RustCrypto.load(spec, &material(spec)).expect("canonical").public_key().to_vec()
}

/// The backends that have an algorithm with a key of a spec.
pub(crate) fn supporting(
    spec: KeySpec,
    algorithm: Algorithm,
) -> impl Iterator<Item = &'static dyn CryptoBackend> {
    BACKENDS.iter().copied().filter(move |backend| backend.supports(spec, algorithm))
}

/// Every spec with every algorithm it is for.
pub(crate) fn everything() -> impl Iterator<Item = (KeySpec, Algorithm)> {
    KeySpec::ALL
        .iter()
        .flat_map(|spec| spec.algorithms().into_iter().map(|algorithm| (*spec, algorithm)))
}
