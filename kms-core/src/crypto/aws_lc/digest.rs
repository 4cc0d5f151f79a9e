//! What is signed, as the library's digest.

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, SHA512, digest as hash};

use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message};

/// The digest that RSA and ECDSA sign: of the message, or the one that was given.
///
/// # Errors
/// When the message is given in a form that the algorithm does not take, or has another length.
pub(super) fn digest(
    algorithm: SigningAlgorithm,
    message: Message<'_>,
) -> Result<Digest, CryptoFailure> {
    message.check(algorithm)?;
    let function = function(algorithm).ok_or(CryptoFailure)?;
    match message.kind {
        MessageType::Digest => Ok(Digest::import_less_safe(message.bytes, function)?),
        _ => Ok(hash(function, message.bytes)),
    }
}

fn function(algorithm: SigningAlgorithm) -> Option<&'static Algorithm> {
    use SigningAlgorithm as A;
    match algorithm {
        A::RsassaPssSha256 | A::RsassaPkcs1V15Sha256 | A::EcdsaSha256 => Some(&SHA256),
        A::RsassaPssSha384 | A::RsassaPkcs1V15Sha384 | A::EcdsaSha384 => Some(&SHA384),
        A::RsassaPssSha512 | A::RsassaPkcs1V15Sha512 | A::EcdsaSha512 => Some(&SHA512),
        A::Sm2Dsa | A::MlDsaShake256 | A::Ed25519Sha512 | A::Ed25519PhSha512 => None,
    }
}
