//! From the JSON of a statement to its compiled form.
//!
//! Everything that can be wrong with an element is found here, once, and said with the element's name.

use super::action::{Action, ActionSet};
use super::condition::{self, Condition, Refusal};
use super::document::MalformedPolicy;
use super::json::Json;
use super::kind::{PolicyKind, Restriction};
use super::pattern::{Case, Syntax, Variables, Wildcards, matches_name};
use super::principal::{Names, Principals};
use super::resource::{ResourcePattern, Resources};
use super::statement::{Effect, Statement};
use crate::name::{AccountId, Partition, PrincipalArn, PrincipalKind};

type Members = [(String, Json)];
type Compiled<T> = Result<T, MalformedPolicy>;

/// What a policy's kind and version mean for its statements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) kind: PolicyKind,
    pub(super) variables: Variables,
}

impl Rules {
    fn has_principals(self) -> bool {
        use Restriction::{Endpoint, ResourceControl};
        matches!(self.kind, PolicyKind::Key | PolicyKind::Restricting(ResourceControl | Endpoint))
    }

    /// `kms:RetireGrant` has no effect in key policies and resource control policies.
    fn effective(self, actions: ActionSet) -> ActionSet {
        let retire = ActionSet::NONE.with(Action::RetireGrant);
        match self.kind {
            PolicyKind::Key | PolicyKind::Restricting(Restriction::ResourceControl) => {
                actions.complement().union(retire).complement()
            }
            _ => actions,
        }
    }
}

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Compiles one statement.
pub(super) fn statement(json: &Json, rules: Rules) -> Compiled<Statement> {
    let Json::Object(members) = json else {
        return Err(MalformedPolicy::new(
            "Statement",
            format!("is {}, not an object", json.kind()),
        ));
    };
    refuse_unknown(members, &ELEMENTS, "element")?;
    let effect = effect(members)?;
    Ok(Statement {
        sid: sid(members)?,
        effect,
        principals: principals(members, effect, rules)?,
        actions: rules.effective(actions(members, rules)?),
        resources: resources(members, rules)?,
        conditions: conditions(members, rules)?,
    })
}

/// How an error names a statement: by position and, where there is one, `Sid`.
pub(super) fn place_of(index: usize, json: &Json) -> String {
    let sid = match json {
        Json::Object(members) => member(members, "Sid").and_then(Json::text),
        _ => None,
    };
    sid.map_or_else(|| format!("statement {index}"), |sid| format!("statement {index} \"{sid}\""))
}

/// The value of a member.
pub(super) fn member<'j>(members: &'j Members, name: &str) -> Option<&'j Json> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Refuses a member that is not in the list.
pub(super) fn refuse_unknown(members: &Members, known: &[&str], place: &str) -> Compiled<()> {
    let unknown = members.iter().find(|(name, _)| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |(name, _)| {
        let known = known.join(", ");
        Err(MalformedPolicy::new(place, format!("\"{name}\" is unknown; known are {known}")))
    })
}

fn sid(members: &Members) -> Compiled<Option<Box<str>>> {
    let Some(json) = member(members, "Sid") else {
        return Ok(None);
    };
    let sid = json.text().ok_or_else(|| not_a_string("Sid", json))?;
    Ok((!sid.is_empty()).then(|| sid.into()))
}

fn effect(members: &Members) -> Compiled<Effect> {
    match member(members, "Effect").and_then(Json::text) {
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        _ => Err(MalformedPolicy::new("Effect", "has to be \"Allow\" or \"Deny\"")),
    }
}

/// Of an element and its negation, a statement has at most one.
fn either<'j>(
    members: &'j Members,
    names: [&'static str; 2],
) -> Compiled<Option<(&'static str, &'j Json)>> {
    match names.map(|name| member(members, name).map(|json| (name, json))) {
        [Some(_), Some((name, _))] => {
            Err(MalformedPolicy::new(name, format!("cannot stand beside {}", names[0])))
        }
        [one, other] => Ok(one.or(other)),
    }
}

/// The strings of an element: one, or a list of at least one.
fn strings<'j>(name: &str, json: &'j Json) -> Compiled<Vec<&'j str>> {
    if json.items().is_empty() {
        return Err(MalformedPolicy::new(name, "is an empty list"));
    }
    json.items().iter().map(|item| item.text().ok_or_else(|| not_a_string(name, item))).collect()
}

fn not_a_string(name: &str, json: &Json) -> MalformedPolicy {
    MalformedPolicy::new(name, format!("is {}, not a string", json.kind()))
}

fn actions(members: &Members, rules: Rules) -> Compiled<ActionSet> {
    let Some((name, json)) = either(members, ["Action", "NotAction"])? else {
        return accept_missing("Action", rules).map(|()| ActionSet::NONE);
    };
    let mut set = ActionSet::NONE;
    for text in strings(name, json)? {
        set = set.union(action(text).map_err(|problem| MalformedPolicy::new(name, problem))?);
    }
    Ok(if name == "Action" { set } else { set.complement() })
}

/// The permissions a pattern names; those of other services are none of ours.
fn action(text: &str) -> Result<ActionSet, String> {
    if text == "*" {
        return Ok(ActionSet::ALL);
    }
    let (service, pattern) = text
        .split_once(':')
        .filter(|(service, pattern)| !service.is_empty() && !pattern.is_empty())
        .ok_or_else(|| format!("\"{text}\" is no action: use \"*\" or \"kms:\" and a name"))?;
    if service != "*" && !service.eq_ignore_ascii_case("kms") {
        return Ok(ActionSet::NONE);
    }
    Ok(Action::ALL.iter().copied().filter(|known| matches_name(pattern, known.name())).collect())
}

