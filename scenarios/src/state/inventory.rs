//! Keys, aliases and grants as a file declares them, whatever its format.

use super::node::{At, Node};
use super::problem::Problem;
use kms_core::env::{Call, Caller, Timestamp};
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::name::{AccountId, AliasName, GrantId, KeyArn, KeyId, PrincipalArn, RegionName};
use kms_core::ops::create_grant;
use kms_core::policy::{Grant, Policy, PolicyKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the declared keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    /// The account, which a template calls `AWS::AccountId`.
    pub account: AccountId,
    /// The Region, which a template calls `AWS::Region`.
    pub region: RegionName,
}

impl Home {
    /// The root principal of the account.
    pub(crate) fn root(self) -> PrincipalArn {
        PrincipalArn::root(self.account, self.region.partition())
    }
}

/// All that a file declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Where.
    pub home: Home,
    /// The keys, in the order of the file.
    pub keys: Vec<DeclaredKey>,
    /// The aliases.
    pub aliases: Vec<DeclaredAlias>,
    /// The grants.
    pub grants: Vec<DeclaredGrant>,
    /// What the file says and nothing here acts on.
    pub warnings: Vec<Problem>,
}

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredKey {
    /// Its name in the file: a logical id, or a resource address.
    pub name: String,
    /// Where it is declared.
    pub at: At,
    /// Its ARN, with an id that follows from its name; the service will choose another one.
    pub arn: KeyArn,
    /// The description.
    pub description: String,
    /// The spec.
    pub spec: KeySpec,
    /// The usage.
    pub usage: KeyUsage,
    /// The origin.
    pub origin: Origin,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The period of automatic rotation in days, when it is on, and where that is said.
    pub rotation: Option<(u32, At)>,
    /// Whether it belongs to a set of multi-Region keys.
    pub multi_region: bool,
    /// The name of the primary, of a replica.
    pub primary: Option<String>,
    /// The policy; the default policy when the file has none.
    pub policy: DeclaredPolicy,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

/// A key policy.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredPolicy {
    /// Compiled.
    pub policy: Arc<Policy>,
    /// Where it begins; no place for the default policy.
    pub at: At,
    /// Where each statement begins.
    pub statements: Vec<At>,
}

/// An alias.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredAlias {
    /// Its name, with `alias/`.
    pub name: AliasName,
    /// The name of its key in the file.
    pub key: String,
    /// Where it is declared.
    pub at: At,
}

/// A grant.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredGrant {
    /// The name of its key in the file.
    pub key: String,
    /// Where it is declared.
    pub at: At,
    /// What CreateGrant would be asked.
    pub request: create_grant::Request,
}

impl Inventory {
    pub(crate) fn new(home: Home) -> Inventory {
        let (keys, aliases, grants, warnings) = Default::default();
        Inventory { home, keys, aliases, grants, warnings }
    }

    /// The key that an ARN, an id, an alias or a name in the file means.
    ///
    /// # Errors
    /// What there is instead.
    pub fn key(&self, named: &str) -> Result<&DeclaredKey, String> {
        let last = named.rsplit(":key/").next().unwrap_or(named);
        let alias = named.rsplit_once(":alias/").map(|(_, name)| format!("alias/{name}"));
        let alias = alias.as_deref().unwrap_or(named);
        let target = self.aliases.iter().find(|known| known.name.as_str() == alias);
        let name = target.map_or(named, |alias| &alias.key);
        let found = self.keys.iter().find(|key| key.name == name || key.arn.id.to_string() == last);
        found.ok_or_else(|| {
            let aliases = self.aliases.iter().map(|alias| alias.name.to_string());
            let known: Vec<String> =
                self.keys.iter().map(|key| key.name.clone()).chain(aliases).collect();
            match known.is_empty() {
                true => format!("there is no key {named}: the file declares none"),
                false => format!("there is no key {named}; there are {}", known.join(", ")),
            }
        })
    }
}

impl Inventory {
    /// The grants on a key, as its owner would have made them.
    ///
    /// # Errors
    /// A grant that CreateGrant would refuse.
    pub fn grants_on(&self, key: &DeclaredKey) -> Result<Vec<Grant>, Problem> {
        let owner = Caller::new(self.home.root());
        let call = Call::by(Arc::new(owner), Timestamp::EPOCH);
        let own = self.grants.iter().filter(|grant| grant.key == key.name);
        let described = (1_u32..).zip(own).map(|(number, grant)| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&number.to_be_bytes());
            create_grant::describe(&grant.request, GrantId(id), key.arn, &call)
                .map_err(|error| Problem::at(grant.at, error.to_string()))
        });
        described.collect()
    }
}

/// The ARN that a key gets by its name, the same in every run.
pub(crate) fn arn_of(home: Home, name: &str, multi_region: bool) -> KeyArn {
    let mut bytes = [0; 16];
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in name.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    }
    bytes.copy_from_slice(&hash.to_be_bytes());
    let id = if multi_region { KeyId::multi_region(bytes) } else { KeyId::single_region(bytes) };
    KeyArn { region: home.region, account: home.account, id }
}

impl DeclaredPolicy {
    /// The default policy of the keys there.
    pub(crate) fn default_of(home: Home) -> DeclaredPolicy {
        let policy = Arc::new(Policy::default_for(home.account, home.region.partition()));
        DeclaredPolicy { policy, at: At::default(), statements: Vec::new() }
    }

    /// A policy written as a map.
    pub(crate) fn of_map(node: &Node) -> Result<DeclaredPolicy, Problem> {
        let statements: Vec<At> = node
            .get("Statement")
            .into_iter()
            .flat_map(Node::items)
            .map(|statement| statement.at)
            .collect();
        let text = node.json().to_string();
        DeclaredPolicy::compile(&text, node.at, statements)
    }

    /// A policy written as a text of JSON.
    pub(crate) fn of_text(text: &str, at: At) -> Result<DeclaredPolicy, Problem> {
        let count = Node::parse(text).ok();
        let count = count.as_ref().and_then(|node| node.get("Statement"));
        let statements = vec![at; count.map_or(0, |statements| statements.items().len())];
        DeclaredPolicy::compile(text, at, statements)
    }

    fn compile(text: &str, at: At, statements: Vec<At>) -> Result<DeclaredPolicy, Problem> {
        if text.len() > kms_core::policy::MAX_POLICY_BYTES {
            let most = kms_core::policy::MAX_POLICY_BYTES;
            return Err(Problem::at(
                at,
                format!("the key policy has {} bytes; at most {most} are allowed", text.len()),
            ));
        }
        let policy = Policy::parse(text, PolicyKind::Key).map_err(|malformed| {
            let place = malformed.statement().and_then(|index| statements.get(index));
            Problem::at(*place.unwrap_or(&at), format!("the key policy is malformed: {malformed}"))
        })?;
        Ok(DeclaredPolicy { policy: Arc::new(policy), at, statements })
    }

    /// Whether the file says nothing, so that the key has the default policy.
    pub fn is_default(&self) -> bool {
        self.at.line == 0
    }

    /// Where a statement stands.
    pub fn place_of(&self, statement: usize) -> At {
        self.statements.get(statement).copied().unwrap_or(self.at)
    }
}
