//! The member that names an attested recipient.

use super::{AttestationDocument, KeyEncryptionMechanism};

crate::shape! {
    /// Who gets the plaintext instead of the caller, and how it is encrypted for them. The model
    /// requires neither member, the service both.
    pub struct RecipientInfo {
        /// How.
        key_encryption_algorithm: Option<KeyEncryptionMechanism> = "KeyEncryptionAlgorithm",
        /// What proves who it is.
        attestation_document: Option<AttestationDocument> = "AttestationDocument",
    }
}

impl RecipientInfo {
    /// The recipient that a document attests.
    pub fn new(document: impl Into<Vec<u8>>) -> RecipientInfo {
        RecipientInfo {
            key_encryption_algorithm: Some(KeyEncryptionMechanism::RsaesOaepSha256),
            attestation_document: Some(AttestationDocument(document.into().into())),
        }
    }
}
