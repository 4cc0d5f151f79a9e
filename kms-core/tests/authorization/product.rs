//! The product's answer to a case, as text.

use crate::case::{ALIAS, About, Case, KEY, LAYERS, NOW, Terms};
use kms_core::env::{Call, Caller, CallingService, NetworkPath, RequestId, Timestamp};
use kms_core::name::{
    AccountId, AliasArn, AliasName, GrantId, KeyArn, KeyIdentifier, PrincipalArn, RegionName,
};
use kms_core::policy::{
    Action, Allowed, ContextConstraint, Decision, Denied, Grant, GrantOperation, GrantRequest,
    GrantTerms, KeyManager, Layer, Party, Policy, PolicyKind, Question, RequestContext, Resource,
    Restriction, StatementRef, evaluate,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The beginning of every answer there can be.
pub(crate) const REASONS: [&str; 21] = [
    "allow key",
    "allow delegated",
    "allow iam",
    "allow root",
    "allow grant",
    "allow retires",
    "deny explicitly key",
    "deny explicitly iam",
    "deny restricted by",
    "deny foreign action",
    "deny foreign without key policy",
    "deny foreign without identity policy",
    "deny without identity policy",
    "deny without delegation",
    "deny by silence",
    "deny may not retire",
    "deny grant lacks Operation",
    "deny grant lacks EncryptionContext",
    "deny grant lacks SourceArn",
    "deny grant lacks WiderChild",
    "deny grant lacks IdentityPolicy",
];

const RESTRICTIONS: [Restriction; 5] = [
    Restriction::Boundary,
    Restriction::Session,
    Restriction::ServiceControl,
    Restriction::ResourceControl,
    Restriction::Endpoint,
];

pub(crate) fn decide(case: &Case) -> String {
    with_decision(case, say)
}

/// Whether the product allows it.
pub(crate) fn allows(case: &Case) -> bool {
    with_decision(case, |decision| matches!(decision, Decision::Allow(_)))
}

fn with_decision<T>(case: &Case, then: impl FnOnce(&Decision<'_>) -> T) -> T {
    let key_policy = policy(&case.key_policy, PolicyKind::Key);
    let call = call(case);
    let grants: Vec<Grant> = (0..).zip(&case.grants).map(|(at, g)| grant(at, g)).collect();
    let action = action(case.action);
    let child = case.child.as_ref().map(terms);
    let nobody = Party::Principal(principal("arn:aws:iam::111122223333:user/carol"));
    let alias = AliasName::parse("alias/app").expect("an alias");
    let aliases = [alias.clone()];
    let mut context = RequestContext::new(&call, action);
    context.region = RegionName::parse("us-east-1");
    context.key = (case.about != About::Anything).then(key_arn);
    context.encryption_context = Some(&case.context);
    context.encryption_algorithm = Some("SYMMETRIC_DEFAULT");
    context.request_alias = case.alias.then_some(&alias);
    context.resource_aliases = if case.alias { &aliases } else { &[] };
    context.grant =
        child.as_ref().map(|terms| GrantRequest { terms, grantee: &nobody, retiring: None });
    let alias = alias_arn();
    let resource = match case.about {
        About::Key => key(&key_policy, KeyManager::Customer),
        About::ManagedKey => key(&key_policy, KeyManager::Aws),
        About::Alias => Resource::Alias(&alias),
        About::Anything => Resource::AnyKmsResource,
    };
    let question = Question { caller: &call.caller, action, resource };
    then(&evaluate(&question, &context, &mut grants.iter()))
}

fn key(policy: &Policy, manager: KeyManager) -> Resource<'_> {
    Resource::Key { arn: key_arn(), policy, manager }
}

fn key_arn() -> KeyArn {
    match KeyIdentifier::parse(KEY) {
        Ok(KeyIdentifier::Arn(arn)) => arn,
        other => panic!("{other:?}"),
    }
}

fn alias_arn() -> AliasArn {
    match KeyIdentifier::parse(ALIAS) {
        Ok(KeyIdentifier::AliasArn(arn)) => arn,
        other => panic!("{other:?}"),
    }
}

fn policy(json: &Value, kind: PolicyKind) -> Policy {
    Policy::parse(&json.to_string(), kind).unwrap_or_else(|error| panic!("{error}\n{json}"))
}

fn principal(text: &str) -> PrincipalArn {
    let account = AccountId::new(111_122_223_333);
    PrincipalArn::parse(text).unwrap_or_else(|| PrincipalArn::service(text, account))
}

fn party(text: &str) -> Party {
    match PrincipalArn::parse(text) {
        Some(arn) => Party::Principal(arn),
        None => Party::Service(text.into()),
    }
}

fn action(name: &str) -> Action {
    *Action::ALL.iter().find(|action| action.name() == name).expect("an action")
}

fn call(case: &Case) -> Call {
    let mut caller = Caller::new(principal(case.caller));
    caller.tags.extend(case.team.map(|team| ("team".to_owned(), team.to_owned())));
    for json in &case.identity {
        caller = caller.with_policy(Arc::new(policy(json, PolicyKind::Identity)));
    }
    for (layer, json) in &case.restricting {
        let at = LAYERS.iter().position(|known| known == layer).expect("a layer");
        let policy = policy(json, PolicyKind::Restricting(RESTRICTIONS[at]));
        caller.restricting_policies.push(Arc::new(policy));
    }
    Call {
        request_id: RequestId(1),
        caller: Arc::new(caller),
        service: case.has_service().then(|| CallingService {
            via: case.via.unwrap_or_default().to_owned(),
            source_arn: case.source_arn.map(str::to_owned),
            source_account: None,
            source_organization: None,
        }),
        network: NetworkPath {
            source_ip: case.source_ip.and_then(|ip| ip.parse().ok()),
            ..NetworkPath::default()
        },
        now: Timestamp::from_seconds(NOW),
        monotonic: Duration::ZERO,
        decision: 0,
        caught_up: true,
    }
}

fn terms(terms: &Terms) -> GrantTerms {
    let operations = terms.operations.iter().filter_map(|name| GrantOperation::parse(name));
    let context = match (&terms.equals, &terms.subset) {
        (Some(pairs), _) => ContextConstraint::Equals(Arc::new(pairs.clone())),
        (None, Some(pairs)) => ContextConstraint::Subset(Arc::new(pairs.clone())),
        (None, None) => ContextConstraint::None,
    };
    let source_arn = terms.source.as_deref().map(Into::into);
    GrantTerms { operations: operations.collect(), context, source_arn }
}

fn grant(at: u8, grant: &crate::case::Grant) -> Grant {
    Grant {
        id: GrantId([at; 32]),
        key: key_arn().id,
        grantee: party(&grant.grantee),
        retiring: grant.retiring.as_deref().map(party),
        terms: terms(&grant.terms),
        name: None,
        issuer: principal(&grant.issuer),
        created: Timestamp::EPOCH,
    }
}

fn say(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allow(allowed) => format!("allow {}", say_allowed(allowed)),
        Decision::Deny(denied) => format!("deny {}", say_denied(denied)),
    }
}

