//! The language against its documentation: what the guides list is known, with the type they give it.

use kms_core::policy::condition_key::{AwsKey, Cardinality, KmsKey, ValueType};
use kms_core::policy::{Action, ConditionKey, Policy, PolicyKind, Restriction};

/// AWS KMS Developer Guide, "Condition keys for AWS KMS", and the AWS KMS API of 2026: name, type, how
/// many values, and the permissions whose requests carry the key, all of them and no others. A star
/// stands for the rest of a name; words in capitals are the groups of [`GROUPS`].
const KMS_KEYS: &str = "
    BypassPolicyLockoutSafetyCheck Bool single CreateKey PutKeyPolicy
    CallerAccount String single KEY STORES
    CustomerMasterKeySpec String single CreateKey KEY
    CustomerMasterKeyUsage String single CreateKey KEY
    DataKeyPairSpec String single GenerateDataKeyPair*
    EncryptionAlgorithm String single Decrypt Encrypt GenerateDataKey* ReEncrypt*
    EncryptionContextKeys String multi CreateGrant Encrypt Decrypt GenerateDataKey* ReEncrypt*
    ExpirationModel String single ImportKeyMaterial
    GrantConstraintSourceArn Arn single CreateGrant
    GrantConstraintType String single CreateGrant
    GrantIsForAWSResource Bool single CreateGrant ListGrants RevokeGrant
    GrantOperations String multi CreateGrant
    GranteePrincipal String single CreateGrant
    GranteeServicePrincipal String single CreateGrant
    KeyAgreementAlgorithm String single DeriveSharedSecret
    KeyOrigin String single CreateKey KEY
    KeySpec String single CreateKey KEY
    KeyUsage String single CreateKey KEY
    MacAlgorithm String single GenerateMac VerifyMac
    MessageType String single Sign Verify
    MultiRegion Bool single CreateKey KEY
    MultiRegionKeyType String single CreateKey KEY
    PolicyName String single GetKeyPolicy PutKeyPolicy
    PrimaryRegion String single UpdatePrimaryRegion
    ReEncryptOnSameKey Bool single ReEncrypt*
    ReplicaRegion String single ReplicateKey
    RequestAlias String single USE DescribeKey GetPublicKey
    ResourceAliases String multi KEY
    RetiringPrincipal String single CreateGrant
    RetiringServicePrincipal String single CreateGrant
    RotationPeriodInDays Numeric single EnableKeyRotation
    ScheduleKeyDeletionPendingWindowInDays Numeric single ScheduleKeyDeletion
    SigningAlgorithm String single Sign Verify
    TrailingDaysWithoutKeyUsage Numeric single DisableKey ScheduleKeyDeletion
    ValidTo Date single ImportKeyMaterial
    ViaService String single KEY
    WrappingAlgorithm String single GetParametersForImport
    WrappingKeySpec String single GetParametersForImport
";

/// AWS KMS Developer Guide, "AWS KMS permissions": what the guide calls key store operations, those it
/// calls cryptographic, and those that are about no one key, which all others (`KEY`) are.
const GROUPS: [(&str, &str); 3] = [
    ("STORES", "*CustomKeyStore *CustomKeyStores"),
    (
        "USE",
        "Decapsulate Decrypt DeriveSharedSecret Encapsulate Encrypt GenerateDataKey* GenerateMac \
         ReEncrypt* Sign Verify VerifyMac",
    ),
    ("KEYLESS", "STORES CreateKey GenerateRandom ListAliases ListKeys ListRetirableGrants"),
];

/// Keys of which a request or a principal chooses the last part, with the permissions whose requests
/// carry them; `*` is every one. A tag key is of a key where there is one.
const CHOSEN: [(&str, &str); 9] = [
    ("kms:EncryptionContext:aws:s3:arn", WITH_CONTEXT),
    ("kms:EncryptionContext:team", WITH_CONTEXT),
    ("kms:RecipientAttestation:ImageSha384", ATTESTED),
    ("kms:RecipientAttestation:PCR0", ATTESTED),
    ("kms:RecipientAttestation:NitroTPMPCR4", ATTESTED),
    ("aws:ResourceTag/team", "KEY"),
    ("aws:RequestTag/team", "CreateKey ReplicateKey TagResource UntagResource"),
    ("aws:PrincipalTag/team", "*"),
    ("aws:PrincipalTag/Cost Center", "*"),
];

