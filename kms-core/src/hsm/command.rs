//! What a host may ask of an HSM.

use super::domain::{DomainChange, DomainToken};
use super::import_token::{ImportTerms, ImportToken};
use super::session::Hello;
use super::with::{BackingKeyRef, Opening, PublicKey, Sealing, SignedMessage};
use crate::algorithm::{MacAlgorithm, SigningAlgorithm};
use crate::ciphertext::EncryptionContext;
use crate::crypto::{P384_POINT, SecretBytes};
use crate::key::KeySpec;
use crate::name::{KeyId, MaterialId, RegionName, TokenId};
use crate::token::{DomainEpoch, KeyToken};
use std::fmt;
use std::sync::Arc;

/// A command. Two commands that are equal ask for the same thing, so the answer to one serves the
/// other; key tokens are therefore not part of it but travel beside it.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// A new backing key for a key.
    GenerateBackingKey {
        /// The key it is for.
        key: KeyId,
        /// What kind of key.
        spec: KeySpec,
    },
    /// A pair to wrap key material with that is to be imported.
    GenerateWrappingKey {
        /// For what.
        terms: ImportTerms,
    },
    /// Take imported key material in.
    ImportMaterial {
        /// What kind of key it is for.
        spec: KeySpec,
        /// The token that came with the wrapping key.
        token: ImportToken,
        /// The material.
        wrapped: Arc<[u8]>,
    },
    /// Seal a message.
    Encrypt {
        /// How.
        to: Sealing,
        /// The message.
        plaintext: SecretBytes,
    },
    /// Open a message.
    Decrypt {
        /// What, and with what.
        from: Opening,
    },
    /// Open a message and seal it again, without the plaintext leaving.
    ReEncrypt {
        /// What to open, and with what.
        from: Opening,
        /// How to seal it again.
        to: Sealing,
    },
    /// Sign a message.
    Sign {
        /// With which material.
        with: BackingKeyRef,
        /// By which algorithm.
        algorithm: SigningAlgorithm,
        /// The message.
        message: SignedMessage,
    },
    /// Find out whether a signature is genuine.
    Verify {
        /// The signer's public key.
        key: PublicKey,
        /// By which algorithm.
        algorithm: SigningAlgorithm,
        /// The message.
        message: SignedMessage,
        /// The signature.
        signature: Arc<[u8]>,
    },
    /// Authenticate a message.
    GenerateMac {
        /// With which material.
        with: BackingKeyRef,
        /// By which algorithm.
        algorithm: MacAlgorithm,
        /// The message.
        message: SecretBytes,
    },
    /// Find out whether a MAC is genuine.
    VerifyMac {
        /// With which material.
        with: BackingKeyRef,
        /// By which algorithm.
        algorithm: MacAlgorithm,
        /// The message.
        message: SecretBytes,
        /// The tag.
        mac: Arc<[u8]>,
    },
    /// Draw a shared secret and encapsulate it.
    Encapsulate {
        /// For the holder of the private half of this.
        key: PublicKey,
    },
    /// Take a shared secret out of its encapsulation.
    Decapsulate {
        /// With which material.
        with: BackingKeyRef,
        /// The encapsulation.
        ciphertext: Arc<[u8]>,
    },
    /// Agree on a shared secret.
    DeriveSharedSecret {
        /// With which material.
        with: BackingKeyRef,
        /// The peer's public key, SubjectPublicKeyInfo in DER.
        peer: Arc<[u8]>,
    },
    /// Draw a data key and seal it.
    GenerateDataKey {
        /// With which material.
        with: BackingKeyRef,
        /// The length of the data key.
        bytes: usize,
        /// What the blob is bound to.
        context: EncryptionContext,
        /// Whether the data key itself is wanted too.
        plaintext: DataKeyPlaintext,
    },
    /// Draw a key pair and seal its private half.
    GenerateDataKeyPair {
        /// With which material.
        with: BackingKeyRef,
        /// What kind of pair.
        spec: KeySpec,
        /// What the blob is bound to.
        context: EncryptionContext,
        /// Whether the private key itself is wanted too.
        plaintext: DataKeyPlaintext,
    },
    /// Random bytes for a caller.
    GenerateRandom {
        /// How many.
        bytes: usize,
    },
    /// Do this, and give what is secret in the answer to nobody but an attested recipient.
    ForRecipient {
        /// The recipient's key.
        recipient: PublicKey,
        /// What to do.
        command: Box<Command>,
    },
    /// Give what came from a custom key store to nobody but an attested recipient.
    Envelop {
        /// The recipient's key.
        recipient: PublicKey,
        /// What it gets.
        plaintext: SecretBytes,
    },
    /// Wrap key tokens again, under the active domain key.
    ReencryptTokens {
        /// Which, and of which keys.
        tokens: Vec<(KeyId, TokenId)>,
        /// An HSM whose domain is older must not do it.
        under: DomainEpoch,
    },
    /// A new active domain key. The HSM answers with a token and changes nothing of its own; every
    /// HSM takes the new key over when it is given that token.
    RotateDomainKey {
        /// The domain key that is active now; an HSM with another one must not do it.
        from: DomainEpoch,
    },
    /// The first half of a transfer between Regions: an ephemeral agreement key of the receiver.
    OfferTransfer {
        /// The key to be received.
        key: KeyId,
    },
    /// The second half, at the sender: backing keys wrapped for the receiver's ephemeral key.
    ExportBackingKeys {
        /// Which materials, oldest first.
        keys: Vec<BackingKeyRef>,
        /// The receiver's offer.
        offer: Box<TransferOffer>,
    },
    /// The end, at the receiver: backing keys become key tokens of this domain.
    ImportBackingKeys {
        /// The key they belong to.
        key: KeyId,
        /// The receiver's own ephemeral key, sealed under its domain key.
        offer: TransferOffer,
        /// What the sender wrapped.
        transferred: Vec<TransferredKey>,
    },
    /// Change who belongs to the domain or commands it. The HSM answers with a token, as to
    /// `RotateDomainKey`.
    ChangeDomain {
        /// What changes.
        change: Box<DomainChange>,
    },
    /// Take over a domain, or a newer state of it.
    Join {
        /// The domain, envelope-encrypted to its members.
        token: Arc<DomainToken>,
    },
    /// Erase the domain from memory.
    Leave,
    /// Begin a session. The one command that needs neither a session nor a quorum: a host of the domain
    /// has signed it.
    OpenSession {
        /// By whom, and with which ephemeral key.
        hello: Arc<Hello>,
    },
}

