//! What opens a ciphertext and what seals a plaintext, wherever the key is; and the way from the one to
//! the other.

use super::in_store::Held;
use super::recipient::{Receiver, Released};
use super::usage;
use crate::algorithm::EncryptionAlgorithm;
use crate::ciphertext::{Blob, EncryptionContext};
use crate::crypto::SecretBytes;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Opening, Reply, Sealing};
use crate::kms::{Effects, UsableKey, internal};
use crate::name::MaterialId;
use crate::step::Next;
use std::sync::Arc;

/// What opens a ciphertext.
pub(super) enum Opener {
    /// An HSM of the KMS.
    Hsm(Opening),
    /// What is behind a custom key store.
    Store {
        /// The key.
        held: Held,
        /// The ciphertext.
        blob: Arc<[u8]>,
        /// What it is bound to.
        context: EncryptionContext,
    },
}

impl Opener {
    /// What opens a ciphertext of a key, if the key is in a custom key store.
    pub(super) fn in_store(
        key: &UsableKey,
        blob: &Arc<[u8]>,
        context: &EncryptionContext,
        operation: &'static str,
    ) -> Result<Option<Opener>> {
        let held = Held::of(key, operation)?;
        let (blob, context) = (blob.clone(), context.clone());
        Ok(held.map(|held| Opener::Store { held, blob, context }))
    }

    /// Opens it.
    pub(super) fn open(
        self,
        effects: Effects<'_, '_>,
        then: impl FnOnce(SecretBytes, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match self {
            Opener::Store { held, blob, context } => held.decrypt(effects, &blob, context, then),
            Opener::Hsm(from) => {
                effects.ask_hsm(Command::Decrypt { from }, move |reply, effects| match reply {
                    Reply::Plaintext { plaintext } => then(plaintext, effects),
                    _ => Err(internal()),
                })
            }
        }
    }

    /// Opens it for whom it is.
    pub(super) fn open_for(
        self,
        receiver: Receiver,
        effects: Effects<'_, '_>,
        then: impl FnOnce(Released, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match self {
            Opener::Store { held, blob, context } => {
                held.decrypt(effects, &blob, context, move |plaintext, effects| {
                    receiver.hand_over(effects, plaintext, then)
                })
            }
            Opener::Hsm(from) => {
                let command = Command::Decrypt { from };
                receiver.ask(effects, command, move |reply, released, effects| match reply {
                    Reply::Plaintext { .. } => then(released, effects),
                    _ => Err(internal()),
                })
            }
        }
    }
}

/// What seals a plaintext.
pub(super) enum Sealer {
    /// An HSM of the KMS.
    Hsm(Sealing),
    /// What is behind a custom key store.
    Store {
        /// The key.
        held: Held,
        /// What the ciphertext is bound to.
        context: EncryptionContext,
    },
}

impl Sealer {
    /// What seals with a key.
    pub(super) fn of(
        key: &UsableKey,
        algorithm: EncryptionAlgorithm,
        context: &EncryptionContext,
        operation: &'static str,
    ) -> Result<Sealer> {
        match Held::of(key, operation)? {
            Some(held) => Ok(Sealer::Store { held, context: context.clone() }),
            None => usage::sealing(key, algorithm, context).map(Sealer::Hsm),
        }
    }

    /// The material that answers show; of a key pair and of a key in a custom key store none.
    pub(super) fn shown_material(&self) -> Option<MaterialId> {
        match self {
            Sealer::Hsm(Sealing::Symmetric { with, .. }) => Some(with.material()),
            Sealer::Hsm(Sealing::Public { .. }) | Sealer::Store { .. } => None,
        }
    }

    /// Seals a plaintext.
    pub(super) fn seal(
        self,
        effects: Effects<'_, '_>,
        plaintext: SecretBytes,
        then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match self {
            Sealer::Store { held, context } => held.encrypt(effects, plaintext, context, then),
            Sealer::Hsm(to) => {
                let command = Command::Encrypt { to, plaintext };
                effects.ask_hsm(command, move |reply, effects| match reply {
                    Reply::Ciphertext { blob } => then(blob, effects),
                    _ => Err(internal()),
                })
            }
        }
    }

    /// The part an HSM of the KMS has in it, if it has one, and the key whose proxy seals afterwards.
    fn split(self) -> std::result::Result<(Sealing, Option<(Held, EncryptionContext)>), Sealer> {
        match self {
            Sealer::Hsm(to) => Ok((to, None)),
            Sealer::Store { held, context } => match held.own_material() {
                Some(with) => {
                    let to = Sealing::Symmetric { with, context: context.clone() };
                    Ok((to, Some((held, context))))
                }
                None => Err(Sealer::Store { held, context }),
            },
        }
    }
}

/// Takes a ciphertext from one key to another. Where an HSM of the KMS has a part on both sides, which
/// leaves out only clusters, the plaintext does not leave it.
pub(super) fn take(
    effects: Effects<'_, '_>,
    from: Opener,
    to: Sealer,
    then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    if let Opener::Store { held, .. } = &from
        && held.own_material().is_none()
    {
        return from.open(effects, move |plaintext, effects| to.seal(effects, plaintext, then));
    }
    match to.split() {
        Ok((sealing, wrapped_by)) => open_for_hsm(effects, from, move |from, effects| {
            re_encrypt(effects, from, sealing, wrapped_by, then)
        }),
        Err(to) => from.open(effects, move |plaintext, effects| to.seal(effects, plaintext, then)),
    }
}

/// Has the proxy open its part, where there is one.
fn open_for_hsm(
    effects: Effects<'_, '_>,
    from: Opener,
    then: impl FnOnce(Opening, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let (held, blob, context) = match from {
        Opener::Hsm(from) => return then(from, effects),
        Opener::Store { held, blob, context } => (held, blob, context),
    };
    let with = held.own_material().ok_or_else(internal)?;
    let bound_to = context.clone();
    held.unwrap(effects, &blob, &context, move |inner, effects| {
        // Of an external key there is but one material, which must have made this.
        match Blob::parse(&inner).is_some_and(|blob| blob.material == with.material()) {
            true => then(Opening::Symmetric { with, blob: inner, context: bound_to }, effects),
            false => Err(ErrorCode::KmsInvalidState
                .says("What the custom key store decrypted is no ciphertext of the KMS key.")),
        }
    })
}

fn re_encrypt(
    effects: Effects<'_, '_>,
    from: Opening,
    to: Sealing,
    wrapped_by: Option<(Held, EncryptionContext)>,
    then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    effects.ask_hsm(Command::ReEncrypt { from, to }, move |reply, effects| {
        let Reply::Ciphertext { blob } = reply else { return Err(internal()) };
        match wrapped_by {
            Some((held, context)) => held.wrap(effects, blob, &context, then),
            None => then(blob, effects),
        }
    })
}
