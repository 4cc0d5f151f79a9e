//! The DER of ECDSA and SM2 signatures: two positive numbers in a sequence, and nothing else.

use der::asn1::UintRef;
use der::{Decode, Sequence};

use super::super::CryptoFailure;
use super::{field_length, must};
use crate::key::KeySpec;

/// ECDSA-Sig-Value (RFC 3279, section 2.2.3).
#[derive(Sequence)]
struct Pair<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Whether a signature of a key on a curve is encoded as it must be. That its numbers are below the
/// group order is left to the backend.
///
/// # Errors
/// When it is not strict DER, or a number is zero or longer than the curve's scalars.
pub(crate) fn check_signature(spec: KeySpec, signature: &[u8]) -> Result<(), CryptoFailure> {
    let field = field_length(spec).ok_or(CryptoFailure)?;
    let pair = Pair::from_der(signature)?;
    for number in [pair.r.as_bytes(), pair.s.as_bytes()] {
        must(number.len() <= field && number != [0])?;
    }
    Ok(())
}
