//! Cryptography inside a simulation: whatever library was chosen, the same bytes of the same seed.
//!
//! A library that draws its own randomness would make two runs of a seed differ. So all that is
//! randomized comes from RustCrypto, which draws what it is given; what has only one right answer
//! (hashes, sealing with a given vector, verification, decryption) comes from the chosen library, and
//! a run on each of them must be the same run.
//!
//! An RSA key takes up to a second to make. Here it takes the time of a multiplication: two of 128
//! primes of each size, picked by the drawn bytes, which makes 8,128 keys. P-384 keys are drawn so that
//! products with them are short sums, see [`curve`]. Primes and keys are known to everybody who has these
//! files, and this type to nobody but the simulator: no other crate uses it.

mod curve;
mod known;
#[cfg(test)]
mod tests;

use crate::secrets::Secrets;
use curve::Number;
use kms_core::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use kms_core::crypto::codec::{public_half, rsa_of_primes};
use kms_core::crypto::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, Message, P384_POINT, P384_SCALAR,
    PrivateKey, RustCrypto, SecretBytes, SecretKey,
};
use kms_core::env::{Random, Site, draw};
use kms_core::key::KeySpec;
use known::{Keys, Known, Name, name_of_ciphertext, name_of_signature};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// How many primes there are of each size.
const PRIMES: usize = 128;

/// The primes of the keys of a spec, one after the other, most significant byte first. They were drawn
/// by the RustCrypto backend from the seeds 1 to 64.
fn primes(spec: KeySpec) -> Option<&'static [u8]> {
    match spec {
        KeySpec::Rsa2048 => Some(include_bytes!("../data/primes-1024.bin")),
        KeySpec::Rsa3072 => Some(include_bytes!("../data/primes-1536.bin")),
        KeySpec::Rsa4096 => Some(include_bytes!("../data/primes-2048.bin")),
        _ => None,
    }
}

/// A library whose randomized algorithms are replaced by reproducible ones. What keys it works with, it
/// tells somebody who must never see them elsewhere.
pub(crate) struct Reproducible {
    library: Arc<dyn CryptoBackend>,
    known: Arc<Known>,
    keys: Keys<Pair>,
    secrets: Secrets,
}

impl Reproducible {
    /// Over a library.
    pub(crate) fn over(
        library: Arc<dyn CryptoBackend>,
        secrets: Secrets,
    ) -> Arc<dyn CryptoBackend> {
        let (known, keys) = Default::default();
        Arc::new(Reproducible { library, known, keys, secrets })
    }

    /// A key that nobody has parsed yet.
    fn pair(&self, spec: KeySpec, material: &SecretBytes, public: Vec<u8>) -> Pair {
        let chosen = spec.algorithms().into_iter().any(|algorithm| {
            let one_answer = !matches!(algorithm, Algorithm::Signing(..));
            one_answer && self.library.supports(spec, algorithm)
        });
        let plain = !chosen || self.library.name() == RustCrypto.name();
        Pair {
            library: self.library.clone(),
            public,
            exact: OnceLock::new(),
            randomized: (!plain).then(OnceLock::new),
            spec,
            material: material.clone(),
            known: self.known.clone(),
        }
    }

    /// The key in a material.
    fn parse(&self, spec: KeySpec, material: &SecretBytes) -> Result<Pair, CryptoFailure> {
        let unparsed = self.pair(spec, material, Vec::new());
        let public = unparsed.exact()?.public_key().to_vec();
        Ok(Pair { public, ..unparsed })
    }

    /// Nobody has to parse a new key before it is used: its halves are known to fit, and most materials show
    /// the public one.
    fn make_known(&self, spec: KeySpec, material: &SecretBytes) {
        if let Ok(public) = public_half(spec, material.as_bytes()) {
            self.keys.keep(self.name_of(spec, material), self.pair(spec, material, public));
        }
    }

    /// The point of a drawn key, which its peers may ask about.
    fn point(&self, number: Number) -> [u8; P384_POINT] {
        let public = number.public();
        self.known.drawn(public, number);
        public
    }

    /// What a material is kept under.
    fn name_of(&self, spec: KeySpec, material: &SecretBytes) -> Name {
        self.library.sha256(&[&[spec as u8], material.as_bytes()])
    }

    /// Who does an algorithm that has one right answer.
    fn library(&self, spec: KeySpec, algorithm: Algorithm) -> &dyn CryptoBackend {
        match self.library.supports(spec, algorithm) {
            true => self.library.as_ref(),
            false => &RustCrypto,
        }
    }
}

