//! What a request answers when a condition asks for a key.
//!
//! The table of condition keys decides which facts a policy may see for the permission in question.
//! Values are borrowed, so that asking costs no allocation; only identifiers that requests keep in
//! binary form (accounts, Regions) and the role of a session are written out.

use super::action::Action;
use super::arn_pattern::fields_of_arn;
use super::condition_key::{ATTESTED, AwsKey, ConditionKey, KmsKey};
use super::context::{Context, GrantRequest, Pairs, RequestContext};
use super::grant::{GrantTerms, Party};
use super::principal::last_segment;
use super::value::ContextValue;
use crate::env::Timestamp;
use crate::name::{AliasName, PrincipalArn, PrincipalKind};
use std::borrow::Cow;

impl Context for RequestContext<'_> {
    fn value(&self, key: &ConditionKey) -> Option<ContextValue<'_>> {
        match key {
            ConditionKey::Kms(key) if key.actions().contains(self.action) => self.kms(*key),
            ConditionKey::Aws(key) if key.actions().contains(self.action) => self.aws(*key),
            ConditionKey::EncryptionContext(name) if has_context(self.action) => {
                text(find(self.pairs()?, name))
            }
            ConditionKey::RecipientAttestation(name) if ATTESTED.contains(self.action) => {
                text(find(self.attestation?, name))
            }
            ConditionKey::ResourceTag(name) => text(find(self.resource_tags?, name)),
            // UntagResource names tags by their keys and says nothing of values.
            ConditionKey::RequestTag(_) if self.action == Action::UntagResource => None,
            ConditionKey::RequestTag(name) => text(find(self.request_tags?, name)),
            ConditionKey::PrincipalTag(name) => text(find(&self.call.caller.tags, name)),
            _ => None,
        }
    }

    fn encryption_context(&self) -> Option<&Pairs> {
        self.encryption_context
    }

    fn requested_grant(&self) -> Option<&GrantTerms> {
        self.grant.map(|grant| grant.terms)
    }
}

