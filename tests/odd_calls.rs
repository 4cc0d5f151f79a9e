//! Calls as people write them into a scenario, odd ones and wrong ones: none of them is anybody's bug,
//! so no oracle may object.

use crate::support::run_of;
use ::scenarios::Scenario;
use sim::run::{Run, Verdict};

const WORLD: &str = r#"
schema = 1
description = "One call after the other."
[topology]
regions = ["us-east-1", "eu-west-1"]
api_hosts = 1
hsms = 1
zones = 1
[keys]
symmetric = 2
multi_region = 1
aliases = 2
[[phase]]
name = "calls"
duration = "10m"
"#;

const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122220000:role/nobody"},"Action":"kms:*","Resource":"*"}]}"#;
const EVERYBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;

/// Operation, key, and the rest in the words of a scenario; `NOBODY` and `EVERYBODY` are policies.
const CALLS: &[(&str, &str, &str)] = &[
    ("PutKeyPolicy", "symmetric-0", "Policy = 'garbage'"),
    ("PutKeyPolicy", "symmetric-0", "Policy = '{}'"),
    ("PutKeyPolicy", "symmetric-0", r#"Policy = '{"Statement":[]}'"#),
    ("PutKeyPolicy", "symmetric-0", "Policy = 'NOBODY'"),
    ("PutKeyPolicy", "symmetric-0", "Policy = 'EVERYBODY', PolicyName = 'other'"),
    ("GetKeyPolicy", "symmetric-0", "PolicyName = 'other'"),
    ("ScheduleKeyDeletion", "symmetric-0", "PendingWindowInDays = 31"),
    ("EnableKeyRotation", "symmetric-0", "RotationPeriodInDays = 2561"),
    ("Encrypt", "symmetric-0", "Plaintext = 'eA==', EncryptionAlgorithm = 'RSAES_OAEP_SHA_256'"),
    ("Encrypt", "symmetric-0", "Plaintext = 'eA==', GrantTokens = ['x']"),
    ("Encrypt", "alias/nope", "Plaintext = 'eA=='"),
    ("Decrypt", "symmetric-0", "CiphertextBlob = 'eA=='"),
    ("GenerateDataKey", "symmetric-0", "KeySpec = 'AES_256', NumberOfBytes = 32"),
    ("GenerateDataKey", "symmetric-0", ""),
    ("GenerateDataKeyPair", "symmetric-0", "KeyPairSpec = 'SM2'"),
    ("GenerateRandom", "", "NumberOfBytes = 0"),
    ("CreateAlias", "symmetric-0", "AliasName = 'alias/aws/x'"),
    ("CreateAlias", "symmetric-0", "AliasName = 'x'"),
    ("UpdateAlias", "symmetric-0", "AliasName = 'alias/nope'"),
    ("CreateGrant", "symmetric-0", "GranteePrincipal = 'garbage', Operations = ['Encrypt']"),
    ("CreateGrant", "symmetric-0", "GranteePrincipal = 'WORKER', Operations = []"),
    ("CreateGrant", "symmetric-0", "GranteePrincipal = 'WORKER', Operations = ['Sign']"),
    ("RetireGrant", "", "GrantToken = 'x'"),
    ("ReplicateKey", "symmetric-0", "ReplicaRegion = 'eu-west-1'"),
    ("ReplicateKey", "multi-region-0", "ReplicaRegion = 'mars-1'"),
    ("UpdatePrimaryRegion", "multi-region-0", "PrimaryRegion = 'ap-south-1'"),
    ("CreateKey", "", "KeySpec = 'RSA_2048', KeyUsage = 'ENCRYPT_DECRYPT'"),
    ("CreateKey", "", "KeySpec = 'RSA_2048'"),
    ("CreateKey", "", "KeySpec = 'HMAC_256', KeyUsage = 'SIGN_VERIFY'"),
    ("CreateKey", "", "Origin = 'EXTERNAL', MultiRegion = true"),
    ("CreateKey", "", "Origin = 'AWS_CLOUDHSM'"),
    ("CreateKey", "", "Policy = 'garbage'"),
    ("CreateKey", "", "Policy = 'NOBODY'"),
    ("CreateKey", "", "Tags = [{TagKey='a',TagValue='b'},{TagKey='a',TagValue='c'}]"),
    ("TagResource", "symmetric-0", "Tags = [{TagKey='aws:a',TagValue='b'}]"),
    ("TagResource", "symmetric-0", "Tags = [{TagKey='a',TagValue='b'}]"),
    ("ListResourceTags", "symmetric-0", ""),
    ("ListResourceTags", "", "KeyId = '1234abcd-12ab-34cd-56ef-1234567890ab'"),
    ("ListKeyPolicies", "symmetric-0", ""),
    ("ListKeys", "", "Limit = 1001"),
    ("ListAliases", "", "Marker = 'x'"),
    ("ListGrants", "symmetric-0", "Limit = 101"),
    ("ListRetirableGrants", "", "RetiringPrincipal = 'WORKER'"),
    ("Sign", "symmetric-0", "Message = 'eA==', SigningAlgorithm = 'RSASSA_PSS_SHA_256'"),
    ("GenerateMac", "symmetric-0", "Message = 'eA==', MacAlgorithm = 'HMAC_SHA_256'"),
    ("GetPublicKey", "symmetric-0", ""),
    ("DeriveSharedSecret", "symmetric-0", "PublicKey = 'eA==', KeyAgreementAlgorithm = 'ECDH'"),
    ("DeleteImportedKeyMaterial", "symmetric-0", ""),
    ("DescribeCustomKeyStores", "", ""),
    ("ConnectCustomKeyStore", "", "CustomKeyStoreId = 'cks-1234567890abcdef0'"),
    ("UpdateKeyDescription", "symmetric-0", "Description = 'x'"),
    ("RotateKeyOnDemand", "multi-region-0", ""),
    // From here on the key is about to be deleted.
    ("ScheduleKeyDeletion", "symmetric-1", ""),
    ("TagResource", "symmetric-1", "Tags = [{TagKey='a',TagValue='b'}]"),
    ("UntagResource", "symmetric-1", "TagKeys = ['a']"),
    ("UpdateKeyDescription", "symmetric-1", "Description = 'x'"),
    ("ListResourceTags", "symmetric-1", ""),
];

fn scenario(who: &str) -> String {
    let calls = CALLS.iter().enumerate().map(|(index, (call, key, with))| {
        let with = with
            .replace("NOBODY", NOBODY)
            .replace("EVERYBODY", EVERYBODY)
            .replace("WORKER", "arn:aws:iam::111122220000:role/worker-0");
        let key = if key.is_empty() { String::new() } else { format!("key = '{key}'\n") };
        let at = 20 + 5 * index;
        format!("[[operation]]\nat = '{at}s'\ncall = '{call}'\n{key}{who}\nwith = {{ {with} }}\n")
    });
    format!("{WORLD}{}", calls.collect::<String>())
}

fn run(text: &str) -> Run {
    let scenario = Scenario::parse("odd calls", text, &[], &sim::vocabulary::vocabulary());
    run_of(&scenario.unwrap_or_else(|error| panic!("{error}")), 1)
}

#[test]
fn no_oracle_objects_to_odd_calls() {
    for who in ["", "worker = 0"] {
        let run = run(&scenario(who));
        let told: Vec<_> = run.judged.iter().flat_map(|one| &one.finding.violations).collect();
        assert!(told.is_empty(), "{told:#?}");
        assert_eq!((run.verdict, run.calls), (Verdict::Pass, CALLS.len() as u64), "{who}");
    }
}

/// The record of an operation that judges have few words for is about the wrong key.
#[test]
fn an_audit_record_of_another_key_shows_whatever_was_asked() {
    for call in ["ListResourceTags", "ListKeyPolicies"] {
        let text = format!(
            "{WORLD}[[operation]]\nat = '20s'\ncall = '{call}'\nkey = 'symmetric-0'\n\
             [[sabotage]]\nkind = 'audit-of-another-key'\nat = ['19s']\n"
        );
        let run = run(&text);
        let first = run.first_violation().expect("it shows");
        assert_eq!(first.oracle, "audit", "{call}");
    }
}
