//! Every condition key a policy may test, as one table: its name, type and cardinality, and the
//! permissions whose requests carry it.
//!
//! Source: AWS KMS Developer Guide, "Condition keys for AWS KMS"; AWS KMS API model 2026 for the keys
//! added that year; IAM User Guide, "Global condition context keys". Names compare without case, and
//! so do the parts of a name that a request chooses (tag keys, encryption context keys); whoever needs
//! case tests `kms:EncryptionContextKeys` or `aws:TagKeys` as well, as the guide advises.

use super::action::Action::{self, *};
use super::action::ActionSet;
use std::fmt;

/// The type of a condition key's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A moment.
    Date,
    /// An address.
    Ip,
    /// A number.
    Numeric,
    /// Any text.
    String,
}

/// How many values a request has for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// At most one.
    Single,
    /// Any number: tested with `ForAllValues` or `ForAnyValue`.
    Multi,
}

const fn set(actions: &[Action]) -> ActionSet {
    let mut set = ActionSet::NONE;
    let mut index = 0;
    while index < actions.len() {
        set = set.with(actions[index]);
        index += 1;
    }
    set
}

/// The permissions that are about no one key.
pub(super) const KEYLESS: ActionSet = set(&[
    ConnectCustomKeyStore,
    CreateCustomKeyStore,
    CreateKey,
    DeleteCustomKeyStore,
    DescribeCustomKeyStores,
    DisconnectCustomKeyStore,
    GenerateRandom,
    ListAliases,
    ListKeys,
    ListRetirableGrants,
    UpdateCustomKeyStore,
]);

/// The permissions on custom key stores.
const STORES: ActionSet = set(&[
    ConnectCustomKeyStore,
    CreateCustomKeyStore,
    DeleteCustomKeyStore,
    DescribeCustomKeyStores,
    DisconnectCustomKeyStore,
    UpdateCustomKeyStore,
]);

const EVERY: ActionSet = ActionSet::ALL;
const KEY: ActionSet = KEYLESS.complement();
const KEY_AND_CREATE: ActionSet = KEY.with(CreateKey);
const RE_ENCRYPT: ActionSet = set(&[ReEncryptFrom, ReEncryptTo]);
const DATA_KEY_PAIR: ActionSet = set(&[GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext]);
const SYMMETRIC: ActionSet =
    set(&[Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext])
        .union(DATA_KEY_PAIR)
        .union(RE_ENCRYPT);
const WITH_CONTEXT: ActionSet = SYMMETRIC.with(CreateGrant);
const SIGNATURE: ActionSet = set(&[Sign, Verify]);
const CRYPTOGRAPHIC: ActionSet = SYMMETRIC.union(SIGNATURE).union(set(&[
    Decapsulate,
    DeriveSharedSecret,
    Encapsulate,
    GenerateMac,
    VerifyMac,
]));
const BY_ALIAS: ActionSet = CRYPTOGRAPHIC.union(set(&[DescribeKey, GetPublicKey]));
pub(super) const ATTESTED: ActionSet =
    set(&[Decrypt, DeriveSharedSecret, GenerateDataKey, GenerateDataKeyPair, GenerateRandom]);

macro_rules! keys {
    ($(#[$doc:meta])* $table:ident: $($key:ident $name:literal $kind:ident $cardinality:ident $actions:expr;)*) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $table { $($key,)* }

        impl $table {
            /// Every key of this table.
            pub const ALL: &'static [$table] = &[$($table::$key,)*];

            /// The full name, with its prefix.
            pub fn name(self) -> &'static str {
                match self { $($table::$key => $name,)* }
            }

            /// The type of the key's values.
            pub fn value_type(self) -> ValueType {
                match self { $($table::$key => ValueType::$kind,)* }
            }

            /// How many values a request may have for the key.
            pub fn cardinality(self) -> Cardinality {
                match self { $($table::$key => Cardinality::$cardinality,)* }
            }

            /// The permissions whose requests carry the key.
            pub fn actions(self) -> ActionSet {
                match self { $($table::$key => const { $actions },)* }
            }
        }
    };
}

