//! CloudFormation templates: `AWS::KMS::Key`, `AWS::KMS::ReplicaKey` and `AWS::KMS::Alias`.
//!
//! Source: AWS CloudFormation Template Reference. What a resource may say is listed here; a property
//! that is not is an error, for it is a slip of the pen or something this reader knows nothing of.

use super::intrinsic::{Template, kind};
use super::inventory::{DeclaredAlias, DeclaredKey, DeclaredPolicy, Home, Inventory, arn_of};
use super::node::{Data, Node};
use super::problem::Problem;
use crate::nearest::suggestion;
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::name::AliasName;
use std::collections::BTreeMap;

const KEY: &[&str] = &[
    "BypassPolicyLockoutSafetyCheck",
    "Description",
    "EnableKeyRotation",
    "Enabled",
    "KeyPolicy",
    "KeySpec",
    "KeyUsage",
    "MultiRegion",
    "Origin",
    "PendingWindowInDays",
    "RotationPeriodInDays",
    "Tags",
];
const REPLICA: &[&str] =
    &["Description", "Enabled", "KeyPolicy", "PendingWindowInDays", "PrimaryKeyArn", "Tags"];
const ALIAS: &[&str] = &["AliasName", "TargetKeyId"];
/// What every resource may say beside its properties.
const ATTRIBUTES: &[&str] = &[
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// Whether the tree looks like a template.
pub(crate) fn is_template(root: &Node) -> bool {
    root.get("Resources").is_some()
}

/// What a template declares.
pub(crate) fn read(root: &Node, home: Home) -> Result<Inventory, Problem> {
    let parameters = parameters(root)?;
    let template = Template { home, parameters, root };
    let mut inventory = Inventory::new(home);
    let resources = root.get("Resources").map(Node::members).unwrap_or_default();
    for (name, resource) in resources {
        if let Some(condition) = resource.get("Condition").and_then(Node::scalar)
            && !template.condition(condition, resource.at, 0)?
        {
            continue;
        }
        let name_text = name.scalar().unwrap_or_default();
        Reader { template: &template, name: name_text, name_node: name, resource }
            .read(&mut inventory)?;
    }
    Ok(inventory)
}

/// Parameters have the value of their default; without one, a template says too little.
fn parameters(root: &Node) -> Result<BTreeMap<String, Node>, Problem> {
    let mut known = BTreeMap::new();
    for (name, parameter) in root.get("Parameters").map(Node::members).unwrap_or_default() {
        let text = name.scalar().unwrap_or_default();
        let value = parameter.get("Default").cloned().ok_or_else(|| {
            Problem::at(
                name.at,
                format!("the parameter {text} has no Default, and nothing else gives it a value"),
            )
        })?;
        let list = parameter.get("Type").and_then(Node::scalar);
        let is_list =
            list.is_some_and(|kind| kind == "CommaDelimitedList" || kind.starts_with("List<"));
        let value = match value.scalar() {
            Some(text) if is_list => {
                let items = text.split(',').map(|item| Node::text_at(value.at, item.trim()));
                Node { data: Data::List(items.collect()), ..value.clone() }
            }
            _ => value,
        };
        known.insert(text.to_owned(), value);
    }
    Ok(known)
}

struct Reader<'t> {
    template: &'t Template<'t>,
    name: &'t str,
    name_node: &'t Node,
    resource: &'t Node,
}