/// Whether a data key leaves in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKeyPlaintext {
    /// The caller gets it beside the blob.
    Returned,
    /// Nobody sees it.
    Withheld,
}

/// The receiver's ephemeral key, public and sealed, signed by its Region. HSMs keep nothing between two
/// commands, so the private half travels with the offer, under the receiver's domain key.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferOffer {
    /// The Region that wants the key.
    pub region: RegionName,
    /// The public point.
    pub public: Box<[u8; P384_POINT]>,
    /// The private scalar under the domain key; it names the key and the domain key's epoch.
    pub sealed: Arc<KeyToken>,
    /// By the receiver's replication signing key.
    pub signature: Vec<u8>,
}

/// A backing key on its way between two Regions, signed by the one it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferredKey {
    /// The Region it comes from.
    pub from: RegionName,
    /// The domain key that was active there.
    pub epoch: DomainEpoch,
    /// Which material.
    pub material: MaterialId,
    /// What kind of key it belongs to.
    pub spec: KeySpec,
    /// The sender's ephemeral public point.
    pub sender: Box<[u8; P384_POINT]>,
    /// The initialisation vector.
    pub iv: [u8; 12],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
    /// By the sender's replication signing key.
    pub signature: Vec<u8>,
}

impl Command {
    /// The key tokens that must travel with the command.
    pub fn tokens(&self) -> Vec<TokenId> {
        let mut tokens = Vec::new();
        self.each_token(&mut |_, token| tokens.push(token));
        tokens
    }

    /// Shows each key token that must travel with the command, with its key.
    pub fn each_token(&self, show: &mut dyn FnMut(KeyId, TokenId)) {
        let mut one = |with: &BackingKeyRef| show(with.key, with.token);
        match self {
            Command::Encrypt { to, .. } => to.with().into_iter().for_each(one),
            Command::Decrypt { from } => one(from.with()),
            Command::ReEncrypt { from, to } => {
                one(from.with());
                to.with().into_iter().for_each(one);
            }
            Command::GenerateDataKey { with, .. }
            | Command::GenerateDataKeyPair { with, .. }
            | Command::Sign { with, .. }
            | Command::GenerateMac { with, .. }
            | Command::VerifyMac { with, .. }
            | Command::Decapsulate { with, .. }
            | Command::DeriveSharedSecret { with, .. } => one(with),
            Command::ReencryptTokens { tokens, .. } => {
                tokens.iter().for_each(|(key, token)| show(*key, *token));
            }
            Command::ForRecipient { command, .. } => command.each_token(show),
            Command::ExportBackingKeys { keys, .. } => keys.iter().for_each(one),
            _ => {}
        }
    }

    /// Whether what it makes is a key token that was not there before.
    pub fn makes_tokens(&self) -> bool {
        matches!(
            self,
            Command::GenerateBackingKey { .. }
                | Command::ImportMaterial { .. }
                | Command::ImportBackingKeys { .. }
        )
    }

    /// Whether it is an order about the domain, which takes a quorum instead of key tokens.
    pub fn is_order(&self) -> bool {
        matches!(
            self,
            Command::ChangeDomain { .. }
                | Command::Join { .. }
                | Command::Leave
                | Command::RotateDomainKey { .. }
        )
    }

