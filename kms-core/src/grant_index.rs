//! Where a grant is found: by grantee, so that a key with 50,000 grants is looked up like one with
//! ten, and by name and parameters, so that a repeated CreateGrant finds the grant it made.

use crate::policy::{Grant, Party};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The entry a grant is filed under.
pub(crate) fn of_grant(grant: &Grant) -> Arc<str> {
    match &grant.grantee {
        Party::Service(host) => host.clone(),
        Party::Principal(arn) => arn.grantee_entry().clone(),
    }
}

/// What makes two requests with the same grant name the same request: every parameter of it. A grant
/// without a name has none, because every such request makes a grant of its own.
pub(crate) fn fingerprint(grant: &Grant) -> Option<[u8; 16]> {
    let name = grant.name.as_ref()?;
    let text = format!("{name:?}{:?}{:?}{:?}", grant.grantee, grant.retiring, grant.terms);
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest.first_chunk().copied()
}
