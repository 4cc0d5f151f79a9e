//! What a host may ask of an HSM, and what it may hear.

use super::domain::DomainToken;
use crate::ciphertext::EncryptionContext;
use crate::crypto::{P384_POINT, SecretBytes};
use crate::key::Key;
use crate::name::{KeyId, MaterialId, TokenId};
use crate::token::{DomainEpoch, KeyToken};
use std::fmt;
use std::sync::Arc;

/// One key material of one key, and the token it is in. Only a checked key gives these out, so a
/// command about key material is proof that the checks were passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackingKeyRef {
    pub(crate) key: KeyId,
    pub(crate) material: MaterialId,
    pub(crate) token: TokenId,
}

impl BackingKeyRef {
    /// The current material of a key.
    pub(crate) fn current(key: &Key) -> Option<BackingKeyRef> {
        let material = key.current_material()?;
        Some(BackingKeyRef { key: key.id(), material: material.id, token: material.token })
    }

    /// A material of a key, which may be one that is still pending.
    pub(crate) fn of_material(key: &Key, id: MaterialId) -> Option<BackingKeyRef> {
        let pending = key.pending.iter().map(|pending| &pending.material);
        let mut materials = key.materials.iter().rev().chain(pending);
        let material = materials.find(|material| material.id == id)?;
        Some(BackingKeyRef { key: key.id(), material: material.id, token: material.token })
    }

    /// The material.
    pub fn material(&self) -> MaterialId {
        self.material
    }

    /// The token the material is in.
    pub fn token(&self) -> TokenId {
        self.token
    }
}

