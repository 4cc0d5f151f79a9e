//! Hash functions by name, and what a signature is really made over.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message};

/// The digest that a signature algorithm signs: of the message, or the one that was given.
///
/// # Errors
/// When the message is given in a form that the algorithm does not take, or has another length.
pub(super) fn digest(
    algorithm: SigningAlgorithm,
    message: Message<'_>,
) -> Result<Vec<u8>, CryptoFailure> {
    message.check(algorithm)?;
    if message.kind == MessageType::Digest {
        return Ok(message.bytes.to_vec());
    }
    use SigningAlgorithm as A;
    match algorithm {
        A::RsassaPssSha256 | A::RsassaPkcs1V15Sha256 | A::EcdsaSha256 => {
            Ok(Sha256::digest(message.bytes).to_vec())
        }
        A::RsassaPssSha384 | A::RsassaPkcs1V15Sha384 | A::EcdsaSha384 => {
            Ok(Sha384::digest(message.bytes).to_vec())
        }
        A::RsassaPssSha512 | A::RsassaPkcs1V15Sha512 | A::EcdsaSha512 => {
            Ok(Sha512::digest(message.bytes).to_vec())
        }
        A::Sm2Dsa | A::MlDsaShake256 | A::Ed25519Sha512 | A::Ed25519PhSha512 => Err(CryptoFailure),
    }
}
