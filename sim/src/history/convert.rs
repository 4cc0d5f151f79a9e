//! From the core's words to the history's: requests and answers as facts for judges.
//!
//! Every conversion is total. Blobs and policies become plain digests, plaintexts and data keys keyed
//! ones, so that a history tells equal bytes from different ones and nothing else about them.

use std::sync::Arc;

use kms_core::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use kms_core::ciphertext::{Blob, EncryptionContext, NONCE_LENGTH};
use kms_core::crypto::IV_LENGTH;
use kms_core::key::Origin;
use kms_core::name::{GrantId, KeyIdentifier, RegionName};
use kms_core::ops::{Request, Response, create_grant, describe_key};
use kms_core::wire::{
    CiphertextBlob, DataKeySpec, ExpirationModel, GrantIdText, ImportType, IncludeKeyMaterial,
    KeyRef, MessageBlob, MessageType, NumberOfBytes, Plaintext, PrincipalText, RegionText,
    ServicePrincipal,
};

use super::PolicyWords;
use super::facts::{Digest, Facts, Got, Grantee, Target, Wanted};
use super::ordinary::{is_ordinary, is_plain_key};

/// The waiting period when a request names none (AWS KMS API, ScheduleKeyDeletion).
const DEFAULT_WINDOW_DAYS: u32 = 30;
/// The rotation period when a request names none (AWS KMS API, EnableKeyRotation).
const DEFAULT_ROTATION_DAYS: u32 = 365;

impl Facts {
    /// What a request asks for.
    pub fn wanted(self, request: &Request) -> Wanted {
        if !is_ordinary(request) {
            return Wanted::Other { operation: request.operation().name() };
        }
        if let Some(wanted) = self.cryptographic(request) {
            return wanted;
        }
        match request {
            Request::CreateKey(r) if is_plain_key(r) => Wanted::CreateKey {
                multi_region: r.multi_region,
                policy: r.policy.as_ref().map(|policy| {
                    let text = policy.as_str();
                    (self.public(text.as_bytes()), Arc::new(PolicyWords::of(text)))
                }),
            },
            Request::CreateGrant(request) => grant_wish(request),
            Request::PutKeyPolicy(request) => Wanted::PutKeyPolicy {
                key: target(&request.key_id),
                policy: self.public(request.policy.as_str().as_bytes()),
                words: Arc::new(PolicyWords::of(request.policy.as_str())),
            },
            other => managing(other),
        }
    }

    fn cryptographic(self, request: &Request) -> Option<Wanted> {
        Some(match request {
            Request::Encrypt(request) => Wanted::Encrypt {
                key: target(&request.key_id),
                plaintext: self.plaintext(&request.plaintext),
                context: self.context(&request.encryption_context),
            },
            Request::Decrypt(request) => Wanted::Decrypt {
                blob: self.wanted_blob(request.ciphertext_blob.as_ref()),
                key: request.key_id.as_ref().map(target),
                context: self.context(&request.encryption_context),
            },
            Request::ReEncrypt(request) => Wanted::ReEncrypt {
                blob: self.wanted_blob(request.ciphertext_blob.as_ref()),
                source: request.source_key_id.as_ref().map(target),
                source_context: self.context(&request.source_encryption_context),
                key: target(&request.destination_key_id),
                context: self.context(&request.destination_encryption_context),
            },
            Request::GenerateDataKey(request) => Wanted::GenerateDataKey {
                key: target(&request.key_id),
                bytes: length(request.number_of_bytes, request.key_spec),
                context: self.context(&request.encryption_context),
                plaintext: true,
            },
            Request::GenerateDataKeyWithoutPlaintext(request) => Wanted::GenerateDataKey {
                key: target(&request.key_id),
                bytes: length(request.number_of_bytes, request.key_spec),
                context: self.context(&request.encryption_context),
                plaintext: false,
            },
            Request::GenerateDataKeyPair(request) => Wanted::GenerateDataKeyPair {
                key: target(&request.key_id),
                context: self.context(&request.encryption_context),
                plaintext: true,
            },
            Request::GenerateDataKeyPairWithoutPlaintext(request) => Wanted::GenerateDataKeyPair {
                key: target(&request.key_id),
                context: self.context(&request.encryption_context),
                plaintext: false,
            },
            Request::ImportKeyMaterial(r) => Wanted::ImportKeyMaterial {
                key: target(&r.key_id),
                token: self.public(&r.import_token.0),
                wrapped: self.public(&r.encrypted_key_material.0),
                stays: r.expiration_model == Some(ExpirationModel::DoesNotExpire),
                expires: r.valid_to,
                new: r.import_type.map(|kind| kind == ImportType::New),
                material: r.key_material_id,
            },
            other => return self.with_pair(other),
        })
    }

