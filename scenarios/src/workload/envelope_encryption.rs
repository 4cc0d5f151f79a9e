//! Envelope encryption: the everyday load of a KMS.
//!
//! Callers ask for a data key, keep it for a while, and later ask for it back from its ciphertext.

use std::time::Duration;

use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, generate_data_key_pair, generate_data_key_pair_without_plaintext,
    generate_data_key_without_plaintext,
};
use kms_core::wire::{DataKeyPairSpec, KeyRef};

use super::WorkloadKind;
use super::choice::KeyChoice;
use super::generator::{Draw, Generator, Moment, Planned};
use super::ring::index;
use super::seat::{NewKey, Seat};
use crate::kind::{Count, POSITIVE_DURATION, PROBABILITY};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Generate data keys, reuse them for a while, and decrypt earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvelopeEncryption {
    /// Which key a request uses.
    pub choice: KeyChoice,
    /// How many items a client encrypts under one data key; 1 is a new one each time.
    pub data_key_uses: u32,
    /// A data key is not reused for longer than this.
    pub data_key_age: Duration,
    /// The share of items that are read back rather than written.
    pub decrypt_share: Probability,
    /// The share of data keys that are made for later, without their plaintext.
    pub without_plaintext_share: Probability,
    /// The share of data keys that are key pairs.
    pub pair_share: Probability,
    /// The share of multi-Region ciphertexts that are read back in another Region.
    pub other_region_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "envelope-encryption",
    doc: "Generate data keys, reuse them for a while, and decrypt earlier ones.",
    read: |reader| WorkloadKind::EnvelopeEncryption(EnvelopeEncryption::read(reader)),
};

impl EnvelopeEncryption {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            choice: KeyChoice::read(reader),
            data_key_uses: reader.or(
                "data_key_uses",
                &Count { min: 1, max: u32::MAX },
                1,
                "How many items a client encrypts under one data key; 1 is a new one each time.",
            ),
            data_key_age: reader.or(
                "data_key_age",
                &POSITIVE_DURATION,
                "5m",
                "A data key is not reused for longer than this.",
            ),
            decrypt_share: reader.or(
                "decrypt_share",
                &PROBABILITY,
                0.5,
                "The share of items that are read back rather than written.",
            ),
            without_plaintext_share: reader.or(
                "without_plaintext_share",
                &PROBABILITY,
                0.1,
                "The share of data keys that are made for later, without their plaintext.",
            ),
            pair_share: reader.or(
                "pair_share",
                &PROBABILITY,
                0.0,
                "The share of data keys that are key pairs.",
            ),
            other_region_share: reader.or(
                "other_region_share",
                &PROBABILITY,
                0.25,
                "The share of multi-Region ciphertexts that are read back in another Region.",
            ),
        }
    }
}

/// One client. A start of the schedule is a request: the items that need none, because a data key is
/// at hand, are counted past in between.
pub(super) struct Client {
    parameters: EnvelopeEncryption,
    seat: Seat,
    at_hand: Option<DataKey>,
}

/// A data key that a client may still use.
struct DataKey {
    since: Duration,
    uses_left: u32,
}

impl Client {
    pub(super) fn new(parameters: &EnvelopeEncryption, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat, at_hand: None }
    }

    /// Whether the next item that needs a request is one to read back.
    fn reads_next(&mut self, now: Duration, draw: &mut dyn Draw) -> bool {
        let age = self.parameters.data_key_age;
        let usable = self.at_hand.as_mut().filter(|key| now.saturating_sub(key.since) < age);
        let writes = before_success(self.parameters.decrypt_share.get(), draw.unit());
        match usable {
            None => writes == 0,
            Some(key) if writes <= key.uses_left => {
                key.uses_left -= writes;
                true
            }
            Some(_) => false,
        }
    }

    fn data_key(&mut self, now: Duration, draw: &mut dyn Draw) -> Planned {
        let Some(key) = self.seat.key(draw) else {
            return self.seat.create_key(NewKey::SingleRegion);
        };
        let sealed_only = draw.chance(self.parameters.without_plaintext_share.get());
        let pairs = self.parameters.pair_share.get();
        if pairs > 0.0 && draw.chance(pairs) {
            return self.pair(key, sealed_only, draw);
        }
        if sealed_only {
            return self.seat.admin(generate_data_key_without_plaintext::Request {
                encryption_context: self.seat.context(draw),
                ..generate_data_key_without_plaintext::Request::new(KeyRef::from(key))
            });
        }
        self.at_hand = Some(DataKey { since: now, uses_left: self.parameters.data_key_uses - 1 });
        self.seat.admin(self.seat.data_key(key, draw))
    }
}

