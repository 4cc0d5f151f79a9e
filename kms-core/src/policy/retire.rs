//! Who may retire a grant: a rule of its own, in which no key policy takes part.
//!
//! Source: AWS KMS Developer Guide, "Retiring and revoking grants": the retiring principal, a grantee
//! whose grant includes RetireGrant, and the account that created the grant. An account lets its
//! principals do it through `kms:RetireGrant` in IAM, which has no effect in key policies.

use super::action::Action;
use super::evaluate::Identity;
use super::grant::{Grant, Party};
use super::principal::Fit;
use super::reason::{Allowed, Denied};
use super::statement::Scene;
use crate::name::{PrincipalArn, PrincipalKind};

/// Finds among the grants named by the request one that the caller may retire.
pub(super) fn decide<'a>(
    scene: &Scene<'a, '_>,
    identity: Identity<'a>,
    grants: &mut dyn Iterator<Item = &'a Grant>,
) -> Result<Allowed<'a>, Denied<'a>> {
    let caller = &scene.caller.principal;
    for grant in grants {
        if may_retire(grant, caller, identity) {
            return Ok(Allowed::Retires(grant.id));
        }
    }
    Err(Denied::MayNotRetire)
}

fn may_retire(grant: &Grant, caller: &PrincipalArn, identity: Identity<'_>) -> bool {
    let stands_for = |party: &Party| match party.fit(caller) {
        Some(Fit::Itself | Fit::Exactly) => true,
        Some(Fit::Account) => identity.allows(),
        None => false,
    };
    let may_give_back = grant.terms.operations.permit(Action::RetireGrant);
    let of_issuer = caller.kind() != PrincipalKind::Service
        && caller.account() == grant.issuing_account()
        && identity.allows();
    grant.retiring.as_ref().is_some_and(stands_for)
        || may_give_back && stands_for(&grant.grantee)
        || of_issuer
}
