//! What a key can do: which usage a spec allows, and by which algorithms.
//!
//! One table holds AWS's choice (AWS KMS Developer Guide, Key spec reference); CreateKey, the
//! operations, DescribeKey and the cryptographic backends all read it here.

use crate::key::{KeySpec, KeyUsage, wire_enum};
use crate::name::{Partition, RegionName};

wire_enum! {
    /// How a message is encrypted.
    EncryptionAlgorithm {
        SymmetricDefault "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 "RSAES_OAEP_SHA_256",
        Sm2Pke "SM2PKE",
    }
}

wire_enum! {
    /// How a message is signed.
    SigningAlgorithm {
        RsassaPssSha256 "RSASSA_PSS_SHA_256",
        RsassaPssSha384 "RSASSA_PSS_SHA_384",
        RsassaPssSha512 "RSASSA_PSS_SHA_512",
        RsassaPkcs1V15Sha256 "RSASSA_PKCS1_V1_5_SHA_256",
        RsassaPkcs1V15Sha384 "RSASSA_PKCS1_V1_5_SHA_384",
        RsassaPkcs1V15Sha512 "RSASSA_PKCS1_V1_5_SHA_512",
        EcdsaSha256 "ECDSA_SHA_256",
        EcdsaSha384 "ECDSA_SHA_384",
        EcdsaSha512 "ECDSA_SHA_512",
        Sm2Dsa "SM2DSA",
        MlDsaShake256 "ML_DSA_SHAKE_256",
        Ed25519Sha512 "ED25519_SHA_512",
        Ed25519PhSha512 "ED25519_PH_SHA_512",
    }
}

wire_enum! {
    /// How a message is authenticated.
    MacAlgorithm {
        HmacSha224 "HMAC_SHA_224",
        HmacSha256 "HMAC_SHA_256",
        HmacSha384 "HMAC_SHA_384",
        HmacSha512 "HMAC_SHA_512",
    }
}

wire_enum! {
    /// How a shared secret is agreed on.
    KeyAgreementAlgorithm {
        Ecdh "ECDH",
    }
}

wire_enum! {
    /// How a shared secret is encapsulated.
    EncapsulationAlgorithm {
        MlKem "ML_KEM",
    }
}

wire_enum! {
    /// How key material is wrapped on its way in.
    WrappingAlgorithm {
        RsaesPkcs1V15 "RSAES_PKCS1_V1_5",
        RsaesOaepSha1 "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 "RSAES_OAEP_SHA_256",
        RsaAesKeyWrapSha1 "RSA_AES_KEY_WRAP_SHA_1",
        RsaAesKeyWrapSha256 "RSA_AES_KEY_WRAP_SHA_256",
        Sm2Pke "SM2PKE",
    }
}

wire_enum! {
    /// What kind of public key the wrapping is done with.
    WrappingKeySpec {
        Rsa2048 "RSA_2048",
        Rsa3072 "RSA_3072",
        Rsa4096 "RSA_4096",
        Sm2 "SM2",
    }
}

wire_enum! {
    /// What the message of Sign and Verify is.
    MessageType {
        Raw "RAW",
        Digest "DIGEST",
        ExternalMu "EXTERNAL_MU",
    }
}

