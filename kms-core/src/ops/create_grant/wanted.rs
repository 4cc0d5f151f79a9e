//! The grant that a request describes, before any key is looked at: who, what and on which terms.

use super::Request;
use crate::env::Call;
use crate::error::{Error, ErrorCode, Result};
use crate::name::{AccountId, GrantId, KeyId, Partition, PrincipalArn};
use crate::policy::{ContextConstraint, Grant, GrantOperations, GrantRequest, GrantTerms, Party};
use crate::wire::{GrantName, PrincipalText, ServicePrincipal, SourceArn};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most pairs of a constraint (AWS KMS Developer Guide, "Using grant constraints").
const MOST_PAIRS: usize = 8;
/// The most characters of a value in a constraint (ibid.).
const LONGEST_VALUE: usize = 384;

crate::shape! {
    /// What a grant demands of the requests it permits.
    #[derive(Default)]
    pub struct GrantConstraints {
        /// The encryption context has at least these pairs.
        encryption_context_subset: Option<BTreeMap<String, String>> = "EncryptionContextSubset",
        /// The encryption context has exactly these pairs.
        encryption_context_equals: Option<BTreeMap<String, String>> = "EncryptionContextEquals",
        /// The AWS resource that a service makes the request for.
        source_arn: Option<SourceArn> = "SourceArn",
    }
}

impl GrantConstraints {
    /// The constraints of a grant, if it has any.
    pub(crate) fn of(terms: &GrantTerms) -> Option<GrantConstraints> {
        let mut constraints = GrantConstraints {
            source_arn: terms.source_arn.clone().map(SourceArn::from),
            ..GrantConstraints::default()
        };
        match &terms.context {
            ContextConstraint::None => {}
            ContextConstraint::Equals(pairs) => {
                constraints.encryption_context_equals = Some(BTreeMap::clone(pairs));
            }
            ContextConstraint::Subset(pairs) => {
                constraints.encryption_context_subset = Some(BTreeMap::clone(pairs));
            }
        }
        (constraints != GrantConstraints::default()).then_some(constraints)
    }
}

/// A grant without its id, its key and its issuer.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) grantee: Party,
    pub(super) retiring: Option<Party>,
    pub(super) terms: GrantTerms,
    name: Option<Arc<str>>,
}

impl Wanted {
    /// Reads a request and checks what needs no key to be checked.
    pub(super) fn parse(request: &Request, partition: Partition) -> Result<Wanted> {
        let grantee = party(
            ("Grantee", partition),
            request.grantee_principal.as_ref(),
            request.grantee_service_principal.as_ref(),
        )?;
        let retiring = party(
            ("Retiring", partition),
            request.retiring_principal.as_ref(),
            request.retiring_service_principal.as_ref(),
        )?;
        let name = request.name.as_ref().map(|name: &GrantName| name.as_str().into());
        let wanted = Wanted {
            grantee: grantee.ok_or_else(|| {
                invalid("You must specify either GranteePrincipal or GranteeServicePrincipal.")
            })?,
            retiring,
            terms: terms(request)?,
            name,
        };
        wanted.check_service_grantee().map(|()| wanted)
    }

    /// A grant to a service can be retired by somebody and is bound to a resource.
    fn check_service_grantee(&self) -> Result<()> {
        if self.grantee.service().is_none() {
            return Ok(());
        }
        if self.terms.source_arn.is_none() {
            return Err(invalid("GranteeServicePrincipal requires the SourceArn constraint."));
        }
        if self.retiring.is_none() {
            return Err(invalid(
                "GranteeServicePrincipal requires RetiringPrincipal or RetiringServicePrincipal.",
            ));
        }
        Ok(())
    }

    /// What policies may ask about it.
    pub(super) fn as_request(&self) -> GrantRequest<'_> {
        GrantRequest {
            terms: &self.terms,
            grantee: &self.grantee,
            retiring: self.retiring.as_ref(),
        }
    }

    /// The grant.
    pub(super) fn into_grant(self, id: GrantId, key: KeyId, call: &Call) -> Grant {
        Grant {
            id,
            key,
            grantee: self.grantee,
            retiring: self.retiring,
            terms: self.terms,
            name: self.name,
            issuer: call.caller.principal.clone(),
            created: call.now,
        }
    }
}

/// The party named by `…Principal` or `…ServicePrincipal`, which exclude each other. The number of an
/// account stands for its root principal in the partition.
pub(in crate::ops) fn party(
    (role, partition): (&str, Partition),
    principal: Option<&PrincipalText>,
    service: Option<&ServicePrincipal>,
) -> Result<Option<Party>> {
    match (principal, service) {
        (Some(_), Some(_)) => Err(invalid(format!(
            "You cannot specify {role}Principal and {role}ServicePrincipal in the same request."
        ))),
        (Some(text), None) => {
            principal_arn(text.as_str(), partition).map(Party::Principal).map(Some)
        }
        (None, Some(host)) => service_host(role, host.as_str()).map(Party::Service).map(Some),
        (None, None) => Ok(None),
    }
}

