//! Attestation documents of Nitro Enclaves and NitroTPM: who signed what they say, and what it is.
//!
//! A document reaches a policy only as an [`Attested`], and only [`verify`] makes one: after the
//! signature, the chain of certificates up to a root that the Region trusts, and the certificates'
//! validity at the host's time. Source: AWS Nitro Enclaves User Guide, "Verifying the root of trust";
//! AWS KMS Developer Guide, "Cryptographic attestation support in AWS KMS".

mod chain;
mod document;
mod fingerprint;

pub use fingerprint::Fingerprint;

use crate::crypto::codec;
use crate::env::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::hsm::PublicKey;
use crate::key::KeySpec;
use crate::policy::Pairs;
use coset::iana::Algorithm;
use coset::{CborSerializable, CoseSign1, RegisteredLabelWithPrivate};
use document::Document;
use std::fmt;
use std::sync::Arc;

/// What a genuine document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The RSA key that what is secret is to be encrypted for.
    pub(crate) recipient: PublicKey,
    /// What conditions may ask for, by the names that follow `kms:RecipientAttestation:`.
    pub(crate) values: Pairs,
    /// What the audit keeps, by the names AWS CloudTrail has for it.
    pub(crate) recorded: Arc<Pairs>,
}

/// Why a document attests nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The Region trusts no root at all.
    NoRoot,
    /// It is no attestation document, or one with something in it that does not belong there.
    Malformed,
    /// It is signed by another algorithm than ES384.
    Algorithm,
    /// Its certificates do not lead to a root that the Region trusts.
    Untrusted,
    /// One of its certificates is not valid at this time.
    Expired,
    /// Its signature is not of what it says.
    Signature,
    /// It has no RSA key of 2048, 3072 or 4096 bits to encrypt for.
    RecipientKey,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::NoRoot => "no root of attestation is trusted in this Region",
            Refusal::Malformed => "it is malformed",
            Refusal::Algorithm => "it is not signed by ES384",
            Refusal::Untrusted => "its certificates do not lead to a trusted root",
            Refusal::Expired => "one of its certificates is not valid at this time",
            Refusal::Signature => "its signature is not valid",
            Refusal::RecipientKey => "it has no RSA public key of 2048, 3072 or 4096 bits",
        })
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        ErrorCode::Validation.says(format!("The attestation document is not accepted: {refusal}."))
    }
}

/// What a document attests, if it is genuine at that time.
///
/// # Errors
/// A [`Refusal`].
pub fn verify(bytes: &[u8], roots: &[Fingerprint], now: Timestamp) -> Result<Attested, Refusal> {
    if roots.is_empty() {
        return Err(Refusal::NoRoot);
    }
    let signed = CoseSign1::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
    check_headers(&signed)?;
    let payload = signed.payload.as_deref().ok_or(Refusal::Malformed)?;
    let document = Document::parse(payload).ok_or(Refusal::Malformed)?;
    chain::check(&document, &signed.tbs_data(&[]), &signed.signature, roots, now)?;
    let recipient = recipient(document.public_key.as_deref()).ok_or(Refusal::RecipientKey)?;
    let recorded = Arc::new(document.recorded());
    Ok(Attested { recipient, values: document.values(), recorded })
}

/// The one algorithm, said where it is signed, and nothing beside it.
fn check_headers(signed: &CoseSign1) -> Result<(), Refusal> {
    let mut header = signed.protected.header.clone();
    if header.alg.take() != Some(RegisteredLabelWithPrivate::Assigned(Algorithm::ES384)) {
        return Err(Refusal::Algorithm);
    }
    match header.is_empty() && signed.unprotected.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Malformed),
    }
}

fn recipient(encoded: Option<&[u8]>) -> Option<PublicKey> {
    let encoded = encoded?;
    let specs = [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096];
    let spec = specs.into_iter().find(|spec| codec::public_key(*spec, encoded).is_ok())?;
    Some(PublicKey { spec, encoded: encoded.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_region_that_trusts_no_root_accepts_nothing() {
        assert_eq!(verify(b"", &[], Timestamp::EPOCH).unwrap_err(), Refusal::NoRoot);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let refused = verify(&bytes, &[Fingerprint::AWS_NITRO_ENCLAVES], Timestamp::EPOCH);
            prop_assert!(refused.is_err());
            prop_assert_eq!(Document::parse(&bytes).map(|document| document.values()), None);
        }
    }
}
