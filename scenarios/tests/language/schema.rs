//! The schema: its listing is complete and true to the parser, and tables become typed values.

use std::time::Duration;

use kms_core::history::{LONGEST_PROPAGATION, Propagation};
use scenarios::{
    ARRIVALS, Argument, Arrivals, Bytes, Client, FAULTS, FaultKind, FieldDefault, KeyGroup,
    KeyName, KeySelector, Links, Override, ParameterValue, RetryMode, Scenario, Throttling,
    Verdict, WORKLOADS, WorkloadKind, schema_listing,
};

use super::vocabulary;

#[test]
fn every_kind_is_listed() {
    let markdown = schema_listing(&vocabulary()).markdown();
    let faults = FAULTS.iter().map(|entry| format!("`[[phase.fault]] kind = \"{}\"`", entry.name));
    let loads =
        WORKLOADS.iter().map(|entry| format!("`[[phase.workload]] kind = \"{}\"`", entry.name));
    let arrivals = ARRIVALS
        .iter()
        .map(|entry| format!("`[phase.workload.arrivals] kind = \"{}\"`", entry.name));
    for title in faults.chain(loads).chain(arrivals) {
        assert_eq!(markdown.matches(&format!("## {title}")).count(), 1, "{title}");
    }
}

#[test]
fn sections_and_keys_are_listed_once_and_documented() {
    let listing = schema_listing(&vocabulary());
    for section in &listing.sections {
        assert!(section.doc.ends_with('.'), "{}: {:?}", section.title, section.doc);
        let same = |other: &&scenarios::Section| {
            (&other.title, &other.of) == (&section.title, &section.of)
        };
        assert_eq!(
            listing.sections.iter().filter(same).count(),
            1,
            "{} is there twice",
            section.title
        );
        for field in &section.fields {
            assert!(field.doc.ends_with('.'), "{} {}: {:?}", section.title, field.key, field.doc);
            let times = section.fields.iter().filter(|other| other.key == field.key).count();
            assert_eq!(times, 1, "{} {}", section.title, field.key);
        }
    }
}

#[test]
fn tables_of_kinds_are_alphabetical() {
    let names = |names: Vec<&'static str>| assert!(names.is_sorted(), "{names:?}");
    names(FAULTS.iter().map(|entry| entry.name).collect());
    names(WORKLOADS.iter().map(|entry| entry.name).collect());
    names(ARRIVALS.iter().map(|entry| entry.name).collect());
}

/// Writing every default out changes nothing: what is listed is what is used.
#[test]
fn listed_defaults_are_the_defaults_used() {
    let listing = schema_listing(&vocabulary());
    let mut written = String::from("schema = 1\ndescription = \"x\"\n");
    for section in &listing.sections {
        let plain_table = section.title.starts_with('[') && !section.title.starts_with("[[");
        let in_a_phase = section.title.contains("phase") || section.title.contains("operation");
        if !plain_table || in_a_phase || section.title == "[parameters]" {
            continue;
        }
        written += &format!("{}\n", section.title);
        for field in &section.fields {
            if let FieldDefault::Value(value) = &field.default {
                written += &format!("{} = {value}\n", field.key);
            }
        }
    }
    let short = "schema = 1\ndescription = \"x\"\n";
    let parse = |text| Scenario::parse("x.toml", text, &[], &vocabulary()).unwrap();
    assert!(written.contains("api_hosts = 2") && written.contains("duration = \"5m\""));
    assert_eq!(parse(&written), parse(short));
}

const FULL: &str = r#"
schema = 1
description = "everything"
topology = { regions = ["us-east-1", "eu-west-1"], hsms = 5, propagation = { grant = "1m" } }
keys = { symmetric = 4, multi_region = 1, rotation = "90d" }
accounts = { count = 3 }
quota = { profile = "seed", scale = 0.5 }
client = { retry = "none", timeout = "1.5s", max_attempts = 1 }
calm = { duration = "1h" }
parameters = { "hsm.service_time" = "80us" }

[expect]
verdict = "violation"
oracle = "durability"
allowed_errors = ["ThrottlingException"]
throttled_min = { symmetric = 10 }
throttled_max = { symmetric = 20, CreateKey = 0 }

[[phase]]
name = "only"
duration = "10m"

[[phase.workload]]
kind = "encrypt-decrypt"
clients = 2
arrivals = { kind = "closed", think = "10ms" }
region = "eu-west-1"
keys = ["multi-region", "symmetric-3"]
plaintext = "4KiB"

[[phase.fault]]
kind = "latency"
at = "1m"
between = ["us-east-1", "eu-west-1"]
factor = 3

[[operation]]
at = "2m"
call = "CreateKey"
creates = "mine"

[[operation]]
at = "3m"
call = "Decrypt"
region = "eu-west-1"
key = "mine"
with = { Known = ["a", 1, true] }

[[sabotage]]
kind = "stale-follower"
rate = 0.005
"#;

