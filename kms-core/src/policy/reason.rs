//! Why a request is allowed or denied, precisely: for the audit and for whoever debugs a policy.
//! A caller of the API never reads it, but for the kind of policy (see `refusal`).

use super::action::Action;
use super::grant::GrantMiss;
use super::kind::Restriction;
use crate::name::GrantId;
use std::fmt;

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The policy of the key.
    KeyPolicy,
    /// A policy attached to the caller.
    IdentityPolicy,
    /// A policy that only restricts.
    Restricting(Restriction),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::KeyPolicy => f.write_str("key policy"),
            Layer::IdentityPolicy => f.write_str("identity policy"),
            Layer::Restricting(restriction) => restriction.fmt(f),
        }
    }
}

/// One statement of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRef<'a> {
    /// The layer of the policy.
    pub layer: Layer,
    /// The position of the policy in its layer, from 0.
    pub policy: usize,
    /// The position of the statement in the policy, from 0.
    pub statement: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<&'a str>,
}

impl StatementRef<'_> {
    /// The statement by its position alone.
    pub fn unnamed(&self) -> StatementRef<'static> {
        StatementRef { sid: None, ..*self }
    }
}

impl fmt::Display for StatementRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.statement)?;
        if let Some(sid) = self.sid {
            write!(f, " \"{sid}\"")?;
        }
        match self.layer {
            Layer::KeyPolicy => write!(f, " of the key policy"),
            layer => write!(f, " of {layer} {}", self.policy),
        }
    }
}

/// Why a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed<'a> {
    /// The key policy names the caller.
    KeyPolicy(StatementRef<'a>),
    /// The key policy trusts the account, and the account's IAM policy allows.
    Delegated {
        /// The statement of the key policy.
        key: StatementRef<'a>,
        /// The statement of the identity policy.
        identity: StatementRef<'a>,
    },
    /// An identity policy alone allows it: the request is about no key policy.
    IdentityPolicy(StatementRef<'a>),
    /// The root principal of an account may do in it what needs no key policy.
    AccountRoot,
    /// A grant covers it.
    Grant(GrantId),
    /// The caller may retire this grant.
    Retires(GrantId),
}

impl Allowed<'_> {
    /// The reason by the positions of its statements alone, which outlives the policies.
    pub fn unnamed(&self) -> Allowed<'static> {
        match *self {
            Allowed::KeyPolicy(key) => Allowed::KeyPolicy(key.unnamed()),
            Allowed::Delegated { key, identity } => {
                Allowed::Delegated { key: key.unnamed(), identity: identity.unnamed() }
            }
            Allowed::IdentityPolicy(identity) => Allowed::IdentityPolicy(identity.unnamed()),
            Allowed::AccountRoot => Allowed::AccountRoot,
            Allowed::Grant(id) => Allowed::Grant(id),
            Allowed::Retires(id) => Allowed::Retires(id),
        }
    }
}

impl fmt::Display for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::KeyPolicy(statement) => {
                write!(f, "{statement} names the caller and allows it")
            }
            Allowed::Delegated { key, identity } => {
                write!(f, "{key} trusts the caller's account, and {identity} allows it")
            }
            Allowed::IdentityPolicy(statement) => write!(f, "{statement} allows it"),
            Allowed::AccountRoot => {
                f.write_str("the root principal of an account may do this in its account")
            }
            Allowed::Grant(id) => write!(f, "grant {id} covers it"),
            Allowed::Retires(id) => write!(f, "the caller may retire grant {id}"),
        }
    }
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied<'a> {
    /// A statement denies it; nothing outweighs that.
    ExplicitDeny(StatementRef<'a>),
    /// A restricting layer is there, and none of its policies allows it.
    RestrictedBy(Restriction),
    /// The permission does not reach keys of other accounts.
    CrossAccountNotAllowed(Action),
    /// The key's policy does not trust the caller's account with it, and no grant covers it.
    CrossAccountNeedsKeyPolicy,
    /// The key's policy trusts the caller's account; no IAM policy of that account allows it.
    CrossAccountNeedsIdentityPolicy,
    /// The key policy trusts the account; no IAM policy of the caller allows it.
    NoIdentityPolicy,
    /// IAM would allow it, but the key policy gives the account no say.
    NoKeyPolicyDelegation,
    /// Nothing mentions the caller.
    NothingAllows,
    /// A grant names the caller and falls short; nothing else allows it.
    GrantFallsShort {
        /// The grant.
        grant: GrantId,
        /// What does not fit.
        miss: GrantMiss,
    },
    /// The caller is neither retiring principal, nor grantee with RetireGrant, nor issuing account.
    MayNotRetire,
}

impl fmt::Display for Denied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::ExplicitDeny(statement) => write!(f, "{statement} denies it explicitly"),
            Denied::RestrictedBy(layer) => write!(f, "no {layer} of the caller allows it"),
            Denied::CrossAccountNotAllowed(action) => {
                write!(f, "{action} does not reach keys or aliases of another account")
            }
            Denied::GrantFallsShort { grant, miss } => {
                write!(f, "nothing else allows it, and grant {grant} {miss}")
            }
            other => f.write_str(other.sentence()),
        }
    }
}

impl Denied<'_> {
    fn sentence(&self) -> &'static str {
        match self {
            Denied::CrossAccountNeedsKeyPolicy => {
                "the key is of another account, and its key policy does not allow the caller's account"
            }
            Denied::CrossAccountNeedsIdentityPolicy => {
                "the key policy allows the caller's account, but no identity policy there allows this key"
            }
            Denied::NoIdentityPolicy => {
                "the key policy leaves it to IAM, but no identity policy of the caller allows it"
            }
            Denied::NoKeyPolicyDelegation => {
                "an identity policy allows it, but the key policy does not leave it to IAM"
            }
            Denied::MayNotRetire => {
                "the caller is not its retiring principal, a grantee that may retire it, or of its issuing account"
            }
            _ => "no policy and no grant allows it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_sentences() {
        let key =
            StatementRef { layer: Layer::KeyPolicy, policy: 0, statement: 1, sid: Some("Use") };
        let layer = Layer::IdentityPolicy;
        let identity = StatementRef { layer, policy: 2, statement: 0, sid: None };
        let grant = GrantId([0xab; 32]);
        for (sentence, expected) in [
            (
                Allowed::Delegated { key, identity }.to_string(),
                "statement 1 \"Use\" of the key policy trusts the caller's account, and statement 0 of identity policy 2 allows it",
            ),
            (
                Denied::ExplicitDeny(key).to_string(),
                "statement 1 \"Use\" of the key policy denies it explicitly",
            ),
            (
                Denied::RestrictedBy(Restriction::ServiceControl).to_string(),
                "no service control policy of the caller allows it",
            ),
            (
                Denied::CrossAccountNotAllowed(Action::PutKeyPolicy).to_string(),
                "kms:PutKeyPolicy does not reach keys or aliases of another account",
            ),
            (Denied::NothingAllows.to_string(), "no policy and no grant allows it"),
        ] {
            assert_eq!(sentence, expected);
        }
        let short = Denied::GrantFallsShort { grant, miss: GrantMiss::Operation }.to_string();
        assert!(short.ends_with("abab does not include the operation"), "{short}");
    }
}
