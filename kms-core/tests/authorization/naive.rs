//! The second opinion: reads the JSON of every policy anew, compares texts, and decides by the rules
//! as the guides state them, in the order they state them.

mod conditions;

use crate::case::{ALIAS, About, Case, Grant, KEY, LAYERS, Pairs, Terms};
use conditions::{filled, holds, value};
use serde_json::Value;

/// How closely a statement speaks of the caller.
#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    OfTheAccount,
    OfTheCaller,
    ByName,
}

/// A statement that applies: where it stands, whether it allows, of whom it speaks.
struct Applies {
    at: usize,
    allows: bool,
    speaks: Speaks,
}

pub(crate) fn decide(case: &Case) -> String {
    match by_statements(case) {
        Ok(allowed) => format!("allow {allowed}"),
        Err(denied) => format!("deny {denied}"),
    }
}

fn by_statements(case: &Case) -> Result<String, String> {
    let on_key = matches!(case.about, About::Key | About::ManagedKey);
    let key = if on_key { applying(case, &case.key_policy, "key") } else { Vec::new() };
    if let Some(deny) = key.iter().find(|one| !one.allows) {
        return Err(format!("explicitly key {}", deny.at));
    }
    let mut iam = None;
    for (number, policy) in case.identity.iter().enumerate() {
        let found = applying(case, policy, "iam");
        if let Some(deny) = found.iter().find(|one| !one.allows) {
            return Err(format!("explicitly iam {number}.{}", deny.at));
        }
        if iam.is_none() {
            iam = found.first().map(|one| format!("iam {number}.{}", one.at));
        }
    }
    restrictions(case, &key)?;
    let root = case.caller.ends_with(":root");
    let trusted_by_account = iam.is_some() || root;
    if on_key && case.action == "RetireGrant" {
        return retire(case, trusted_by_account);
    }
    if on_key {
        return access(case, &key, iam.as_deref(), root);
    }
    if case.about == About::Alias && account(case.caller) != "111122223333" {
        return Err("foreign action".into());
    }
    match (root, iam) {
        (true, _) => Ok("root".into()),
        (false, Some(iam)) => Ok(iam),
        (false, None) => Err("by silence".into()),
    }
}

fn restrictions(case: &Case, key: &[Applies]) -> Result<(), String> {
    let own = account(case.caller) == "111122223333";
    let by_name = own && key.iter().any(|one| one.speaks == Speaks::ByName);
    let mut silent = Vec::new();
    let mut speaking = Vec::new();
    for (number, (layer, policy)) in case.restricting.iter().enumerate() {
        if *layer == "rcp" && case.about != About::Key {
            continue;
        }
        let found = applying(case, policy, layer);
        if let Some(deny) = found.iter().find(|one| !one.allows) {
            return Err(format!("explicitly {layer} {number}.{}", deny.at));
        }
        let spared = *layer == "rcp" || by_name && ["boundary", "session"].contains(layer);
        if found.is_empty() && !spared { silent.push(*layer) } else { speaking.push(*layer) }
    }
    let restricts = |layer: &&&str| silent.contains(layer) && !speaking.contains(layer);
    match LAYERS.iter().find(restricts) {
        Some(layer) => Err(format!("restricted by {layer}")),
        None => Ok(()),
    }
}

/// The operations that a permission table marks as usable on keys of other accounts.
const FOREIGN: [&str; 6] =
    ["Encrypt", "Decrypt", "CreateGrant", "DescribeKey", "RetireGrant", "Sign"];