const WITH_CONTEXT: &str = "CreateGrant Decrypt Encrypt GenerateDataKey* ReEncrypt*";

/// The operations that have a member `Recipient`.
const ATTESTED: &str =
    "Decrypt DeriveSharedSecret GenerateDataKey GenerateDataKeyPair GenerateRandom";

/// Global keys that the guide's examples for AWS KMS use.
const AWS_KEYS: &str = "
    CurrentTime EpochTime PrincipalAccount PrincipalArn PrincipalIsAWSService PrincipalOrgID
    PrincipalServiceName PrincipalType RequestedRegion ResourceAccount SecureTransport SourceAccount
    SourceArn SourceIp SourceOrgID SourceVpc SourceVpce TagKeys username ViaAWSService
";

/// IAM User Guide, "Condition operators", with a value each can have.
const OPERATORS: [(&str, &str); 28] = [
    ("StringEquals", "a"),
    ("StringNotEquals", "a"),
    ("StringEqualsIgnoreCase", "a"),
    ("StringNotEqualsIgnoreCase", "a"),
    ("StringLike", "a*"),
    ("StringNotLike", "a*"),
    ("NumericEquals", "1"),
    ("NumericNotEquals", "1"),
    ("NumericLessThan", "1"),
    ("NumericLessThanEquals", "1"),
    ("NumericGreaterThan", "1"),
    ("NumericGreaterThanEquals", "1"),
    ("DateEquals", "2026-01-01T00:00:00Z"),
    ("DateNotEquals", "2026-01-01T00:00:00Z"),
    ("DateLessThan", "2026-01-01T00:00:00Z"),
    ("DateLessThanEquals", "2026-01-01T00:00:00Z"),
    ("DateGreaterThan", "2026-01-01T00:00:00Z"),
    ("DateGreaterThanEquals", "2026-01-01T00:00:00Z"),
    ("Bool", "true"),
    ("BinaryEquals", "QUJD"),
    ("IpAddress", "203.0.113.0/24"),
    ("NotIpAddress", "2001:db8::/32"),
    ("ArnEquals", "arn:aws:s3:::b"),
    ("ArnNotEquals", "arn:aws:s3:::b"),
    ("ArnLike", "arn:aws:s3:::*"),
    ("ArnNotLike", "arn:aws:s3:::*"),
    ("StringLike", "${aws:username}-*"),
    ("Null", "true"),
];

fn kms_key(name: &str) -> Option<KmsKey> {
    match ConditionKey::new(&format!("kms:{name}")) {
        ConditionKey::Kms(key) => Some(key),
        _ => None,
    }
}

/// The permissions that words of the table mean. A word that means none is a mistake of the table.
fn permissions(words: &[&str]) -> Vec<Action> {
    for word in words {
        assert!(Action::ALL.iter().any(|action| means(word, *action)), "{word} is no permission");
    }
    let meant = |action: &Action| words.iter().any(|word| means(word, *action));
    Action::ALL.iter().copied().filter(meant).collect()
}

fn means(word: &str, action: Action) -> bool {
    if word == "KEY" {
        return !means("KEYLESS", action);
    }
    let group = GROUPS.iter().find(|(name, _)| *name == word);
    match (group, word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some((_, words)), _, _) => words.split_whitespace().any(|word| means(word, action)),
        (_, Some(end), _) => action.name().ends_with(end),
        (_, _, Some(start)) => action.name().starts_with(start),
        _ => action.name() == word,
    }
}