impl<'a> RequestContext<'a> {
    fn principal(&self) -> &'a PrincipalArn {
        &self.call.caller.principal
    }

    fn is_service(&self) -> bool {
        self.principal().kind() == PrincipalKind::Service
    }

    /// The service that forwards the session of a user; a service that acts for itself forwards none.
    fn via_service(&self) -> Option<&'a str> {
        self.call.service.as_ref().filter(|_| !self.is_service()).map(|service| &*service.via)
    }

    /// The encryption context of the request, or that of the constraint of the grant it creates.
    fn pairs(&self) -> Option<&'a Pairs> {
        match self.grant {
            Some(grant) => grant.terms.context.pairs(),
            None => self.encryption_context,
        }
        .filter(|pairs| !pairs.is_empty())
    }

    fn kms(&self, key: KmsKey) -> Option<ContextValue<'a>> {
        match key {
            KmsKey::CallerAccount => Some(account_text(self.principal())),
            KmsKey::ViaService => text(self.via_service()),
            KmsKey::GrantIsForAwsResource => truth(Some(self.via_service().is_some())),
            KmsKey::EncryptionContextKeys => self.pairs().map(ContextValue::Keys),
            KmsKey::GrantConstraintSourceArn
            | KmsKey::GrantConstraintType
            | KmsKey::GrantOperations
            | KmsKey::GranteePrincipal
            | KmsKey::GranteeServicePrincipal
            | KmsKey::RetiringPrincipal
            | KmsKey::RetiringServicePrincipal => grant_value(&self.grant?, key),
            _ => self.key_value(key).or_else(|| self.parameter(key)),
        }
    }

    /// Condition keys that are properties of the key.
    fn key_value(&self, key: KmsKey) -> Option<ContextValue<'a>> {
        match key {
            KmsKey::CustomerMasterKeySpec | KmsKey::KeySpec => text(self.key_spec),
            KmsKey::CustomerMasterKeyUsage | KmsKey::KeyUsage => text(self.key_usage),
            KmsKey::KeyOrigin => text(self.key_origin),
            KmsKey::MultiRegion => truth(self.multi_region),
            KmsKey::MultiRegionKeyType => text(self.multi_region_key_type),
            KmsKey::RequestAlias => text(self.request_alias.map(AliasName::as_str)),
            KmsKey::ResourceAliases => {
                let some = !self.resource_aliases.is_empty();
                some.then_some(ContextValue::Aliases(self.resource_aliases))
            }
            KmsKey::TrailingDaysWithoutKeyUsage => number(self.trailing_days),
            _ => None,
        }
    }

    /// Condition keys that are parameters of the request.
    fn parameter(&self, key: KmsKey) -> Option<ContextValue<'a>> {
        match key {
            KmsKey::BypassPolicyLockoutSafetyCheck => truth(self.bypass_lockout_check),
            KmsKey::DataKeyPairSpec => text(self.data_key_pair_spec),
            KmsKey::EncryptionAlgorithm => text(self.encryption_algorithm),
            KmsKey::ExpirationModel => text(self.expiration_model),
            KmsKey::KeyAgreementAlgorithm => text(self.key_agreement_algorithm),
            KmsKey::MacAlgorithm => text(self.mac_algorithm),
            KmsKey::MessageType => text(self.message_type),
            KmsKey::PolicyName => text(self.policy_name),
            KmsKey::PrimaryRegion => text(self.primary_region),
            KmsKey::ReEncryptOnSameKey => truth(self.re_encrypt_on_same_key),
            KmsKey::ReplicaRegion => text(self.replica_region),
            KmsKey::RotationPeriodInDays => number(self.rotation_period_days),
            KmsKey::ScheduleKeyDeletionPendingWindowInDays => number(self.pending_window_days),
            KmsKey::SigningAlgorithm => text(self.signing_algorithm),
            KmsKey::ValidTo => self.valid_to.map(ContextValue::Moment),
            KmsKey::WrappingAlgorithm => text(self.wrapping_algorithm),
            KmsKey::WrappingKeySpec => text(self.wrapping_key_spec),
            _ => None,
        }
    }

    fn aws(&self, key: AwsKey) -> Option<ContextValue<'a>> {
        match key {
            AwsKey::CurrentTime => Some(ContextValue::Moment(self.call.now)),
            AwsKey::EpochTime => Some(ContextValue::Number(seconds(self.call.now))),
            AwsKey::RequestedRegion => {
                let region = self.key.map(|key| key.region).or(self.region)?;
                Some(ContextValue::Text(region.to_string().into()))
            }
            AwsKey::ResourceAccount => {
                self.key.map(|key| ContextValue::Text(key.account.to_string().into()))
            }
            AwsKey::SecureTransport => Some(ContextValue::Bool(true)),
            AwsKey::SourceIp => self.call.network.source_ip.map(ContextValue::Address),
            AwsKey::SourceVpc => text(self.call.network.vpc.as_deref()),
            AwsKey::SourceVpce => text(self.call.network.vpc_endpoint.as_deref()),
            AwsKey::TagKeys => {
                self.request_tags.filter(|tags| !tags.is_empty()).map(ContextValue::Keys)
            }
            AwsKey::SourceAccount | AwsKey::SourceArn | AwsKey::SourceOrgId => self.source(key),
            _ => self.caller(key),
        }
    }

    /// Global keys about the resource that a calling service acts for.
    fn source(&self, key: AwsKey) -> Option<ContextValue<'a>> {
        let service = self.call.service.as_ref()?;
        match key {
            AwsKey::SourceArn => text(service.source_arn.as_deref()),
            AwsKey::SourceOrgId => text(service.source_organization.as_deref()),
            _ => service.source_account.map(|id| ContextValue::Text(id.to_string().into())),
        }
    }

    /// Global keys about the caller.
    fn caller(&self, key: AwsKey) -> Option<ContextValue<'a>> {
        let principal = self.principal();
        match key {
            AwsKey::PrincipalIsAwsService => truth(Some(self.is_service())),
            AwsKey::ViaAwsService => truth(Some(self.via_service().is_some())),
            AwsKey::PrincipalServiceName => text(self.is_service().then(|| principal.as_str())),
            _ if self.is_service() => None,
            AwsKey::PrincipalAccount => Some(account_text(principal)),
            // `aws:PrincipalArn` of a session is the ARN of its role, which has lost its path.
            AwsKey::PrincipalArn => {
                text(Some(principal.session_role().unwrap_or(principal.as_str())))
            }
            AwsKey::PrincipalOrgId => text(self.call.caller.organization.as_deref()),
            AwsKey::PrincipalType => text(principal_type(principal.kind())),
            AwsKey::Username => {
                let user = principal.kind() == PrincipalKind::User;
                text(user.then(|| last_segment(principal)))
            }
            _ => None,
        }
    }
}

