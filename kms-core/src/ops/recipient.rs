//! Who gets the plaintext of an answer: the caller, or an attested recipient that the caller names.
//!
//! A recipient's attestation document is verified before anybody is authorized, because policies may
//! ask what it attests; and what is for a recipient leaves the HSM in no other form.

use crate::attestation::{self, Attested};
use crate::crypto::SecretBytes;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::kms::{Checks, Effects, internal};
use crate::policy::Pairs;
use crate::step::Next;
use crate::wire::{CiphertextForRecipient, Plaintext, RecipientInfo};

/// Who gets the plaintext of an answer.
#[derive(Clone)]
pub(super) enum Receiver {
    Caller,
    Attested(Box<Attested>),
}

/// A plaintext as answers show it: in the clear, or for the recipient alone.
#[derive(Default)]
pub(super) struct Released {
    pub(super) plaintext: Option<Plaintext>,
    pub(super) ciphertext_for_recipient: Option<CiphertextForRecipient>,
}

impl Receiver {
    /// Whom a request names. What is attested of a recipient goes into the audit, whatever becomes of
    /// the request.
    ///
    /// # Errors
    /// `Validation`, when an attestation document is missing or not accepted at the host's time.
    pub(super) fn of(
        checks: &mut Checks<'_, '_>,
        named: Option<&RecipientInfo>,
    ) -> Result<Receiver> {
        let Some(named) = named else { return Ok(Receiver::Caller) };
        named.key_encryption_algorithm.ok_or_else(|| missing("keyEncryptionAlgorithm"))?;
        let document = named.attestation_document.as_ref();
        let document = document.ok_or_else(|| missing("attestationDocument"))?;
        let roots = &checks.settings().attestation_roots;
        let attested = attestation::verify(&document.0, roots, checks.call().now)?;
        checks.note_recipient(attested.recorded.clone());
        Ok(Receiver::Attested(Box::new(attested)))
    }

    /// What is attested of the receiver, for conditions.
    pub(super) fn attested(&self) -> Option<&Pairs> {
        match self {
            Receiver::Caller => None,
            Receiver::Attested(attested) => Some(&attested.values),
        }
    }

    /// The value, when the caller gets the plaintext: answers to a recipient leave it out.
    pub(super) fn unless_attested<T>(&self, value: Option<T>) -> Option<T> {
        value.filter(|_| matches!(self, Receiver::Caller))
    }

    /// Asks an HSM for something secret. The reply comes without it.
    pub(super) fn ask(
        self,
        effects: Effects<'_, '_>,
        command: Command,
        then: impl FnOnce(Reply, Released, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match self {
            Receiver::Caller => effects.ask_hsm(command, |mut reply, effects| {
                let released = reply.take_plaintext().map(Released::clear).unwrap_or_default();
                then(reply, released, effects)
            }),
            Receiver::Attested(attested) => {
                let (recipient, command) = (attested.recipient, Box::new(command));
                let command = Command::ForRecipient { recipient, command };
                effects.ask_hsm(command, |reply, effects| match reply {
                    Reply::ForRecipient { envelope, reply } => {
                        then(*reply, Released::enveloped(envelope), effects)
                    }
                    _ => Err(internal()),
                })
            }
        }
    }

    /// Gives out what came from a custom key store.
    pub(super) fn hand_over(
        self,
        effects: Effects<'_, '_>,
        plaintext: SecretBytes,
        then: impl FnOnce(Released, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match self {
            Receiver::Caller => then(Released::clear(plaintext), effects),
            Receiver::Attested(attested) => {
                let command = Command::Envelop { recipient: attested.recipient, plaintext };
                effects.ask_hsm(command, |reply, effects| match reply {
                    Reply::Ciphertext { blob } => then(Released::enveloped(blob), effects),
                    _ => Err(internal()),
                })
            }
        }
    }
}

impl Released {
    fn clear(plaintext: SecretBytes) -> Released {
        Released { plaintext: Some(Plaintext(plaintext)), ..Released::default() }
    }

    fn enveloped(envelope: std::sync::Arc<[u8]>) -> Released {
        let envelope = Some(CiphertextForRecipient(envelope));
        Released { ciphertext_for_recipient: envelope, ..Released::default() }
    }
}

fn missing(member: &str) -> Error {
    ErrorCode::Validation.says(format!(
        "1 validation error detected: Value null at 'recipient.{member}' failed to satisfy \
         constraint: Member must not be null"
    ))
}