impl KeySpec {
    /// What a key of this spec may be made for; the first is not a default, except for
    /// `SYMMETRIC_DEFAULT`.
    pub fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage::{
            EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify,
        };
        match self {
            KeySpec::SymmetricDefault => &[EncryptDecrypt],
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                &[GenerateVerifyMac]
            }
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &[EncryptDecrypt, SignVerify],
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 => {
                &[SignVerify, KeyAgreement]
            }
            KeySpec::EccSecgP256k1
            | KeySpec::EccNistEdwards25519
            | KeySpec::MlDsa44
            | KeySpec::MlDsa65
            | KeySpec::MlDsa87 => &[SignVerify],
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => &[EncapsulateDecapsulate],
            KeySpec::Sm2 => &[EncryptDecrypt, SignVerify, KeyAgreement],
        }
    }

    /// Whether keys and data key pairs of this spec are made in a Region: SM2 in China alone, ML-KEM
    /// everywhere else (AWS KMS API, CreateKey).
    pub fn is_available_in(self, region: RegionName) -> bool {
        let china = region.partition() == Partition::China;
        match self {
            KeySpec::Sm2 => china,
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => !china,
            _ => true,
        }
    }

    /// Whether the key has a public half.
    pub fn is_asymmetric(self) -> bool {
        !matches!(
            self,
            KeySpec::SymmetricDefault
                | KeySpec::Hmac224
                | KeySpec::Hmac256
                | KeySpec::Hmac384
                | KeySpec::Hmac512
        )
    }

    /// The algorithms a key of this spec encrypts with, when that is what it is for.
    pub fn encryption_algorithms(self) -> &'static [EncryptionAlgorithm] {
        use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256, Sm2Pke, SymmetricDefault};
        match self {
            KeySpec::SymmetricDefault => &[SymmetricDefault],
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                &[RsaesOaepSha1, RsaesOaepSha256]
            }
            KeySpec::Sm2 => &[Sm2Pke],
            _ => &[],
        }
    }

    /// The algorithms a key of this spec signs with, when that is what it is for.
    pub fn signing_algorithms(self) -> &'static [SigningAlgorithm] {
        use SigningAlgorithm as A;
        match self {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &[
                A::RsassaPssSha256,
                A::RsassaPssSha384,
                A::RsassaPssSha512,
                A::RsassaPkcs1V15Sha256,
                A::RsassaPkcs1V15Sha384,
                A::RsassaPkcs1V15Sha512,
            ],
            KeySpec::EccNistP256 | KeySpec::EccSecgP256k1 => &[A::EcdsaSha256],
            KeySpec::EccNistP384 => &[A::EcdsaSha384],
            KeySpec::EccNistP521 => &[A::EcdsaSha512],
            KeySpec::EccNistEdwards25519 => &[A::Ed25519Sha512, A::Ed25519PhSha512],
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => &[A::MlDsaShake256],
            KeySpec::Sm2 => &[A::Sm2Dsa],
            _ => &[],
        }
    }

    /// How a key of this spec agrees on a shared secret, when that is what it is for.
    pub fn key_agreement_algorithms(self) -> &'static [KeyAgreementAlgorithm] {
        match self.usages().contains(&KeyUsage::KeyAgreement) {
            true => KeyAgreementAlgorithm::ALL,
            false => &[],
        }
    }

    /// How a key of this spec encapsulates a shared secret, when that is what it is for.
    pub fn encapsulation_algorithms(self) -> &'static [EncapsulationAlgorithm] {
        match self.usages().contains(&KeyUsage::EncapsulateDecapsulate) {
            true => EncapsulationAlgorithm::ALL,
            false => &[],
        }
    }

    /// How many random bytes a key without a public half is.
    pub fn secret_length(self) -> Option<usize> {
        match self {
            KeySpec::SymmetricDefault | KeySpec::Hmac256 => Some(32),
            KeySpec::Hmac224 => Some(28),
            KeySpec::Hmac384 => Some(48),
            KeySpec::Hmac512 => Some(64),
            _ => None,
        }
    }

    /// The bits of an RSA modulus.
    pub(crate) fn modulus_bits(self) -> Option<usize> {
        match self {
            KeySpec::Rsa2048 => Some(2048),
            KeySpec::Rsa3072 => Some(3072),
            KeySpec::Rsa4096 => Some(4096),
            _ => None,
        }
    }

    /// The most bytes a key of this spec encrypts at once. OAEP needs two hashes and two bytes of the
    /// modulus for itself (RFC 8017, section 7.1.1); the others are AWS's limits.
    pub fn longest_plaintext(self, algorithm: EncryptionAlgorithm) -> usize {
        let modulus = self.modulus_bits().unwrap_or(0) / 8;
        match algorithm {
            EncryptionAlgorithm::SymmetricDefault => 4096,
            EncryptionAlgorithm::RsaesOaepSha1 => modulus.saturating_sub(2 * 20 + 2),
            EncryptionAlgorithm::RsaesOaepSha256 => modulus.saturating_sub(2 * 32 + 2),
            EncryptionAlgorithm::Sm2Pke => 1024,
        }
    }

    /// The algorithm a key of this spec authenticates messages with.
    pub fn mac_algorithm(self) -> Option<MacAlgorithm> {
        match self {
            KeySpec::Hmac224 => Some(MacAlgorithm::HmacSha224),
            KeySpec::Hmac256 => Some(MacAlgorithm::HmacSha256),
            KeySpec::Hmac384 => Some(MacAlgorithm::HmacSha384),
            KeySpec::Hmac512 => Some(MacAlgorithm::HmacSha512),
            _ => None,
        }
    }
}

