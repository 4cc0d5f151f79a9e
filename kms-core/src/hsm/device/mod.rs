//! The HSM itself: executes commands with the domain keys in its memory and forgets everything else.
//!
//! Here is the machine and which command is what; beside it, what it does: [`tokens`] wraps and unwraps
//! backing keys, [`cache`] keeps the busy ones at hand, [`seal`] has the symmetric ciphertexts,
//! [`asymmetric`] the key pairs and MACs, [`import`] takes key material in, [`envelope`] gives plaintexts
//! to attested recipients, [`transfer`] is the way of a backing key into another Region, and [`session`]
//! knows who may ask for any of it.

mod asymmetric;
mod cache;
mod envelope;
mod import;
mod seal;
mod session;
mod tokens;
mod transfer;

pub use cache::CACHED_KEYS;
pub(super) use cache::KeyCache;
use session::OpenSessions;
pub use session::SESSION_VALIDITY;

use super::command::Command;
use super::domain::{AgreementCache, Domain, HsmIdentity, Standing};
use super::reply::{Fault, Reply};
use super::session::Within;
use crate::crypto::{CryptoBackend, CryptoFailure, SecretBytes, SecretKey};
use crate::env::{Random, Site, draw};
use crate::name::TokenId;
use crate::token::{DomainEpoch, KeyToken};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What an HSM says to a command.
pub(super) type Answer = Result<Reply, Fault>;

impl From<CryptoFailure> for Fault {
    fn from(_: CryptoFailure) -> Fault {
        Fault::BadToken
    }
}

/// One HSM.
#[derive(Clone)]
pub struct HsmDevice {
    pub(super) identity: HsmIdentity,
    pub(super) backend: Arc<dyn CryptoBackend>,
    /// Volatile: gone with a reset.
    pub(super) domain: Option<Domain>,
    pub(super) agreements: AgreementCache,
    pub(super) keys: KeyCache,
    pub(super) sessions: OpenSessions,
    session_validity: Duration,
}

impl HsmDevice {
    /// An HSM that has joined no domain.
    pub fn new(identity: HsmIdentity, backend: Arc<dyn CryptoBackend>) -> HsmDevice {
        HsmDevice::with_cache(identity, backend, CACHED_KEYS)
    }

    /// An HSM that keeps up to so many parsed keys in its memory; [`CACHED_KEYS`] unless said.
    pub fn with_cache(
        identity: HsmIdentity,
        backend: Arc<dyn CryptoBackend>,
        cached_keys: usize,
    ) -> HsmDevice {
        HsmDevice {
            identity,
            backend,
            domain: None,
            agreements: AgreementCache::default(),
            keys: KeyCache::new(cached_keys),
            sessions: OpenSessions::default(),
            session_validity: SESSION_VALIDITY,
        }
    }

    /// Who this HSM is.
    pub fn identity(&self) -> &HsmIdentity {
        &self.identity
    }

    /// The active domain key this HSM knows of, if it has joined.
    pub fn epoch(&self) -> Option<DomainEpoch> {
        self.domain.as_ref().and_then(Domain::active).map(|key| key.epoch)
    }

    /// The state of the domain this HSM is in, if it has joined.
    pub fn serial(&self) -> Option<u64> {
        self.domain.as_ref().map(Domain::serial)
    }

    /// A power cut or a reset: everything volatile is gone.
    pub fn reset(&mut self) {
        self.domain = None;
        self.agreements = AgreementCache::default();
        self.keys.clear();
        self.sessions.clear();
    }

    /// Wipes what is in memory of backing keys whose tokens are erased. Without their tokens nobody
    /// can use them any more, and the next rotation of the domain key wipes them in any case.
    pub fn forget(&mut self, erased: TokenId) {
        self.keys.forget(erased);
    }

    /// How many parsed keys are in memory.
    pub fn cached_keys(&self) -> usize {
        self.keys.len()
    }

    /// Serves a host that knows of the domain key `domain`. An HSM whose domain is older does nothing
    /// before it has joined again: what it wrapped would be under a key that the domain may have
    /// dropped long ago, and then nobody could ever unwrap it.
    ///
    /// # Errors
    /// As [`HsmDevice::execute`].
    pub fn serve(
        &mut self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        within: Within<'_>,
        domain: DomainEpoch,
        random: &mut dyn Random,
    ) -> Answer {
        match self.epoch() {
            Some(own) if own < domain => Err(Fault::UnknownDomainKey),
            _ => self.execute(command, tokens, within, random),
        }
    }

