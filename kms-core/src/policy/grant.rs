//! Grants: the permission that travels without editing a policy.
//!
//! A grant is about one key and one grantee and only ever allows. Source: AWS KMS Developer Guide,
//! "Grants in AWS KMS"; AWS KMS API 2026 for service principals and the source ARN constraint.

use super::action::{Action, ActionSet};
use super::condition_key::{AwsKey, ConditionKey, KmsKey};
use super::context::{Context, ContextValue, Pairs};
use super::principal::{Fit, fit};
use crate::env::Timestamp;
use crate::name::{AccountId, GrantId, KeyId, PrincipalArn, PrincipalKind};
use std::fmt;
use std::sync::Arc;

/// The permissions a grant may give, by their wire names.
const GRANTABLE: [Action; 19] = [
    Action::CreateGrant,
    Action::Decapsulate,
    Action::Decrypt,
    Action::DeriveSharedSecret,
    Action::DescribeKey,
    Action::Encapsulate,
    Action::Encrypt,
    Action::GenerateDataKey,
    Action::GenerateDataKeyPair,
    Action::GenerateDataKeyPairWithoutPlaintext,
    Action::GenerateDataKeyWithoutPlaintext,
    Action::GenerateMac,
    Action::GetPublicKey,
    Action::ReEncryptFrom,
    Action::ReEncryptTo,
    Action::RetireGrant,
    Action::Sign,
    Action::Verify,
    Action::VerifyMac,
];

/// One operation a grant may permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantOperation(Action);

impl GrantOperation {
    /// Every grant operation, alphabetically.
    pub fn all() -> impl Iterator<Item = GrantOperation> {
        GRANTABLE.into_iter().map(GrantOperation)
    }

    /// The operation of that wire name, or nothing.
    pub fn parse(name: &str) -> Option<GrantOperation> {
        GrantOperation::all().find(|operation| operation.name() == name)
    }

    /// The operation that gives `action`, or nothing when no grant can.
    pub fn of(action: Action) -> Option<GrantOperation> {
        GRANTABLE.contains(&action).then_some(GrantOperation(action))
    }

    /// The permission it gives.
    pub fn action(self) -> Action {
        self.0
    }

    /// The wire name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// A set of grant operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantOperations(ActionSet);

impl GrantOperations {
    /// Whether the set gives `action`.
    pub fn permit(self, action: Action) -> bool {
        self.0.contains(action)
    }

    /// Whether every operation of `other` is in this set.
    pub fn includes(self, other: GrantOperations) -> bool {
        self.0.includes(other.0)
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The operations, alphabetically.
    pub fn iter(self) -> impl Iterator<Item = GrantOperation> {
        self.0.iter().map(GrantOperation)
    }
}

impl FromIterator<GrantOperation> for GrantOperations {
    fn from_iter<I: IntoIterator<Item = GrantOperation>>(operations: I) -> GrantOperations {
        GrantOperations(operations.into_iter().map(GrantOperation::action).collect())
    }
}

/// Who stands in a grant: a principal or an AWS service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// An account, user, role or session.
    Principal(PrincipalArn),
    /// The host name of a service, such as `dynamodb.us-east-1.amazonaws.com`.
    Service(Arc<str>),
}

impl Party {
    /// The ARN, unless it is a service.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Party::Principal(arn) => Some(arn.as_str()),
            Party::Service(_) => None,
        }
    }

    /// The host name, if it is a service.
    pub fn service(&self) -> Option<&str> {
        match self {
            Party::Principal(_) => None,
            Party::Service(host) => Some(host),
        }
    }

    /// How the party fits a caller. An account fits everyone in it who has an IAM permission too:
    /// the guide allows an account as grantee and leaves open what that gives to whom, so it is read
    /// as in a key policy.
    pub fn fit(&self, caller: &PrincipalArn) -> Option<Fit> {
        match self {
            Party::Principal(named) => fit(named, caller),
            Party::Service(host) => {
                let same = caller.kind() == PrincipalKind::Service && **host == *caller.as_str();
                same.then_some(Fit::Itself)
            }
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Principal(arn) => arn.fmt(f),
            Party::Service(host) => f.write_str(host),
        }
    }
}

/// What a grant demands of the encryption context of a request.
///
/// Pairs compare with case in key and value, as the guide says; the API reference says that the key
/// compares without. The strict reading never permits what the other would refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContextConstraint {
    /// Nothing.
    #[default]
    None,
    /// `EncryptionContextEquals`: exactly these pairs.
    Equals(Arc<Pairs>),
    /// `EncryptionContextSubset`: at least these pairs.
    Subset(Arc<Pairs>),
}