keys! {
    /// The condition keys of AWS KMS.
    KmsKey:
    BypassPolicyLockoutSafetyCheck "kms:BypassPolicyLockoutSafetyCheck" Bool Single set(&[CreateKey, PutKeyPolicy]);
    CallerAccount "kms:CallerAccount" String Single KEY.union(STORES);
    CustomerMasterKeySpec "kms:CustomerMasterKeySpec" String Single KEY_AND_CREATE;
    CustomerMasterKeyUsage "kms:CustomerMasterKeyUsage" String Single KEY_AND_CREATE;
    DataKeyPairSpec "kms:DataKeyPairSpec" String Single DATA_KEY_PAIR;
    EncryptionAlgorithm "kms:EncryptionAlgorithm" String Single SYMMETRIC;
    EncryptionContextKeys "kms:EncryptionContextKeys" String Multi WITH_CONTEXT;
    ExpirationModel "kms:ExpirationModel" String Single set(&[ImportKeyMaterial]);
    GrantConstraintSourceArn "kms:GrantConstraintSourceArn" Arn Single set(&[CreateGrant]);
    GrantConstraintType "kms:GrantConstraintType" String Single set(&[CreateGrant]);
    GrantIsForAwsResource "kms:GrantIsForAWSResource" Bool Single set(&[CreateGrant, ListGrants, RevokeGrant]);
    GrantOperations "kms:GrantOperations" String Multi set(&[CreateGrant]);
    GranteePrincipal "kms:GranteePrincipal" String Single set(&[CreateGrant]);
    GranteeServicePrincipal "kms:GranteeServicePrincipal" String Single set(&[CreateGrant]);
    KeyAgreementAlgorithm "kms:KeyAgreementAlgorithm" String Single set(&[DeriveSharedSecret]);
    KeyOrigin "kms:KeyOrigin" String Single KEY_AND_CREATE;
    KeySpec "kms:KeySpec" String Single KEY_AND_CREATE;
    KeyUsage "kms:KeyUsage" String Single KEY_AND_CREATE;
    MacAlgorithm "kms:MacAlgorithm" String Single set(&[GenerateMac, VerifyMac]);
    MessageType "kms:MessageType" String Single SIGNATURE;
    MultiRegion "kms:MultiRegion" Bool Single KEY_AND_CREATE;
    MultiRegionKeyType "kms:MultiRegionKeyType" String Single KEY_AND_CREATE;
    PolicyName "kms:PolicyName" String Single set(&[GetKeyPolicy, PutKeyPolicy]);
    PrimaryRegion "kms:PrimaryRegion" String Single set(&[UpdatePrimaryRegion]);
    ReEncryptOnSameKey "kms:ReEncryptOnSameKey" Bool Single RE_ENCRYPT;
    ReplicaRegion "kms:ReplicaRegion" String Single set(&[ReplicateKey]);
    RequestAlias "kms:RequestAlias" String Single BY_ALIAS;
    ResourceAliases "kms:ResourceAliases" String Multi KEY;
    RetiringPrincipal "kms:RetiringPrincipal" String Single set(&[CreateGrant]);
    RetiringServicePrincipal "kms:RetiringServicePrincipal" String Single set(&[CreateGrant]);
    RotationPeriodInDays "kms:RotationPeriodInDays" Numeric Single set(&[EnableKeyRotation]);
    ScheduleKeyDeletionPendingWindowInDays "kms:ScheduleKeyDeletionPendingWindowInDays" Numeric Single set(&[ScheduleKeyDeletion]);
    SigningAlgorithm "kms:SigningAlgorithm" String Single SIGNATURE;
    TrailingDaysWithoutKeyUsage "kms:TrailingDaysWithoutKeyUsage" Numeric Single set(&[DisableKey, ScheduleKeyDeletion]);
    ValidTo "kms:ValidTo" Date Single set(&[ImportKeyMaterial]);
    ViaService "kms:ViaService" String Single KEY;
    WrappingAlgorithm "kms:WrappingAlgorithm" String Single set(&[GetParametersForImport]);
    WrappingKeySpec "kms:WrappingKeySpec" String Single set(&[GetParametersForImport]);
}