/// An ARN of the partition of the Region (AWS KMS API Reference, "CreateGrant"): the number of an
/// account, which stands for its root principal in a policy, is none.
fn principal_arn(text: &str, partition: Partition) -> Result<PrincipalArn> {
    let here = text.split(':').nth(1) == Some(partition.as_str());
    let principal = PrincipalArn::parse(text).filter(|_| here);
    principal.ok_or_else(|| ErrorCode::InvalidArn.says(format!("Invalid arn {text}")))
}

fn service_host(role: &str, host: &str) -> Result<Arc<str>> {
    let labels = host.split('.');
    if labels.clone().count() < 3 || labels.clone().any(str::is_empty) {
        let member = format!("{}ServicePrincipal", role.to_lowercase());
        return Err(violation(host, &member, "Member must be a host name of three labels or more"));
    }
    Ok(host.into())
}

fn terms(request: &Request) -> Result<GrantTerms> {
    let operations: GrantOperations = request.operations.0.iter().copied().collect();
    if operations.is_empty() {
        let constraint = "Member must have length greater than or equal to 1";
        return Err(violation("[]", "operations", constraint));
    }
    let none = GrantConstraints::default();
    let constraints = request.constraints.as_ref().unwrap_or(&none);
    let source_arn = constraints.source_arn.as_ref().map(source_arn).transpose()?;
    Ok(GrantTerms { operations, context: context(constraints)?, source_arn })
}

fn context(constraints: &GrantConstraints) -> Result<ContextConstraint> {
    let equals = constraints.encryption_context_equals.as_ref();
    let subset = constraints.encryption_context_subset.as_ref();
    let constraint = match (equals, subset) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "You cannot specify EncryptionContextEquals and EncryptionContextSubset in the same \
                 grant.",
            ));
        }
        (Some(pairs), None) => ContextConstraint::Equals(Arc::new(pairs.clone())),
        (None, Some(pairs)) => ContextConstraint::Subset(Arc::new(pairs.clone())),
        (None, None) => ContextConstraint::None,
    };
    constraint.pairs().map_or(Ok(()), check_pairs)?;
    Ok(constraint)
}

fn check_pairs(pairs: &BTreeMap<String, String>) -> Result<()> {
    if pairs.len() > MOST_PAIRS {
        return Err(invalid(format!(
            "A grant constraint has at most {MOST_PAIRS} encryption context pairs, this one has {}.",
            pairs.len()
        )));
    }
    let too_long = pairs.iter().find(|(_, value)| value.chars().count() > LONGEST_VALUE);
    too_long.map_or(Ok(()), |(key, _)| {
        Err(invalid(format!(
            "A value in a grant constraint has at most {LONGEST_VALUE} characters, that of '{key}' \
             is longer."
        )))
    })
}

/// `arn:partition:service:region:account:resource`. Some resources have no Region, and buckets of
/// Amazon S3 no account either (AWS General Reference, Amazon Resource Names).
fn source_arn(arn: &SourceArn) -> Result<Arc<str>> {
    let text = arn.as_str();
    let fields: Vec<_> = text.splitn(6, ':').collect();
    match fields[..] {
        ["arn", partition, service, _, account, resource]
            if partition.starts_with("aws")
                && !service.is_empty()
                && (account.is_empty() || AccountId::parse(account).is_some())
                && !resource.is_empty() =>
        {
            Ok(text.into())
        }
        _ => Err(violation(
            text,
            "constraints.sourceArn",
            "Member must satisfy regular expression pattern: \
             ^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$",
        )),
    }
}

