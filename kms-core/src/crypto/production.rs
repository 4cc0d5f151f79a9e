//! A backend as production runs it: the chosen library, and others where it has gaps.
//!
//! Every library lacks something. Asked for what the chosen one lacks, this backend goes on to the
//! default one and then to RustCrypto, which has everything. A key of a spec for which a library's
//! time tells of the key never gets there: RSA runs on AWS-LC, OpenSSL or ring, whatever was chosen.

#[cfg(feature = "openssl")]
use super::OpenSsl;
use super::{
    Algorithm, AwsLc, CryptoBackend, CryptoFailure, Message, PrivateKey, Ring, RustCrypto,
    SecretBytes,
};
use crate::algorithm::{EncryptionAlgorithm, SigningAlgorithm};
use crate::env::Random;
use crate::key::KeySpec;
use std::sync::Arc;

type Layer = &'static dyn CryptoBackend;

macro_rules! backends {
    ($($(#[$only:meta])? $backend:ident,)*) => {
        /// Every backend there is, the default first; `--backend` takes their names.
        pub static BACKENDS: &[Layer] = &[$($(#[$only])? &$backend,)*];

        /// The backend of that name.
        pub fn backend(name: &str) -> Option<Arc<dyn CryptoBackend>> {
            $($(#[$only])? if $backend.name() == name {
                return Some(Arc::new($backend));
            })*
            None
        }
    };
}
backends! {
    AwsLc,
    #[cfg(feature = "openssl")]
    OpenSsl,
    Ring,
    RustCrypto,
}

/// A backend that does everything and keeps the time of its private operations to itself.
///
/// A server takes this type and no other, so that none can be started on a bare library.
#[derive(Clone, Copy)]
pub struct Production {
    chosen: Layer,
}

impl Production {
    /// Production on the library of that name.
    pub fn named(name: &str) -> Option<Production> {
        BACKENDS.iter().find(|backend| backend.name() == name).map(|&chosen| Production { chosen })
    }

    /// The libraries to ask, in this order.
    fn layers(self, spec: KeySpec) -> impl Iterator<Item = Layer> {
        let layers: [Layer; 3] = [self.chosen, &AwsLc, &RustCrypto];
        layers.into_iter().filter(move |layer| layer.constant_time(spec))
    }

    /// The library that does an algorithm with a key of a spec.
    ///
    /// # Errors
    /// When keys of that spec have no such algorithm.
    pub fn library(self, spec: KeySpec, algorithm: Algorithm) -> Result<Layer, CryptoFailure> {
        self.layers(spec).find(|layer| layer.supports(spec, algorithm)).ok_or(CryptoFailure)
    }
}

impl Default for Production {
    /// Production on AWS-LC.
    fn default() -> Self {
        Production { chosen: BACKENDS[0] }
    }
}

impl CryptoBackend for Production {
    crate::forward_to_backend!(
        self, self.chosen;
        name, sha256, hmac_sha256, derive_key, derivation_key, seal, open, p384_public, p384_agree,
        hmac, unwrap_key,
    );

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        self.library(spec, algorithm).is_ok()
    }

    /// The first library that makes keys of that spec; those that do not draw nothing.
    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        self.layers(spec).find_map(|layer| layer.generate(spec, random).ok()).ok_or(CryptoFailure)
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        let mut keys: Vec<LoadedBy> = Vec::new();
        for algorithm in spec.algorithms() {
            let library = self.library(spec, algorithm)?;
            if keys.iter().all(|key| key.library != library.name()) {
                let key = library.load(spec, material)?;
                keys.push(LoadedBy { library: library.name(), key });
            }
        }
        match keys.len() {
            0 => Err(CryptoFailure),
            1 => Ok(keys.remove(0).key),
            _ => Ok(Box::new(LayeredKey { production: *self, spec, keys })),
        }
    }

    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        self.library(spec, Algorithm::Signing(algorithm, message.kind))?
            .verify(spec, public_key, algorithm, message, signature)
    }

    fn encrypt_for(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        self.library(spec, Algorithm::Encryption(algorithm))?
            .encrypt_for(spec, public_key, algorithm, plaintext, random)
    }

    fn encapsulate(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        self.library(spec, Algorithm::Encapsulation)?.encapsulate(spec, public_key, random)
    }
}

struct LoadedBy {
    library: &'static str,
    key: Box<dyn PrivateKey>,
}

/// A key whose algorithms are shared out among libraries, parsed by each of them.
struct LayeredKey {
    production: Production,
    spec: KeySpec,
    keys: Vec<LoadedBy>,
}

impl LayeredKey {
    fn by(&self, algorithm: Algorithm) -> Result<&dyn PrivateKey, CryptoFailure> {
        let library = self.production.library(self.spec, algorithm)?.name();
        let loaded = self.keys.iter().find(|key| key.library == library).ok_or(CryptoFailure)?;
        Ok(loaded.key.as_ref())
    }
}

impl PrivateKey for LayeredKey {
    fn public_key(&self) -> &[u8] {
        self.keys[0].key.public_key()
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        self.by(Algorithm::Signing(algorithm, message.kind))?.sign(algorithm, message, random)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        self.by(Algorithm::Encryption(algorithm))?.decrypt(algorithm, ciphertext)
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        self.by(Algorithm::KeyAgreement)?.agree(peer)
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        self.by(Algorithm::Encapsulation)?.decapsulate(ciphertext)
    }
}
