//! Sessions between a host and the HSMs of its domain.
//!
//! A host signs an ephemeral agreement key. One HSM answers with its own ephemeral key, a session key
//! sealed under what both agree on, and a session token, in which the same session key is sealed under
//! the domain key; it signs all of it. From then on every command that is no order carries the token,
//! and the proof that its sender holds the session key. An HSM keeps nothing of it that it could not
//! do without: any HSM of the domain opens the token, so that one negotiation serves for the whole
//! fleet, whatever is reset or rotated, until the session ends or the domain drops the key that the
//! token is under (AWS KMS Cryptographic Details, Internal communication security).
//!
//! On a network the session key would seal every frame. Here host and HSM exchange values, not bytes,
//! so that this part is a model: whoever carries a message reads nothing of it, and what was changed on
//! the way is dropped, as a failed tag would make it. What is left of the session key on both sides is
//! the proof, computed once a session; it says who sends a command, and the model that it is this one.

use super::command::Command;
use super::domain::{
    Canon, Charter, DomainToken, OperatorKey, Scalar, Standing, VerifyingKey, new_pair,
    wrapping_key,
};
use super::{Fault, HsmDevice, MemberKey, Reply};
use crate::crypto::{CryptoBackend, CryptoFailure, P384_POINT, SecretKey};
use crate::env::{Random, Timestamp};
use crate::name::{RegionName, TokenId};
use crate::token::DomainEpoch;
use std::fmt;
use std::sync::Arc;

/// What the session key is sealed to the host under.
const KEY_LABEL: &[u8] = b"keyquake session key v1";
/// What the proof is computed under.
const PROOF_LABEL: &[u8] = b"keyquake session proof v1";

/// How much of a session is over when its host negotiates the next one, in tenths.
const RENEWED_AFTER: u32 = 9;

/// How a host begins a session: its ephemeral key, signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The Region whose domain it is.
    pub region: RegionName,
    /// The state of the domain that the host knows of.
    pub serial: u64,
    /// The host's ephemeral public point.
    pub public: Box<[u8; P384_POINT]>,
    /// The operator that signs for the host.
    pub host: VerifyingKey,
    /// By that operator.
    pub signature: Vec<u8>,
}

impl Hello {
    /// What the host signs.
    pub(super) fn statement(&self) -> Canon {
        Canon::new("keyquake session hello v1")
            .bytes(self.region.as_str().as_bytes())
            .number(self.serial)
            .bytes(self.public.as_slice())
            .bytes(self.host.as_bytes())
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hello({} {} of {:?})", self.region, self.serial, self.host)
    }
}

/// A session key under a domain key, with what it is bound to. It belongs to no customer's key, is
/// never stored, and no HSM takes it for a key token.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    /// Names the session.
    pub id: TokenId,
    /// The domain key that opens it.
    pub epoch: DomainEpoch,
    /// The operator that the session is with.
    pub host: VerifyingKey,
    /// When it began, by the clock of the HSM that made it.
    pub began: Timestamp,
    /// When it ends; each HSM judges by its own clock.
    pub until: Timestamp,
    /// The initialisation vector.
    pub iv: [u8; 12],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

impl SessionToken {
    /// What the seal authenticates beside the session key.
    pub fn aad(&self) -> Vec<u8> {
        Canon::new("keyquake session token v1")
            .bytes(&self.id.0)
            .number(u64::from(self.epoch.0))
            .bytes(self.host.as_bytes())
            .number(self.began.as_micros())
            .number(self.until.as_micros())
            .done()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionToken({}, epoch {}, until {})", self.id, self.epoch.0, self.until)
    }
}

/// How an HSM answers a hello.
#[derive(Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The HSM, by its agreement key.
    pub hsm: MemberKey,
    /// Its ephemeral public point.
    pub public: Box<[u8; P384_POINT]>,
    /// The session key under the domain key.
    pub token: Arc<SessionToken>,
    /// The initialisation vector of the session key for the host.
    pub iv: [u8; 12],
    /// The session key for the host: ciphertext and tag.
    pub sealed: Vec<u8>,
    /// By the HSM's signing key.
    pub signature: Vec<u8>,
}

impl Welcome {
    /// What the seal of the session key authenticates: the hello that this answers, and all of the
    /// answer that is not sealed.
    pub(super) fn aad(&self, hello: &Hello) -> Vec<u8> {
        self.canon(hello).done()
    }

    /// What the HSM signs.
    pub(super) fn statement(&self, hello: &Hello) -> Vec<u8> {
        self.canon(hello).bytes(&self.sealed).done()
    }

    fn canon(&self, hello: &Hello) -> Canon {
        Canon::new("keyquake session welcome v1")
            .bytes(&hello.statement().done())
            .bytes(&self.hsm)
            .bytes(self.public.as_slice())
            .bytes(&self.token.aad())
            .bytes(&self.token.iv)
            .bytes(&self.token.sealed)
            .bytes(&self.iv)
    }
}

impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Welcome({:?})", self.token)
    }
}

