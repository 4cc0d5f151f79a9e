//! Keys of every kind at work: signatures, MACs, encapsulated and agreed secrets.
//!
//! A client makes itself one key of each kind and then uses them in turn. What a key made is presented
//! to it again, sometimes changed, so that a judge can tell a genuine proof from another.

use kms_core::key::{DAY, KeySpec, KeyUsage};
use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, cancel_key_deletion, create_key, decapsulate, derive_shared_secret,
    disable_key, enable_key, encapsulate, generate_mac, get_public_key, schedule_key_deletion,
    sign, verify, verify_mac,
};
use kms_core::wire::{
    CiphertextBlob, MacBlob, MessageBlob, MessageType, PublicKeyBlob, SignatureBlob,
};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned};
use super::ring::{Ring, index};
use super::seat::{Seat, window};
use crate::kind::PROBABILITY;
use crate::reader::{Entry, Reader};
use crate::units::Probability;

/// Sign, authenticate, encapsulate and agree with keys of every kind, and check what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignVerify {
    /// The share of calls that check something made before rather than make something new.
    pub check_share: Probability,
    /// The share of checks whose proof has been tampered with.
    pub tampered_share: Probability,
    /// The share of calls that switch a key on or off, or schedule or cancel its deletion.
    pub state_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "sign-verify",
    doc: "Sign, authenticate, encapsulate and agree with keys of every kind, and check what came of it.",
    read: |reader| WorkloadKind::SignVerify(SignVerify::read(reader)),
};

impl SignVerify {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            check_share: reader.or(
                "check_share",
                &PROBABILITY,
                0.5,
                "The share of calls that check something made before rather than make something new.",
            ),
            tampered_share: reader.or(
                "tampered_share",
                &PROBABILITY,
                0.1,
                "The share of checks whose proof has been tampered with.",
            ),
            state_share: reader.or(
                "state_share",
                &PROBABILITY,
                0.0,
                "The share of calls that switch a key on or off, or schedule or cancel its deletion.",
            ),
        }
    }
}

/// What a client makes keys of: every kind that a simulated HSM makes in no time. RSA takes a second
/// of real work for each key, whatever the simulated clock says.
const KINDS: [(KeySpec, KeyUsage); 18] = [
    (KeySpec::EccNistP256, KeyUsage::SignVerify),
    (KeySpec::EccNistP384, KeyUsage::SignVerify),
    (KeySpec::EccNistP521, KeyUsage::SignVerify),
    (KeySpec::EccSecgP256k1, KeyUsage::SignVerify),
    (KeySpec::EccNistEdwards25519, KeyUsage::SignVerify),
    (KeySpec::MlDsa44, KeyUsage::SignVerify),
    (KeySpec::MlDsa65, KeyUsage::SignVerify),
    (KeySpec::MlDsa87, KeyUsage::SignVerify),
    (KeySpec::Hmac224, KeyUsage::GenerateVerifyMac),
    (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
    (KeySpec::Hmac384, KeyUsage::GenerateVerifyMac),
    (KeySpec::Hmac512, KeyUsage::GenerateVerifyMac),
    (KeySpec::EccNistP256, KeyUsage::KeyAgreement),
    (KeySpec::EccNistP384, KeyUsage::KeyAgreement),
    (KeySpec::EccNistP521, KeyUsage::KeyAgreement),
    (KeySpec::MlKem512, KeyUsage::EncapsulateDecapsulate),
    (KeySpec::MlKem768, KeyUsage::EncapsulateDecapsulate),
    (KeySpec::MlKem1024, KeyUsage::EncapsulateDecapsulate),
];

/// A key and what it is.
#[derive(Debug, Clone, Copy)]
struct Made {
    key: KeyArn,
    spec: KeySpec,
    usage: KeyUsage,
}

/// One client.
pub(super) struct Client {
    parameters: SignVerify,
    seat: Seat,
    keys: Vec<Made>,
    /// How many of the kinds have been asked for.
    asked: usize,
    /// Requests that check what was made, still untouched.
    checks: Ring<Request>,
}

impl Client {
    pub(super) fn new(parameters: &SignVerify, seat: Seat) -> Client {
        let (keys, checks) = (Vec::new(), Ring::default());
        Client { parameters: parameters.clone(), seat, keys, asked: 0, checks }
    }

    fn create(&mut self) -> Planned {
        // Clients begin at different kinds, so that a short run meets all of them.
        let first = self.seat.number as usize;
        let (spec, usage) = KINDS[(first + self.asked) % KINDS.len()];
        self.asked += 1;
        self.seat.admin(create_key::Request::of(spec, usage))
    }

    fn make(&self, made: Made, draw: &mut dyn Draw) -> Request {
        let mut message = vec![0; 1 + index(256, draw)];
        draw.fill(&mut message);
        match made.usage {
            KeyUsage::SignVerify => {
                let algorithms = made.spec.signing_algorithms();
                let algorithm = algorithms[index(algorithms.len(), draw)];
                let forms = algorithm.message_forms();
                let (form, length) = forms[index(forms.len(), draw)];
                message.resize(length.unwrap_or(message.len()), 0);
                let message_type = (form != MessageType::Raw).then_some(form);
                sign::Request { message_type, ..sign::Request::new(made.key, message, algorithm) }
                    .into()
            }
            KeyUsage::GenerateVerifyMac => match made.spec.mac_algorithm() {
                Some(algorithm) => generate_mac::Request::new(made.key, message, algorithm).into(),
                None => get_public_key::Request::new(made.key).into(),
            },
            KeyUsage::EncapsulateDecapsulate => encapsulate::Request::new(made.key).into(),
            KeyUsage::KeyAgreement | KeyUsage::EncryptDecrypt => {
                get_public_key::Request::new(made.key).into()
            }
        }
    }

    /// Switches a key on or off, or turns it towards its end or back.
    fn turn(key: KeyArn, draw: &mut dyn Draw) -> Request {
        match index(4, draw) {
            0 => disable_key::Request { key_id: key.into() }.into(),
            1 => enable_key::Request { key_id: key.into() }.into(),
            2 => {
                let pending_window_in_days = window(7 * DAY);
                schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days }.into()
            }
            _ => cancel_key_deletion::Request { key_id: key.into() }.into(),
        }
    }

    /// What checks the answer to a request.
    fn check_of(request: &Request, response: &Response) -> Option<Request> {
        Some(match (request, response) {
            (Request::Sign(asked), Response::Sign(got)) => verify::Request {
                message_type: asked.message_type,
                message: asked.message.clone(),
                ..verify::Request::new(
                    got.key_id,
                    [0],
                    got.signing_algorithm,
                    got.signature.clone(),
                )
            }
            .into(),
            (Request::GenerateMac(asked), Response::GenerateMac(got)) => verify_mac::Request {
                message: asked.message.clone(),
                ..verify_mac::Request::new(got.key_id, [0], got.mac_algorithm, got.mac.clone())
            }
            .into(),
            (_, Response::Encapsulate(got)) => {
                let blob = got.shared_secret_ciphertext_blob.clone();
                decapsulate::Request::new(got.key_id, blob).into()
            }
            _ => return None,
        })
    }

    /// The two halves of an agreement: a key and its peer's public key.
    fn agreements(&self, got: &get_public_key::Response) -> Vec<Request> {
        let alike = self.keys.iter().filter(|made| {
            made.usage == KeyUsage::KeyAgreement
                && got.key_usage == KeyUsage::KeyAgreement
                && made.spec == got.key_spec
        });
        let peer = || PublicKeyBlob(got.public_key.0.clone());
        alike.map(|made| derive_shared_secret::Request::new(made.key, peer()).into()).collect()
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let draw = &mut *moment.draw;
        if self.asked < KINDS.len() && draw.chance(0.5) || self.keys.is_empty() {
            return self.create();
        }
        if draw.chance(self.parameters.state_share.get()) {
            let made = self.keys[index(self.keys.len(), draw)];
            return self.seat.admin(Client::turn(made.key, draw));
        }
        if draw.chance(self.parameters.check_share.get())
            && let Some(check) = self.checks.pick(draw).cloned()
        {
            let tampered = draw.chance(self.parameters.tampered_share.get());
            return self.seat.admin(if tampered { tamper(check, draw) } else { check });
        }
        let made = self.keys[index(self.keys.len(), draw)];
        self.seat.admin(self.make(made, draw))
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        let Ok(response) = result else { return };
        match response {
            Response::CreateKey(got) => {
                let got = &got.key_metadata;
                self.keys.push(Made { key: got.arn, spec: got.key_spec, usage: got.key_usage });
            }
            Response::GetPublicKey(got) => {
                for agreement in self.agreements(got) {
                    self.checks.push(agreement);
                }
            }
            _ => {
                if let Some(check) = Client::check_of(&planned.request, response) {
                    self.checks.push(check);
                }
            }
        }
    }
}