impl ContextConstraint {
    /// The pairs of the constraint.
    pub fn pairs(&self) -> Option<&Pairs> {
        match self {
            ContextConstraint::None => None,
            ContextConstraint::Equals(pairs) | ContextConstraint::Subset(pairs) => Some(pairs),
        }
    }

    /// The value of `kms:GrantConstraintType`.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            ContextConstraint::None => None,
            ContextConstraint::Equals(_) => Some("EncryptionContextEquals"),
            ContextConstraint::Subset(_) => Some("EncryptionContextSubset"),
        }
    }

    /// Whether a request with this encryption context meets the constraint.
    fn is_met_by(&self, context: Option<&Pairs>) -> bool {
        const EMPTY: &Pairs = &Pairs::new();
        let context = context.unwrap_or(EMPTY);
        match self {
            ContextConstraint::None => true,
            ContextConstraint::Equals(pairs) => **pairs == *context,
            ContextConstraint::Subset(pairs) => contains(context, pairs),
        }
    }

    /// Whether everything that meets this constraint meets `parent` too.
    fn is_no_wider_than(&self, parent: &ContextConstraint) -> bool {
        match (parent, self) {
            (ContextConstraint::None, _) => true,
            (ContextConstraint::Equals(wide), ContextConstraint::Equals(narrow)) => wide == narrow,
            (ContextConstraint::Equals(_), _) | (_, ContextConstraint::None) => false,
            (
                ContextConstraint::Subset(wide),
                ContextConstraint::Equals(narrow) | ContextConstraint::Subset(narrow),
            ) => contains(narrow, wide),
        }
    }
}

fn contains(pairs: &Pairs, part: &Pairs) -> bool {
    part.iter().all(|(key, value)| pairs.get(key) == Some(value))
}

/// What a grant permits and under which constraints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantTerms {
    /// The operations.
    pub operations: GrantOperations,
    /// The constraint on the encryption context.
    pub context: ContextConstraint,
    /// The constraint on `aws:SourceArn`, which only requests of AWS services are held against.
    pub source_arn: Option<Arc<str>>,
}

impl GrantTerms {
    /// Whether a grant on these terms may be created by whoever holds only a grant on `parent`:
    /// a subset of its operations, under equal or stricter constraints.
    pub fn is_no_wider_than(&self, parent: &GrantTerms) -> bool {
        parent.operations.includes(self.operations)
            && self.context.is_no_wider_than(&parent.context)
            && (parent.source_arn.is_none() || parent.source_arn == self.source_arn)
    }
}

/// A grant, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The id.
    pub id: GrantId,
    /// The key, of the account and Region that hold the grant.
    pub key: KeyId,
    /// Who may use it.
    pub grantee: Party,
    /// Who may retire it, beside its issuer.
    pub retiring: Option<Party>,
    /// What it permits.
    pub terms: GrantTerms,
    /// The name that made its creation idempotent.
    pub name: Option<Arc<str>>,
    /// The principal that created it; its account is the issuing account.
    pub issuer: PrincipalArn,
    /// When it was created.
    pub created: Timestamp,
}

/// Why a grant does not cover a request; the later, the closer the grant came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantMiss {
    /// Its grantee is somebody else.
    Grantee,
    /// It does not include the operation.
    Operation,
    /// The encryption context does not meet its constraint.
    EncryptionContext,
    /// The source ARN does not meet its constraint.
    SourceArn,
    /// The grant to be created would permit more than it does.
    WiderChild,
    /// It names the caller's account, and no IAM policy there allows the operation.
    IdentityPolicy,
}

impl fmt::Display for GrantMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GrantMiss::Grantee => "names another grantee",
            GrantMiss::Operation => "does not include the operation",
            GrantMiss::EncryptionContext => "constrains the encryption context otherwise",
            GrantMiss::SourceArn => "constrains the source ARN otherwise",
            GrantMiss::WiderChild => "permits less than the grant to be created",
            GrantMiss::IdentityPolicy => {
                "names the account of the caller, and no IAM policy there allows the operation"
            }
        })
    }
}

impl Grant {
    /// The account whose principal created the grant.
    pub fn issuing_account(&self) -> AccountId {
        self.issuer.account()
    }

    /// Whether the constraint on the encryption context binds a request for `action`.
    pub(crate) fn heeds_encryption_context(action: Action) -> bool {
        KmsKey::EncryptionContextKeys.actions().contains(action)
    }

