//! What a command works with: key materials that only a checked key gives out, and messages.

use crate::algorithm::{EncryptionAlgorithm, MessageType};
use crate::ciphertext::EncryptionContext;
use crate::crypto::{Message, SecretBytes};
use crate::key::{Key, KeySpec, Material};
use crate::name::{KeyId, MaterialId, TokenId};
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
    /// The current material of a key, if it is here.
    pub(crate) fn current(key: &Key) -> Option<BackingKeyRef> {
        BackingKeyRef::to(key, key.current_material()?)
    }

    /// A material of a key that is here, which may be one that is not current yet.
    pub(crate) fn of_material(key: &Key, id: MaterialId) -> Option<BackingKeyRef> {
        let mut materials = key.all_materials().rev();
        BackingKeyRef::to(key, materials.find(|material| material.id == id)?)
    }

    fn to(key: &Key, material: &Material) -> Option<BackingKeyRef> {
        Some(BackingKeyRef { key: key.id(), material: material.id, token: material.token? })
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

/// The public half of a key's material. It needs no key token, and like one it is given out by a
/// checked key only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub(crate) spec: KeySpec,
    /// SubjectPublicKeyInfo in DER.
    pub(crate) encoded: Arc<[u8]>,
}

impl PublicKey {
    /// The public half of a key's current material.
    pub(crate) fn current(key: &Key) -> Option<PublicKey> {
        let encoded = key.current_material()?.public_key.clone()?;
        Some(PublicKey { spec: key.spec, encoded })
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn encoded(&self) -> &Arc<[u8]> {
        &self.encoded
    }
}

/// How a message is sealed.
#[derive(Clone, PartialEq, Eq)]
pub enum Sealing {
    /// Under a symmetric material, into a blob that names it.
    Symmetric {
        /// With which material.
        with: BackingKeyRef,
        /// What the blob is bound to.
        context: EncryptionContext,
    },
    /// For the holder of a private key.
    Public {
        /// The public half.
        key: PublicKey,
        /// By which algorithm.
        algorithm: EncryptionAlgorithm,
    },
}

/// What a sealed message is opened with.
#[derive(Clone, PartialEq, Eq)]
pub enum Opening {
    /// The symmetric material that the blob names.
    Symmetric {
        /// With which material.
        with: BackingKeyRef,
        /// The blob.
        blob: Arc<[u8]>,
        /// What it is bound to.
        context: EncryptionContext,
    },
    /// A private key.
    Private {
        /// With which material.
        with: BackingKeyRef,
        /// The ciphertext, which says nothing about itself.
        ciphertext: Arc<[u8]>,
        /// By which algorithm it was made.
        algorithm: EncryptionAlgorithm,
    },
}

impl Sealing {
    /// The key material whose token must travel with it.
    pub(super) fn with(&self) -> Option<&BackingKeyRef> {
        match self {
            Sealing::Symmetric { with, .. } => Some(with),
            Sealing::Public { .. } => None,
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Sealing::Symmetric { context, .. } => context.size(),
            Sealing::Public { key, .. } => key.encoded.len(),
        }
    }
}

impl Opening {
    /// The key material whose token must travel with it.
    pub(super) fn with(&self) -> &BackingKeyRef {
        match self {
            Opening::Symmetric { with, .. } | Opening::Private { with, .. } => with,
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Opening::Symmetric { blob, context, .. } => blob.len() + context.size(),
            Opening::Private { ciphertext, .. } => ciphertext.len(),
        }
    }
}

/// A message to be signed or verified, and what it is: the message itself, its digest, or μ.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// The bytes.
    pub bytes: SecretBytes,
    /// What they are.
    pub kind: MessageType,
}

impl SignedMessage {
    pub(super) fn as_message(&self) -> Message<'_> {
        Message { bytes: self.bytes.as_bytes(), kind: self.kind }
    }
}
