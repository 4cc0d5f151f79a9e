//! What requests cost: the class a request is billed in, and the list price of each class.
//!
//! The figures are data (`data/prices.toml`), each with its source; a class that no source prices says
//! so.

use crate::key::KeySpec;
use crate::ops::Operation;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// The requests that cost the same (AWS KMS pricing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Symmetric and HMAC keys, and management of any key.
    Symmetric,
    /// Uses of RSA keys of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// Uses of other asymmetric keys.
    Asymmetric,
    /// Data key pairs on elliptic curves.
    DataKeyPairEcc,
    /// Data key pairs of RSA.
    DataKeyPairRsa,
    /// Uses of ML-KEM keys.
    MlKem,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 6] = [
        Class::Symmetric,
        Class::Rsa2048,
        Class::Asymmetric,
        Class::DataKeyPairEcc,
        Class::DataKeyPairRsa,
        Class::MlKem,
    ];

    /// The class of an operation on a key; for a data key pair, of the spec of the pair.
    pub fn of(operation: Operation, spec: Option<KeySpec>) -> Class {
        use KeySpec as K;
        use Operation as O;
        let Some(spec) = spec else { return Class::Symmetric };
        let rsa = matches!(spec, K::Rsa2048 | K::Rsa3072 | K::Rsa4096);
        match operation {
            O::GenerateDataKeyPair | O::GenerateDataKeyPairWithoutPlaintext if rsa => {
                Class::DataKeyPairRsa
            }
            O::GenerateDataKeyPair | O::GenerateDataKeyPairWithoutPlaintext => {
                Class::DataKeyPairEcc
            }
            O::Decapsulate
            | O::Decrypt
            | O::DeriveSharedSecret
            | O::Encapsulate
            | O::Encrypt
            | O::GetPublicKey
            | O::ReEncrypt
            | O::Sign
            | O::Verify => Class::of_use(spec),
            _ => Class::Symmetric,
        }
    }

    fn of_use(spec: KeySpec) -> Class {
        use KeySpec as K;
        match spec {
            K::SymmetricDefault | K::Hmac224 | K::Hmac256 | K::Hmac384 | K::Hmac512 => {
                Class::Symmetric
            }
            K::Rsa2048 => Class::Rsa2048,
            K::MlKem512 | K::MlKem768 | K::MlKem1024 => Class::MlKem,
            _ => Class::Asymmetric,
        }
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Symmetric => "symmetric",
            Class::Rsa2048 => "rsa-2048",
            Class::Asymmetric => "asymmetric",
            Class::DataKeyPairEcc => "data-key-pair-ecc",
            Class::DataKeyPairRsa => "data-key-pair-rsa",
            Class::MlKem => "ml-kem",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Named prices.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Prices {
    /// The name.
    pub name: String,
    /// Where they are from.
    pub source: String,
    /// The classes that nobody names a price of.
    unpriced: Vec<Class>,
    #[serde(flatten)]
    per_ten_thousand: BTreeMap<Class, f64>,
}

impl Prices {
    /// Every named list of prices.
    ///
    /// # Panics
    /// Never: the file is part of the program, and a test reads it.
    pub fn all() -> &'static [Prices] {
        #[derive(Deserialize)]
        struct File {
            profile: Vec<Prices>,
        }
        static ALL: OnceLock<Vec<Prices>> = OnceLock::new();
        ALL.get_or_init(|| {
            let file: File = toml::from_str(include_str!("../data/prices.toml"))
                .expect("the prices are part of the program");
            file.profile
        })
    }

    /// The prices of a name.
    pub fn named(name: &str) -> Option<&'static Prices> {
        Prices::all().iter().find(|prices| prices.name == name)
    }

    /// What ten thousand requests of a class cost, in US dollars, if anybody says.
    pub fn of(&self, class: Class) -> Option<f64> {
        self.per_ten_thousand.get(&class).copied()
    }

    /// What so many requests cost, in US dollars, and how many of them nobody prices.
    pub fn cost(&self, requests: &BTreeMap<Class, u64>) -> (f64, u64) {
        requests.iter().fold((0.0, 0), |(sum, unpriced), (class, count)| match self.of(*class) {
            Some(price) => (sum + price * *count as f64 / 10_000.0, unpriced),
            None => (sum, unpriced + count),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_price_or_is_said_to_have_none() {
        for prices in Prices::all() {
            for class in Class::ALL {
                let said = prices.unpriced.contains(&class);
                assert_eq!(prices.of(class).is_none(), said, "{class} of {}", prices.name);
            }
            assert!(!prices.source.is_empty());
        }
    }

    #[test]
    fn requests_are_in_the_class_of_their_key() {
        use KeySpec as K;
        use Operation as O;
        for (operation, spec, class) in [
            (O::ListKeys, None, Class::Symmetric),
            (O::Encrypt, Some(K::SymmetricDefault), Class::Symmetric),
            (O::GenerateMac, Some(K::Hmac256), Class::Symmetric),
            (O::DescribeKey, Some(K::Rsa4096), Class::Symmetric),
            (O::Sign, Some(K::Rsa2048), Class::Rsa2048),
            (O::Sign, Some(K::Rsa4096), Class::Asymmetric),
            (O::DeriveSharedSecret, Some(K::EccNistP256), Class::Asymmetric),
            (O::Encapsulate, Some(K::MlKem768), Class::MlKem),
            (O::GenerateDataKeyPair, Some(K::Rsa2048), Class::DataKeyPairRsa),
            (O::GenerateDataKeyPair, Some(K::EccNistP384), Class::DataKeyPairEcc),
        ] {
            assert_eq!(Class::of(operation, spec), class, "{operation} {spec:?}");
        }
    }

    /// The worked example of AWS KMS pricing: 100,000 symmetric requests, without the free tier.
    #[test]
    fn a_bill_adds_up() {
        let prices = Prices::named("aws-2024-05").unwrap();
        let requests =
            [(Class::Symmetric, 100_000), (Class::DataKeyPairRsa, 10), (Class::MlKem, 3)];
        let (sum, unpriced) = prices.cost(&requests.into());
        assert!((sum - 0.312).abs() < 1e-9, "{sum}");
        assert_eq!(unpriced, 3);
    }
}