fn access(case: &Case, key: &[Applies], iam: Option<&str>, root: bool) -> Result<String, String> {
    let service = !case.caller.starts_with("arn:");
    let foreign = !service && account(case.caller) != "111122223333";
    if foreign && !FOREIGN.contains(&case.action) {
        return Err("foreign action".into());
    }
    let directly = key.iter().find(|one| one.speaks != Speaks::OfTheAccount);
    let somehow = directly.or(key.first());
    let why_not = match (directly, somehow, iam) {
        (Some(one), _, _) if !foreign => return Ok(format!("key {}", one.at)),
        (_, Some(one), _) if root => return Ok(format!("key {}", one.at)),
        (_, Some(one), Some(iam)) => return Ok(format!("delegated key {} {iam}", one.at)),
        (_, Some(_), None) if foreign => "foreign without identity policy",
        (_, Some(_), None) => "without identity policy",
        (_, None, _) if foreign => "foreign without key policy",
        (_, None, None) if !root => "by silence",
        (_, None, _) => "without delegation",
    };
    let order = ["Operation", "EncryptionContext", "SourceArn", "WiderChild", "IdentityPolicy"];
    let mut misses: Vec<(usize, usize)> = Vec::new();
    for (number, grant) in case.grants.iter().enumerate() {
        match lacks(case, grant, iam.is_some() || root) {
            None => return Ok(format!("grant {number}")),
            Some("Grantee") => {}
            Some(miss) => {
                let rank = order.iter().position(|known| *known == miss).expect("a known miss");
                misses.push((rank, number));
            }
        }
    }
    let Some(best) = misses.iter().map(|(rank, _)| *rank).max() else {
        return Err(why_not.into());
    };
    let (_, number) = misses.iter().find(|(rank, _)| *rank == best).expect("the best one");
    Err(format!("grant {number} lacks {}", order[best]))
}

/// What a grant lacks to permit the request.
fn lacks(case: &Case, grant: &Grant, account_allows: bool) -> Option<&'static str> {
    let Some(speaks) = names(&grant.grantee, case.caller) else {
        return Some("Grantee");
    };
    if !grant.terms.operations.contains(&case.action) {
        return Some("Operation");
    }
    if case.action == "CreateGrant"
        && let Some(child) = &case.child
        && !narrower(child, &grant.terms)
    {
        return Some("WiderChild");
    }
    if ["Encrypt", "Decrypt"].contains(&case.action) && !meets(&case.context, &grant.terms) {
        return Some("EncryptionContext");
    }
    if let Some(wanted) = &grant.terms.source {
        let service = case.has_service() || !case.caller.starts_with("arn:");
        if service && case.source_arn != Some(wanted) {
            return Some("SourceArn");
        }
    }
    (speaks == Speaks::OfTheAccount && !account_allows).then_some("IdentityPolicy")
}

fn meets(context: &Pairs, terms: &Terms) -> bool {
    let equal = terms.equals.as_ref().is_none_or(|pairs| pairs == context);
    let holds = |pairs: &Pairs| pairs.iter().all(|(key, value)| context.get(key) == Some(value));
    equal && terms.subset.as_ref().is_none_or(holds)
}

fn narrower(child: &Terms, parent: &Terms) -> bool {
    if child.operations.iter().any(|operation| !parent.operations.contains(operation)) {
        return false;
    }
    if parent.source.is_some() && parent.source != child.source {
        return false;
    }
    if let Some(pairs) = &parent.equals {
        return child.equals.as_ref() == Some(pairs);
    }
    let Some(pairs) = &parent.subset else {
        return true;
    };
    let Some(own) = child.equals.as_ref().or(child.subset.as_ref()) else {
        return false;
    };
    pairs.iter().all(|(key, value)| own.get(key) == Some(value))
}

fn retire(case: &Case, account_allows: bool) -> Result<String, String> {
    let stands_for = |party: &str| match names(party, case.caller) {
        Some(Speaks::OfTheAccount) => account_allows,
        Some(_) => true,
        None => false,
    };
    for (number, grant) in case.grants.iter().enumerate() {
        let gives_back = grant.terms.operations.contains(&"RetireGrant");
        let issuer = case.caller.starts_with("arn:")
            && account(case.caller) == account(&grant.issuer)
            && account_allows;
        if grant.retiring.as_deref().is_some_and(stands_for)
            || gives_back && stands_for(&grant.grantee)
            || issuer
        {
            return Ok(format!("retires {number}"));
        }
    }
    Err("may not retire".into())
}

/// The fifth field of an ARN.
fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or("111122223333")
}

/// How a named principal speaks of the caller.
fn names(named: &str, caller: &str) -> Option<Speaks> {
    let arn = caller.starts_with("arn:");
    if named == caller {
        let by_name = arn && !named.contains(":role/") && !named.ends_with(":root");
        return Some(if by_name { Speaks::ByName } else { Speaks::OfTheCaller });
    }
    if named.ends_with(":root") && arn && account(named) == account(caller) {
        return Some(Speaks::OfTheAccount);
    }
    let role = named.split_once(":role/").map(|(_, path)| path.rsplit('/').next());
    let session = caller.split_once(":assumed-role/").map(|(_, path)| path.split('/').next());
    let same_account = account(named) == account(caller);
    (role.is_some() && role == session && same_account).then_some(Speaks::OfTheCaller)
}

