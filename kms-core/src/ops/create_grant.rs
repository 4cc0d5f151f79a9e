//! CreateGrant: lets a principal or a service use a key without editing a policy.

mod wanted;

pub use wanted::GrantConstraints;
pub(super) use wanted::party;

use super::Info;
use crate::env::{Call, Site};
use crate::error::{Error, ErrorCode, Result};
use crate::grant_index;
use crate::grant_token;
use crate::key::{Key, KeyManager, KeySpec, KeyUsage};
use crate::kms::{Checks, Effects};
use crate::name::{GrantId, KeyArn};
use crate::policy::{Action, ActionSet, ContextConstraint, Grant, GrantOperation, GrantTerms};
use crate::state::Change;
use crate::step::{Counter, Next, UniqueName};
use crate::wire::{
    GrantIdText, GrantName, GrantToken, GrantTokens, KeyRef, Listed, PrincipalText,
    ServicePrincipal,
};
use std::sync::Arc;
use wanted::Wanted;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInternal,
        ErrorCode::InvalidGrantToken,
        ErrorCode::LimitExceeded,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// Who may do what with which key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// Who may use the grant.
        grantee_principal: Option<PrincipalText> = "GranteePrincipal",
        /// Who may retire it.
        retiring_principal: Option<PrincipalText> = "RetiringPrincipal",
        /// What it permits; at least one.
        operations: Listed<GrantOperation> = "Operations",
        /// Under which conditions.
        constraints: Option<GrantConstraints> = "Constraints",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// A name, which makes the request repeatable.
        name: Option<GrantName> = "Name",
        /// Only check.
        dry_run: bool = "DryRun",
        /// The service that may use the grant.
        grantee_service_principal: Option<ServicePrincipal> = "GranteeServicePrincipal",
        /// The service that may retire it.
        retiring_service_principal: Option<ServicePrincipal> = "RetiringServicePrincipal",
    }
}

crate::shape! {
    /// The grant.
    pub struct Response {
        /// Makes the grant usable at once, on every host.
        grant_token: GrantToken = "GrantToken",
        /// The id.
        grant_id: GrantIdText = "GrantId",
    }
}