    /// Whether it is carried out in a session alone: all but what begins one, and orders, which a quorum
    /// has signed.
    pub fn needs_a_session(&self) -> bool {
        !self.is_order() && !matches!(self, Command::OpenSession { .. })
    }

    /// Whether asking a second HSM beside the first is worth it: not for what takes long by itself, and
    /// not for an order about the domain, which is carried by its consent.
    pub fn may_be_hedged(&self) -> bool {
        !self.is_order() && !self.makes_a_pair() && !matches!(self, Command::ReencryptTokens { .. })
    }

    /// Whether a key pair is made, which for RSA takes seconds.
    pub fn makes_a_pair(&self) -> bool {
        match self {
            Command::GenerateBackingKey { spec, .. } => spec.is_asymmetric(),
            Command::GenerateDataKeyPair { .. } | Command::GenerateWrappingKey { .. } => true,
            Command::ForRecipient { command, .. } => command.makes_a_pair(),
            _ => false,
        }
    }

    /// Whether the primes of an RSA key have to be searched for.
    pub fn searches_for_primes(&self) -> bool {
        match self {
            Command::GenerateBackingKey { spec, .. }
            | Command::GenerateDataKeyPair { spec, .. } => spec.modulus_bits().is_some(),
            Command::GenerateWrappingKey { .. } => true,
            Command::ForRecipient { command, .. } => command.searches_for_primes(),
            _ => false,
        }
    }

    /// A short name, for metrics and histories.
    pub fn name(&self) -> &'static str {
        match self {
            Command::GenerateBackingKey { .. } => "GenerateBackingKey",
            Command::GenerateWrappingKey { .. } => "GenerateWrappingKey",
            Command::ImportMaterial { .. } => "ImportMaterial",
            Command::Encrypt { .. } => "Encrypt",
            Command::Decrypt { .. } => "Decrypt",
            Command::ReEncrypt { .. } => "ReEncrypt",
            Command::GenerateDataKey { .. } => "GenerateDataKey",
            Command::GenerateDataKeyPair { .. } => "GenerateDataKeyPair",
            Command::Sign { .. } => "Sign",
            Command::Verify { .. } => "Verify",
            Command::GenerateMac { .. } => "GenerateMac",
            Command::VerifyMac { .. } => "VerifyMac",
            Command::Encapsulate { .. } => "Encapsulate",
            Command::Decapsulate { .. } => "Decapsulate",
            Command::DeriveSharedSecret { .. } => "DeriveSharedSecret",
            Command::GenerateRandom { .. } => "GenerateRandom",
            Command::ForRecipient { command, .. } => command.name(),
            Command::Envelop { .. } => "Envelop",
            Command::ReencryptTokens { .. } => "ReencryptTokens",
            Command::RotateDomainKey { .. } => "RotateDomainKey",
            Command::OfferTransfer { .. } => "OfferTransfer",
            Command::ExportBackingKeys { .. } => "ExportBackingKeys",
            Command::ImportBackingKeys { .. } => "ImportBackingKeys",
            Command::ChangeDomain { .. } => "ChangeDomain",
            Command::Join { .. } => "Join",
            Command::Leave => "Leave",
            Command::OpenSession { .. } => "OpenSession",
        }
    }

    /// About how many bytes the command is on a wire, for bandwidth.
    pub fn size(&self) -> usize {
        64 + match self {
            Command::Encrypt { to, plaintext } => to.size() + plaintext.len(),
            Command::Decrypt { from } => from.size(),
            Command::ReEncrypt { from, to } => from.size() + to.size(),
            Command::Sign { message, .. } => message.bytes.len(),
            Command::Verify { key, message, signature, .. } => {
                key.encoded.len() + message.bytes.len() + signature.len()
            }
            Command::GenerateMac { message, .. } => message.len(),
            Command::VerifyMac { message, mac, .. } => message.len() + mac.len(),
            Command::Encapsulate { key } => key.encoded.len(),
            Command::Decapsulate { ciphertext, .. } => ciphertext.len(),
            Command::DeriveSharedSecret { peer, .. } => peer.len(),
            Command::ImportMaterial { token, wrapped, .. } => token.sealed.len() + wrapped.len(),
            Command::GenerateDataKey { context, .. }
            | Command::GenerateDataKeyPair { context, .. } => context.size(),
            Command::ForRecipient { recipient, command } => {
                recipient.encoded.len() + command.size()
            }
            Command::Envelop { recipient, plaintext } => recipient.encoded.len() + plaintext.len(),
            Command::ReencryptTokens { tokens, .. } => tokens.len() * 128,
            Command::ImportBackingKeys { transferred, .. } => {
                transferred.iter().map(|one| 272 + one.sealed.len()).sum()
            }
            Command::OpenSession { .. } => 384,
            _ => 0,
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