fn say_allowed(allowed: &Allowed<'_>) -> String {
    match allowed {
        Allowed::KeyPolicy(key) => place(key),
        Allowed::Delegated { key, identity } => {
            format!("delegated {} {}", place(key), place(identity))
        }
        Allowed::IdentityPolicy(identity) => place(identity),
        Allowed::AccountRoot => "root".into(),
        Allowed::Grant(id) => format!("grant {}", id.0[0]),
        Allowed::Retires(id) => format!("retires {}", id.0[0]),
    }
}

fn say_denied(denied: &Denied<'_>) -> String {
    match denied {
        Denied::ExplicitDeny(statement) => format!("explicitly {}", place(statement)),
        Denied::RestrictedBy(layer) => format!("restricted by {}", layer_name(*layer)),
        Denied::CrossAccountNotAllowed(_) => "foreign action".into(),
        Denied::CrossAccountNeedsKeyPolicy => "foreign without key policy".into(),
        Denied::CrossAccountNeedsIdentityPolicy => "foreign without identity policy".into(),
        Denied::NoIdentityPolicy => "without identity policy".into(),
        Denied::NoKeyPolicyDelegation => "without delegation".into(),
        Denied::NothingAllows => "by silence".into(),
        Denied::GrantFallsShort { grant, miss } => format!("grant {} lacks {miss:?}", grant.0[0]),
        Denied::MayNotRetire => "may not retire".into(),
    }
}

fn place(statement: &StatementRef<'_>) -> String {
    let (policy, index) = (statement.policy, statement.statement);
    match statement.layer {
        Layer::KeyPolicy => format!("key {index}"),
        Layer::IdentityPolicy => format!("iam {policy}.{index}"),
        Layer::Restricting(layer) => format!("{} {policy}.{index}", layer_name(layer)),
    }
}

fn layer_name(layer: Restriction) -> &'static str {
    let at = RESTRICTIONS.iter().position(|known| *known == layer).expect("a layer");
    LAYERS[at]
}
