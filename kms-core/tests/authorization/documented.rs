//! The language against its documentation: what the guides list is known, with the type they give it.

use kms_core::policy::condition_key::{AwsKey, Cardinality, KmsKey, ValueType};
use kms_core::policy::{Action, ConditionKey, Policy, PolicyKind, Restriction};

/// AWS KMS Developer Guide, "Condition keys for AWS KMS", and the AWS KMS API of 2026: name, type, how
/// many values, and a permission whose requests carry the key.
const KMS_KEYS: &str = "
    BypassPolicyLockoutSafetyCheck Bool single PutKeyPolicy
    CallerAccount String single Encrypt
    CustomerMasterKeySpec String single CreateKey
    CustomerMasterKeyUsage String single CreateKey
    DataKeyPairSpec String single GenerateDataKeyPair
    EncryptionAlgorithm String single ReEncryptTo
    EncryptionContextKeys String multi CreateGrant
    ExpirationModel String single ImportKeyMaterial
    GrantConstraintSourceArn Arn single CreateGrant
    GrantConstraintType String single CreateGrant
    GrantIsForAWSResource Bool single RevokeGrant
    GrantOperations String multi CreateGrant
    GranteePrincipal String single CreateGrant
    GranteeServicePrincipal String single CreateGrant
    KeyAgreementAlgorithm String single DeriveSharedSecret
    KeyOrigin String single DescribeKey
    KeySpec String single Sign
    KeyUsage String single CreateKey
    MacAlgorithm String single VerifyMac
    MessageType String single Verify
    MultiRegion Bool single CreateKey
    MultiRegionKeyType String single CreateKey
    PolicyName String single GetKeyPolicy
    PrimaryRegion String single UpdatePrimaryRegion
    ReEncryptOnSameKey Bool single ReEncryptFrom
    ReplicaRegion String single ReplicateKey
    RequestAlias String single GetPublicKey
    ResourceAliases String multi Decrypt
    RetiringPrincipal String single CreateGrant
    RetiringServicePrincipal String single CreateGrant
    RotationPeriodInDays Numeric single EnableKeyRotation
    ScheduleKeyDeletionPendingWindowInDays Numeric single ScheduleKeyDeletion
    SigningAlgorithm String single Sign
    TrailingDaysWithoutKeyUsage Numeric single DisableKey
    ValidTo Date single ImportKeyMaterial
    ViaService String single Encrypt
    WrappingAlgorithm String single GetParametersForImport
    WrappingKeySpec String single GetParametersForImport
";

/// Keys of which a request or a principal chooses the last part.
const CHOSEN: [(&str, Action); 9] = [
    ("kms:EncryptionContext:aws:s3:arn", Action::Decrypt),
    ("kms:EncryptionContext:team", Action::CreateGrant),
    ("kms:RecipientAttestation:ImageSha384", Action::Decrypt),
    ("kms:RecipientAttestation:PCR0", Action::GenerateRandom),
    ("kms:RecipientAttestation:NitroTPMPCR4", Action::GenerateDataKey),
    ("aws:ResourceTag/team", Action::Encrypt),
    ("aws:RequestTag/team", Action::CreateKey),
    ("aws:PrincipalTag/team", Action::ListKeys),
    ("aws:PrincipalTag/Cost Center", Action::Encrypt),
];

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

#[test]
fn every_condition_key_of_the_guide_is_known_with_its_type() {
    let mut documented = Vec::new();
    for line in KMS_KEYS.lines().filter(|line| !line.trim().is_empty()) {
        let [name, kind, values, action] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let key = kms_key(name).unwrap_or_else(|| panic!("kms:{name} is unknown"));
        let several = key.cardinality() == Cardinality::Multi;
        let kind_of = format!("{:?}", key.value_type());
        assert_eq!((kind_of.as_str(), several), (kind, values == "multi"), "kms:{name}");
        let action = Action::ALL.iter().find(|known| known.name() == action);
        assert!(action.is_some_and(|action| key.actions().contains(*action)), "kms:{name}");
        documented.push(key);
    }
    let invented: Vec<_> = KmsKey::ALL.iter().filter(|key| !documented.contains(key)).collect();
    assert!(invented.is_empty(), "no guide has {invented:?}");
}

#[test]
fn keys_with_a_chosen_part_are_known_where_they_apply() {
    for (name, action) in CHOSEN {
        let key = ConditionKey::new(name);
        assert!(!matches!(key, ConditionKey::Unknown(_)), "{name}");
        assert!(key.actions().contains(action), "{name} in {action}");
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