    /// What is asked of key pairs and MAC keys. A message counts with its algorithm and form.
    fn with_pair(self, request: &Request) -> Option<Wanted> {
        Some(match request {
            Request::Sign(r) => Wanted::Prove {
                key: target(&r.key_id),
                mac: false,
                message: self.message(&r.message, r.signing_algorithm.as_str(), r.message_type),
            },
            Request::Verify(r) => Wanted::Check {
                key: target(&r.key_id),
                mac: false,
                message: self.message(&r.message, r.signing_algorithm.as_str(), r.message_type),
                proof: self.public(&r.signature.0),
            },
            Request::GenerateMac(r) => Wanted::Prove {
                key: target(&r.key_id),
                mac: true,
                message: self.message(&r.message, r.mac_algorithm.as_str(), None),
            },
            Request::VerifyMac(r) => Wanted::Check {
                key: target(&r.key_id),
                mac: true,
                message: self.message(&r.message, r.mac_algorithm.as_str(), None),
                proof: self.public(&r.mac.0),
            },
            Request::GetPublicKey(r) => Wanted::GetPublicKey { key: target(&r.key_id) },
            Request::Encapsulate(r) => Wanted::Encapsulate { key: target(&r.key_id) },
            Request::Decapsulate(r) => Wanted::Decapsulate {
                key: target(&r.key_id),
                blob: self.blob(&r.shared_secret_ciphertext_blob),
            },
            Request::DeriveSharedSecret(r) => Wanted::DeriveSharedSecret {
                key: target(&r.key_id),
                peer: self.public(&r.public_key.0),
            },
            _ => return None,
        })
    }

    fn message(self, message: &MessageBlob, algorithm: &str, form: Option<MessageType>) -> Digest {
        let form = form.unwrap_or(MessageType::Raw).as_str();
        let head = format!("{algorithm} {form} ");
        self.secret(&[head.as_bytes(), message.0.as_bytes()].concat())
    }

    /// What key pairs and MAC keys gave.
    fn of_pair(self, response: &Response) -> Option<Got> {
        Some(match response {
            Response::Sign(r) => Got::Proved { key: r.key_id, proof: self.public(&r.signature.0) },
            Response::GenerateMac(r) => Got::Proved { key: r.key_id, proof: self.public(&r.mac.0) },
            Response::Verify(r) => Got::Genuine { key: r.key_id },
            Response::VerifyMac(r) => Got::Genuine { key: r.key_id },
            Response::GetPublicKey(r) => {
                Got::PublicKey { key: r.key_id, public: self.public(&r.public_key.0) }
            }
            Response::Encapsulate(r) => Got::Encapsulated {
                key: r.key_id,
                secret: self.plaintext(&r.shared_secret),
                blob: self.blob(&r.shared_secret_ciphertext_blob),
            },
            Response::Decapsulate(r) => {
                Got::SharedSecret { key: r.key_id, secret: self.plaintext(&r.shared_secret) }
            }
            Response::DeriveSharedSecret(r) => {
                let secret = self.released(r.shared_secret.as_ref());
                Got::SharedSecret { key: r.key_id, secret }
            }
            _ => return None,
        })
    }

