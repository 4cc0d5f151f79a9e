//! One question: a caller, an action, a resource, policies as JSON, grants, and the request.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) const KEY: &str =
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub(crate) const OTHER_KEY: &str =
    "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
pub(crate) const ALIAS: &str = "arn:aws:kms:us-east-1:111122223333:alias/app";
/// The moment of every request: the first of 2026.
pub(crate) const NOW: u64 = 1_767_225_600;

pub(crate) type Pairs = BTreeMap<String, String>;

/// What the question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The key, managed by its account.
    Key,
    /// The key, managed by a service.
    ManagedKey,
    /// The alias of the key.
    Alias,
    /// No one resource.
    Anything,
}

/// Which layer a restricting policy is of.
pub(crate) const LAYERS: [&str; 5] = ["boundary", "session", "scp", "rcp", "endpoint"];

/// A grant.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) grantee: String,
    pub(crate) retiring: Option<String>,
    pub(crate) issuer: String,
    pub(crate) terms: Terms,
}

/// What a grant permits; also of the grant that a request is to create.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) operations: Vec<&'static str>,
    pub(crate) equals: Option<Pairs>,
    pub(crate) subset: Option<Pairs>,
    pub(crate) source: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) caller: &'static str,
    pub(crate) action: &'static str,
    pub(crate) about: About,
    pub(crate) key_policy: Value,
    pub(crate) identity: Vec<Value>,
    /// Layer and policy, in the order of the layers.
    pub(crate) restricting: Vec<(&'static str, Value)>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) context: Pairs,
    pub(crate) team: Option<&'static str>,
    pub(crate) via: Option<&'static str>,
    pub(crate) source_arn: Option<&'static str>,
    pub(crate) source_ip: Option<&'static str>,
    pub(crate) alias: bool,
    pub(crate) child: Option<Terms>,
}

impl Case {
    /// Whether an AWS service takes part in the request.
    pub(crate) fn has_service(&self) -> bool {
        self.via.is_some() || self.source_arn.is_some()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} asks for {} about {:?}", self.caller, self.action, self.about)?;
        writeln!(f, "key policy {}", self.key_policy)?;
        for policy in &self.identity {
            writeln!(f, "identity policy {policy}")?;
        }
        for (layer, policy) in &self.restricting {
            writeln!(f, "{layer} {policy}")?;
        }
        for grant in &self.grants {
            writeln!(f, "{grant:?}")?;
        }
        write!(f, "context {:?} via {:?} source {:?} ", self.context, self.via, self.source_arn)?;
        write!(f, "ip {:?} alias {} team {:?} ", self.source_ip, self.alias, self.team)?;
        write!(f, "child {:?}", self.child)
    }
}