#[test]
fn every_condition_key_of_the_guide_is_known_with_its_type_and_permissions() {
    let mut documented = Vec::new();
    for line in KMS_KEYS.lines().filter(|line| !line.trim().is_empty()) {
        let words = line.split_whitespace().collect::<Vec<_>>();
        let [name, kind, values, ref actions @ ..] = words[..] else { panic!("{line}") };
        let key = kms_key(name).unwrap_or_else(|| panic!("kms:{name} is unknown"));
        let several = key.cardinality() == Cardinality::Multi;
        let kind_of = format!("{:?}", key.value_type());
        assert_eq!((kind_of.as_str(), several), (kind, values == "multi"), "kms:{name}");
        let carry: Vec<Action> = key.actions().iter().collect();
        assert_eq!(carry, permissions(actions), "kms:{name}");
        documented.push(key);
    }
    let invented: Vec<_> = KmsKey::ALL.iter().filter(|key| !documented.contains(key)).collect();
    assert!(invented.is_empty(), "no guide has {invented:?}");
}

#[test]
fn keys_with_a_chosen_part_are_known_where_they_apply() {
    for (name, carriers) in CHOSEN {
        let key = ConditionKey::new(name);
        assert!(!matches!(key, ConditionKey::Unknown(_)), "{name}");
        let carry: Vec<Action> = key.actions().iter().collect();
        assert_eq!(carry, permissions(&carriers.split_whitespace().collect::<Vec<_>>()), "{name}");
    }
}

#[test]
fn every_global_key_of_the_guide_is_known() {
    let mut known = 0;
    for name in AWS_KEYS.split_whitespace() {
        let key = ConditionKey::new(&format!("aws:{name}"));
        assert!(matches!(key, ConditionKey::Aws(_)), "aws:{name}");
        known += 1;
    }
    assert_eq!(known, AwsKey::ALL.len());
    let dates = AwsKey::ALL.iter().filter(|key| key.value_type() == ValueType::Date).count();
    assert_eq!(dates, 1);
}

fn accepts(operator: &str, key: &str, value: &str, kind: PolicyKind) -> bool {
    let principal = match kind {
        PolicyKind::Identity => "",
        _ => r#""Principal": "*","#,
    };
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", {principal} "Action": "*",
            "Resource": "*", "Condition": {{"{operator}": {{"{key}": "{value}"}}}}}}}}"#
    );
    Policy::parse(&text, kind).is_ok()
}

#[test]
fn every_operator_is_understood_with_every_prefix_and_suffix() {
    for (operator, value) in OPERATORS {
        for kind in [PolicyKind::Key, PolicyKind::Identity] {
            let accepts = |operator: &str| accepts(operator, "kms:GrantOperations", value, kind);
            assert!(accepts(operator), "{operator}");
            let compares = operator != "Null";
            assert_eq!(accepts(&format!("{operator}IfExists")), compares, "{operator}IfExists");
            for set in ["ForAllValues", "ForAnyValue"] {
                assert_eq!(accepts(&format!("{set}:{operator}")), compares, "{set}:{operator}");
                let both = format!("{set}:{operator}IfExists");
                assert_eq!(accepts(&both), compares, "{both}");
            }
            assert!(!accepts(&format!("ForSomeValues:{operator}")), "{operator}");
        }
    }
}

#[test]
fn every_element_of_a_statement_has_its_negation() {
    let denies = |who: &str, what: &str, on: &str| {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Deny", {who}: {{"AWS": "111122223333"}}, {what}: "kms:*", {on}: "*"}}}}"#
        );
        Policy::parse(&text, PolicyKind::Key).is_ok()
    };
    for who in [r#""Principal""#, r#""NotPrincipal""#] {
        for what in [r#""Action""#, r#""NotAction""#] {
            for on in [r#""Resource""#, r#""NotResource""#] {
                assert!(denies(who, what, on), "{who} {what} {on}");
            }
        }
    }
}

#[test]
fn every_layer_can_be_written() {
    let principals = [Restriction::ResourceControl, Restriction::Endpoint];
    for layer in Restriction::ALL {
        let principal = match principals.contains(&layer) {
            true => r#""Principal": "*","#,
            false => "",
        };
        let text = format!(
            r#"{{"Statement": {{"Effect": "Deny", {principal} "Action": "kms:*", "Resource": "*"}}}}"#
        );
        let policy = Policy::parse(&text, PolicyKind::Restricting(layer));
        assert!(policy.is_ok(), "{layer:?}: {policy:?}");
    }
}