impl CryptoBackend for Reproducible {
    kms_core::forward_to_backend!(
        self, self.library;
        name, sha256, hmac_sha256, seal, open, unwrap_key,
    );

    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        self.secrets.note(key.as_bytes());
        self.library.derive_key(key, label, context)
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        self.secrets.note(key.as_bytes());
        self.library.derivation_key(key, label)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        self.secrets.note(private);
        match Number::of_private(private) {
            Some(number) => Ok(self.point(number)),
            None => self.library.p384_public(private),
        }
    }

    fn p384_pair(
        &self,
        random: &mut dyn Random,
    ) -> (Zeroizing<[u8; P384_SCALAR]>, [u8; P384_POINT]) {
        let number = Number::new(random, Site::EphemeralKey);
        let private = number.private();
        self.secrets.note(private.as_slice());
        (private, self.point(number))
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        self.secrets.note(private);
        match (Number::of_private(private), self.known.number(peer)) {
            (Some(number), Some(other)) => Ok(number.agreed(&other)),
            _ => self.library.p384_agree(private, peer),
        }
    }

    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        self.secrets.note(key.as_bytes());
        self.library.hmac(algorithm, key, message)
    }

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        RustCrypto.supports(spec, algorithm)
    }

    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        let material = match primes(spec) {
            Some(primes) => rsa_key(spec, primes, random)?,
            None if spec == KeySpec::EccNistP384 => {
                Number::new(random, Site::BackingKey).material()?
            }
            None => RustCrypto.generate(spec, random)?,
        };
        self.make_known(spec, &material);
        Ok(material)
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        let name = self.name_of(spec, material);
        let key = match self.keys.parsed(&name) {
            Some(key) => key,
            None => self.keys.keep(name, self.parse(spec, material)?),
        };
        self.secrets.note_private(&key.public, material.as_bytes());
        Ok(Box::new(Parsed(key)))
    }

    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        let signer = (spec, public_key);
        let name = name_of_signature(self.library.as_ref(), signer, algorithm, message, signature);
        if self.known.is_valid(&name) {
            return Ok(());
        }
        self.library(spec, Algorithm::Signing(algorithm, message.kind))
            .verify(spec, public_key, algorithm, message, signature)?;
        self.known.valid(name);
        Ok(())
    }

    fn encrypt_for(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        let ciphertext = RustCrypto.encrypt_for(spec, public_key, algorithm, plaintext, random)?;
        let (library, reader) = (self.library.as_ref(), (spec, public_key));
        let name = name_of_ciphertext(library, reader, algorithm, &ciphertext);
        self.known.encrypted(name, plaintext.to_vec().into());
        Ok(ciphertext)
    }

    fn encapsulate(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        RustCrypto.encapsulate(spec, public_key, random)
    }
}

/// Two different primes of the pool.
fn rsa_key(
    spec: KeySpec,
    primes: &[u8],
    random: &mut dyn Random,
) -> Result<SecretBytes, CryptoFailure> {
    let [a, b, c, d]: [u8; 4] = draw(random, Site::BackingKey);
    let first = usize::from(u16::from_be_bytes([a, b])) % PRIMES;
    let distance = 1 + usize::from(u16::from_be_bytes([c, d])) % (PRIMES - 1);
    let length = primes.len() / PRIMES;
    let prime = |number: usize| &primes[number * length..(number + 1) * length];
    rsa_of_primes(spec, prime(first), prime((first + distance) % PRIMES))
}

/// A key as a library parsed it, if it could.
type Lazily = OnceLock<Option<Box<dyn PrivateKey>>>;

/// One key, parsed by the chosen library when it has to, and by RustCrypto when it first signs.
struct Pair {
    library: Arc<dyn CryptoBackend>,
    /// SubjectPublicKeyInfo in DER.
    public: Vec<u8>,
    exact: Lazily,
    /// Not there when RustCrypto parses it anyway.
    randomized: Option<Lazily>,
    spec: KeySpec,
    material: SecretBytes,
    known: Arc<Known>,
}

impl Pair {
    /// The key as the one parsed it whose answers are wanted, if there is but one right answer.
    fn exact(&self) -> Result<&dyn PrivateKey, CryptoFailure> {
        let library = match self.randomized {
            None => &RustCrypto,
            Some(_) => self.library.as_ref(),
        };
        self.parsed_by(&self.exact, library)
    }

    fn signer(&self) -> Result<&dyn PrivateKey, CryptoFailure> {
        match &self.randomized {
            None => self.exact(),
            Some(randomized) => self.parsed_by(randomized, &RustCrypto),
        }
    }

    fn parsed_by<'p>(
        &self,
        parsed: &'p Lazily,
        library: &dyn CryptoBackend,
    ) -> Result<&'p dyn PrivateKey, CryptoFailure> {
        let parse = || library.load(self.spec, &self.material).ok();
        parsed.get_or_init(parse).as_deref().ok_or(CryptoFailure)
    }
}

/// A key in the hands of one of those that have parsed it.
struct Parsed(Arc<Pair>);

impl PrivateKey for Parsed {
    fn public_key(&self) -> &[u8] {
        &self.0.public
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        let Pair { library, known, spec, .. } = &*self.0;
        let number = match (spec, algorithm, message.kind) {
            (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384, MessageType::Raw) => {
                Number::of_material(&self.0.material)
            }
            _ => None,
        };
        let signature = match number {
            Some(number) => number.sign(library.as_ref(), message.bytes)?,
            None => self.0.signer()?.sign(algorithm, message, random)?,
        };
        let signer = (*spec, self.public_key());
        known.valid(name_of_signature(library.as_ref(), signer, algorithm, message, &signature));
        Ok(signature)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let reader = (self.0.spec, self.public_key());
        let name = name_of_ciphertext(self.0.library.as_ref(), reader, algorithm, ciphertext);
        match self.0.known.plaintext(&name) {
            Some(plaintext) => Ok(plaintext),
            None => self.0.exact()?.decrypt(algorithm, ciphertext),
        }
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        self.0.exact()?.agree(peer)
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        self.0.exact()?.decapsulate(ciphertext)
    }
}