/// A command. Two commands that are equal ask for the same thing, so the answer to one serves the
/// other; key tokens are therefore not part of it but travel beside it.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// A new backing key for a key.
    GenerateBackingKey {
        /// The key it is for.
        key: KeyId,
    },
    /// Seal a message.
    Encrypt {
        /// With which material.
        with: BackingKeyRef,
        /// The message.
        plaintext: SecretBytes,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// Open a message.
    Decrypt {
        /// With which material.
        with: BackingKeyRef,
        /// The blob.
        blob: Arc<[u8]>,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// Open a message and seal it again, without the plaintext leaving.
    ReEncrypt {
        /// The material that made the blob.
        source: BackingKeyRef,
        /// The blob.
        blob: Arc<[u8]>,
        /// What the blob is bound to.
        source_context: EncryptionContext,
        /// The material to seal with.
        destination: BackingKeyRef,
        /// What the new blob is bound to.
        destination_context: EncryptionContext,
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
    /// Random bytes for a caller.
    GenerateRandom {
        /// How many.
        bytes: usize,
    },
    /// Wrap key tokens again, under the active domain key.
    ReencryptTokens {
        /// Which.
        tokens: Vec<TokenId>,
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
        /// The receiver's public point.
        recipient: Box<[u8; P384_POINT]>,
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
    /// Leave the memory-less state: take over the domain.
    Join {
        /// The domain, envelope-encrypted to its members.
        token: Arc<DomainToken>,
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

/// The receiver's ephemeral key, public and sealed. HSMs keep nothing between two commands, so the
/// private half travels with the offer, under the receiver's domain key.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferOffer {
    /// The public point.
    pub public: Box<[u8; P384_POINT]>,
    /// The private scalar under the domain key.
    pub sealed: Arc<KeyToken>,
}

/// A backing key on its way between two Regions.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferredKey {
    /// Which material.
    pub material: MaterialId,
    /// The sender's ephemeral public point.
    pub sender: Box<[u8; P384_POINT]>,
    /// The initialisation vector.
    pub iv: [u8; 12],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

/// What an HSM answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// To `GenerateBackingKey`.
    BackingKey {
        /// The key token.
        token: Arc<KeyToken>,
    },
    /// To `Encrypt`.
    Ciphertext {
        /// The blob.
        blob: Arc<[u8]>,
    },
    /// To `Decrypt`.
    Plaintext {
        /// The message.
        plaintext: SecretBytes,
    },
    /// To `GenerateDataKey`.
    DataKey {
        /// The blob.
        blob: Arc<[u8]>,
        /// The data key, if it was asked for.
        plaintext: Option<SecretBytes>,
    },
    /// To `GenerateRandom`.
    Random {
        /// The bytes.
        bytes: SecretBytes,
    },
    /// To `ReencryptTokens` and `ImportBackingKeys`.
    Tokens {
        /// The key tokens, under the active domain key.
        tokens: Vec<Arc<KeyToken>>,
    },
    /// To `RotateDomainKey`.
    Domain {
        /// The domain with one more key.
        token: Arc<DomainToken>,
    },
    /// To `OfferTransfer`.
    Offer(TransferOffer),
    /// To `ExportBackingKeys`.
    Transferred(Vec<TransferredKey>),
    /// To `Join`.
    Joined,
}

/// Why an HSM did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no domain: it was reset and must join first.
    NotJoined,
    /// It has not heard of the domain key a token is under: its domain is out of date.
    UnknownDomainKey,
    /// A key token is missing, damaged, or not the one the command names.
    BadToken,
    /// The message cannot be opened: damaged, or bound to something else.
    BadCiphertext,
    /// The domain token or the transfer is not for this HSM, or damaged.
    Refused,
}

impl Command {
    /// The key tokens that must travel with the command.
    pub fn tokens(&self) -> Vec<TokenId> {
        match self {
            Command::Encrypt { with, .. }
            | Command::Decrypt { with, .. }
            | Command::GenerateDataKey { with, .. } => vec![with.token],
            Command::ReEncrypt { source, destination, .. } => vec![source.token, destination.token],
            Command::ReencryptTokens { tokens, .. } => tokens.clone(),
            Command::ExportBackingKeys { keys, .. } => keys.iter().map(|key| key.token).collect(),
            _ => Vec::new(),
        }
    }

    /// A short name, for metrics and histories.
    pub fn name(&self) -> &'static str {
        match self {
            Command::GenerateBackingKey { .. } => "GenerateBackingKey",
            Command::Encrypt { .. } => "Encrypt",
            Command::Decrypt { .. } => "Decrypt",
            Command::ReEncrypt { .. } => "ReEncrypt",
            Command::GenerateDataKey { .. } => "GenerateDataKey",
            Command::GenerateRandom { .. } => "GenerateRandom",
            Command::ReencryptTokens { .. } => "ReencryptTokens",
            Command::RotateDomainKey { .. } => "RotateDomainKey",
            Command::OfferTransfer { .. } => "OfferTransfer",
            Command::ExportBackingKeys { .. } => "ExportBackingKeys",
            Command::ImportBackingKeys { .. } => "ImportBackingKeys",
            Command::Join { .. } => "Join",
        }
    }

    /// About how many bytes the command is on a wire, for bandwidth.
    pub fn size(&self) -> usize {
        64 + match self {
            Command::Encrypt { plaintext, context, .. } => plaintext.len() + context.size(),
            Command::Decrypt { blob, context, .. } => blob.len() + context.size(),
            Command::ReEncrypt { blob, source_context, destination_context, .. } => {
                blob.len() + source_context.size() + destination_context.size()
            }
            Command::GenerateDataKey { context, .. } => context.size(),
            Command::ReencryptTokens { tokens, .. } => tokens.len() * 128,
            Command::ImportBackingKeys { transferred, .. } => transferred.len() * 200,
            _ => 0,
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reply::BackingKey { .. } => "BackingKey",
            Reply::Ciphertext { .. } => "Ciphertext",
            Reply::Plaintext { .. } => "Plaintext",
            Reply::DataKey { .. } => "DataKey",
            Reply::Random { .. } => "Random",
            Reply::Tokens { .. } => "Tokens",
            Reply::Domain { .. } => "Domain",
            Reply::Offer(_) => "Offer",
            Reply::Transferred(_) => "Transferred",
            Reply::Joined => "Joined",
        })
    }
}
