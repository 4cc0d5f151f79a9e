//! How long an HSM takes and how much it holds: a model, every figure of which is data with its source.
//!
//! The core never waits; shells that do, a simulator first of all, ask here for how long. A command
//! belongs to a [`Class`] by what it computes, and each class has a median service time.

use super::command::Command;
use super::with::{Opening, PublicKey, Sealing};
use crate::algorithm::WrappingKeySpec;
use crate::key::KeySpec;
use crate::token::{KeyToken, TokenKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// What a command costs an HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the data file says what each is")]
pub enum Class {
    Symmetric,
    Token,
    Mac,
    Rsa2048,
    Rsa3072,
    Rsa4096,
    RsaPublic,
    Ecc,
    EccVerify,
    Lattice,
    GenerateRsa2048,
    GenerateRsa3072,
    GenerateRsa4096,
    GeneratePair,
    Order,
    OpenSession,
}

/// A figure of the model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// Its default: a number, or microseconds.
    pub value: T,
    /// Where it comes from.
    pub source: String,
    /// What it is, in a sentence.
    pub doc: String,
}

/// The figures as the data has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// How many commands at once.
    pub lanes: Figure<u32>,
    /// How many may wait.
    pub queue: Figure<u32>,
    /// The deviation of the logarithm of service times.
    pub spread: Figure<f64>,
    /// The time after rejoining, in microseconds.
    pub warm_up: Figure<u64>,
    /// How long sessions are good for, in microseconds.
    pub session_validity: Figure<u64>,
    /// The median of each class, in microseconds.
    pub service: BTreeMap<String, Figure<u64>>,
}

/// The model that a run goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HsmModel {
    /// How many commands an HSM carries out at once; at least one.
    pub lanes: u32,
    /// How many commands may wait or be carried out; at least one.
    pub queue: u32,
    /// The deviation of the logarithm of service times; 0 is none.
    pub spread: f64,
    /// How long an HSM that has rejoined does not serve.
    pub warm_up: Duration,
    /// How long a session is good for.
    pub session_validity: Duration,
    /// The median service time of each class.
    pub service: [Duration; Class::ALL.len()],
}

static FIGURES: LazyLock<Figures> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/hsm.toml")).expect("the figures"));

impl Figures {
    /// The figures that come with this version.
    pub fn shipped() -> &'static Figures {
        &FIGURES
    }

    /// The figure of a class; every class has one, which a test sees to.
    pub fn of(&self, class: Class) -> &Figure<u64> {
        &self.service[class.name()]
    }
}

impl Default for HsmModel {
    fn default() -> HsmModel {
        let figures = Figures::shipped();
        HsmModel {
            lanes: figures.lanes.value,
            queue: figures.queue.value,
            spread: figures.spread.value,
            warm_up: Duration::from_micros(figures.warm_up.value),
            session_validity: Duration::from_micros(figures.session_validity.value),
            service: Class::ALL.map(|class| Duration::from_micros(figures.of(class).value)),
        }
    }
}