impl Client {
    fn pair(&self, key: KeyArn, sealed_only: bool, draw: &mut dyn Draw) -> Planned {
        let spec = PAIRS[index(PAIRS.len(), draw)];
        let encryption_context = self.seat.context(draw);
        match sealed_only {
            true => self.seat.admin(generate_data_key_pair_without_plaintext::Request {
                encryption_context,
                ..generate_data_key_pair_without_plaintext::Request::new(key, spec)
            }),
            false => self.seat.admin(generate_data_key_pair::Request {
                encryption_context,
                ..generate_data_key_pair::Request::new(key, spec)
            }),
        }
    }
}

/// Pairs that a simulated HSM makes in no time.
const PAIRS: [DataKeyPairSpec; 6] = [
    DataKeyPairSpec::EccNistP256,
    DataKeyPairSpec::EccNistP384,
    DataKeyPairSpec::EccNistP521,
    DataKeyPairSpec::EccSecgP256k1,
    DataKeyPairSpec::EccNistEdwards25519,
    DataKeyPairSpec::MlKem768,
];

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let elsewhere = self.parameters.other_region_share.get();
        if self.reads_next(moment.now, moment.draw)
            && let Some(planned) = self.seat.decrypt(elsewhere, moment.draw)
        {
            return planned;
        }
        self.data_key(moment.now, moment.draw)
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        if matches!(*planned.request, Request::GenerateDataKey(_)) && result.is_err() {
            self.at_hand = None;
        }
        self.seat.learn(planned, result);
    }
}

/// How many trials fail before the first success of this probability, for a draw in [0, 1).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn before_success(probability: f64, unit: f64) -> u32 {
    if probability >= 1.0 {
        return 0;
    }
    if probability <= 0.0 {
        return u32::MAX;
    }
    libm::floor(libm::log1p(-unit) / libm::log1p(-probability)) as u32
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use super::*;
    use kms_core::ops::Operation;

    #[test]
    fn data_keys_are_made_and_asked_for_again() {
        let run = Run::of("envelope-encryption", "", 200);
        run.uses(&["Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"]);
        let away = run.count(|planned, request| {
            matches!(request, Request::Decrypt(_)) && planned.region.as_str() == "eu-west-1"
        });
        assert!(away > 0, "no ciphertext of a multi-Region key is opened elsewhere");
        assert!(run.calls.iter().all(|(_, result)| result.is_ok()));
    }

    #[test]
    fn some_data_keys_are_pairs() {
        let run = Run::of("envelope-encryption", "pair_share = 0.5", 200);
        run.uses(&[
            "Decrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
        ]);
        assert!(run.calls.iter().all(|(_, result)| result.is_ok()));
    }

    #[test]
    fn a_data_key_at_hand_saves_requests_until_it_is_too_old() {
        let made = |settings: &str| {
            let settings = format!("without_plaintext_share = 0.0\n{settings}");
            let run = Run::of("envelope-encryption", &settings, 400);
            run.count(|_, request| request.operation() == Operation::GenerateDataKey)
        };
        assert!((160..240).contains(&made("data_key_uses = 1")));
        assert!((40..100).contains(&made("data_key_uses = 5")), "a fifth of half, per half");
        assert!(made("data_key_uses = 1000\ndata_key_age = '1s'") > 150);
    }

    #[test]
    fn the_extremes_of_the_share_are_exact() {
        let run = |share| Run::of("envelope-encryption", &format!("decrypt_share = {share}"), 50);
        let decrypts = |run: Run| run.count(|_, request| matches!(request, Request::Decrypt(_)));
        assert_eq!(decrypts(run("0.0")), 0);
        assert_eq!(decrypts(run("1.0")), 49, "all but the first, which has nothing to read");
    }

    #[test]
    fn failures_before_a_success_are_geometric() {
        assert_eq!(before_success(0.5, 0.49), 0);
        assert_eq!(before_success(0.5, 0.51), 1);
        assert_eq!(before_success(0.5, 0.76), 2);
    }
}