    /// Executes one command that is no order, in a session unless it opens one. `tokens` are the key
    /// tokens that travelled with it.
    ///
    /// # Errors
    /// A [`Fault`] that tells the host what to do next and nothing about any key.
    pub fn execute(
        &mut self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        within: Within<'_>,
        random: &mut dyn Random,
    ) -> Answer {
        if self.domain.as_ref().ok_or(Fault::NotJoined)?.standing == Standing::Offline {
            return Err(Fault::Refused);
        }
        if let Command::OpenSession { hello } = command {
            return self.open_session(hello, within.now, random);
        }
        self.must_be_in_session(within)?;
        let domain = self.domain.as_ref().ok_or(Fault::NotJoined)?;
        let (backend, keys) = (self.backend.as_ref(), &mut self.keys);
        let mut execution = Execution { domain, backend, tokens, keys };
        execution.execute(command, random)
    }
}

impl fmt::Debug for HsmDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HsmDevice({:?}, epoch {:?})", self.identity, self.epoch())
    }
}

/// One command at work: the domain, and the tokens that came with the command.
struct Execution<'a> {
    domain: &'a Domain,
    backend: &'a dyn CryptoBackend,
    tokens: &'a [Arc<KeyToken>],
    keys: &'a mut KeyCache,
}

impl Execution<'_> {
    fn execute(&mut self, command: &Command, random: &mut dyn Random) -> Answer {
        match command {
            Command::GenerateBackingKey { key, spec } => self.generate(*key, *spec, random),
            Command::GenerateWrappingKey { terms } => self.wrapping_pair(*terms, random),
            Command::ImportMaterial { spec, token, wrapped } => {
                self.take_in(*spec, token, wrapped, random)
            }
            Command::Encrypt { to, plaintext } => {
                let blob = self.seal(to, plaintext.as_bytes(), random)?;
                Ok(Reply::Ciphertext { blob })
            }
            Command::Decrypt { from } => Ok(Reply::Plaintext { plaintext: self.open(from)? }),
            Command::ReEncrypt { from, to } => {
                let plaintext = self.open(from)?;
                let blob = self.seal(to, plaintext.as_bytes(), random)?;
                Ok(Reply::Ciphertext { blob })
            }
            Command::GenerateDataKey { with, bytes, context, plaintext } => {
                self.data_key(with, *bytes, context, *plaintext, random)
            }
            Command::GenerateDataKeyPair { with, spec, context, plaintext } => {
                self.data_key_pair(with, *spec, context, *plaintext, random)
            }
            Command::GenerateRandom { bytes } => {
                Ok(Reply::Random { bytes: draw_secret(random, Site::CallerBytes, *bytes) })
            }
            Command::ForRecipient { recipient, command } => {
                let mut reply = self.execute(command, random)?;
                let plaintext = reply.take_plaintext().ok_or(Fault::Refused)?;
                let envelope = self.envelop(recipient, &plaintext, random)?;
                Ok(Reply::ForRecipient { envelope, reply: Box::new(reply) })
            }
            Command::Envelop { recipient, plaintext } => {
                Ok(Reply::Ciphertext { blob: self.envelop(recipient, plaintext, random)? })
            }
            Command::Sign { .. }
            | Command::Verify { .. }
            | Command::GenerateMac { .. }
            | Command::VerifyMac { .. }
            | Command::Encapsulate { .. }
            | Command::Decapsulate { .. }
            | Command::DeriveSharedSecret { .. } => self.execute_with_pair(command, random),
            _ => self.execute_on_tokens(command, random),
        }
    }

    fn execute_on_tokens(&self, command: &Command, random: &mut dyn Random) -> Answer {
        match command {
            Command::ReencryptTokens { tokens, under } => {
                self.must_be_at(*under)?;
                self.reencrypt(tokens, random)
            }
            Command::OfferTransfer { key } => self.offer(*key, random),
            Command::ExportBackingKeys { keys, offer } => self.export(keys, offer, random),
            Command::ImportBackingKeys { key, offer, transferred } => {
                self.import(*key, offer, transferred, random)
            }
            _ => Err(Fault::Refused),
        }
    }

    /// Whether this is the active domain key here, too.
    fn must_be_at(&self, epoch: DomainEpoch) -> Result<(), Fault> {
        let active = self.domain.active().map(|key| key.epoch);
        (active == Some(epoch)).then_some(()).ok_or(Fault::UnknownDomainKey)
    }
}

fn draw_key(random: &mut dyn Random, site: Site) -> SecretKey {
    SecretKey::new(draw(random, site))
}

fn draw_secret(random: &mut dyn Random, site: Site, length: usize) -> SecretBytes {
    let mut bytes = vec![0; length];
    random.fill(site, &mut bytes);
    SecretBytes::from(bytes)
}
