//! The members of every request, every answer and every structure in them, held against the service
//! model: none is missing, none is made up.

use kms_core::ops::{
    Operation, create_grant, describe_custom_key_stores, describe_key, get_key_last_usage,
    list_aliases, list_grants, list_key_rotations, list_keys,
};
use kms_core::wire::{RecipientInfo, Shape, Tag, XksProxyAuthenticationCredential};

const MODEL: &str = include_str!("members.txt");

/// The structures by the model's names.
const STRUCTURES: &[(&str, &[&str])] = &[
    ("AliasListEntry", list_aliases::AliasListEntry::MEMBERS),
    ("CustomKeyStoresListEntry", describe_custom_key_stores::Entry::MEMBERS),
    ("GrantConstraints", create_grant::GrantConstraints::MEMBERS),
    ("GrantListEntry", list_grants::GrantListEntry::MEMBERS),
    ("KeyLastUsageData", get_key_last_usage::KeyLastUsage::MEMBERS),
    ("KeyListEntry", list_keys::KeyEntry::MEMBERS),
    ("KeyMetadata", describe_key::KeyMetadata::MEMBERS),
    ("MultiRegionConfiguration", describe_key::MultiRegionConfiguration::MEMBERS),
    ("MultiRegionKey", describe_key::MultiRegionKey::MEMBERS),
    ("RecipientInfo", RecipientInfo::MEMBERS),
    ("RotationsListEntry", list_key_rotations::RotationsListEntry::MEMBERS),
    ("Tag", Tag::MEMBERS),
    ("XksKeyConfigurationType", describe_key::XksKeyConfiguration::MEMBERS),
    ("XksProxyAuthenticationCredentialType", XksProxyAuthenticationCredential::MEMBERS),
    ("XksProxyConfigurationType", describe_custom_key_stores::XksProxyConfiguration::MEMBERS),
];

/// The lines of the model: a name and its members.
fn model() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = MODEL.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(':').unwrap_or_else(|| panic!("a name and members: {line}")))
}

/// What is missing from some members, and what they have too many.
fn difference(of: &str, modelled: &str, members: &[&str]) -> Option<String> {
    let modelled: Vec<_> = modelled.split_whitespace().collect();
    let without = |these: &[&str], those: &[&str]| -> Vec<String> {
        these.iter().filter(|one| !those.contains(one)).map(ToString::to_string).collect()
    };
    let (missing, extra) = (without(&modelled, members), without(members, &modelled));
    let differs = !missing.is_empty() || !extra.is_empty() || members.len() != modelled.len();
    differs.then(|| format!("{of}: missing {missing:?}, not in the model {extra:?}"))
}

#[test]
fn every_operation_has_the_members_of_the_model() {
    let mut problems = Vec::new();
    let mut operations = 0;
    for (name, members) in model() {
        let Some((request, answer)) = members.split_once("->") else { continue };
        let operation = Operation::parse(name).unwrap_or_else(|| panic!("no operation {name}"));
        problems.extend(difference(
            &format!("request of {name}"),
            request,
            operation.request_members(),
        ));
        problems.extend(difference(
            &format!("answer of {name}"),
            answer,
            operation.response_members(),
        ));
        operations += 1;
    }
    assert_eq!(operations, Operation::ALL.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_structure_has_the_members_of_the_model() {
    let structures: Vec<_> = model().filter(|(_, members)| !members.contains("->")).collect();
    assert_eq!(structures.len(), STRUCTURES.len());
    let problems = structures.iter().filter_map(|(name, modelled)| {
        let (_, members) = STRUCTURES.iter().find(|(of, _)| of == name).expect("a structure");
        difference(name, modelled, members)
    });
    assert_eq!(problems.collect::<Vec<_>>(), Vec::<String>::new());
}
