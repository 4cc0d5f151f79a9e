//! Terraform plans as JSON (`terraform show -json`): `aws_kms_key`, `aws_kms_replica_key`,
//! `aws_kms_alias`, `aws_kms_grant` and `aws_kms_key_policy`, in every module.
//!
//! Source: Terraform, "JSON Output Format", and the documentation of the AWS provider. What is known
//! only after apply (ids, ARNs) is missing among the planned values; the configuration says which
//! resource it comes from, so references are followed there.

use super::cloudformation::{no_alias, number, text, truth, word};
use super::inventory::{
    DeclaredAlias, DeclaredGrant, DeclaredKey, DeclaredPolicy, Home, Inventory, arn_of,
};
use super::node::{Data, Node};
use super::problem::Problem;
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::name::AliasName;
use kms_core::ops::create_grant;
use kms_core::policy::GrantOperation;
use kms_core::wire::{GrantName, KeyRef, PrincipalText};
use std::collections::BTreeMap;

/// What the provider documents; more is warned of.
const KEY: &[&str] = &[
    "arn",
    "bypass_policy_lockout_safety_check",
    "custom_key_store_id",
    "customer_master_key_spec",
    "deletion_window_in_days",
    "description",
    "enable_key_rotation",
    "id",
    "is_enabled",
    "key_id",
    "key_usage",
    "multi_region",
    "policy",
    "region",
    "rotation_period_in_days",
    "tags",
    "tags_all",
    "timeouts",
    "xks_key_id",
];
const REPLICA: &[&str] = &[
    "arn",
    "bypass_policy_lockout_safety_check",
    "deletion_window_in_days",
    "description",
    "enabled",
    "id",
    "key_id",
    "key_rotation_enabled",
    "key_spec",
    "key_usage",
    "policy",
    "primary_key_arn",
    "region",
    "tags",
    "tags_all",
];
const ALIAS: &[&str] =
    &["arn", "id", "name", "name_prefix", "region", "target_key_arn", "target_key_id"];
const GRANT: &[&str] = &[
    "constraints",
    "grant_creation_tokens",
    "grant_id",
    "grant_token",
    "grantee_principal",
    "id",
    "key_id",
    "name",
    "operations",
    "region",
    "retire_on_delete",
    "retiring_principal",
];
const KEY_POLICY: &[&str] =
    &["bypass_policy_lockout_safety_check", "id", "key_id", "policy", "region"];

/// Whether the tree looks like a plan.
pub(crate) fn is_plan(root: &Node) -> bool {
    root.get("planned_values").is_some()
}

/// What a plan declares.
pub(crate) fn read(root: &Node, home: Home) -> Result<Inventory, Problem> {
    let mut plan =
        Plan { inventory: Inventory::new(home), references: BTreeMap::new(), policies: Vec::new() };
    if let Some(module) = root.path(&["configuration", "root_module"]) {
        plan.learn_references(module, "");
    }
    let module = root.path(&["planned_values", "root_module"]);
    let module = module.ok_or_else(|| {
        Problem::at(
            root.at,
            "the plan has no planned_values.root_module; write it with terraform show -json",
        )
    })?;
    plan.module(module)?;
    plan.settle()
}

struct Plan {
    inventory: Inventory,
    /// Of each resource's argument, the addresses it refers to.
    references: BTreeMap<(String, String), Vec<String>>,
    /// Policies that are resources of their own.
    policies: Vec<(String, Node, DeclaredPolicy)>,
}

impl Plan {
    fn learn_references(&mut self, module: &Node, prefix: &str) {
        for resource in module.get("resources").map(Node::items).unwrap_or_default() {
            let Some(address) = text(resource, "address") else { continue };
            let address = format!("{prefix}{address}");
            for (name, expression) in
                resource.get("expressions").map(Node::members).unwrap_or_default()
            {
                let references = expression.get("references").map(Node::items).unwrap_or_default();
                let references = references.iter().filter_map(Node::scalar);
                let references = references.map(|to| format!("{prefix}{to}")).collect();
                let name = name.scalar().unwrap_or_default().to_owned();
                self.references.insert((address.clone(), name), references);
            }
        }
        for (name, call) in module.get("module_calls").map(Node::members).unwrap_or_default() {
            if let Some(inner) = call.get("module") {
                let prefix = format!("{prefix}module.{}.", name.scalar().unwrap_or_default());
                self.learn_references(inner, &prefix);
            }
        }
    }