impl SigningAlgorithm {
    /// What the message may be given as, and which length it then has; a message itself has any.
    ///
    /// Source: AWS KMS API, Sign (2026). Ed25519 signs the message, Ed25519ph a digest, and ML-DSA has
    /// no digest but μ (FIPS 204, section 6.2).
    pub fn message_forms(self) -> &'static [(MessageType, Option<usize>)] {
        use MessageType::{Digest, ExternalMu, Raw};
        use SigningAlgorithm as A;
        match self {
            A::RsassaPssSha256 | A::RsassaPkcs1V15Sha256 | A::EcdsaSha256 | A::Sm2Dsa => {
                &[(Raw, None), (Digest, Some(32))]
            }
            A::RsassaPssSha384 | A::RsassaPkcs1V15Sha384 | A::EcdsaSha384 => {
                &[(Raw, None), (Digest, Some(48))]
            }
            A::RsassaPssSha512 | A::RsassaPkcs1V15Sha512 | A::EcdsaSha512 => {
                &[(Raw, None), (Digest, Some(64))]
            }
            A::MlDsaShake256 => &[(Raw, None), (ExternalMu, Some(64))],
            A::Ed25519Sha512 => &[(Raw, None)],
            A::Ed25519PhSha512 => &[(Digest, Some(64))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS KMS API, Encrypt: the table of maximum sizes.
    #[test]
    fn the_longest_plaintexts_are_the_documented_ones() {
        for (spec, sha_1, sha_256) in [
            (KeySpec::Rsa2048, 214, 190),
            (KeySpec::Rsa3072, 342, 318),
            (KeySpec::Rsa4096, 470, 446),
        ] {
            assert_eq!(spec.longest_plaintext(EncryptionAlgorithm::RsaesOaepSha1), sha_1);
            assert_eq!(spec.longest_plaintext(EncryptionAlgorithm::RsaesOaepSha256), sha_256);
        }
    }

    #[test]
    fn a_key_is_either_random_bytes_or_has_a_public_half() {
        for spec in KeySpec::ALL {
            assert_eq!(spec.secret_length().is_none(), spec.is_asymmetric(), "{spec}");
        }
    }

    #[test]
    fn every_usage_of_every_spec_has_an_algorithm() {
        for spec in KeySpec::ALL {
            for usage in spec.usages() {
                let some = match usage {
                    KeyUsage::EncryptDecrypt => !spec.encryption_algorithms().is_empty(),
                    KeyUsage::SignVerify => !spec.signing_algorithms().is_empty(),
                    KeyUsage::GenerateVerifyMac => spec.mac_algorithm().is_some(),
                    KeyUsage::KeyAgreement | KeyUsage::EncapsulateDecapsulate => {
                        spec.is_asymmetric()
                    }
                };
                assert!(some, "{spec} {usage}");
            }
        }
    }
}
