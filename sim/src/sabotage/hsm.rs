//! Bugs in what HSMs answer.

use kms_core::crypto::SecretBytes;
use kms_core::hsm::{Fault, Reply};
use std::mem::discriminant;
use std::sync::Arc;

pub(super) fn flipped_plaintext(reply: &mut Result<Reply, Fault>, _: Option<&Reply>) -> bool {
    let Ok(Reply::Plaintext { plaintext }) = reply else { return false };
    let mut bytes = plaintext.as_bytes().to_vec();
    let Some(first) = bytes.first_mut() else { return false };
    *first ^= 1;
    *plaintext = SecretBytes::from(bytes);
    true
}

pub(super) fn of_another(reply: &mut Result<Reply, Fault>, last: Option<&Reply>) -> bool {
    match (reply, last) {
        (Ok(reply), Some(last)) if discriminant(reply) == discriminant(last) => {
            *reply = last.clone();
            true
        }
        _ => false,
    }
}

pub(super) fn flipped_ciphertext(reply: &mut Result<Reply, Fault>, _: Option<&Reply>) -> bool {
    let Ok(Reply::Ciphertext { blob } | Reply::DataKey { blob, .. }) = reply else { return false };
    let mut bytes = blob.to_vec();
    let Some(last) = bytes.last_mut() else { return false };
    *last ^= 1;
    *blob = Arc::from(bytes);
    true
}

pub(super) fn refused(reply: &mut Result<Reply, Fault>, _: Option<&Reply>) -> bool {
    let fits = matches!(reply, Ok(Reply::Plaintext { .. }));
    if fits {
        *reply = Err(Fault::BadCiphertext);
    }
    fits
}