fn violation(value: &str, member: &str, constraint: &str) -> Error {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         {constraint}"
    ))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    ErrorCode::Validation.says(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::GrantOperation;

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const DYNAMODB: &str = "dynamodb.us-east-1.amazonaws.com";
    const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";

    fn request() -> Request {
        let key = KeyId::single_region([1; 16]);
        Request::new(key, ALICE, GrantOperation::parse("Decrypt"))
    }

    fn bound(constraints: GrantConstraints) -> Request {
        Request { constraints: Some(constraints), ..request() }
    }

    fn pairs(number: usize, length: usize) -> Option<BTreeMap<String, String>> {
        Some((0..number).map(|index| (index.to_string(), "ä".repeat(length))).collect())
    }

    fn parse(request: &Request) -> Result<Wanted> {
        Wanted::parse(request, Partition::Aws)
    }

    fn refusal(request: &Request) -> ErrorCode {
        parse(request).unwrap_err().code
    }

    #[test]
    fn a_grantee_is_one_principal_or_one_service() {
        let neither = Request { grantee_principal: None, ..request() };
        let both = Request { grantee_service_principal: Some(DYNAMODB.into()), ..request() };
        for bad in [neither, both] {
            assert_eq!(refusal(&bad), ErrorCode::Validation);
        }
    }

    /// The number of an account became its root principal, and an ARN of China was a grantee anywhere.
    #[test]
    fn a_principal_is_of_the_partition_of_the_region() {
        let partitions = [Partition::Aws, Partition::China, Partition::GovCloud];
        for (partition, other) in partitions.into_iter().zip(partitions.into_iter().cycle().skip(1))
        {
            let parsed = |of: Partition| {
                let arn = format!("arn:{}:iam::444455556666:root", of.as_str());
                let text = Some(arn.as_str().into());
                let grantee = Request { grantee_principal: text, ..request() };
                Wanted::parse(&grantee, partition).map(|wanted| wanted.grantee)
            };
            let account = AccountId::new(444_455_556_666);
            let root = PrincipalArn::root(account, partition);
            assert_eq!(parsed(partition), Ok(Party::Principal(root)));
            assert_eq!(parsed(other).unwrap_err().code, ErrorCode::InvalidArn);
        }
    }

    #[test]
    fn a_principal_is_an_arn_of_one() {
        for bad in [DYNAMODB, "alice", "arn:aws:iam::111122223333:group/admins", "111122223333"] {
            let grantee = Request { grantee_principal: Some(bad.into()), ..request() };
            let retiring = Request { retiring_principal: Some(bad.into()), ..request() };
            for request in [grantee, retiring] {
                assert_eq!(refusal(&request), ErrorCode::InvalidArn, "{bad}");
            }
        }
    }

    #[test]
    fn a_service_needs_a_source_arn_and_somebody_to_retire() {
        let source = GrantConstraints { source_arn: Some(TABLE.into()), ..Default::default() };
        let service = Request {
            grantee_principal: None,
            grantee_service_principal: Some(DYNAMODB.into()),
            retiring_service_principal: Some(DYNAMODB.into()),
            ..bound(source)
        };
        let wanted = parse(&service).unwrap();
        assert_eq!(wanted.grantee.service(), Some(DYNAMODB));
        let unbound = Request { constraints: None, ..service.clone() };
        let unretired = Request { retiring_service_principal: None, ..service.clone() };
        let two = Request { retiring_principal: Some(ALICE.into()), ..service.clone() };
        let no_host = Request { grantee_service_principal: Some("dynamodb".into()), ..service };
        for bad in [unbound, unretired, two, no_host] {
            assert_eq!(refusal(&bad), ErrorCode::Validation, "{bad:?}");
        }
    }

    #[test]
    fn a_constraint_has_eight_pairs_and_values_of_384_characters_at_most() {
        for (number, length, fits) in [(8, 1, true), (9, 1, false), (1, 384, true), (1, 385, false)]
        {
            let equals = pairs(number, length);
            let subset = equals.clone();
            for constraints in [
                GrantConstraints { encryption_context_equals: equals, ..Default::default() },
                GrantConstraints { encryption_context_subset: subset, ..Default::default() },
            ] {
                let wanted = parse(&bound(constraints.clone()));
                let shown = wanted.ok().and_then(|wanted| GrantConstraints::of(&wanted.terms));
                assert_eq!(shown, fits.then_some(constraints), "{number} of {length}");
            }
        }
    }

    #[test]
    fn a_constraint_is_of_one_kind_and_a_source_arn_is_one() {
        let (encryption_context_equals, encryption_context_subset) = (pairs(1, 1), pairs(1, 1));
        let both = GrantConstraints {
            encryption_context_equals,
            encryption_context_subset,
            source_arn: None,
        };
        assert_eq!(refusal(&bound(both)), ErrorCode::Validation);
        let from = |arn: &str| {
            bound(GrantConstraints { source_arn: Some(arn.into()), ..Default::default() })
        };
        for bad in [
            "no arn, but twenty characters",
            "arn:aws:s3:::",
            "arn:aws::us-east-1:111122223333:table/orders",
            "arn:aws:dynamodb:us-east-1:11112222333:table/orders",
            "arn:other:s3:::a-bucket-of-nobody",
        ] {
            assert_eq!(refusal(&from(bad)), ErrorCode::Validation, "{bad}");
        }
        for good in [TABLE, "arn:aws:s3:::my-bucket-name", "arn:aws:iam::111122223333:role/app"] {
            let terms = parse(&from(good)).unwrap().terms;
            assert_eq!(terms.source_arn.as_deref(), Some(good));
        }
    }

    #[test]
    fn a_grant_permits_something() {
        let empty = Request { operations: crate::wire::Listed(Vec::new()), ..request() };
        assert_eq!(refusal(&empty), ErrorCode::Validation);
    }
}