impl Request {
    /// Lets a principal do something, without constraints.
    pub fn new(
        key: impl Into<KeyRef>,
        grantee: &str,
        operations: impl IntoIterator<Item = GrantOperation>,
    ) -> Request {
        Request {
            key_id: key.into(),
            grantee_principal: Some(grantee.into()),
            retiring_principal: None,
            operations: Listed(operations.into_iter().collect()),
            constraints: None,
            grant_tokens: GrantTokens::default(),
            name: None,
            dry_run: false,
            grantee_service_principal: None,
            retiring_service_principal: None,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let wanted = Wanted::parse(request, checks.region().partition())?;
    let mut context = checks.context(Action::CreateGrant);
    context.grant = Some(wanted.as_request());
    let key = checks.key_by_name_and_tokens(&request.key_id, context, &request.grant_tokens)?;
    check_fits(&key, &wanted.terms)?;
    let managed = key.manager == KeyManager::Aws;
    let key = key.id();
    let mut grant = wanted.into_grant(GrantId([0; 32]), key, checks.call());
    let name = grant_index::fingerprint(&grant);
    if let Some(made) = name.and_then(|name| checks.state().named_grant(key, name)) {
        return answer(checks.pass(request.dry_run)?, made);
    }
    let limit = checks.settings().limits.grants_per_key;
    let room = (!managed).then(|| checks.room(Counter::Grants(key), limit)).transpose()?;
    let mut effects = checks.pass(request.dry_run)?;
    grant.id = GrantId(effects.draw(Site::GrantId));
    let id = grant.id;
    room.into_iter().for_each(|room| effects.require(room));
    if let Some(name) = name {
        effects.require_absent(UniqueName::Grant(key, name));
    }
    effects.record(Change::PutGrant(Arc::new(grant)));
    answer(effects, id)
}

/// The grant that a request describes, as it would be stored.
///
/// # Errors
/// What is wrong with the request by itself.
pub fn describe(request: &Request, id: GrantId, key: KeyArn, call: &Call) -> Result<Grant> {
    let wanted = Wanted::parse(request, key.region.partition())?;
    Ok(wanted.into_grant(id, key.id, call))
}

/// Every answer carries a token of its own; all tokens of a grant are worth the same.
fn answer(mut effects: Effects<'_, '_>, id: GrantId) -> Result<Next> {
    let nonce = effects.draw(Site::GrantToken);
    let token = grant_token::seal(id, nonce, effects.settings().grant_token_key.as_bytes());
    effects.done(Response { grant_token: token.into(), grant_id: id.to_string().into() })
}

/// The grants on a key themselves, whatever the key is for.
const ANY_KEY: ActionSet =
    ActionSet::NONE.with(Action::CreateGrant).with(Action::DescribeKey).with(Action::RetireGrant);

/// What a symmetric encryption key can do.
const SYMMETRIC: ActionSet = ANY_KEY
    .with(Action::Decrypt)
    .with(Action::Encrypt)
    .with(Action::GenerateDataKey)
    .with(Action::GenerateDataKeyPair)
    .with(Action::GenerateDataKeyPairWithoutPlaintext)
    .with(Action::GenerateDataKeyWithoutPlaintext)
    .with(Action::ReEncryptFrom)
    .with(Action::ReEncryptTo);

/// What a key can do, by what it is for.
fn supported(key: &Key) -> ActionSet {
    let public = match key.spec.is_asymmetric() {
        true => ANY_KEY.with(Action::GetPublicKey),
        false => ANY_KEY,
    };
    match key.usage {
        KeyUsage::EncryptDecrypt if key.spec == KeySpec::SymmetricDefault => SYMMETRIC,
        KeyUsage::EncryptDecrypt => public
            .with(Action::Decrypt)
            .with(Action::Encrypt)
            .with(Action::ReEncryptFrom)
            .with(Action::ReEncryptTo),
        KeyUsage::SignVerify => public.with(Action::Sign).with(Action::Verify),
        KeyUsage::GenerateVerifyMac => public.with(Action::GenerateMac).with(Action::VerifyMac),
        KeyUsage::KeyAgreement => public.with(Action::DeriveSharedSecret),
        KeyUsage::EncapsulateDecapsulate => {
            public.with(Action::Decapsulate).with(Action::Encapsulate)
        }
    }
}

/// Whether the grant makes sense on a key of that kind.
fn check_fits(key: &Key, terms: &GrantTerms) -> Result<()> {
    let symmetric = key.spec == KeySpec::SymmetricDefault;
    let supported = supported(key);
    let mut operations = terms.operations.iter();
    if let Some(odd) = operations.find(|operation| !supported.contains(operation.action())) {
        return Err(unfit(key, &format!("the operation {}", odd.name())));
    }
    if !symmetric && terms.context != ContextConstraint::None {
        return Err(unfit(key, "an encryption context constraint"));
    }
    Ok(())
}

fn unfit(key: &Key, what: &str) -> Error {
    ErrorCode::Validation
        .says(format!("A grant on {} cannot have {what}: its key spec is {}.", key.arn, key.spec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::PrincipalArn;
    use crate::ops::{Response as Any, disable_key, encrypt, revoke_grant};

    const ALICE: &str = "arn:aws:iam::444455556666:user/alice";
    const BOB: &str = "arn:aws:iam::444455556666:user/bob";

    fn operations(names: &[&str]) -> Vec<GrantOperation> {
        names.iter().map(|name| GrantOperation::parse(name).unwrap()).collect()
    }

    fn caller(arn: &str) -> Arc<Caller> {
        Arc::new(Caller::new(PrincipalArn::parse(arn).unwrap()))
    }

    fn create_as(local: &mut Local, who: &Arc<Caller>, request: Request) -> Result<Response> {
        match local.call_as(who, request)? {
            Any::CreateGrant(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn create(local: &mut Local, request: Request) -> Result<Response> {
        let owner = local.owner();
        create_as(local, &owner, request)
    }

    fn grants(local: &Local, key: KeyArn) -> usize {
        local.journal().state().grants_after(key.id, None).count()
    }

    #[test]
    fn a_grant_permits_its_operations_to_its_grantee() {
        let mut local = Local::single_region();
        let key = local.create_key();
        create(&mut local, Request::new(key, ALICE, operations(&["Encrypt"]))).unwrap();
        local.call_as(&caller(ALICE), encrypt::Request::new(key, *b"x")).unwrap();
        let refused = local.call_as(&caller(BOB), encrypt::Request::new(key, *b"x")).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
    }

    #[test]
    fn a_token_makes_a_grant_usable_before_it_has_propagated() {
        let mut local = Local::single_region();
        local.settings_mut().propagation.grant = std::time::Duration::from_secs(300);
        let key = local.create_key();
        let request = Request::new(key, ALICE, operations(&["Encrypt"]));
        let grant = create(&mut local, request).unwrap();
        let mut encrypt = encrypt::Request::new(key, *b"x");
        let early = local.call_as(&caller(ALICE), encrypt.clone()).unwrap_err();
        assert_eq!(early.code, ErrorCode::AccessDenied);
        encrypt.grant_tokens.0.push(grant.grant_token);
        local.call_as(&caller(ALICE), encrypt).unwrap();
    }

    #[test]
    fn a_name_makes_a_request_repeatable_until_the_grant_is_gone() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let name = Some("app".into());
        let request = Request { name, ..Request::new(key, ALICE, operations(&["Encrypt"])) };
        let first = create(&mut local, request.clone()).unwrap();
        local.settings_mut().limits.grants_per_key = 1;
        let again = create(&mut local, request.clone()).unwrap();
        assert_eq!(first.grant_id, again.grant_id);
        assert_ne!(first.grant_token, again.grant_token);
        assert_eq!(grants(&local, key), 1);
        local.call(revoke_grant::Request::new(key, first.grant_id.clone())).unwrap();
        assert_ne!(create(&mut local, request).unwrap().grant_id, first.grant_id);
    }

    #[test]
    fn without_a_name_or_with_other_parameters_a_grant_is_a_new_one() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let unnamed = Request::new(key, ALICE, operations(&["Encrypt"]));
        let named = Request { name: Some("app".into()), ..unnamed.clone() };
        let other = Request { operations: Listed(operations(&["Decrypt"])), ..named.clone() };
        for request in [unnamed.clone(), unnamed, named, other] {
            create(&mut local, request).unwrap();
        }
        assert_eq!(grants(&local, key), 4);
    }

    #[test]
    fn a_key_has_so_many_grants_and_no_more() {
        let mut local = Local::single_region();
        local.settings_mut().limits.grants_per_key = 2;
        let key = local.create_key();
        let request = Request::new(key, ALICE, operations(&["Encrypt"]));
        for _ in 0..2 {
            create(&mut local, request.clone()).unwrap();
        }
        assert_eq!(create(&mut local, request).unwrap_err().code, ErrorCode::LimitExceeded);
    }

    #[test]
    fn a_grantee_passes_on_no_more_than_it_has() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let parent = Request::new(key, ALICE, operations(&["CreateGrant", "Encrypt"]));
        let token = create(&mut local, parent).unwrap().grant_token;
        for (given, expected) in
            [(&["Encrypt"] as &[_], None), (&["Encrypt", "Decrypt"], Some(ErrorCode::AccessDenied))]
        {
            let grant_tokens = GrantTokens(vec![token.clone()]);
            let child = Request { grant_tokens, ..Request::new(key, BOB, operations(given)) };
            let answer = create_as(&mut local, &caller(ALICE), child);
            assert_eq!(answer.err().map(|error| error.code), expected, "{given:?}");
        }
    }

    #[test]
    fn operations_fit_the_kind_of_key() {
        let mut local = Local::single_region();
        let arn = local.create_key();
        for odd in ["Sign", "GenerateMac", "GetPublicKey", "DeriveSharedSecret", "Encapsulate"] {
            let request = Request::new(arn, ALICE, operations(&["Decrypt", odd]));
            let error = create(&mut local, request).unwrap_err();
            assert_eq!(error.code, ErrorCode::Validation, "{odd}");
        }
        let all = SYMMETRIC.iter().filter_map(GrantOperation::of).collect::<Vec<_>>();
        assert_eq!(all.len(), 11);
        create(&mut local, Request::new(arn, ALICE, all)).unwrap();
    }

    #[test]
    fn an_encryption_context_is_for_symmetric_keys() {
        let mut local = Local::single_region();
        let arn = local.create_key();
        let rsa = Key { spec: KeySpec::Rsa2048, ..Key::clone(&local.key(arn)) };
        let bare = GrantTerms {
            operations: operations(&["DescribeKey"]).into_iter().collect(),
            ..GrantTerms::default()
        };
        check_fits(&rsa, &bare).unwrap();
        let context = ContextConstraint::Subset(Arc::default());
        let error = check_fits(&rsa, &GrantTerms { context, ..bare }).unwrap_err();
        assert_eq!(error.code, ErrorCode::Validation);
    }

    #[test]
    fn a_disabled_key_and_a_dry_run_give_no_grant() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request = Request::new(key, ALICE, operations(&["Encrypt"]));
        let dry = Request { dry_run: true, ..request.clone() };
        assert_eq!(create(&mut local, dry).unwrap_err().code, ErrorCode::DryRunOperation);
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        assert_eq!(create(&mut local, request).unwrap_err().code, ErrorCode::Disabled);
        assert_eq!(grants(&local, key), 0);
    }
}