    /// What an answer gave.
    pub fn got(self, response: &Response) -> Got {
        match response {
            Response::Encrypt(response) => Got::Sealed {
                key: response.key_id,
                blob: self.blob(&response.ciphertext_blob),
                draw: self.draw(&response.ciphertext_blob),
                plaintext: None,
            },
            Response::GenerateDataKey(response) => Got::Sealed {
                key: response.key_id,
                blob: self.blob(&response.ciphertext_blob),
                draw: self.draw(&response.ciphertext_blob),
                plaintext: response.plaintext.as_ref().map(|key| self.plaintext(key)),
            },
            Response::GenerateDataKeyWithoutPlaintext(response) => Got::Sealed {
                key: response.key_id,
                blob: self.blob(&response.ciphertext_blob),
                draw: self.draw(&response.ciphertext_blob),
                plaintext: None,
            },
            Response::GenerateDataKeyPair(response) => Got::Sealed {
                key: response.key_id,
                blob: self.blob(&response.private_key_ciphertext_blob),
                draw: self.draw(&response.private_key_ciphertext_blob),
                plaintext: response.private_key_plaintext.as_ref().map(|key| self.plaintext(key)),
            },
            Response::GenerateDataKeyPairWithoutPlaintext(response) => Got::Sealed {
                key: response.key_id,
                blob: self.blob(&response.private_key_ciphertext_blob),
                draw: self.draw(&response.private_key_ciphertext_blob),
                plaintext: None,
            },
            Response::GetParametersForImport(response) => Got::ImportParameters {
                key: response.key_id,
                token: self.public(&response.import_token.0),
                until: response.parameters_valid_to,
            },
            Response::Decrypt(response) => Got::Opened {
                key: response.key_id,
                plaintext: self.released(response.plaintext.as_ref()),
                material: response.key_material_id,
            },
            Response::ReEncrypt(response) => Got::Resealed {
                source: response.source_key_id,
                key: response.key_id,
                blob: self.blob(&response.ciphertext_blob),
                draw: self.draw(&response.ciphertext_blob),
            },
            Response::GetKeyPolicy(response) => {
                Got::Policy { policy: self.public(response.policy.as_str().as_bytes()) }
            }
            other => self.of_pair(other).unwrap_or_else(|| managed(other)),
        }
    }

    /// A dry run may go without a ciphertext, which is none that anybody made.
    fn wanted_blob(self, blob: Option<&CiphertextBlob>) -> Digest {
        self.public(blob.map_or(&[], |blob| &blob.0))
    }

    fn blob(self, blob: &CiphertextBlob) -> Digest {
        self.public(&blob.0)
    }

    /// What was drawn for a blob, where its layout says which bytes that is.
    fn draw(self, blob: &CiphertextBlob) -> Option<Digest> {
        let Blob { nonce, iv, .. } = Blob::parse(&blob.0)?;
        let mut drawn = [0; NONCE_LENGTH + IV_LENGTH];
        drawn[..NONCE_LENGTH].copy_from_slice(&nonce);
        drawn[NONCE_LENGTH..].copy_from_slice(&iv);
        Some(self.public(&drawn))
    }

    fn plaintext(self, plaintext: &Plaintext) -> Digest {
        self.secret(plaintext.0.as_bytes())
    }

    /// A plaintext that an attested recipient would get instead. No client of a scenario names one, so
    /// an answer without it says the wrong thing, and the digest of nothing lets that show.
    fn released(self, plaintext: Option<&Plaintext>) -> Digest {
        plaintext.map_or_else(|| self.secret(&[]), |plaintext| self.plaintext(plaintext))
    }

    fn context(self, context: &EncryptionContext) -> Digest {
        self.public(context.canonical())
    }
}