    fn module(&mut self, module: &Node) -> Result<(), Problem> {
        for resource in module.get("resources").map(Node::items).unwrap_or_default() {
            if text(resource, "mode").is_none_or(|mode| mode == "managed") {
                self.resource(resource)?;
            }
        }
        module
            .get("child_modules")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .try_for_each(|child| self.module(child))
    }

    fn resource(&mut self, resource: &Node) -> Result<(), Problem> {
        let kind = text(resource, "type").unwrap_or_default();
        let address = text(resource, "address").unwrap_or_default();
        let nothing = Node { at: resource.at, tag: None, data: Data::Map(Vec::new()) };
        let values = resource.get("values").unwrap_or(&nothing);
        let known = match kind.as_str() {
            "aws_kms_key" => KEY,
            "aws_kms_replica_key" => REPLICA,
            "aws_kms_alias" => ALIAS,
            "aws_kms_grant" => GRANT,
            "aws_kms_key_policy" => KEY_POLICY,
            other if other.starts_with("aws_kms_") => {
                let message =
                    format!("{address}: resources of type {other} are left out of account");
                self.inventory.warnings.push(Problem::at(resource.at, message));
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.warn_of_unknown(values, known, &address, &kind);
        match kind.as_str() {
            "aws_kms_key" | "aws_kms_replica_key" => {
                let key = self.key(&address, resource, values, kind == "aws_kms_replica_key")?;
                self.inventory.keys.push(key);
            }
            "aws_kms_alias" => self.alias(&address, resource, values)?,
            "aws_kms_grant" => self.grant(&address, resource, values)?,
            _ => {
                let key = self.target(&address, "key_id", resource, values)?;
                let policy = values.get("policy").map(declared).transpose()?;
                let policy = policy.ok_or_else(|| missing(resource, &address, "policy"))?;
                self.policies.push((key, resource.clone(), policy));
            }
        }
        Ok(())
    }

    fn warn_of_unknown(&mut self, values: &Node, known: &[&str], address: &str, kind: &str) {
        for (name, value) in values.members() {
            let text = name.scalar().unwrap_or_default();
            if !known.contains(&text) && value.data != Data::Null {
                let message =
                    format!("{address}: an {kind} has no argument {text} that is known here");
                self.inventory.warnings.push(Problem::at(name.at, message));
            }
        }
    }

    fn key(
        &self,
        address: &str,
        resource: &Node,
        values: &Node,
        replica: bool,
    ) -> Result<DeclaredKey, Problem> {
        let home = self.inventory.home;
        let multi_region = replica || truth(values, "multi_region")?.unwrap_or(false);
        let policy = values.get("policy").filter(|node| node.data != Data::Null);
        let policy = policy.map(declared).transpose()?;
        let period = number(values, "rotation_period_in_days", 90..=2560)?.unwrap_or(365);
        let rotates = truth(values, "enable_key_rotation")?.unwrap_or(false);
        let rotation_at = values.get("enable_key_rotation").map_or(resource.at, |node| node.at);
        number(values, "deletion_window_in_days", 7..=30)?;
        let enabled =
            truth(values, if replica { "enabled" } else { "is_enabled" })?.unwrap_or(true);
        let external = values.get("custom_key_store_id").filter(|node| node.data != Data::Null);
        let xks = values.get("xks_key_id").filter(|node| node.data != Data::Null);
        Ok(DeclaredKey {
            name: address.to_owned(),
            at: resource.at,
            arn: arn_of(home, address, multi_region),
            description: text(values, "description").unwrap_or_default(),
            spec: word(values, "customer_master_key_spec", KeySpec::parse)?
                .unwrap_or(KeySpec::SymmetricDefault),
            usage: word(values, "key_usage", KeyUsage::parse)?.unwrap_or(KeyUsage::EncryptDecrypt),
            origin: match (external, xks) {
                (_, Some(_)) => Origin::ExternalKeyStore,
                (Some(_), None) => Origin::AwsCloudHsm,
                (None, None) => Origin::AwsKms,
            },
            enabled,
            rotation: rotates.then_some((period, rotation_at)),
            multi_region,
            primary: replica
                .then(|| self.target(address, "primary_key_arn", resource, values))
                .transpose()?,
            policy: policy.unwrap_or_else(|| DeclaredPolicy::default_of(home)),
            tags: tags(values),
        })
    }

    fn alias(&mut self, address: &str, resource: &Node, values: &Node) -> Result<(), Problem> {
        let name = values.get("name").ok_or_else(|| missing(resource, address, "name"))?;
        let text = name.scalar().unwrap_or_default();
        let alias = AliasName::parse(text).ok_or_else(|| no_alias(name, text))?;
        let key = self.target(address, "target_key_id", resource, values)?;
        self.inventory.aliases.push(DeclaredAlias { name: alias, key, at: resource.at });
        Ok(())
    }

    fn grant(&mut self, address: &str, resource: &Node, values: &Node) -> Result<(), Problem> {
        let key = self.target(address, "key_id", resource, values)?;
        let grantee = text(values, "grantee_principal")
            .ok_or_else(|| missing(resource, address, "grantee_principal"))?;
        let named = values.get("operations").map(Node::items).unwrap_or_default();
        let operation = |node: &Node| {
            let name = node.scalar().unwrap_or_default();
            GrantOperation::parse(name)
                .ok_or_else(|| Problem::at(node.at, format!("there is no grant operation {name}")))
        };
        let operations: Vec<GrantOperation> =
            named.iter().map(operation).collect::<Result<_, _>>()?;
        let arn = arn_of(self.inventory.home, &key, false);
        let mut request = create_grant::Request::new(KeyRef::from(arn), &grantee, operations);
        request.retiring_principal =
            text(values, "retiring_principal").map(|arn| PrincipalText::from(arn.as_str()));
        request.name = text(values, "name").map(GrantName::from);
        request.constraints = constraints(values);
        self.inventory.grants.push(DeclaredGrant { key, at: resource.at, request });
        Ok(())
    }

    /// The address of the key that an argument refers to.
    fn target(
        &self,
        address: &str,
        argument: &str,
        resource: &Node,
        values: &Node,
    ) -> Result<String, Problem> {
        // `aws_kms_key.a["x"]` is configured as `aws_kms_key.a`.
        let configured = address.split('[').next().unwrap_or(address).to_owned();
        let references = self.references.get(&(configured, argument.to_owned()));
        let resource_of = |to: &String| {
            let parts: Vec<&str> = to.split('.').collect();
            let at = parts
                .iter()
                .position(|part| ["aws_kms_key", "aws_kms_replica_key"].contains(part))?;
            parts.get(..at + 2).map(|parts| parts.join("."))
        };
        let referred = references.into_iter().flatten().find_map(resource_of);
        let referred = referred.or_else(|| text(values, argument));
        referred.ok_or_else(|| missing(resource, address, argument))
    }

    /// Puts policies that are resources of their own on their keys, and checks every reference.
    fn settle(mut self) -> Result<Inventory, Problem> {
        for (name, resource, policy) in std::mem::take(&mut self.policies) {
            let key = self.inventory.keys.iter_mut().find(|key| key.name == name);
            let key = key.ok_or_else(|| {
                Problem::at(resource.at, format!("there is no key {name} in this plan"))
            })?;
            key.policy = policy;
        }
        let inventory = self.inventory;
        let aliases = inventory.aliases.iter().map(|alias| (&alias.key, alias.at));
        let grants = inventory.grants.iter().map(|grant| (&grant.key, grant.at));
        for (name, at) in aliases.chain(grants) {
            if let Err(message) = inventory.key(name) {
                return Err(Problem::at(at, message));
            }
        }
        Ok(inventory)
    }
}

fn missing(resource: &Node, address: &str, argument: &str) -> Problem {
    Problem::at(resource.at, format!("{address} does not say its {argument}"))
}

fn declared(node: &Node) -> Result<DeclaredPolicy, Problem> {
    match &node.data {
        Data::Text(text) => DeclaredPolicy::of_text(text, node.at),
        _ => Err(Problem::at(
            node.at,
            format!("a policy is a text of JSON here, not {}", node.kind()),
        )),
    }
}

fn tags(values: &Node) -> BTreeMap<String, String> {
    let all = values.get("tags_all").or(values.get("tags")).map(Node::members).unwrap_or_default();
    let tag =
        |(key, value): &(Node, Node)| Some((key.scalar()?.to_owned(), value.scalar()?.to_owned()));
    all.iter().filter_map(tag).collect()
}

fn constraints(values: &Node) -> Option<create_grant::GrantConstraints> {
    let block = values.get("constraints")?.items().first()?;
    let pairs = |name: &str| {
        let members = block.get(name)?.members();
        let pair = |(key, value): &(Node, Node)| {
            Some((key.scalar()?.to_owned(), value.scalar()?.to_owned()))
        };
        Some(members.iter().filter_map(pair).collect::<BTreeMap<_, _>>())
            .filter(|pairs| !pairs.is_empty())
    };
    Some(create_grant::GrantConstraints {
        encryption_context_equals: pairs("encryption_context_equals"),
        encryption_context_subset: pairs("encryption_context_subset"),
        ..create_grant::GrantConstraints::default()
    })
}