/// What a command carries of its session.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The session key, for HSMs alone.
    pub token: Arc<SessionToken>,
    /// What only a holder of the session key can compute.
    pub(super) proof: SecretKey,
}

impl Credential {
    /// The credential of whoever holds the session key.
    pub(super) fn of(
        token: Arc<SessionToken>,
        key: &SecretKey,
        backend: &dyn CryptoBackend,
    ) -> Credential {
        let proof = SecretKey::new(backend.hmac_sha256(key, &[PROOF_LABEL, &token.aad()]));
        Credential { token, proof }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({:?})", self.token)
    }
}

/// In which session a command comes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The session; none is needed to open one.
    pub session: Option<&'a Arc<Credential>>,
    /// The clock of the HSM.
    pub now: Timestamp,
}

/// A hello that has not been answered yet. The ephemeral key is wiped with it.
pub struct Negotiation {
    hello: Arc<Hello>,
    private: Scalar,
    charter: Arc<Charter>,
}

impl Negotiation {
    /// Begins a session with any HSM of the domain.
    ///
    /// # Errors
    /// When the backend lacks P-384.
    pub fn begin(
        domain: &DomainToken,
        host: &OperatorKey,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<Negotiation, CryptoFailure> {
        let (private, public) = new_pair(backend, random);
        let mut hello = Hello {
            region: domain.charter.region,
            serial: domain.serial,
            public,
            host: host.public().clone(),
            signature: Vec::new(),
        };
        hello.signature = host.signing().sign(&hello.statement().done(), random)?;
        Ok(Negotiation { hello: Arc::new(hello), private, charter: domain.charter.clone() })
    }

    /// What an HSM is asked.
    pub fn command(&self) -> Command {
        Command::OpenSession { hello: self.hello.clone() }
    }

    /// The session that an HSM has answered with; `now` is the host's clock.
    ///
    /// # Errors
    /// When no HSM that serves the domain, as far as the host knows it, answered this very hello so.
    pub fn accept(
        &self,
        welcome: &Welcome,
        now: Timestamp,
        backend: &dyn CryptoBackend,
    ) -> Result<Session, CryptoFailure> {
        let members = &self.charter.members;
        let member = members.get(&welcome.hsm).filter(|one| one.standing == Standing::Online);
        let signing = &member.ok_or(CryptoFailure)?.signing;
        signing.verify(backend, &welcome.statement(&self.hello), &welcome.signature)?;
        let SessionToken { host, began, until, .. } = welcome.token.as_ref();
        if *host != self.hello.host {
            return Err(CryptoFailure);
        }
        let wrapping = agreed(&self.private, &welcome.public, backend)?;
        let aad = welcome.aad(&self.hello);
        let key = backend.open(&wrapping, &welcome.iv, &aad, &welcome.sealed)?;
        let key = SecretKey::from_slice(key.as_bytes()).ok_or(CryptoFailure)?;
        let credential = Arc::new(Credential::of(welcome.token.clone(), &key, backend));
        let validity = until.since(*began);
        let (renewed, ends) = (now.after(validity / 10 * RENEWED_AFTER), now.after(validity));
        Ok(Session { credential, renewed, ends })
    }
}

impl fmt::Debug for Negotiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Negotiation({:?})", self.hello)
    }
}

/// What both sides of a negotiation come to.
pub(super) fn agreed(
    private: &Scalar,
    peer: &[u8; P384_POINT],
    backend: &dyn CryptoBackend,
) -> Result<SecretKey, CryptoFailure> {
    wrapping_key(private, peer, KEY_LABEL, backend)
}

/// A session, as its host holds it. The session key itself is not kept: see the head of this file.
#[derive(Clone, Debug)]
pub struct Session {
    credential: Arc<Credential>,
    /// When the next one is due, by the host's clock.
    renewed: Timestamp,
    /// When this one is over, by the same.
    ends: Timestamp,
}

impl Session {
    /// A session with an HSM that is at hand, which needs no message; host and HSM have one clock.
    ///
    /// # Errors
    /// What the HSM says, and `Refused` when its answer cannot be believed.
    pub fn with(
        hsm: &mut HsmDevice,
        domain: &DomainToken,
        host: &OperatorKey,
        now: Timestamp,
        random: &mut dyn Random,
    ) -> Result<Session, Fault> {
        let backend = hsm.backend.clone();
        let negotiation = Negotiation::begin(domain, host, backend.as_ref(), random);
        let negotiation = negotiation.map_err(|_| Fault::Refused)?;
        let within = Within { session: None, now };
        match hsm.execute(&negotiation.command(), &[], within, random)? {
            Reply::Session(welcome) => {
                let accepted = negotiation.accept(&welcome, now, backend.as_ref());
                accepted.map_err(|_| Fault::Refused)
            }
            _ => Err(Fault::Refused),
        }
    }

    /// What each command carries.
    pub fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }

    /// Whether it is time for the next one, by the host's clock. The span alone matters: how far the
    /// clocks of host and HSM are apart does not.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.renewed <= now
    }

    /// Whether it is over, as far as the host can tell: it has been idle for too long.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }
}