/// The requests that no secret and no document travels with.
fn managing(request: &Request) -> Wanted {
    match request {
        Request::CancelKeyDeletion(r) => Wanted::CancelKeyDeletion { key: target(&r.key_id) },
        Request::CreateAlias(r) => Wanted::CreateAlias {
            alias: r.alias_name.as_str().into(),
            key: target(&r.target_key_id),
        },
        Request::CreateKey(r) if r.xks_key_id.is_some() => Wanted::CreateExternalKey,
        Request::CreateKey(r) if r.origin == Some(Origin::External) => {
            Wanted::CreateKeyToImport { multi_region: r.multi_region }
        }
        Request::CreateKey(r) => Wanted::CreatePair { multi_region: r.multi_region },
        Request::DeleteAlias(r) => Wanted::DeleteAlias { alias: r.alias_name.as_str().into() },
        Request::DeleteImportedKeyMaterial(r) => Wanted::DeleteImportedKeyMaterial {
            key: target(&r.key_id),
            material: r.key_material_id,
        },
        Request::DescribeKey(r) => Wanted::DescribeKey { key: target(&r.key_id) },
        Request::DisableKey(r) => Wanted::DisableKey { key: target(&r.key_id) },
        Request::DisableKeyRotation(r) => Wanted::DisableKeyRotation { key: target(&r.key_id) },
        Request::EnableKey(r) => Wanted::EnableKey { key: target(&r.key_id) },
        Request::EnableKeyRotation(r) => Wanted::EnableKeyRotation {
            key: target(&r.key_id),
            days: r.rotation_period_in_days.map_or(DEFAULT_ROTATION_DAYS, |days| days.0),
        },
        Request::GenerateRandom(r) => {
            Wanted::GenerateRandom { bytes: length(r.number_of_bytes, None) }
        }
        Request::GetKeyPolicy(r) => Wanted::GetKeyPolicy { key: target(&r.key_id) },
        Request::GetKeyRotationStatus(r) => Wanted::GetKeyRotationStatus { key: target(&r.key_id) },
        Request::GetParametersForImport(r) => Wanted::GetParametersForImport {
            key: target(&r.key_id),
            fits: is_oaep(r.wrapping_algorithm) && r.wrapping_key_spec != WrappingKeySpec::Sm2,
        },
        Request::ListAliases(r) => Wanted::ListAliases { key: r.key_id.as_ref().map(target) },
        Request::ListGrants(r) => Wanted::ListGrants { key: target(&r.key_id) },
        Request::ListKeyRotations(r) => Wanted::ListKeyRotations {
            key: target(&r.key_id),
            materials: r.include_key_material == Some(IncludeKeyMaterial::AllKeyMaterial),
        },
        Request::ReplicateKey(r) => {
            Wanted::ReplicateKey { key: target(&r.key_id), region: region(&r.replica_region) }
        }
        Request::RetireGrant(r) => Wanted::RetireGrant {
            grant: match &r.grant_token {
                Some(token) => token.claims(),
                None => r.grant_id.as_ref().and_then(grant),
            },
            by_token: r.grant_token.is_some(),
        },
        Request::RevokeGrant(r) => {
            Wanted::RevokeGrant { key: target(&r.key_id), grant: grant(&r.grant_id) }
        }
        Request::RotateKeyOnDemand(r) => Wanted::RotateKeyOnDemand { key: target(&r.key_id) },
        Request::ScheduleKeyDeletion(r) => Wanted::ScheduleKeyDeletion {
            key: target(&r.key_id),
            days: r.pending_window_in_days.map_or(DEFAULT_WINDOW_DAYS, |days| days.0),
        },
        Request::UpdateAlias(r) => Wanted::UpdateAlias {
            alias: r.alias_name.as_str().into(),
            key: target(&r.target_key_id),
        },
        Request::UpdatePrimaryRegion(r) => Wanted::UpdatePrimaryRegion {
            key: target(&r.key_id),
            region: region(&r.primary_region),
        },
        Request::ListKeys(_) => Wanted::ListKeys,
        other => plain(other),
    }
}

fn plain(request: &Request) -> Wanted {
    let key = match request {
        Request::ListKeyPolicies(r) => &r.key_id,
        Request::ListResourceTags(r) => &r.key_id,
        Request::TagResource(r) => &r.key_id,
        Request::UntagResource(r) => &r.key_id,
        Request::UpdateKeyDescription(r) => &r.key_id,
        other => return Wanted::Other { operation: other.operation().name() },
    };
    Wanted::Plain { operation: request.operation().name(), key: target(key) }
}