/// AWS KMS accepts a key policy statement without Action or Resource, which then has no effect
/// (AWS KMS API, PutKeyPolicy).
fn accept_missing(name: &str, rules: Rules) -> Compiled<()> {
    match rules.kind {
        PolicyKind::Key => Ok(()),
        _ => Err(MalformedPolicy::new(name, "is missing")),
    }
}

fn resources(members: &Members, rules: Rules) -> Compiled<Resources> {
    let Some((name, json)) = either(members, ["Resource", "NotResource"])? else {
        return accept_missing("Resource", rules).map(|()| Resources::Missing);
    };
    let syntax =
        Syntax { wildcards: Wildcards::Active, variables: rules.variables, case: Case::Sensitive };
    let patterns = strings(name, json)?
        .into_iter()
        .map(|text| ResourcePattern::compile(text, syntax))
        .collect::<Result<_, _>>()
        .map_err(|problem| MalformedPolicy::new(name, problem))?;
    Ok(if name == "Resource" { Resources::Only(patterns) } else { Resources::AllBut(patterns) })
}

fn principals(members: &Members, effect: Effect, rules: Rules) -> Compiled<Principals> {
    match either(members, ["Principal", "NotPrincipal"])? {
        None if rules.has_principals() => {
            Err(MalformedPolicy::new("Principal", "is missing: the statement speaks of nobody"))
        }
        None => Ok(Principals::Implied),
        Some((name, _)) if !rules.has_principals() => Err(MalformedPolicy::new(
            name,
            "cannot stand in a policy that is attached to a principal",
        )),
        Some(("NotPrincipal", _)) if effect == Effect::Allow => {
            Err(MalformedPolicy::new("NotPrincipal", "can only stand in a statement that denies"))
        }
        Some((name, json)) => {
            let names = names(name, json)?;
            let all_but = name == "NotPrincipal";
            Ok(if all_but { Principals::AllBut(names) } else { Principals::Only(names) })
        }
    }
}

fn names(element: &str, json: &Json) -> Compiled<Names> {
    let mut names = Names::default();
    match json {
        Json::Text(text) if text == "*" => names.everyone = true,
        Json::Object(kinds) if !kinds.is_empty() => {
            refuse_unknown(kinds, &["AWS", "CanonicalUser", "Federated", "Service"], element)?;
            for (kind, json) in kinds {
                for text in strings(element, json)? {
                    add_principal(&mut names, kind, text)
                        .map_err(|problem| MalformedPolicy::new(element, problem))?;
                }
            }
        }
        _ => {
            let right = "has to be \"*\" or an object such as {\"AWS\": \"111122223333\"}";
            return Err(MalformedPolicy::new(element, right));
        }
    }
    Ok(names)
}

/// Federated identities and canonical users are understood and match nobody: whoever calls AWS KMS
/// does so as a session, user, role, account or service.
fn add_principal(names: &mut Names, kind: &str, text: &str) -> Result<(), String> {
    match kind {
        "AWS" if text == "*" => names.everyone = true,
        "AWS" => names.arns.push(aws_principal(text)?),
        "Service" => names.services.push(service(text)?),
        _ => {}
    }
    Ok(())
}

fn aws_principal(text: &str) -> Result<PrincipalArn, String> {
    if let Some(account) = AccountId::parse(text) {
        // An account matches by its number; nothing asks for the partition it is written with.
        return Ok(PrincipalArn::root(account, Partition::Aws));
    }
    if text.contains(['*', '?']) {
        return Err(format!(
            "\"{text}\" has a wildcard: a principal is named in full, or is \"*\""
        ));
    }
    let arn = PrincipalArn::parse(text).filter(|arn| arn.kind() != PrincipalKind::Service);
    arn.ok_or_else(|| {
        format!("\"{text}\" is no principal: use a twelve-digit account or an IAM or STS ARN")
    })
}

fn service(text: &str) -> Result<Box<str>, String> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let host = text.contains('.') && text.split('.').all(label);
    host.then(|| text.into()).ok_or_else(|| {
        format!(
            "\"{text}\" is no service: use a host name such as \"logs.us-east-1.amazonaws.com\""
        )
    })
}

fn conditions(members: &Members, rules: Rules) -> Compiled<Vec<Condition>> {
    let Some(json) = member(members, "Condition") else {
        return Ok(Vec::new());
    };
    let Json::Object(operators) = json else {
        return Err(MalformedPolicy::new(
            "Condition",
            format!("is {}, not an object", json.kind()),
        ));
    };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Json::Object(keys) = keys else {
            let problem = format!("is {}, not an object of condition keys", keys.kind());
            return Err(MalformedPolicy::new(operator, problem).within("Condition"));
        };
        for (key, values) in keys {
            let source = condition::Source { operator, key, values, rules };
            let place = format!("Condition, {operator}");
            let compiled = Condition::compile(&source)
                .map_err(|refusal| refused(key, refusal).within(&place))?;
            conditions.push(compiled);
        }
    }
    Ok(conditions)
}

fn refused(key: &str, refusal: Refusal) -> MalformedPolicy {
    match refusal {
        Refusal::Malformed(problem) => MalformedPolicy::new(key, problem),
        Refusal::OverlyPermissive(problem) => {
            MalformedPolicy::new(key, problem).called("OverlyPermissiveCondition")
        }
    }
}
