//! Members with a fixed set of values.

use super::checked::text;
use super::shape::{Member, Problems};
use crate::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm, MessageType,
    SigningAlgorithm, WrappingAlgorithm, WrappingKeySpec,
};
pub use crate::key::KeyManager;
use crate::key::{KeySpec, KeyState, KeyUsage, Origin, RotationType, wire_enum};
use crate::key_store::{ConnectionErrorCode, ConnectionState, Connectivity, KeyStoreType};
use crate::policy::GrantOperation;
use serde_json::Value;

wire_enum! {
    /// The length of a data key.
    DataKeySpec {
        Aes256 "AES_256",
        Aes128 "AES_128",
    }
}

wire_enum! {
    /// The kind of a data key pair (AWS KMS API, GenerateDataKeyPair).
    DataKeyPairSpec {
        Rsa2048 "RSA_2048",
        Rsa3072 "RSA_3072",
        Rsa4096 "RSA_4096",
        EccNistP256 "ECC_NIST_P256",
        EccNistP384 "ECC_NIST_P384",
        EccNistP521 "ECC_NIST_P521",
        EccSecgP256k1 "ECC_SECG_P256K1",
        Sm2 "SM2",
        EccNistEdwards25519 "ECC_NIST_EDWARDS25519",
        MlKem512 "ML_KEM_512",
        MlKem768 "ML_KEM_768",
        MlKem1024 "ML_KEM_1024",
    }
}

impl DataKeyPairSpec {
    /// The same as a key's spec.
    pub fn key_spec(self) -> KeySpec {
        match self {
            DataKeyPairSpec::Rsa2048 => KeySpec::Rsa2048,
            DataKeyPairSpec::Rsa3072 => KeySpec::Rsa3072,
            DataKeyPairSpec::Rsa4096 => KeySpec::Rsa4096,
            DataKeyPairSpec::EccNistP256 => KeySpec::EccNistP256,
            DataKeyPairSpec::EccNistP384 => KeySpec::EccNistP384,
            DataKeyPairSpec::EccNistP521 => KeySpec::EccNistP521,
            DataKeyPairSpec::EccSecgP256k1 => KeySpec::EccSecgP256k1,
            DataKeyPairSpec::Sm2 => KeySpec::Sm2,
            DataKeyPairSpec::EccNistEdwards25519 => KeySpec::EccNistEdwards25519,
            DataKeyPairSpec::MlKem512 => KeySpec::MlKem512,
            DataKeyPairSpec::MlKem768 => KeySpec::MlKem768,
            DataKeyPairSpec::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

wire_enum! {
    /// What an authorization-only dry run may leave out.
    DryRunModifier {
        IgnoreCiphertext "IGNORE_CIPHERTEXT",
    }
}

wire_enum! {
    /// Whether an imported key material ends by itself.
    ExpirationModel {
        Expires "KEY_MATERIAL_EXPIRES",
        DoesNotExpire "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

wire_enum! {
    /// Whether an imported key material is here.
    ImportState {
        Imported "IMPORTED",
        PendingImport "PENDING_IMPORT",
    }
}

wire_enum! {
    /// Whether a material is new to its key, or one that the key had before.
    ImportType {
        New "NEW_KEY_MATERIAL",
        Existing "EXISTING_KEY_MATERIAL",
    }
}

wire_enum! {
    /// Whose keys to list.
    ResourceOwner {
        Own "SELF",
        OtherAccountsViaRam "OTHER_ACCOUNTS_VIA_RAM",
    }
}

wire_enum! {
    /// Which materials ListKeyRotations shows.
    IncludeKeyMaterial {
        AllKeyMaterial "ALL_KEY_MATERIAL",
        RotationsOnly "ROTATIONS_ONLY",
    }
}

wire_enum! {
    /// What a key material is to its key.
    KeyMaterialState {
        Current "CURRENT",
        NonCurrent "NON_CURRENT",
        PendingRotation "PENDING_ROTATION",
        PendingMultiRegionImportAndRotation "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

wire_enum! {
    /// How the key of a recipient's envelope is encrypted.
    KeyEncryptionMechanism {
        RsaesOaepSha256 "RSAES_OAEP_SHA_256",
    }
}

wire_enum! {
    /// A multi-Region key's part in its set.
    MultiRegionKeyType {
        Primary "PRIMARY",
        Replica "REPLICA",
    }
}

macro_rules! enum_members {
    ($($name:ty),*) => {$(
        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                let text = text(value, member, 0, usize::MAX, problems)?;
                <$name>::parse(text).or_else(|| {
                    let values: Vec<_> = <$name>::ALL.iter().map(|value| value.as_str()).collect();
                    let constraint =
                        format!("Member must satisfy enum value set: [{}]", values.join(", "));
                    problems.violation(Some(text), member, &constraint);
                    None
                })
            }

            fn encode(&self) -> Option<Value> {
                Some(self.as_str().into())
            }
        }
    )*};
}

enum_members!(
    ConnectionErrorCode,
    ConnectionState,
    Connectivity,
    DataKeyPairSpec,
    DataKeySpec,
    DryRunModifier,
    EncapsulationAlgorithm,
    EncryptionAlgorithm,
    ExpirationModel,
    ImportState,
    ImportType,
    IncludeKeyMaterial,
    KeyAgreementAlgorithm,
    KeyEncryptionMechanism,
    KeyManager,
    KeyMaterialState,
    KeySpec,
    KeyState,
    KeyStoreType,
    KeyUsage,
    MacAlgorithm,
    MessageType,
    MultiRegionKeyType,
    Origin,
    ResourceOwner,
    RotationType,
    SigningAlgorithm,
    WrappingAlgorithm,
    WrappingKeySpec
);

impl Member for GrantOperation {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<GrantOperation> {
        let text = text(value, member, 0, usize::MAX, problems)?;
        GrantOperation::parse(text).or_else(|| {
            let values: Vec<_> = GrantOperation::all().map(GrantOperation::name).collect();
            let constraint = format!("Member must satisfy enum value set: [{}]", values.join(", "));
            problems.violation(Some(text), member, &constraint);
            None
        })
    }

    fn encode(&self) -> Option<Value> {
        Some(self.name().into())
    }
}