fn has_context(action: Action) -> bool {
    KmsKey::EncryptionContextKeys.actions().contains(action)
}

fn text(value: Option<&str>) -> Option<ContextValue<'_>> {
    value.map(|value| ContextValue::Text(Cow::Borrowed(value)))
}

fn truth<'a>(value: Option<bool>) -> Option<ContextValue<'a>> {
    value.map(ContextValue::Bool)
}

fn number<'a>(value: Option<u32>) -> Option<ContextValue<'a>> {
    value.map(|value| ContextValue::Number(i64::from(value)))
}

fn seconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_micros() / 1_000_000).unwrap_or(i64::MAX)
}

/// The part of a name that a request chooses compares without case; the exact name goes first.
fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let exact = pairs.get(name);
    let similar =
        || pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    exact.or_else(similar).map(String::as_str)
}

fn grant_value<'a>(grant: &GrantRequest<'a>, key: KmsKey) -> Option<ContextValue<'a>> {
    let principal = |party: Option<&'a Party>| text(party.and_then(Party::principal));
    let service = |party: Option<&'a Party>| text(party.and_then(Party::service));
    match key {
        KmsKey::GrantOperations => Some(ContextValue::Operations(grant.terms.operations)),
        KmsKey::GrantConstraintType => text(grant.terms.context.kind()),
        KmsKey::GrantConstraintSourceArn => text(grant.terms.source_arn.as_deref()),
        KmsKey::GranteePrincipal => principal(Some(grant.grantee)),
        KmsKey::GranteeServicePrincipal => service(Some(grant.grantee)),
        KmsKey::RetiringPrincipal => principal(grant.retiring),
        KmsKey::RetiringServicePrincipal => service(grant.retiring),
        _ => None,
    }
}

/// The digits of the account, borrowed from the ARN; a service has none in its name.
fn account_text(principal: &PrincipalArn) -> ContextValue<'_> {
    let digits = fields_of_arn(principal.as_str()).nth(4);
    ContextValue::Text(match digits {
        Some(digits) => Cow::Borrowed(digits),
        None => Cow::Owned(principal.account().to_string()),
    })
}

