//! What a host may hear from an HSM.

use super::command::{TransferOffer, TransferredKey};
use super::domain::DomainToken;
use super::session::Welcome;
use crate::crypto::SecretBytes;
use crate::token::KeyToken;
use std::fmt;
use std::mem;
use std::sync::Arc;

/// What an HSM answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// To `GenerateBackingKey` and `ImportMaterial`.
    BackingKey {
        /// The key token.
        token: Arc<KeyToken>,
        /// The public half, of a key that has one.
        public_key: Option<Arc<[u8]>>,
    },
    /// To `GenerateWrappingKey`.
    ImportParameters {
        /// The public half, SubjectPublicKeyInfo in DER.
        public_key: Arc<[u8]>,
        /// The private half, in an import token.
        token: Arc<[u8]>,
    },
    /// To `Encrypt` and `ReEncrypt`.
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
    /// To `GenerateDataKeyPair`.
    DataKeyPair {
        /// The blob, which holds the private key.
        blob: Arc<[u8]>,
        /// The private key, if it was asked for.
        plaintext: Option<SecretBytes>,
        /// The public key.
        public_key: Arc<[u8]>,
    },
    /// To `Sign`.
    Signature {
        /// The signature.
        signature: Arc<[u8]>,
    },
    /// To `GenerateMac`.
    Mac {
        /// The tag.
        mac: Arc<[u8]>,
    },
    /// To `Verify` and `VerifyMac`: it is genuine.
    Genuine,
    /// To `Encapsulate`.
    Encapsulated {
        /// The shared secret.
        secret: SecretBytes,
        /// Its encapsulation.
        ciphertext: Arc<[u8]>,
    },
    /// To `Decapsulate` and `DeriveSharedSecret`.
    SharedSecret {
        /// The secret.
        secret: SecretBytes,
    },
    /// To `GenerateRandom`.
    Random {
        /// The bytes.
        bytes: SecretBytes,
    },
    /// To `ForRecipient`.
    ForRecipient {
        /// What was secret, as CMS EnvelopedData for the recipient.
        envelope: Arc<[u8]>,
        /// The rest of the answer.
        reply: Box<Reply>,
    },
    /// To `ReencryptTokens` and `ImportBackingKeys`.
    Tokens {
        /// The key tokens, under the active domain key.
        tokens: Vec<Arc<KeyToken>>,
    },
    /// To `RotateDomainKey` and `ChangeDomain`.
    Domain {
        /// The next state of the domain.
        token: Arc<DomainToken>,
    },
    /// To `OfferTransfer`.
    Offer(TransferOffer),
    /// To `ExportBackingKeys`.
    Transferred(Vec<TransferredKey>),
    /// To `Join`.
    Joined,
    /// To `Leave`.
    Left,
    /// To `OpenSession`.
    Session(Box<Welcome>),
}

impl Reply {
    /// Takes out what a caller may see in the clear, if there is anything of the kind.
    pub(crate) fn take_plaintext(&mut self) -> Option<SecretBytes> {
        match self {
            Reply::Plaintext { plaintext: secret }
            | Reply::SharedSecret { secret }
            | Reply::Random { bytes: secret } => {
                Some(mem::replace(secret, SecretBytes::from(Vec::new())))
            }
            Reply::DataKey { plaintext, .. } | Reply::DataKeyPair { plaintext, .. } => {
                plaintext.take()
            }
            _ => None,
        }
    }
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
    /// An import token is damaged, was not made in this domain, or longer ago than the domain remembers.
    BadImportToken,
    /// Imported material is none of a key of that spec.
    BadMaterial,
    /// The plaintext is longer than the algorithm takes.
    TooLong,
    /// The signature is not of this message by this key.
    BadSignature,
    /// The MAC is not of this message by this key.
    BadMac,
    /// The peer's public key is none of the same curve.
    BadPublicKey,
    /// The domain token or the transfer is not for this HSM, or damaged.
    Refused,
    /// The signatures are not the quorum that the domain's rules ask for.
    NoQuorum,
    /// As many commands wait before it as it takes; another HSM may have room.
    Busy,
    /// The command comes in no session that is good here: none, one that has ended, one under a domain
    /// key that the domain has dropped, or one of a host that the domain knows no more. The host
    /// negotiates another one and sends the command again.
    NoSession,
}

impl Fault {
    /// Whether it is about the HSM that says it, so that another one may do what was asked.
    pub fn is_of_the_hsm(self) -> bool {
        matches!(self, Fault::NotJoined | Fault::UnknownDomainKey | Fault::Busy | Fault::NoSession)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reply::BackingKey { .. } => "BackingKey",
            Reply::ImportParameters { .. } => "ImportParameters",
            Reply::Ciphertext { .. } => "Ciphertext",
            Reply::Plaintext { .. } => "Plaintext",
            Reply::DataKey { .. } => "DataKey",
            Reply::DataKeyPair { .. } => "DataKeyPair",
            Reply::Signature { .. } => "Signature",
            Reply::Mac { .. } => "Mac",
            Reply::Genuine => "Genuine",
            Reply::Encapsulated { .. } => "Encapsulated",
            Reply::SharedSecret { .. } => "SharedSecret",
            Reply::Random { .. } => "Random",
            Reply::ForRecipient { .. } => "ForRecipient",
            Reply::Tokens { .. } => "Tokens",
            Reply::Domain { .. } => "Domain",
            Reply::Offer(_) => "Offer",
            Reply::Transferred(_) => "Transferred",
            Reply::Joined => "Joined",
            Reply::Left => "Left",
            Reply::Session(_) => "Session",
        })
    }
}
