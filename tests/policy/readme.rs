//! The key of the README in its three forms: each is carried out or read, and all make the same key.

use crate::support::root;
use kms_core::local::Local;
use kms_core::name::{AccountId, AliasName, KeyArn, RegionName};
use kms_core::ops::Response;
use kms_core::wire;
use scenarios::state::{Home, Inventory, check};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What all three forms have to agree about.
#[derive(Debug, PartialEq)]
struct Made {
    description: String,
    rotation_days: Option<u32>,
    tags: BTreeMap<String, String>,
    alias: String,
}

/// The only block of the README in that language that speaks of the key.
fn block(language: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let fence = format!("```{language}\n");
    let blocks = readme.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<&str> = blocks.filter(|block| block.contains("nvoices")).collect();
    let [block] = blocks[..] else { panic!("{} blocks of {language}", blocks.len()) };
    block.to_owned()
}

/// What a template or plan declares; it must not hold a finding.
fn declared(text: &str) -> Made {
    let home = Home {
        account: AccountId::new(111_122_223_333),
        region: RegionName::parse("us-east-1").expect("a Region"),
    };
    let inventory =
        Inventory::read(text, home).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!((&inventory.warnings[..], &check(&inventory, &[])[..]), (&[][..], &[][..]));
    let key = inventory.key("alias/invoices").expect("the key by its alias");
    Made {
        description: key.description.clone(),
        rotation_days: key.rotation.map(|(days, _)| days),
        tags: key.tags.clone(),
        alias: inventory.aliases[0].name.to_string(),
    }
}

#[test]
fn the_three_forms_of_the_readme_make_the_same_key() {
    let tags = BTreeMap::from([("team".to_owned(), "billing".to_owned())]);
    let expected = Made {
        description: "Invoices, production".into(),
        rotation_days: Some(180),
        tags,
        alias: "alias/invoices".into(),
    };
    assert_eq!(declared(&block("yaml")), expected, "CloudFormation");
    assert_eq!(declared(&plan_of(&block("hcl"))), expected, "Terraform");
    assert_eq!(carried_out(&block("sh")), expected, "the command line");
}

/// The plan of a configuration of resources whose arguments are literals or references.
fn plan_of(hcl: &str) -> String {
    let (mut planned, mut configured) = (Vec::new(), Vec::new());
    for block in hcl.split("\n}").filter(|block| block.contains("resource ")) {
        let (head, body) = block.split_once('{').expect("a body");
        let names: Vec<&str> = head.split('"').collect();
        let (kind, name) = (names[1], names[3]);
        let (mut values, mut expressions) = (Map::new(), Map::new());
        for line in body.lines().filter(|line| !line.trim().is_empty()) {
            let (argument, value) = line.split_once('=').expect("an argument");
            let (argument, value) = (argument.trim().to_owned(), value.trim());
            match literal(value) {
                Some(value) => values.insert(argument, value),
                None => expressions.insert(argument, json!({"references": [value]})),
            };
        }
        let address = format!("{kind}.{name}");
        let resource = json!({"address": address, "mode": "managed", "type": kind, "name": name});
        let with = |member: &str, members: Map<String, Value>| {
            let mut resource = resource.clone();
            resource[member] = Value::Object(members);
            resource
        };
        planned.push(with("values", values));
        configured.push(with("expressions", expressions));
    }
    json!({
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "configuration": {"root_module": {"resources": configured}},
    })
    .to_string()
}

/// A text, number, truth, or map of one text; a reference is none.
fn literal(value: &str) -> Option<Value> {
    let Some(inner) = value.strip_prefix('{') else { return serde_json::from_str(value).ok() };
    let (key, value) = inner.strip_suffix('}')?.split_once('=')?;
    Some(json!({key.trim(): literal(value.trim())?}))
}

/// Carries out the commands with a KMS.
fn carried_out(script: &str) -> Made {
    let mut local = Local::single_region();
    let mut key: Option<KeyArn> = None;
    let script = script.replace("\\\n", " ");
    for line in script.lines() {
        let line =
            line.strip_prefix("KEY=$(").and_then(|line| line.strip_suffix(')')).unwrap_or(line);
        let words = words(line, key);
        assert_eq!(words[..2], ["aws", "kms"], "{line}");
        let request = request(&words[2], &words[3..]);
        match local.call(request).unwrap_or_else(|error| panic!("{line}: {error:?}")) {
            Response::CreateKey(made) => key = Some(made.key_metadata.arn),
            Response::EnableKeyRotation(_) | Response::CreateAlias(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let key = key.expect("a key");
    let name = AliasName::parse("alias/invoices").expect("a name");
    let alias = local.journal().state().alias(key.account, &name).map(|_| name.to_string());
    Made {
        description: local.key(key).description.to_string(),
        rotation_days: rotation_days(&mut local, key),
        tags: tags(&mut local, key),
        alias: alias.unwrap_or_default(),
    }
}

/// The words of a command, as a shell splits them.
fn words(line: &str, key: Option<KeyArn>) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        1 => vec![part.to_owned()],
        _ => part.split_whitespace().map(str::to_owned).collect(),
    });
    let id = key.map(|key| key.id.to_string()).unwrap_or_default();
    words.map(|word| word.replace("$KEY", &id)).collect()
}

/// `create-key --key-spec X` as the API has it: `CreateKey {"KeySpec": "X"}`.
fn request(command: &str, options: &[String]) -> kms_core::ops::Request {
    let mut members = Map::new();
    for option in options.chunks(2) {
        let [name, value] = option else { panic!("{option:?} has no value") };
        let name = name.strip_prefix("--").expect("an option");
        let value = match name {
            "query" | "output" => continue,
            "tags" => json!([Map::from_iter(value.split(',').map(|pair| {
                let (key, value) = pair.split_once('=').expect("a pair");
                (key.to_owned(), Value::from(value))
            }))]),
            _ => value.parse::<u32>().map_or_else(|_| Value::from(value.as_str()), Value::from),
        };
        members.insert(camel(name), value);
    }
    let target = format!("{}{}", wire::TARGET_PREFIX, camel(command));
    let body = Value::Object(members).to_string();
    wire::decode_request(&target, body.as_bytes())
        .unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(word).collect()
}

fn rotation_days(local: &mut Local, key: KeyArn) -> Option<u32> {
    let status = ask(local, "GetKeyRotationStatus", key);
    status["RotationPeriodInDays"].as_u64().and_then(|days| u32::try_from(days).ok())
}

fn tags(local: &mut Local, key: KeyArn) -> BTreeMap<String, String> {
    let answer = ask(local, "ListResourceTags", key);
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap_or_default().to_owned();
    let tags = answer["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(tag, "TagKey"), text(tag, "TagValue"))).collect()
}

/// The answer to a question about the key, as JSON.
fn ask(local: &mut Local, operation: &str, key: KeyArn) -> Value {
    let target = format!("{}{operation}", wire::TARGET_PREFIX);
    let body = json!({"KeyId": key.to_string()}).to_string();
    let request = wire::decode_request(&target, body.as_bytes()).expect("a request");
    let answer = local.call(request).expect("an answer");
    serde_json::from_slice(&wire::encode_response(&answer)).expect("JSON")
}
