//! The intrinsic functions of CloudFormation, as far as a template of keys uses them: values in,
//! plain values out, places kept.

use super::inventory::{Home, arn_of};
use super::node::{At, Data, Node};
use super::problem::Problem;
use std::collections::BTreeMap;

/// More functions inside each other than this are a circle.
const DEEPEST: usize = 64;

type Evaluated = Result<Node, Problem>;

/// What a template's functions may ask for.
pub(crate) struct Template<'t> {
    pub(crate) home: Home,
    pub(crate) parameters: BTreeMap<String, Node>,
    pub(crate) root: &'t Node,
}

/// The functions that are evaluated; conditions have their own.
const FUNCTIONS: [&str; 9] =
    ["Ref", "GetAtt", "Sub", "Join", "Select", "Split", "If", "FindInMap", "ImportValue"];

/// The name of the function that a value calls, and its argument.
fn called(node: &Node) -> Option<(String, Node)> {
    if let Some(tag) = &node.tag {
        return Some((tag.clone(), Node { tag: None, ..node.clone() }));
    }
    let [(key, argument)] = node.members() else { return None };
    let name = key.scalar()?;
    let function =
        name.strip_prefix("Fn::").or((name == "Ref" || name == "Condition").then_some(name))?;
    Some((function.to_owned(), argument.clone()))
}