    /// Whether the grant covers a request, and how closely its grantee fits the caller: a grantee
    /// that is an account covers only who has an IAM permission too.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn permits(
        &self,
        caller: &PrincipalArn,
        action: Action,
        context: &dyn Context,
    ) -> Result<Fit, GrantMiss> {
        let fit = self.grantee.fit(caller).ok_or(GrantMiss::Grantee)?;
        if !self.terms.operations.permit(action) {
            return Err(GrantMiss::Operation);
        }
        self.check_constraints(caller, action, context)?;
        Ok(fit)
    }

    /// Constraints on the encryption context bind only operations that take one; CreateGrant is bound
    /// to create nothing wider. RetireGrant is bound by none.
    fn check_constraints(
        &self,
        caller: &PrincipalArn,
        action: Action,
        context: &dyn Context,
    ) -> Result<(), GrantMiss> {
        if action == Action::RetireGrant {
            return Ok(());
        }
        if action == Action::CreateGrant {
            let child = context.requested_grant();
            let narrow = child.is_none_or(|child| child.is_no_wider_than(&self.terms));
            narrow.then_some(()).ok_or(GrantMiss::WiderChild)?;
        } else if Grant::heeds_encryption_context(action) {
            let met = self.terms.context.is_met_by(context.encryption_context());
            met.then_some(()).ok_or(GrantMiss::EncryptionContext)?;
        }
        let met = self.meets_source_arn(caller, context);
        met.then_some(()).ok_or(GrantMiss::SourceArn)
    }

    /// Holds the source ARN against the constraint, exactly, when an AWS service makes the request.
    fn meets_source_arn(&self, caller: &PrincipalArn, context: &dyn Context) -> bool {
        let Some(demanded) = &self.terms.source_arn else {
            return true;
        };
        match context.value(&ConditionKey::Aws(AwsKey::SourceArn)) {
            Some(ContextValue::Text(source)) => *source == **demanded,
            _ => !is_made_by_service(caller, context),
        }
    }
}

fn is_made_by_service(caller: &PrincipalArn, context: &dyn Context) -> bool {
    caller.kind() == PrincipalKind::Service
        || context.value(&ConditionKey::Kms(KmsKey::ViaService)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Arc<Pairs> {
        Arc::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn equals(list: &[(&str, &str)]) -> ContextConstraint {
        ContextConstraint::Equals(pairs(list))
    }

    fn subset(list: &[(&str, &str)]) -> ContextConstraint {
        ContextConstraint::Subset(pairs(list))
    }

    #[test]
    fn nineteen_operations_have_their_wire_names() {
        assert_eq!(GrantOperation::all().count(), 19);
        for operation in GrantOperation::all() {
            assert_eq!(GrantOperation::parse(operation.name()), Some(operation));
            assert_eq!(GrantOperation::of(operation.action()), Some(operation));
        }
        for none in ["PutKeyPolicy", "ReEncrypt", "decrypt", ""] {
            assert_eq!(GrantOperation::parse(none), None);
        }
        assert_eq!(GrantOperation::of(Action::ListGrants), None);
    }

    #[test]
    fn a_constraint_only_narrows_from_parent_to_child() {
        let (one, two) = (&[("a", "1")][..], &[("a", "1"), ("b", "2")][..]);
        for (parent, child, expected) in [
            (ContextConstraint::None, ContextConstraint::None, true),
            (ContextConstraint::None, subset(one), true),
            (subset(one), ContextConstraint::None, false),
            (subset(one), subset(one), true),
            (subset(one), subset(two), true),
            (subset(two), subset(one), false),
            (subset(one), equals(two), true),
            (subset(two), equals(one), false),
            (equals(one), equals(one), true),
            (equals(one), equals(two), false),
            (equals(one), subset(one), false),
        ] {
            assert_eq!(child.is_no_wider_than(&parent), expected, "{parent:?} {child:?}");
        }
    }

    #[test]
    fn a_child_keeps_the_operations_and_source_arn_of_its_parent() {
        let operations = |names: &[&str]| {
            names.iter().filter_map(|name| GrantOperation::parse(name)).collect::<GrantOperations>()
        };
        let parent = GrantTerms {
            operations: operations(&["CreateGrant", "Decrypt"]),
            source_arn: Some("arn:aws:logs:::g".into()),
            ..GrantTerms::default()
        };
        let fits = |operations, source_arn: Option<&str>| {
            let source_arn = source_arn.map(Arc::from);
            let child = GrantTerms { operations, source_arn, ..GrantTerms::default() };
            child.is_no_wider_than(&parent)
        };
        assert!(fits(operations(&["Decrypt"]), Some("arn:aws:logs:::g")));
        assert!(!fits(operations(&["Decrypt", "Encrypt"]), Some("arn:aws:logs:::g")));
        assert!(!fits(operations(&["Decrypt"]), Some("arn:aws:logs:::h")));
        assert!(!fits(operations(&["Decrypt"]), None));
    }

    #[test]
    fn an_empty_context_is_no_context() {
        assert!(equals(&[]).is_met_by(None));
        assert!(subset(&[]).is_met_by(None));
        assert!(!subset(&[("a", "1")]).is_met_by(None));
    }
}