fn principal_type(kind: PrincipalKind) -> Option<&'static str> {
    match kind {
        PrincipalKind::Root => Some("Account"),
        PrincipalKind::User => Some("User"),
        PrincipalKind::Role | PrincipalKind::AssumedRole => Some("AssumedRole"),
        PrincipalKind::FederatedUser => Some("FederatedUser"),
        PrincipalKind::Service => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition_key::{Cardinality, ValueType};
    use super::super::grant::{ContextConstraint, GrantOperation};
    use super::*;
    use crate::env::{Call, Caller, CallingService, NetworkPath, RequestId};
    use crate::name::{AccountId, KeyIdentifier};
    use std::sync::Arc;
    use std::time::Duration;

    fn call(principal: PrincipalArn) -> Call {
        let mut caller = Caller::new(principal);
        caller.organization = Some("o-1".into());
        caller.tags.insert("Team".into(), "blue".into());
        Call {
            request_id: RequestId(1),
            caller: Arc::new(caller),
            service: Some(CallingService {
                via: "s3.us-east-1.amazonaws.com".into(),
                source_arn: Some("arn:aws:s3:::b".into()),
                source_account: Some(AccountId::new(5)),
                source_organization: Some("o-2".into()),
            }),
            network: NetworkPath {
                source_ip: "203.0.113.9".parse().ok(),
                vpc_endpoint: Some("vpce-1".into()),
                vpc: Some("vpc-1".into()),
            },
            now: Timestamp::from_seconds(1_767_225_600),
            monotonic: Duration::ZERO,
            decision: 0,
            caught_up: true,
        }
    }

    fn user() -> PrincipalArn {
        PrincipalArn::parse("arn:aws:iam::111122223333:user/team/alice").unwrap()
    }

    fn session() -> PrincipalArn {
        PrincipalArn::parse("arn:aws-cn:sts::111122223333:assumed-role/app/one").unwrap()
    }

    fn service() -> PrincipalArn {
        PrincipalArn::service("logs.us-east-1.amazonaws.com", AccountId::new(111_122_223_333))
    }

    fn pairs() -> Pairs {
        [("App".to_owned(), "pay".to_owned())].into()
    }

    fn terms() -> GrantTerms {
        GrantTerms {
            operations: GrantOperation::parse("Decrypt").into_iter().collect(),
            context: ContextConstraint::Equals(Arc::new(pairs())),
            source_arn: Some("arn:aws:s3:::b".into()),
        }
    }

    /// A context in which every field is set.
    fn full<'a>(
        call: &'a Call,
        pairs: &'a Pairs,
        aliases: &'a [AliasName],
        grant: GrantRequest<'a>,
    ) -> RequestContext<'a> {
        let text = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let Ok(KeyIdentifier::Arn(key)) = KeyIdentifier::parse(text) else { panic!("{text}") };
        RequestContext {
            key: Some(key),
            key_spec: Some("SYMMETRIC_DEFAULT"),
            key_usage: Some("ENCRYPT_DECRYPT"),
            key_origin: Some("AWS_KMS"),
            multi_region: Some(true),
            multi_region_key_type: Some("PRIMARY"),
            resource_tags: Some(pairs),
            resource_aliases: aliases,
            request_alias: aliases.first(),
            request_tags: Some(pairs),
            encryption_context: Some(pairs),
            encryption_algorithm: Some("SYMMETRIC_DEFAULT"),
            signing_algorithm: Some("ECDSA_SHA_256"),
            mac_algorithm: Some("HMAC_SHA_256"),
            key_agreement_algorithm: Some("ECDH"),
            wrapping_algorithm: Some("RSAES_OAEP_SHA_256"),
            wrapping_key_spec: Some("RSA_2048"),
            data_key_pair_spec: Some("RSA_2048"),
            message_type: Some("RAW"),
            attestation: Some(pairs),
            grant: Some(grant),
            expiration_model: Some("KEY_MATERIAL_EXPIRES"),
            valid_to: Some(call.now),
            pending_window_days: Some(7),
            rotation_period_days: Some(365),
            trailing_days: Some(89),
            primary_region: Some("eu-west-1"),
            replica_region: Some("eu-west-1"),
            policy_name: Some("default"),
            bypass_lockout_check: Some(false),
            re_encrypt_on_same_key: Some(true),
            ..RequestContext::new(call, Action::DescribeKey)
        }
    }

    /// The type and cardinality of a value.
    fn shape(value: &ContextValue<'_>) -> (ValueType, Cardinality) {
        match value {
            ContextValue::Text(text) if text.starts_with("arn:") => {
                (ValueType::Arn, Cardinality::Single)
            }
            ContextValue::Text(_) => (ValueType::String, Cardinality::Single),
            ContextValue::Bool(_) => (ValueType::Bool, Cardinality::Single),
            ContextValue::Number(_) => (ValueType::Numeric, Cardinality::Single),
            ContextValue::Moment(_) => (ValueType::Date, Cardinality::Single),
            ContextValue::Address(_) => (ValueType::Ip, Cardinality::Single),
            ContextValue::Keys(_) | ContextValue::Operations(_) | ContextValue::Aliases(_) => {
                (ValueType::String, Cardinality::Multi)
            }
        }
    }

    #[test]
    fn every_key_of_the_table_is_answered_with_its_type_where_it_applies_and_nowhere_else() {
        let (pairs, terms) = (pairs(), terms());
        let aliases = [AliasName::parse("alias/app").unwrap()];
        let parties = [Party::Principal(user()), Party::Service("logs.amazonaws.com".into())];
        for caller in [user(), service()] {
            let call = call(caller);
            for key in KmsKey::ALL {
                let answered = parties.iter().any(|party| {
                    let grant =
                        GrantRequest { terms: &terms, grantee: party, retiring: Some(party) };
                    let context = full(&call, &pairs, &aliases, grant);
                    Action::ALL.iter().any(|action| {
                        let context = context.for_action(*action);
                        let value = context.value(&ConditionKey::Kms(*key));
                        assert!(value.is_none() || key.actions().contains(*action), "{key:?}");
                        value.is_some_and(|value| is_of(&value, *key))
                    })
                });
                let hidden = call.caller.principal == service() && *key == KmsKey::ViaService;
                assert_eq!(answered, !hidden, "{key:?}");
            }
        }
    }

    /// Principals are ARNs by their form and strings by the table.
    fn is_of(value: &ContextValue<'_>, key: KmsKey) -> bool {
        let (kind, cardinality) = shape(value);
        let principal = matches!(key, KmsKey::GranteePrincipal | KmsKey::RetiringPrincipal);
        cardinality == key.cardinality() && (kind == key.value_type() || principal)
    }

    fn asked(principal: PrincipalArn, name: &str) -> Option<String> {
        let call = call(principal);
        let context = RequestContext::new(&call, Action::Encrypt);
        let value = context.value(&ConditionKey::new(name))?;
        value.text().map(Cow::into_owned)
    }

    #[test]
    fn the_caller_is_described_by_its_kind() {
        for (principal, name, expected) in [
            (user(), "aws:username", Some("alice")),
            (user(), "aws:PrincipalType", Some("User")),
            (user(), "aws:PrincipalAccount", Some("111122223333")),
            (user(), "aws:PrincipalOrgID", Some("o-1")),
            (user(), "aws:PrincipalIsAWSService", Some("false")),
            (user(), "aws:PrincipalTag/team", Some("blue")),
            (user(), "kms:ViaService", Some("s3.us-east-1.amazonaws.com")),
            (user(), "kms:CallerAccount", Some("111122223333")),
            (session(), "aws:username", None),
            (session(), "aws:PrincipalArn", Some("arn:aws-cn:iam::111122223333:role/app")),
            (session(), "aws:PrincipalType", Some("AssumedRole")),
            (service(), "aws:PrincipalIsAWSService", Some("true")),
            (service(), "aws:PrincipalServiceName", Some("logs.us-east-1.amazonaws.com")),
            (service(), "aws:PrincipalOrgID", None),
            (service(), "kms:ViaService", None),
            (service(), "kms:CallerAccount", Some("111122223333")),
            (user(), "aws:SourceIp", Some("203.0.113.9")),
            (user(), "aws:SourceVpce", Some("vpce-1")),
            (user(), "aws:SourceAccount", Some("000000000005")),
            (user(), "aws:SourceOrgID", Some("o-2")),
            (user(), "aws:EpochTime", Some("1767225600")),
            (user(), "aws:userid", None),
        ] {
            assert_eq!(asked(principal, name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_new_grant_shows_the_pairs_of_its_constraint() {
        let (call, terms) = (call(user()), terms());
        let grantee = Party::Principal(user());
        let mut context = RequestContext::new(&call, Action::CreateGrant);
        context.grant = Some(GrantRequest { terms: &terms, grantee: &grantee, retiring: None });
        let key = ConditionKey::new("kms:EncryptionContext:app");
        assert_eq!(context.value(&key), text(Some("pay")));
        assert_eq!(context.for_action(Action::DescribeKey).value(&key), None);
    }
}