impl Template<'_> {
    /// The value with every function replaced; a member whose value is `AWS::NoValue` is left out.
    pub(crate) fn evaluate(&self, node: &Node) -> Evaluated {
        self.value(node, 0)
    }

    fn value(&self, node: &Node, depth: usize) -> Evaluated {
        if depth > DEEPEST {
            return Err(Problem::at(node.at, "functions refer to each other in a circle"));
        }
        if let Some((function, argument)) = called(node) {
            return self.call(&function, &argument, node.at, depth + 1);
        }
        let data = match &node.data {
            Data::List(items) => {
                let items = items.iter().map(|item| self.value(item, depth + 1));
                Data::List(items.filter(|item| !is_no_value(item)).collect::<Result<_, _>>()?)
            }
            Data::Map(members) => {
                let members = members.iter().map(|(key, value)| {
                    self.value(value, depth + 1).map(|value| (key.clone(), value))
                });
                let there = |member: &Result<(Node, Node), _>| !matches!(member, Ok((_, value)) if value.tag.as_deref() == Some(NO_VALUE));
                Data::Map(members.filter(there).collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        };
        Ok(Node { at: node.at, tag: None, data })
    }

    fn call(&self, function: &str, argument: &Node, at: At, depth: usize) -> Evaluated {
        match function {
            "Ref" => self.reference(self.word(argument)?, at, depth),
            "GetAtt" => self.attribute(argument, at, depth),
            "Sub" => self.substitute(argument, at, depth),
            "Join" => self.join(argument, at, depth),
            "Split" => self.split(argument, at, depth),
            "Select" => self.select(argument, at, depth),
            "FindInMap" => self.find_in_map(argument, at, depth),
            "If" => {
                let [condition, yes, no] =
                    self.arguments(argument, at, "If", "[condition, value, value]")?;
                let chosen =
                    if self.condition(self.word(condition)?, at, depth)? { yes } else { no };
                self.value(chosen, depth)
            }
            "ImportValue" => Err(Problem::at(
                at,
                "Fn::ImportValue is the output of another stack, which is not known here: use a parameter with a default",
            )),
            other => Err(Problem::at(
                at,
                format!("Fn::{other} is not known here: use one of {}", FUNCTIONS[..8].join(", ")),
            )),
        }
    }

    fn reference(&self, name: &str, at: At, depth: usize) -> Evaluated {
        let text = |text: String| Ok(Node::text_at(at, text));
        let region = self.home.region;
        match name {
            "AWS::AccountId" => text(self.home.account.to_string()),
            "AWS::Region" => text(region.to_string()),
            "AWS::Partition" => text(region.partition().as_str().into()),
            "AWS::URLSuffix" if region.as_str().starts_with("cn-") => {
                text("amazonaws.com.cn".into())
            }
            "AWS::URLSuffix" => text("amazonaws.com".into()),
            "AWS::StackName" => text("stack".into()),
            "AWS::StackId" => text(format!(
                "arn:{}:cloudformation:{region}:{}:stack/stack/1",
                region.partition().as_str(),
                self.home.account
            )),
            NO_VALUE => Ok(Node { at, tag: Some(NO_VALUE.into()), data: Data::Null }),
            name => match self.parameters.get(name) {
                Some(value) => Ok(Node { at, ..value.clone() }),
                None => self.resource_reference(name, at, depth),
            },
        }
    }

    fn resource(&self, name: &str, at: At) -> Result<&Node, Problem> {
        let resources = self.root.get("Resources");
        resources.and_then(|resources| resources.get(name)).ok_or_else(|| {
            Problem::at(
                at,
                format!("{name} is neither a parameter nor a resource of this template"),
            )
        })
    }

    /// `Ref` of a key is its id; of what has a name, the name; of all else, the logical id.
    fn resource_reference(&self, name: &str, at: At, depth: usize) -> Evaluated {
        let resource = self.resource(name, at)?;
        let text = match kind(resource) {
            "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" => self.arn(name, resource).id.to_string(),
            "AWS::KMS::Alias" => {
                self.property(resource, "AliasName", depth)?.unwrap_or(name.into())
            }
            other => self.physical_name(name, resource, other, depth)?,
        };
        Ok(Node::text_at(at, text))
    }

    fn physical_name(
        &self,
        name: &str,
        resource: &Node,
        kind: &str,
        depth: usize,
    ) -> Result<String, Problem> {
        let last = kind.rsplit("::").next().unwrap_or_default();
        let named = self.property(resource, &format!("{last}Name"), depth)?;
        Ok(named.unwrap_or_else(|| name.to_owned()))
    }

    fn property(
        &self,
        resource: &Node,
        name: &str,
        depth: usize,
    ) -> Result<Option<String>, Problem> {
        let Some(value) = resource.path(&["Properties", name]) else { return Ok(None) };
        Ok(self.value(value, depth + 1)?.scalar().map(str::to_owned))
    }

    fn arn(&self, name: &str, resource: &Node) -> kms_core::name::KeyArn {
        let multi_region = resource.path(&["Properties", "MultiRegion"]);
        let multi_region = multi_region.is_some_and(|value| value.scalar() == Some("true"));
        arn_of(self.home, name, multi_region || kind(resource) == "AWS::KMS::ReplicaKey")
    }

    fn attribute(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let (name, attribute) = match &argument.data {
            Data::Text(text) => text.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())),
            Data::List(_) => match argument.items() {
                [name, attribute] => {
                    Some((self.word(name)?.to_owned(), self.word(attribute)?.to_owned()))
                }
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| {
            Problem::at(at, "GetAtt takes a resource and an attribute, as in !GetAtt Key.Arn")
        })?;
        let resource = self.resource(&name, at)?;
        let text = match (kind(resource), attribute.as_str()) {
            ("AWS::KMS::Key" | "AWS::KMS::ReplicaKey", "Arn") => {
                self.arn(&name, resource).to_string()
            }
            ("AWS::KMS::Key" | "AWS::KMS::ReplicaKey", "KeyId") => {
                self.arn(&name, resource).id.to_string()
            }
            (kind, "Arn") => self.arn_of_other(&name, resource, kind, depth)?,
            (kind, attribute) => {
                return Err(Problem::at(
                    at,
                    format!("the attribute {attribute} of {name}, an {kind}, is not known here"),
                ));
            }
        };
        Ok(Node::text_at(at, text))
    }

    /// The ARN that a resource of another service will have, as far as its template tells.
    fn arn_of_other(
        &self,
        name: &str,
        resource: &Node,
        kind: &str,
        depth: usize,
    ) -> Result<String, Problem> {
        let Home { account, region } = self.home;
        let partition = region.partition();
        let partition = partition.as_str();
        let name = self.physical_name(name, resource, kind, depth)?;
        let mut words = kind.split("::").skip(1);
        let service = words.next().unwrap_or_default().to_lowercase();
        let family = words.next().unwrap_or_default().to_lowercase();
        Ok(match service.as_str() {
            "iam" => format!("arn:{partition}:iam::{account}:{family}/{name}"),
            "s3" => format!("arn:{partition}:s3:::{name}"),
            "logs" => format!("arn:{partition}:logs:{region}:{account}:log-group:{name}"),
            "sns" | "sqs" => format!("arn:{partition}:{service}:{region}:{account}:{name}"),
            _ => format!("arn:{partition}:{service}:{region}:{account}:{family}/{name}"),
        })
    }

    /// `Fn::Sub`: a text, or a text and a map of what its variables stand for.
    fn substitute(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let (text, own) = match argument.items() {
            [text] => (text, None),
            [text, own] => (text, Some(own)),
            _ => return Err(Problem::at(at, "Sub takes a text, or a text and a map")),
        };
        let text = text.scalar().ok_or_else(|| Problem::at(at, "Sub takes a text"))?;
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| Problem::at(at, format!("\"{text}\" has \"${{\" without \"}}\"")))?;
            filled.push_str(before);
            filled += &match name.strip_prefix('!') {
                Some(literal) => format!("${{{literal}}}"),
                None => self.variable(name.trim(), own, at, depth)?,
            };
            rest = after;
        }
        filled.push_str(rest);
        Ok(Node::text_at(at, filled))
    }

    fn variable(
        &self,
        name: &str,
        own: Option<&Node>,
        at: At,
        depth: usize,
    ) -> Result<String, Problem> {
        let value = match own.and_then(|own| own.get(name)) {
            Some(value) => self.value(value, depth + 1)?,
            None if name.contains('.') => self.attribute(&Node::text_at(at, name), at, depth)?,
            None => self.reference(name, at, depth)?,
        };
        let text = value.scalar().map(str::to_owned);
        text.ok_or_else(|| {
            Problem::at(at, format!("${{{name}}} stands for {}, not a text", value.kind()))
        })
    }

    fn join(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let [separator, parts] = self.arguments(argument, at, "Join", "[separator, [texts]]")?;
        let parts = self.value(parts, depth)?;
        let texts: Option<Vec<&str>> = parts.items().iter().map(Node::scalar).collect();
        let texts = texts.ok_or_else(|| Problem::at(at, "Join takes texts"))?;
        Ok(Node::text_at(at, texts.join(self.word(separator)?)))
    }

    fn split(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let [separator, text] = self.arguments(argument, at, "Split", "[separator, text]")?;
        let (separator, text) = (self.word(separator)?, self.value(text, depth)?);
        let text = text.scalar().ok_or_else(|| Problem::at(at, "Split takes a text"))?;
        let parts = text.split(separator).map(|part| Node::text_at(at, part));
        Ok(Node { at, tag: None, data: Data::List(parts.collect()) })
    }

    fn select(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let [index, list] = self.arguments(argument, at, "Select", "[index, list]")?;
        let (index, list) = (self.value(index, depth)?, self.value(list, depth)?);
        let index: Option<usize> = index.scalar().and_then(|index| index.parse().ok());
        let found = index.and_then(|index| list.items().get(index)).cloned();
        found.ok_or_else(|| {
            Problem::at(at, format!("the list has no such item; it has {}", list.items().len()))
        })
    }

    fn find_in_map(&self, argument: &Node, at: At, depth: usize) -> Evaluated {
        let names = self.arguments::<3>(argument, at, "FindInMap", "[map, key, key]")?;
        let mut node = self.root.get("Mappings");
        let mut path = String::from("Mappings");
        for name in names {
            let name = self.value(name, depth)?;
            let name = self.word(&name)?.to_owned();
            path = format!("{path}.{name}");
            node = node.and_then(|node| node.get(&name));
        }
        node.cloned().ok_or_else(|| Problem::at(at, format!("there is no {path}")))
    }

    /// Whether a condition of the template holds.
    pub(crate) fn condition(&self, name: &str, at: At, depth: usize) -> Result<bool, Problem> {
        let known = self.root.path(&["Conditions", name]);
        let condition =
            known.ok_or_else(|| Problem::at(at, format!("there is no condition {name}")))?;
        self.holds(condition, depth + 1)
    }

    fn holds(&self, node: &Node, depth: usize) -> Result<bool, Problem> {
        if depth > DEEPEST {
            return Err(Problem::at(node.at, "conditions refer to each other in a circle"));
        }
        let wrong = || {
            Problem::at(
                node.at,
                "a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not, Condition",
            )
        };
        let (function, argument) = called(node).ok_or_else(wrong)?;
        let mut each = argument.items().iter().map(|one| self.holds(one, depth + 1));
        match function.as_str() {
            "Equals" => {
                let [one, other] =
                    self.arguments(&argument, node.at, "Equals", "[value, value]")?;
                Ok(self.value(one, depth)?.scalar() == self.value(other, depth)?.scalar())
            }
            "And" => each.try_fold(true, |all, one| one.map(|one| all && one)),
            "Or" => each.try_fold(false, |any, one| one.map(|one| any || one)),
            "Not" => each.try_fold(false, |any, one| one.map(|one| any || one)).map(|any| !any),
            "Condition" => self.condition(self.word(&argument)?, node.at, depth),
            _ => Err(wrong()),
        }
    }

    fn arguments<'n, const N: usize>(
        &self,
        node: &'n Node,
        at: At,
        function: &str,
        right: &str,
    ) -> Result<&'n [Node; N], Problem> {
        let items = node.items().try_into();
        items.map_err(|_| Problem::at(at, format!("{function} takes {right}")))
    }

    fn word<'n>(&self, node: &'n Node) -> Result<&'n str, Problem> {
        node.scalar()
            .ok_or_else(|| Problem::at(node.at, format!("expected a text, found {}", node.kind())))
    }
}

const NO_VALUE: &str = "AWS::NoValue";

fn is_no_value(item: &Evaluated) -> bool {
    matches!(item, Ok(node) if node.tag.as_deref() == Some(NO_VALUE))
}

/// The type of a resource.
pub(crate) fn kind(resource: &Node) -> &str {
    resource.get("Type").and_then(Node::scalar).unwrap_or_default()
}
