//! Imported key material: brought in, used, ended and brought back.
//!
//! A client makes itself keys without material, wraps material for them as an owner does, and imports
//! it: new, the same again, sometimes what the key does not know or with the token of another key.

use std::time::Duration;

use kms_core::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use kms_core::crypto::CryptoBackend;
use kms_core::env::{Site, Timestamp};
use kms_core::imported::client::wrap;
use kms_core::imported::{TOKEN_LIFE, Wrapping};
use kms_core::key::{KeySpec, KeyUsage, Origin};
use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, create_key, delete_imported_key_material, describe_key,
    get_parameters_for_import, import_key_material, list_key_rotations, rotate_key_on_demand,
};
use kms_core::wire::{
    EncryptedKeyMaterial, ExpirationModel, GrantTokens, ImportTokenBlob, ImportType,
    IncludeKeyMaterial,
};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned};
use super::ring::index;
use super::seat::Seat;
use super::weights::{mix, pick};
use crate::kind::{DurationIn, PROBABILITY};
use crate::reader::{Entry, Reader};
use crate::units::{DAY, Probability};

/// Import key material, let it end, bring it back, and use it meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Imports {
    /// Weights: create, import, delete, rotate, describe, list, encrypt, decrypt.
    pub weights: [u32; 8],
    /// The share of imports whose material expires.
    pub expiry_share: Probability,
    /// How long a material that expires is good for.
    pub life: Duration,
    /// The share of imports that cannot succeed.
    pub wrong_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "imports",
    doc: "Import key material, let it end, bring it back, and use it meanwhile.",
    read: |reader| WorkloadKind::Imports(Imports::read(reader)),
};

impl Imports {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let weights = mix(
            reader,
            [
                ("create", 1, "CreateKey without material."),
                (
                    "import",
                    4,
                    "ImportKeyMaterial, after GetParametersForImport when that is needed.",
                ),
                ("delete", 1, "DeleteImportedKeyMaterial."),
                ("rotate", 1, "RotateKeyOnDemand."),
                ("describe", 1, "DescribeKey."),
                ("list", 1, "ListKeyRotations."),
                ("encrypt", 4, "Encrypt."),
                ("decrypt", 4, "Decrypt of an earlier ciphertext."),
            ],
        );
        Self {
            weights,
            expiry_share: reader.or(
                "expiry_share",
                &PROBABILITY,
                0.5,
                "The share of imports whose material expires.",
            ),
            life: reader.or(
                "life",
                &DurationIn { min: Duration::from_secs(1), max: 364 * DAY },
                "1h",
                "How long a material that expires is good for.",
            ),
            wrong_share: reader.or(
                "wrong_share",
                &PROBABILITY,
                0.1,
                "The share of imports that cannot succeed.",
            ),
        }
    }
}

/// The plaintexts are short: it is their keys that matter.
const PLAINTEXT: usize = 32;

const WRAPPING: Wrapping =
    Wrapping { key: WrappingKeySpec::Rsa2048, algorithm: WrappingAlgorithm::RsaesOaepSha256 };

/// A key without material, and what its owner knows of it.
struct Subject {
    key: KeyArn,
    parameters: Option<Parameters>,
    /// What was imported, oldest first.
    materials: Vec<[u8; 32]>,
}

/// What an import takes, and when the service gave it.
struct Parameters {
    token: ImportTokenBlob,
    public_key: Vec<u8>,
    /// The time since the run began, and the service's clock then.
    given: (Duration, Timestamp),
    /// What has been wrapped, so that the same bytes can be sent again.
    wrapped: Vec<([u8; 32], EncryptedKeyMaterial)>,
}

impl Parameters {
    /// The material, wrapped the same way each time.
    fn wrap(
        &mut self,
        material: [u8; 32],
        backend: &dyn CryptoBackend,
        draw: &mut dyn Draw,
    ) -> Option<EncryptedKeyMaterial> {
        if let Some((_, wrapped)) = self.wrapped.iter().find(|(one, _)| *one == material) {
            return Some(wrapped.clone());
        }
        let random = &mut Drawn(draw);
        let wrapped = wrap(backend, WRAPPING, &self.public_key, &material, random).ok()?;
        let wrapped = EncryptedKeyMaterial(wrapped.into());
        self.wrapped.push((material, wrapped.clone()));
        Some(wrapped)
    }

    /// What the service's clock shows about now.
    fn clock(&self, now: Duration) -> Timestamp {
        let (then, clock) = self.given;
        clock.after(now.saturating_sub(then))
    }
}

/// The randomness of a call, for the cryptography of its caller.
struct Drawn<'a>(&'a mut dyn Draw);