#[test]
fn tables_become_typed_values() {
    let full = Scenario::parse("x/full.toml", FULL, &[], &vocabulary()).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!((full.name.as_str(), full.accounts, full.topology.hsms), ("full", 3, 5));
    assert_eq!(full.topology.propagation.grant, seconds(60));
    assert_eq!(full.keys.rotation, Some(seconds(90 * 86_400)));
    assert_eq!((full.quota.profile.as_str(), full.quota.scale), ("seed", 0.5));
    let timeout = Duration::from_millis(1_500);
    assert_eq!(full.client, Client { retry: RetryMode::None, timeout, max_attempts: 1 });
    assert_eq!((full.calm, full.storm()), (seconds(3_600), seconds(600)));
    assert_eq!(full.sabotages[0].rate.get(), 0.005);
}

/// What a host keeps of the past bounds the delays; the defaults are those that `serve` takes for AWS.
#[test]
fn propagation_is_that_of_aws_and_no_longer_than_the_past_is_kept() {
    let parse = |delay: &str| {
        let table = format!(
            "schema = 1\ndescription = \"Delays.\"\n[topology.propagation]\n{delay}\n[[phase]]\nname = \"one\"\nduration = \"1s\"\n"
        );
        Scenario::parse("x.toml", &table, &[], &vocabulary())
    };
    assert_eq!(parse("").unwrap().topology.propagation, Propagation::AWS);
    let longest = parse("tag = \"10m\"").unwrap().topology.propagation;
    assert_eq!(longest, Propagation { tag: LONGEST_PROPAGATION, ..Propagation::AWS });
    let error = parse("tag = \"601s\"").unwrap_err().to_string();
    assert!(error.contains("601s") && error.contains("10m"), "{error}");
}

#[test]
fn expectations_become_typed_values() {
    let expect = Scenario::parse("x.toml", FULL, &[], &vocabulary()).unwrap().expect;
    assert_eq!(expect.verdict, Verdict::Violation { oracle: "durability".into() });
    assert_eq!(expect.throttled["symmetric"], Throttling { min: Some(10), max: Some(20) });
    assert_eq!(expect.throttled["CreateKey"], Throttling { min: None, max: Some(0) });
    assert_eq!(expect.allowed_errors, Some(vec!["ThrottlingException".to_owned()]));
}

#[test]
fn phases_become_typed_values() {
    let full = Scenario::parse("x.toml", FULL, &[], &vocabulary()).unwrap();
    let (workload, fault) = (&full.phases[0].workloads[0], &full.phases[0].faults[0]);
    let keys =
        [KeySelector::Group(KeyGroup::MultiRegion), KeySelector::One(KeyGroup::Symmetric, 3)];
    assert_eq!(workload.keys, keys);
    assert_eq!(workload.arrivals, Arrivals::Closed { think: Duration::from_millis(10) });
    assert_eq!(workload.regions, [full.topology.regions[1].clone()]);
    let WorkloadKind::EncryptDecrypt(parameters) = &workload.kind else { panic!("{workload:?}") };
    assert_eq!(parameters.plaintext, Bytes(4_096));
    assert_eq!((fault.at.as_secs(), fault.lasts.as_secs()), (60, 540));
    let [us, eu] = &full.topology.regions[..] else { panic!("{:?}", full.topology) };
    let FaultKind::Latency(latency) = &fault.kind else { panic!("{fault:?}") };
    assert_eq!(latency.links, Links::Between(us.clone(), eu.clone()));
    assert_eq!((latency.add, latency.factor), (Duration::ZERO, 3.0));
    assert_eq!(latency.probability.get(), 1.0, "unless it says otherwise");
}

#[test]
fn operations_become_typed_values() {
    let full = Scenario::parse("x.toml", FULL, &[], &vocabulary()).unwrap();
    let [create, decrypt] = &full.operations[..] else { panic!("{:?}", full.operations) };
    assert_eq!((create.creates.as_deref(), create.region.as_str()), (Some("mine"), "us-east-1"));
    assert_eq!(decrypt.key.as_ref().map(KeyName::as_str), Some("mine"));
    let list = [Argument::Text("a".into()), Argument::Integer(1), Argument::Boolean(true)];
    assert_eq!(decrypt.arguments["Known"], Argument::List(list.to_vec()));
}

#[test]
fn overrides_reach_every_level() {
    let sets = [
        "topology.api_hosts=7",
        "phase.only.duration = 20m",
        "phase.only.workload.encrypt-decrypt.arrivals.think=1s",
        "phase.only.fault.0.factor=9.5",
        "keys.symmetric=9",
        "client.retry=\"standard\"",
        "parameters.hsm.service_time=1ms",
    ];
    let sets: Vec<Override> = sets.iter().map(|set| set.parse().unwrap()).collect();
    let set = Scenario::parse("x.toml", FULL, &sets, &vocabulary()).unwrap();
    assert_eq!((set.topology.api_hosts, set.keys.count(KeyGroup::Symmetric)), (7, 9));
    assert_eq!(set.phases[0].duration, Duration::from_secs(1_200));
    let think = Duration::from_secs(1);
    assert_eq!(set.phases[0].workloads[0].arrivals, Arrivals::Closed { think });
    let FaultKind::Latency(latency) = &set.phases[0].faults[0].kind else { panic!("{set:?}") };
    assert_eq!(latency.factor, 9.5);
    assert_eq!(set.client.retry, RetryMode::Standard);
    assert_eq!(set.parameters[0].value, ParameterValue::Duration(Duration::from_millis(1)));
}
