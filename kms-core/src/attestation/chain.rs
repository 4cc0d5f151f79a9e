//! The chain from the certificate that signed a document to a root that the Region trusts, and the
//! signature itself. All of it is ECDSA on P-384 with SHA-384.

use super::document::Document;
use super::{Fingerprint, Refusal};
use crate::env::Timestamp;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    UnixTime, alg_id,
};
use std::time::Duration;
use webpki::aws_lc_rs::ECDSA_P384_SHA384;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// Whether `signature` is of `message`, by the signer that a document names, and whether a trusted root
/// vouches for that signer at this time.
pub(super) fn check(
    document: &Document,
    message: &[u8],
    signature: &[u8],
    roots: &[Fingerprint],
    now: Timestamp,
) -> Result<(), Refusal> {
    let certificate = CertificateDer::from(document.certificate.as_slice());
    let signer = EndEntityCert::try_from(&certificate).map_err(|_| Refusal::Malformed)?;
    check_chain(&signer, &document.bundle, roots, now)?;
    signer.verify_signature(&Es384, message, signature).map_err(|_| Refusal::Signature)
}

/// The bundle begins with the root, which is trusted for its fingerprint alone.
fn check_chain(
    signer: &EndEntityCert<'_>,
    bundle: &[Vec<u8>],
    roots: &[Fingerprint],
    now: Timestamp,
) -> Result<(), Refusal> {
    let (root, between) = bundle.split_first().ok_or(Refusal::Malformed)?;
    if !roots.contains(&Fingerprint::of(root)) {
        return Err(Refusal::Untrusted);
    }
    let root = CertificateDer::from(root.as_slice());
    let anchors = [anchor_from_trusted_cert(&root).map_err(|_| Refusal::Malformed)?];
    let between: Vec<_> = between.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let time = UnixTime::since_unix_epoch(Duration::from_micros(now.as_micros()));
    // The certificates of this PKI have no extended key usage, which this one allows.
    let usage = KeyUsage::client_auth();
    let verified =
        signer.verify_for_usage(&[ECDSA_P384_SHA384], &anchors, &between, time, usage, None, None);
    match verified {
        Ok(_) => Ok(()),
        Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Err(Refusal::Expired),
        Err(_) => Err(Refusal::Untrusted),
    }
}

/// ECDSA as COSE has it: the two numbers side by side (RFC 9053, section 2.1).
#[derive(Debug)]
struct Es384;

impl SignatureVerificationAlgorithm for Es384 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public_key);
        key.verify(message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}