keys! {
    /// The global condition keys that a request to AWS KMS carries.
    AwsKey:
    CurrentTime "aws:CurrentTime" Date Single EVERY;
    EpochTime "aws:EpochTime" Numeric Single EVERY;
    PrincipalAccount "aws:PrincipalAccount" String Single EVERY;
    PrincipalArn "aws:PrincipalArn" Arn Single EVERY;
    PrincipalIsAwsService "aws:PrincipalIsAWSService" Bool Single EVERY;
    PrincipalOrgId "aws:PrincipalOrgID" String Single EVERY;
    PrincipalServiceName "aws:PrincipalServiceName" String Single EVERY;
    PrincipalType "aws:PrincipalType" String Single EVERY;
    RequestedRegion "aws:RequestedRegion" String Single EVERY;
    ResourceAccount "aws:ResourceAccount" String Single KEY;
    SecureTransport "aws:SecureTransport" Bool Single EVERY;
    SourceAccount "aws:SourceAccount" String Single EVERY;
    SourceArn "aws:SourceArn" Arn Single EVERY;
    SourceIp "aws:SourceIp" Ip Single EVERY;
    SourceOrgId "aws:SourceOrgID" String Single EVERY;
    SourceVpc "aws:SourceVpc" String Single EVERY;
    SourceVpce "aws:SourceVpce" String Single EVERY;
    TagKeys "aws:TagKeys" String Multi set(&[CreateKey, ReplicateKey, TagResource, UntagResource]);
    Username "aws:username" String Single EVERY;
    ViaAwsService "aws:ViaAWSService" Bool Single EVERY;
}

/// A condition key as a policy names it, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionKey {
    /// A key of AWS KMS.
    Kms(KmsKey),
    /// A global key.
    Aws(AwsKey),
    /// `kms:EncryptionContext:` and an encryption context key.
    EncryptionContext(Box<str>),
    /// `kms:RecipientAttestation:` and `ImageSha384` or a platform configuration register.
    RecipientAttestation(Box<str>),
    /// `aws:ResourceTag/` and a tag key of the key.
    ResourceTag(Box<str>),
    /// `aws:RequestTag/` and a tag key of the request.
    RequestTag(Box<str>),
    /// `aws:PrincipalTag/` and a tag key of the caller.
    PrincipalTag(Box<str>),
    /// A key no request carries.
    Unknown(Box<str>),
}

type Make = fn(Box<str>) -> ConditionKey;

const PREFIXES: [(&str, Make); 5] = [
    ("kms:EncryptionContext:", ConditionKey::EncryptionContext),
    ("kms:RecipientAttestation:", ConditionKey::RecipientAttestation),
    ("aws:ResourceTag/", ConditionKey::ResourceTag),
    ("aws:RequestTag/", ConditionKey::RequestTag),
    ("aws:PrincipalTag/", ConditionKey::PrincipalTag),
];

impl ConditionKey {
    /// Compiles a name. What is in no table is [`ConditionKey::Unknown`] and never present.
    pub fn new(name: &str) -> ConditionKey {
        for (prefix, make) in PREFIXES {
            if let Some(rest) = strip_prefix_ignore_case(name, prefix).filter(|r| !r.is_empty()) {
                return make(rest.into());
            }
        }
        let kms = KmsKey::ALL.iter().find(|key| key.name().eq_ignore_ascii_case(name));
        let aws = AwsKey::ALL.iter().find(|key| key.name().eq_ignore_ascii_case(name));
        match (kms, aws) {
            (Some(key), _) => ConditionKey::Kms(*key),
            (_, Some(key)) => ConditionKey::Aws(*key),
            _ => ConditionKey::Unknown(name.into()),
        }
    }