/// The same check with one bit of the proof, or of the message, turned over.
fn tamper(check: Request, draw: &mut dyn Draw) -> Request {
    let turned = |bytes: &[u8], draw: &mut dyn Draw| {
        let mut bytes = bytes.to_vec();
        let at = index(bytes.len(), draw);
        bytes[at] ^= 1 << index(8, draw);
        bytes
    };
    match check {
        Request::Verify(mut check) if draw.chance(0.5) => {
            check.message = MessageBlob(turned(check.message.0.as_bytes(), draw).into());
            check.into()
        }
        Request::Verify(mut check) => {
            check.signature = SignatureBlob(turned(&check.signature.0, draw).into());
            check.into()
        }
        Request::VerifyMac(mut check) => {
            check.mac = MacBlob(turned(&check.mac.0, draw).into());
            check.into()
        }
        Request::Decapsulate(mut check) => {
            let blob = &check.shared_secret_ciphertext_blob.0;
            check.shared_secret_ciphertext_blob = CiphertextBlob(turned(blob, draw).into());
            check.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ErrorCode;

    const CRYPTOGRAPHIC: [&str; 9] = [
        "CreateKey",
        "Decapsulate",
        "DeriveSharedSecret",
        "Encapsulate",
        "GenerateMac",
        "GetPublicKey",
        "Sign",
        "Verify",
        "VerifyMac",
    ];

    #[test]
    fn every_operation_is_called_and_succeeds() {
        Run::of("sign-verify", "", 400).uses(&CRYPTOGRAPHIC);
    }

    #[test]
    fn keys_change_their_state_where_that_is_wanted() {
        const STATES: [&str; 4] =
            ["CancelKeyDeletion", "DisableKey", "EnableKey", "ScheduleKeyDeletion"];
        let run = Run::of("sign-verify", "state_share = 0.4", 400);
        run.uses(&[&STATES[..], &CRYPTOGRAPHIC].concat());
    }

    #[test]
    fn only_what_was_tampered_with_is_refused() {
        let refused = |share: &str| {
            let run = Run::of("sign-verify", &format!("tampered_share = {share}"), 300);
            let codes = run.calls.iter().filter_map(|(_, result)| result.as_ref().err());
            codes.map(|error| error.code).collect::<Vec<_>>()
        };
        assert_eq!(refused("0.0"), []);
        let refused = refused("1.0");
        assert!(refused.len() > 20);
        let known = [ErrorCode::KmsInvalidSignature, ErrorCode::KmsInvalidMac];
        assert!(refused.iter().all(|code| known.contains(code)), "{refused:?}");
    }
}