/// The statements of a policy that apply.
fn applying(case: &Case, policy: &Value, layer: &str) -> Vec<Applies> {
    let new_language = policy["Version"] == "2012-10-17";
    let statements = list(&policy["Statement"]);
    let applies = |(at, statement): (usize, &Value)| {
        let speaks = speaks(statement, case.caller)?;
        let retires = case.action == "RetireGrant" && ["key", "rcp"].contains(&layer);
        let about =
            !retires && acts(statement, case.action) && covers(statement, case, new_language);
        let all =
            statement["Condition"].as_object().into_iter().flatten().all(|(operator, keys)| {
                let mut keys = keys.as_object().into_iter().flatten();
                keys.all(|(key, values)| {
                    let hidden = layer == "key" && key == "kms:ResourceAliases";
                    let value = if hidden { None } else { value(case, key) };
                    holds(case, operator, value, &list(values), new_language)
                })
            });
        let allows = statement["Effect"] == "Allow";
        (about && all).then_some(Applies { at, allows, speaks })
    };
    statements.into_iter().enumerate().filter_map(applies).collect()
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn speaks(statement: &Value, caller: &str) -> Option<Speaks> {
    let of = |principal: &Value| {
        if principal == "*" {
            return Some(Speaks::OfTheCaller);
        }
        let named: Vec<&Value> =
            ["AWS", "Service"].iter().flat_map(|kind| list(&principal[kind])).collect();
        let fits: Vec<Speaks> = named
            .into_iter()
            .filter_map(Value::as_str)
            .filter_map(|name| match name {
                "*" => Some(Speaks::OfTheCaller),
                name => names(&in_full(name), caller),
            })
            .collect();
        let best = [Speaks::ByName, Speaks::OfTheCaller, Speaks::OfTheAccount];
        best.into_iter().find(|one| fits.contains(one))
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => of(principal),
        // An account among those left out leaves out its root principal, and nobody else.
        (None, Some(others)) => match of(others) {
            None | Some(Speaks::OfTheAccount) => Some(Speaks::OfTheCaller),
            Some(Speaks::ByName | Speaks::OfTheCaller) => None,
        },
        (None, None) => Some(Speaks::OfTheCaller),
    }
}

fn in_full(name: &str) -> String {
    let digits = name.len() == 12 && name.chars().all(|c| c.is_ascii_digit());
    if digits { format!("arn:aws:iam::{name}:root") } else { name.into() }
}

fn acts(statement: &Value, action: &str) -> bool {
    let full = format!("kms:{action}").to_lowercase();
    let any = |patterns: &Value| {
        let mut patterns = list(patterns).into_iter().filter_map(Value::as_str);
        patterns.any(|pattern| like(&pattern.to_lowercase(), &full))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => any(actions),
        (None, Some(others)) => !any(others),
        (None, None) => false,
    }
}

fn covers(statement: &Value, case: &Case, new_language: bool) -> bool {
    let target = match case.about {
        About::Key | About::ManagedKey => KEY,
        About::Alias => ALIAS,
        About::Anything => "*",
    };
    let any = |patterns: &Value| {
        let mut patterns = list(patterns).into_iter().filter_map(Value::as_str);
        patterns.any(|pattern| {
            let Some(pattern) = filled(case, pattern, new_language) else { return false };
            pattern == "*" || arn_like(&pattern, target)
        })
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(resources), _) => any(resources),
        (None, Some(others)) => !any(others),
        (None, None) => false,
    }
}

/// Field by field; the last one keeps its colons.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, fields): (Vec<_>, Vec<_>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == 6
        && fields.len() == 6
        && patterns.iter().zip(fields).all(|(pattern, field)| like(pattern, field))
}

/// `*` and `?`, by trying everything.
fn like(pattern: &str, text: &str) -> bool {
    let (mut letters, mut rest) = (pattern.chars(), text.chars());
    match letters.next() {
        None => text.is_empty(),
        Some('*') => {
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            starts.into_iter().any(|at| like(letters.as_str(), &text[at..]))
        }
        Some('?') => rest.next().is_some() && like(letters.as_str(), rest.as_str()),
        // A value that stood for a variable: its characters are meant literally.
        Some('\u{1}') => letters.next() == rest.next() && like(letters.as_str(), rest.as_str()),
        Some(letter) => rest.next() == Some(letter) && like(letters.as_str(), rest.as_str()),
    }
}