impl kms_core::env::Random for Drawn<'_> {
    fn fill(&mut self, _: Site, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// One client.
pub(super) struct Client {
    parameters: Imports,
    seat: Seat,
    subjects: Vec<Subject>,
    now: Duration,
}

/// The most keys a client makes.
const MOST_KEYS: usize = 8;

impl Client {
    pub(super) fn new(parameters: &Imports, seat: Seat) -> Client {
        let (subjects, now) = (Vec::new(), Duration::ZERO);
        Client { parameters: parameters.clone(), seat, subjects, now }
    }

    fn create(&self) -> Planned {
        self.seat.admin(create_key::Request {
            origin: Some(Origin::External),
            ..create_key::Request::of(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt)
        })
    }

    /// An import, or what has to come before it.
    fn import(
        &mut self,
        which: usize,
        backend: &dyn CryptoBackend,
        draw: &mut dyn Draw,
    ) -> Planned {
        let wrong = draw.chance(self.parameters.wrong_share.get());
        let stranger = index(self.subjects.len(), draw);
        let foreign = self.subjects[stranger].parameters.as_ref().map(|one| one.token.clone());
        let Client { parameters: habits, seat, subjects, now } = self;
        let Subject { key, parameters, materials } = &mut subjects[which];
        let fresh = parameters.as_mut().filter(|one| now.saturating_sub(one.given.0) < TOKEN_LIFE);
        let Some(parameters) = fresh else {
            return seat.admin(get_parameters_for_import::Request::new(*key));
        };
        let mut material = [0; 32];
        draw.fill(&mut material);
        let known = materials.get(index(materials.len(), draw)).copied();
        let (material, import_type) = match (known, wrong) {
            (None, _) => (material, None),
            (Some(_), true) => (material, Some(ImportType::Existing)),
            (Some(_), false) if draw.chance(0.3) => (material, Some(ImportType::New)),
            (Some(known), false) => (known, None),
        };
        let Some(wrapped) = parameters.wrap(material, backend, draw) else { return self.create() };
        let token = foreign.filter(|_| wrong).unwrap_or_else(|| parameters.token.clone());
        let request = import_key_material::Request::new(*key, token, wrapped);
        let life = draw.chance(habits.expiry_share.get()).then_some(habits.life);
        let until = life.map(|life| whole_millis(parameters.clock(*now).after(life)));
        seat.admin(import_key_material::Request {
            import_type,
            expiration_model: Some(ExpirationModel::of(until)),
            valid_to: until,
            ..request
        })
    }

    fn subject(&mut self, key: KeyArn) -> Option<&mut Subject> {
        self.subjects.iter_mut().find(|subject| subject.key == key)
    }
}

/// Dates travel in whole milliseconds.
fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros() / 1000 * 1000)
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let draw = &mut *moment.draw;
        self.now = moment.now;
        let action = pick(self.parameters.weights, draw);
        let full = self.subjects.len() >= MOST_KEYS;
        if self.subjects.is_empty() || action == 0 && !full {
            return self.create();
        }
        let which = index(self.subjects.len(), draw);
        let (seat, key) = (&self.seat, self.subjects[which].key);
        match action {
            0 | 1 => self.import(which, moment.backend, draw),
            2 => seat.admin(delete_imported_key_material::Request::new(key)),
            3 => seat.admin(rotate_key_on_demand::Request { key_id: key.into() }),
            4 => {
                let grant_tokens = GrantTokens::default();
                seat.admin(describe_key::Request { key_id: key.into(), grant_tokens })
            }
            5 => seat.admin(list_key_rotations::Request {
                include_key_material: Some(IncludeKeyMaterial::AllKeyMaterial),
                ..list_key_rotations::Request::new(key)
            }),
            6 => seat.admin(seat.encrypt(key, PLAINTEXT, draw)),
            _ => match seat.decrypt(0.0, draw) {
                Some(planned) => planned,
                None => seat.admin(seat.encrypt(key, PLAINTEXT, draw)),
            },
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
        let Ok(response) = result else { return };
        let now = self.now;
        match (response, &*planned.request) {
            (Response::CreateKey(got), _) => {
                let key = got.key_metadata.arn;
                self.subjects.push(Subject { key, parameters: None, materials: Vec::new() });
            }
            (Response::GetParametersForImport(got), _) => {
                let ends = got.parameters_valid_to.since(Timestamp::EPOCH);
                let clock = Timestamp::EPOCH.after(ends.saturating_sub(TOKEN_LIFE));
                if let Some(subject) = self.subject(got.key_id) {
                    subject.parameters = Some(Parameters {
                        token: got.import_token.clone(),
                        public_key: got.public_key.0.to_vec(),
                        given: (now, clock),
                        wrapped: Vec::new(),
                    });
                }
            }
            (Response::ImportKeyMaterial(got), Request::ImportKeyMaterial(asked)) => {
                let Some(subject) = self.subject(got.key_id) else { return };
                let wrapped = subject.parameters.iter().flat_map(|one| &one.wrapped);
                let same = wrapped.filter(|(_, bytes)| *bytes == asked.encrypted_key_material);
                for (material, _) in same {
                    if !subject.materials.contains(material) {
                        subject.materials.push(*material);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ErrorCode;
    use kms_core::ops::Operation;
    use std::collections::BTreeSet;

    #[test]
    fn material_comes_and_goes_and_old_ciphertexts_open_when_it_is_back() {
        let run = Run::of("imports", "life = '20s'", 600);
        run.uses(&[
            "CreateKey",
            "Decrypt",
            "DeleteImportedKeyMaterial",
            "DescribeKey",
            "Encrypt",
            "GetParametersForImport",
            "ImportKeyMaterial",
            "ListKeyRotations",
            "RotateKeyOnDemand",
        ]);
        let errors = |operation| -> BTreeSet<ErrorCode> {
            let of = |planned: &super::Planned| planned.request.operation() == operation;
            let calls = run.calls.iter().filter(|(planned, _)| of(planned));
            calls.filter_map(|(_, result)| Some(result.as_ref().err()?.code)).collect()
        };
        assert_eq!(errors(Operation::Decrypt), [ErrorCode::KmsInvalidState].into());
        let imports = errors(Operation::ImportKeyMaterial);
        assert!(imports.contains(&ErrorCode::IncorrectKeyMaterial), "{imports:?}");
        assert!(imports.contains(&ErrorCode::InvalidImportToken), "{imports:?}");
    }
}