    /// How many values a request may have for the key; nothing is known of an unknown key.
    pub fn cardinality(&self) -> Option<Cardinality> {
        match self {
            ConditionKey::Kms(key) => Some(key.cardinality()),
            ConditionKey::Aws(key) => Some(key.cardinality()),
            ConditionKey::Unknown(_) => None,
            _ => Some(Cardinality::Single),
        }
    }

    /// The permissions whose requests may carry the key.
    pub fn actions(&self) -> ActionSet {
        match self {
            ConditionKey::Kms(key) => key.actions(),
            ConditionKey::Aws(key) => key.actions(),
            ConditionKey::EncryptionContext(_) => WITH_CONTEXT,
            ConditionKey::RecipientAttestation(_) => ATTESTED,
            ConditionKey::RequestTag(_) => AwsKey::TagKeys.actions(),
            ConditionKey::ResourceTag(_) => KEY,
            ConditionKey::PrincipalTag(_) => EVERY,
            ConditionKey::Unknown(_) => ActionSet::NONE,
        }
    }

    /// Whether AWS KMS itself defines the key.
    pub(super) fn is_kms(&self) -> bool {
        matches!(
            self,
            ConditionKey::Kms(_)
                | ConditionKey::EncryptionContext(_)
                | ConditionKey::RecipientAttestation(_)
        )
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionKey::Kms(key) => f.write_str(key.name()),
            ConditionKey::Aws(key) => f.write_str(key.name()),
            ConditionKey::EncryptionContext(key) => write!(f, "kms:EncryptionContext:{key}"),
            ConditionKey::RecipientAttestation(key) => write!(f, "kms:RecipientAttestation:{key}"),
            ConditionKey::ResourceTag(key) => write!(f, "aws:ResourceTag/{key}"),
            ConditionKey::RequestTag(key) => write!(f, "aws:RequestTag/{key}"),
            ConditionKey::PrincipalTag(key) => write!(f, "aws:PrincipalTag/{key}"),
            ConditionKey::Unknown(name) => f.write_str(name),
        }
    }
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_key_whatever_its_case() {
        for key in KmsKey::ALL {
            assert_eq!(ConditionKey::new(&key.name().to_uppercase()), ConditionKey::Kms(*key));
            assert!(key.name().starts_with("kms:") && !key.actions().is_empty(), "{key:?}");
        }
        for key in AwsKey::ALL {
            assert_eq!(ConditionKey::new(&key.name().to_lowercase()), ConditionKey::Aws(*key));
        }
        assert!(KmsKey::ALL.is_sorted_by_key(|key| key.name()));
    }

    #[test]
    fn names_with_a_chosen_part_keep_it() {
        for name in [
            "kms:EncryptionContext:aws:s3:arn",
            "kms:RecipientAttestation:PCR0",
            "aws:ResourceTag/cost center",
            "aws:RequestTag/Team",
            "aws:PrincipalTag/Team",
        ] {
            let key = ConditionKey::new(name);
            assert_eq!(
                (key.to_string(), key.cardinality()),
                (name.into(), Some(Cardinality::Single))
            );
        }
    }

    #[test]
    fn what_is_in_no_table_is_unknown() {
        for name in ["kms:EncapsulationAlgorithm", "kms:EncryptionContext:", "s3:prefix", "", "ä:ß"]
        {
            assert_eq!(ConditionKey::new(name), ConditionKey::Unknown(name.into()));
        }
    }

    #[test]
    fn exactly_the_documented_keys_have_several_values() {
        let several: Vec<_> =
            KmsKey::ALL.iter().filter(|key| key.cardinality() == Cardinality::Multi).collect();
        assert_eq!(
            several,
            [&KmsKey::EncryptionContextKeys, &KmsKey::GrantOperations, &KmsKey::ResourceAliases]
        );
    }
}