impl Reader<'_> {
    fn read(&self, inventory: &mut Inventory) -> Result<(), Problem> {
        match kind(self.resource) {
            "AWS::KMS::Key" => inventory.keys.push(self.key()?),
            "AWS::KMS::ReplicaKey" => inventory.keys.push(self.replica()?),
            "AWS::KMS::Alias" => inventory.aliases.push(self.alias()?),
            other if other.starts_with("AWS::KMS::") => {
                return Err(Problem::at(
                    self.resource.at,
                    format!(
                        "there is no resource type {other}; there are AWS::KMS::Alias, AWS::KMS::Key and AWS::KMS::ReplicaKey"
                    ),
                ));
            }
            _ => return Ok(()),
        }
        self.refuse_unknown(self.resource, ATTRIBUTES)
    }

    fn refuse_unknown(&self, node: &Node, known: &[&str]) -> Result<(), Problem> {
        let unknown = node
            .members()
            .iter()
            .find(|(name, _)| name.scalar().is_none_or(|name| !known.contains(&name)));
        unknown.map_or(Ok(()), |(name, _)| {
            let text = name.scalar().unwrap_or_default();
            let near = suggestion(text, known.iter().copied());
            let kind = kind(self.resource);
            Err(Problem::at(
                name.at,
                format!("{} of type {kind} has no property {text}{near}", self.name),
            ))
        })
    }

    /// The properties with every function evaluated.
    fn properties(&self, known: &[&str]) -> Result<Node, Problem> {
        let nothing = Node { at: self.resource.at, tag: None, data: Data::Map(Vec::new()) };
        let node = self.resource.get("Properties").unwrap_or(&nothing);
        self.refuse_unknown(node, known)?;
        self.template.evaluate(node)
    }

    fn key(&self) -> Result<DeclaredKey, Problem> {
        let properties = self.properties(KEY)?;
        let mut key = self.blank(&properties)?;
        key.spec =
            word(&properties, "KeySpec", KeySpec::parse)?.unwrap_or(KeySpec::SymmetricDefault);
        key.usage =
            word(&properties, "KeyUsage", KeyUsage::parse)?.unwrap_or(KeyUsage::EncryptDecrypt);
        key.origin = word(&properties, "Origin", Origin::parse)?.unwrap_or(Origin::AwsKms);
        key.multi_region = truth(&properties, "MultiRegion")?.unwrap_or(false);
        key.arn = arn_of(self.template.home, self.name, key.multi_region);
        let days = number(&properties, "RotationPeriodInDays", 90..=2560)?.unwrap_or(365);
        number(&properties, "PendingWindowInDays", 7..=30)?;
        truth(&properties, "BypassPolicyLockoutSafetyCheck")?;
        if truth(&properties, "EnableKeyRotation")?.unwrap_or(false) {
            let at = properties.get("EnableKeyRotation").map_or(key.at, |node| node.at);
            key.rotation = Some((days, at));
        }
        Ok(key)
    }

    fn replica(&self) -> Result<DeclaredKey, Problem> {
        let properties = self.properties(REPLICA)?;
        let mut key = self.blank(&properties)?;
        let primary = properties.get("PrimaryKeyArn").and_then(Node::scalar);
        let primary = primary.ok_or_else(|| self.missing("PrimaryKeyArn"))?;
        number(&properties, "PendingWindowInDays", 7..=30)?;
        key.multi_region = true;
        key.arn = arn_of(self.template.home, self.name, true);
        key.primary = Some(self.named(primary).unwrap_or(primary).to_owned());
        Ok(key)
    }

    /// The logical id of the key of that id or ARN.
    fn named(&self, reference: &str) -> Option<&str> {
        let resources = self.template.root.get("Resources").map(Node::members).unwrap_or_default();
        let names = resources.iter().filter_map(|(name, _)| name.scalar());
        let last = reference.rsplit('/').next().unwrap_or(reference);
        names.into_iter().find(|name| {
            [true, false]
                .iter()
                .any(|multi| arn_of(self.template.home, name, *multi).id.to_string() == last)
        })
    }

    fn alias(&self) -> Result<DeclaredAlias, Problem> {
        let properties = self.properties(ALIAS)?;
        let name = properties.get("AliasName").ok_or_else(|| self.missing("AliasName"))?;
        let text = name.scalar().unwrap_or_default();
        let alias = AliasName::parse(text).ok_or_else(|| no_alias(name, text))?;
        let target = properties.get("TargetKeyId").ok_or_else(|| self.missing("TargetKeyId"))?;
        let reference = target.scalar().unwrap_or_default();
        let key = self.named(reference).ok_or_else(|| {
            Problem::at(target.at, format!("the alias {text} names the key {reference}, which this template does not declare"))
        })?;
        Ok(DeclaredAlias { name: alias, key: key.to_owned(), at: self.name_node.at })
    }

    fn missing(&self, property: &str) -> Problem {
        Problem::at(
            self.resource.at,
            format!("{} of type {} needs the property {property}", self.name, kind(self.resource)),
        )
    }

    /// What keys and replicas have in common.
    fn blank(&self, properties: &Node) -> Result<DeclaredKey, Problem> {
        let home = self.template.home;
        let policy = match properties.get("KeyPolicy") {
            None => DeclaredPolicy::default_of(home),
            Some(node) => match &node.data {
                Data::Text(text) => DeclaredPolicy::of_text(text, node.at)?,
                _ => DeclaredPolicy::of_map(node)?,
            },
        };
        Ok(DeclaredKey {
            name: self.name.to_owned(),
            at: self.name_node.at,
            arn: arn_of(home, self.name, false),
            description: text(properties, "Description").unwrap_or_default(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            enabled: truth(properties, "Enabled")?.unwrap_or(true),
            rotation: None,
            multi_region: false,
            primary: None,
            policy,
            tags: tags(properties)?,
        })
    }
}

/// A list of `Key` and `Value`.
fn tags(properties: &Node) -> Result<BTreeMap<String, String>, Problem> {
    let items = properties.get("Tags").map(Node::items).unwrap_or_default();
    let tag = |item: &Node| match (text(item, "Key"), text(item, "Value")) {
        (Some(key), Some(value)) => Ok((key, value)),
        _ => Err(Problem::at(item.at, "a tag has a Key and a Value")),
    };
    items.iter().map(tag).collect()
}

/// A text, if it is there.
pub(super) fn text(properties: &Node, name: &str) -> Option<String> {
    properties.get(name).and_then(Node::scalar).map(str::to_owned)
}

/// A truth value, if it is there; templates also write it as text.
pub(super) fn truth(properties: &Node, name: &str) -> Result<Option<bool>, Problem> {
    let Some(node) = properties.get(name).filter(|node| node.data != Data::Null) else {
        return Ok(None);
    };
    match node.scalar() {
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        _ => Err(Problem::at(node.at, format!("{name} has to be true or false"))),
    }
}

/// A whole number in a range, if it is there.
pub(super) fn number(
    properties: &Node,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, Problem> {
    let Some(node) = properties.get(name).filter(|node| node.data != Data::Null) else {
        return Ok(None);
    };
    let number = node.scalar().and_then(|text| text.parse().ok());
    let fits = number.filter(|number| range.contains(number));
    fits.map(Some).ok_or_else(|| {
        let (from, to) = range.into_inner();
        Problem::at(node.at, format!("{name} has to be a whole number from {from} to {to}"))
    })
}

/// One of the words of an enumeration, if it is there.
pub(super) fn word<T>(
    properties: &Node,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(node) = properties.get(name).filter(|node| node.data != Data::Null) else {
        return Ok(None);
    };
    let text = node.scalar().unwrap_or_default();
    let parsed = parse(text);
    parsed.map(Some).ok_or_else(|| Problem::at(node.at, format!("there is no {name} {text}")))
}

/// What is wrong with the name of an alias.
pub(super) fn no_alias(node: &Node, text: &str) -> Problem {
    Problem::at(
        node.at,
        format!(
            "\"{text}\" is no alias name: it begins with alias/, has at most 256 letters, digits, /, _ or -, and not alias/aws/"
        ),
    )
}