impl HsmModel {
    /// How long a command takes at the median. `tokens` are the key tokens that travel with it.
    pub fn median(&self, command: &Command, tokens: &[Arc<KeyToken>]) -> Duration {
        let one = self.service[Class::of(command, tokens) as usize];
        match command {
            Command::ReencryptTokens { tokens, .. } => {
                one.saturating_mul(u32::try_from(tokens.len()).unwrap_or(u32::MAX))
            }
            _ => one,
        }
    }
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Class; 16] = [
        Class::Symmetric,
        Class::Token,
        Class::Mac,
        Class::Rsa2048,
        Class::Rsa3072,
        Class::Rsa4096,
        Class::RsaPublic,
        Class::Ecc,
        Class::EccVerify,
        Class::Lattice,
        Class::GenerateRsa2048,
        Class::GenerateRsa3072,
        Class::GenerateRsa4096,
        Class::GeneratePair,
        Class::Order,
        Class::OpenSession,
    ];

    /// The word that the data and scenarios have for it.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Symmetric => "symmetric",
            Class::Token => "token",
            Class::Mac => "mac",
            Class::Rsa2048 => "rsa-2048",
            Class::Rsa3072 => "rsa-3072",
            Class::Rsa4096 => "rsa-4096",
            Class::RsaPublic => "rsa-public",
            Class::Ecc => "ecc",
            Class::EccVerify => "ecc-verify",
            Class::Lattice => "lattice",
            Class::GenerateRsa2048 => "generate-rsa-2048",
            Class::GenerateRsa3072 => "generate-rsa-3072",
            Class::GenerateRsa4096 => "generate-rsa-4096",
            Class::GeneratePair => "generate-pair",
            Class::Order => "order",
            Class::OpenSession => "open-session",
        }
    }

    /// What a command costs. Private operations are known by the key token that travels with them.
    pub fn of(command: &Command, tokens: &[Arc<KeyToken>]) -> Class {
        match command {
            Command::Encrypt { to, .. } => Class::sealing(to),
            Command::Decrypt { from } => Class::opening(from, tokens),
            Command::ReEncrypt { from, to } => match Class::opening(from, tokens) {
                Class::Symmetric => Class::sealing(to),
                private => private,
            },
            Command::GenerateBackingKey { spec, .. } => Class::generation(*spec),
            Command::GenerateDataKeyPair { spec, .. } => Class::generation(*spec),
            Command::GenerateWrappingKey { terms } => Class::wrapping(terms.wrapping.key),
            Command::ForRecipient { command, .. } => Class::of(command, tokens),
            Command::ImportMaterial { .. } => Class::Rsa4096,
            Command::Sign { .. }
            | Command::Decapsulate { .. }
            | Command::DeriveSharedSecret { .. } => Class::private(tokens),
            Command::Verify { key, .. } => Class::public(key),
            Command::Encapsulate { .. } => Class::Lattice,
            Command::Envelop { .. } => Class::RsaPublic,
            Command::GenerateMac { .. } | Command::VerifyMac { .. } => Class::Mac,
            Command::ReencryptTokens { .. } => Class::Token,
            Command::GenerateDataKey { .. } | Command::GenerateRandom { .. } => Class::Symmetric,
            Command::RotateDomainKey { .. }
            | Command::ChangeDomain { .. }
            | Command::Join { .. }
            | Command::Leave
            | Command::OfferTransfer { .. }
            | Command::ExportBackingKeys { .. }
            | Command::ImportBackingKeys { .. } => Class::Order,
            Command::OpenSession { .. } => Class::OpenSession,
        }
    }

    fn wrapping(key: WrappingKeySpec) -> Class {
        match key {
            WrappingKeySpec::Rsa2048 => Class::GenerateRsa2048,
            WrappingKeySpec::Rsa3072 => Class::GenerateRsa3072,
            WrappingKeySpec::Rsa4096 => Class::GenerateRsa4096,
            WrappingKeySpec::Sm2 => Class::GeneratePair,
        }
    }

    fn sealing(to: &Sealing) -> Class {
        match to {
            Sealing::Symmetric { .. } => Class::Symmetric,
            Sealing::Public { key, .. } => Class::public(key),
        }
    }

    fn opening(from: &Opening, tokens: &[Arc<KeyToken>]) -> Class {
        match from {
            Opening::Symmetric { .. } => Class::Symmetric,
            Opening::Private { .. } => Class::private(tokens),
        }
    }

    fn private(tokens: &[Arc<KeyToken>]) -> Class {
        match tokens.first().map(|token| token.kind) {
            Some(TokenKind::BackingKey(spec)) => Class::private_of(spec),
            Some(TokenKind::TransferKey) | None => Class::Ecc,
        }
    }

    fn private_of(spec: KeySpec) -> Class {
        match spec {
            KeySpec::Rsa2048 => Class::Rsa2048,
            KeySpec::Rsa3072 => Class::Rsa3072,
            KeySpec::Rsa4096 => Class::Rsa4096,
            _ if is_of_lattices(spec) => Class::Lattice,
            _ if spec.is_asymmetric() => Class::Ecc,
            _ => Class::Symmetric,
        }
    }

    fn public(key: &PublicKey) -> Class {
        match Class::private_of(key.spec) {
            Class::Rsa2048 | Class::Rsa3072 | Class::Rsa4096 => Class::RsaPublic,
            Class::Lattice => Class::Lattice,
            _ => Class::EccVerify,
        }
    }

    fn generation(spec: KeySpec) -> Class {
        match Class::private_of(spec) {
            Class::Rsa2048 => Class::GenerateRsa2048,
            Class::Rsa3072 => Class::GenerateRsa3072,
            Class::Rsa4096 => Class::GenerateRsa4096,
            Class::Symmetric => Class::Symmetric,
            _ => Class::GeneratePair,
        }
    }
}

fn is_of_lattices(spec: KeySpec) -> bool {
    matches!(
        spec,
        KeySpec::MlDsa44
            | KeySpec::MlDsa65
            | KeySpec::MlDsa87
            | KeySpec::MlKem512
            | KeySpec::MlKem768
            | KeySpec::MlKem1024
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::KeyId;

    #[test]
    fn the_data_has_a_figure_for_each_class_and_no_other() {
        let named: Vec<&str> = Figures::shipped().service.keys().map(String::as_str).collect();
        let mut classes = Class::ALL.map(Class::name);
        classes.sort_unstable();
        assert_eq!(named, classes);
        for (at, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, at);
            let figure = Figures::shipped().of(class);
            assert!(figure.value > 0 && !figure.source.is_empty(), "{figure:?}");
        }
    }

    #[test]
    fn a_session_is_good_for_as_long_in_the_data_as_in_the_device() {
        assert_eq!(HsmModel::default().session_validity, crate::hsm::SESSION_VALIDITY);
    }

    #[test]
    fn an_hsm_reaches_the_published_rates() {
        let model = HsmModel::default();
        let rate =
            |class: Class| f64::from(model.lanes) / model.service[class as usize].as_secs_f64();
        assert!((rate(Class::Rsa2048) - 1_000.0).abs() < 1.0);
        assert!((rate(Class::Ecc) - 1_500.0).abs() < 20.0);
    }

    #[test]
    fn a_key_costs_what_its_spec_does() {
        let key = KeyId::single_region([1; 16]);
        let median =
            |spec| HsmModel::default().median(&Command::GenerateBackingKey { key, spec }, &[]);
        assert!(median(KeySpec::Rsa4096) > 2 * median(KeySpec::Rsa3072));
        assert!(median(KeySpec::EccNistP256) > 10 * median(KeySpec::Hmac256));
        assert_eq!(median(KeySpec::Hmac256), median(KeySpec::SymmetricDefault));
        assert_eq!(median(KeySpec::MlKem768), median(KeySpec::EccNistP521));
    }
}
