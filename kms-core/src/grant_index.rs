//! Where a grant is found: by grantee, so that a key with 50,000 grants is looked up like one with
//! ten, and by name and parameters, so that a repeated CreateGrant finds the grant it made.

use crate::name::{PrincipalArn, PrincipalKind};
use crate::policy::{Grant, Party};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The entry a grant is filed under.
pub(crate) fn of_grant(grant: &Grant) -> Arc<str> {
    match &grant.grantee {
        Party::Service(host) => host.clone(),
        Party::Principal(arn) => role_name(arn).unwrap_or_else(|| arn.as_str().into()),
    }
}

/// The entries to look under for a caller: itself, the role of a session, its account.
pub(crate) fn of_caller(principal: &PrincipalArn) -> Vec<Arc<str>> {
    let root = PrincipalArn::root(principal.account());
    let mut entries: Vec<Arc<str>> = vec![principal.as_str().into(), root.as_str().into()];
    let role = principal.session_role().map(|role| role_entry(principal, role));
    entries.extend(role.or_else(|| role_name(principal)));
    entries.dedup();
    entries
}

/// What makes two requests with the same grant name the same request: every parameter of it. A grant
/// without a name has none, because every such request makes a grant of its own.
pub(crate) fn fingerprint(grant: &Grant) -> Option<[u8; 16]> {
    let name = grant.name.as_ref()?;
    let text = format!("{name:?}{:?}{:?}{:?}", grant.grantee, grant.retiring, grant.terms);
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest.first_chunk().copied()
}

/// A role is filed without its path, which a session of it does not show.
fn role_name(arn: &PrincipalArn) -> Option<Arc<str>> {
    let role = (arn.kind() == PrincipalKind::Role).then(|| arn.as_str().rsplit('/').next())?;
    Some(role_entry(arn, role?))
}

fn role_entry(principal: &PrincipalArn, role: &str) -> Arc<str> {
    format!("{}:role/{role}", principal.account()).into()
}