/// The answers that no secret and no document travels with.
fn managed(response: &Response) -> Got {
    match response {
        Response::CreateGrant(response) => match grant(&response.grant_id) {
            Some(grant) => Got::Granted { grant },
            None => Got::Done,
        },
        Response::CreateKey(response) => Got::Created { key: response.key_metadata.arn },
        Response::DeleteImportedKeyMaterial(response) => {
            Got::OfMaterial { key: response.key_id, material: response.key_material_id }
        }
        Response::DescribeKey(response) => described(&response.key_metadata),
        Response::GenerateRandom(response) => Got::Random {
            bytes: count(response.plaintext.as_ref().map_or(0, |bytes| bytes.0.len())),
        },
        Response::GetKeyRotationStatus(response) => Got::Rotation {
            enabled: response.key_rotation_enabled,
            days: response.rotation_period_in_days,
        },
        Response::ImportKeyMaterial(response) => {
            Got::OfMaterial { key: response.key_id, material: Some(response.key_material_id) }
        }
        Response::ListAliases(response) => listed(&response.aliases.0, response.truncated),
        Response::ListGrants(response) => listed(&response.grants.0, response.truncated),
        Response::ListKeyRotations(response) => listed(&response.rotations.0, response.truncated),
        Response::ListKeys(response) => listed(&response.keys.0, response.truncated),
        Response::ReplicateKey(response) => {
            Got::Replicated { replica: response.replica_key_metadata.arn }
        }
        Response::ScheduleKeyDeletion(response) => Got::Scheduled {
            key: response.key_id,
            state: response.key_state,
            deletion: response.deletion_date,
        },
        _ => Got::Done,
    }
}

fn grant_wish(request: &create_grant::Request) -> Wanted {
    let principal = request.grantee_principal.as_ref().map(PrincipalText::as_str);
    let service = request.grantee_service_principal.as_ref().map(ServicePrincipal::as_str);
    let grantee: Grantee = principal.or(service).unwrap_or_default().into();
    Wanted::CreateGrant {
        key: target(&request.key_id),
        grantee,
        operations: request
            .operations
            .0
            .iter()
            .copied()
            .map(kms_core::policy::GrantOperation::name)
            .collect(),
        name: request.name.as_ref().map(|name| Arc::from(name.as_str())),
        constrained: request
            .constraints
            .as_ref()
            .is_some_and(|constraints| *constraints != create_grant::GrantConstraints::default()),
    }
}

fn described(metadata: &describe_key::KeyMetadata) -> Got {
    Got::Described {
        key: metadata.arn,
        state: metadata.key_state,
        material: metadata.current_key_material_id,
        deletion: metadata.deletion_date,
    }
}

/// The wrappings that symmetric material fits into.
fn is_oaep(algorithm: WrappingAlgorithm) -> bool {
    use WrappingAlgorithm::{RsaesOaepSha1, RsaesOaepSha256};
    matches!(algorithm, RsaesOaepSha1 | RsaesOaepSha256)
}

fn target(key: &KeyRef) -> Target {
    match key {
        KeyRef::Valid(KeyIdentifier::Id(id)) => Target::Key { region: None, id: *id },
        KeyRef::Valid(KeyIdentifier::Arn(arn)) => {
            Target::Key { region: Some(arn.region), id: arn.id }
        }
        KeyRef::Valid(KeyIdentifier::Alias(name)) => Target::Alias(name.clone()),
        KeyRef::Valid(KeyIdentifier::AliasArn(arn)) => Target::Alias(arn.name.clone()),
        KeyRef::Invalid(_) => Target::Nothing,
    }
}

fn grant(id: &GrantIdText) -> Option<GrantId> {
    GrantId::parse(id.as_str())
}

fn region(text: &RegionText) -> Option<RegionName> {
    RegionName::parse(text.as_str())
}

/// The length of a data key: one of the two members is there, or the request is not valid.
fn length(bytes: Option<NumberOfBytes>, spec: Option<DataKeySpec>) -> u32 {
    let named = spec.map(|spec| match spec {
        DataKeySpec::Aes256 => 32,
        DataKeySpec::Aes128 => 16,
    });
    bytes.map(|bytes| bytes.0).or(named).unwrap_or_default()
}

fn listed<T>(items: &[T], truncated: bool) -> Got {
    Got::Listed { items: count(items.len()), complete: !truncated }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
