//! ImportKeyMaterial: key material from outside, for the first time or once more.

use super::Info;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::imported::{Arrival, LONGEST_LIFE, incorrect};
use crate::key::{Key, KeySpec};
use crate::kms::{Checks, UsableKey, internal};
use crate::name::{KeyArn, MaterialId};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::token::TokenChange;
use crate::wire::{
    EncryptedKeyMaterial, ExpirationModel, ImportTokenBlob, ImportType, KeyMaterialDescription,
    KeyRef,
};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::InvalidArn,
        ErrorCode::UnsupportedOperation,
        ErrorCode::DependencyTimeout,
        ErrorCode::NotFound,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::InvalidCiphertext,
        ErrorCode::IncorrectKeyMaterial,
        ErrorCode::ExpiredImportToken,
        ErrorCode::InvalidImportToken,
    ],
};

crate::shape! {
    /// The material, and what it shall be to the key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The token that GetParametersForImport gave out.
        import_token: ImportTokenBlob = "ImportToken",
        /// The material, wrapped with the public key that came with the token.
        encrypted_key_material: EncryptedKeyMaterial = "EncryptedKeyMaterial",
        /// When it expires; at most 365 days from now.
        valid_to: Option<Timestamp> = "ValidTo",
        /// Whether it expires; it does unless said.
        expiration_model: Option<ExpirationModel> = "ExpirationModel",
        /// Whether it is new to the key; the first one is unless said, and the others are not.
        import_type: Option<ImportType> = "ImportType",
        /// What the owner says of it.
        key_material_description: Option<KeyMaterialDescription> = "KeyMaterialDescription",
        /// Which material it must turn out to be.
        key_material_id: Option<MaterialId> = "KeyMaterialId",
    }
}

crate::shape! {
    /// The key and its material.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The material.
        key_material_id: MaterialId = "KeyMaterialId",
    }
}

impl Request {
    /// Material that does not expire.
    pub fn new(
        key: impl Into<KeyRef>,
        import_token: ImportTokenBlob,
        encrypted_key_material: EncryptedKeyMaterial,
    ) -> Request {
        Request {
            key_id: key.into(),
            import_token,
            encrypted_key_material,
            valid_to: None,
            expiration_model: Some(ExpirationModel::DoesNotExpire),
            import_type: None,
            key_material_description: None,
            key_material_id: None,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let model = request.expiration_model.unwrap_or(ExpirationModel::Expires);
    let mut context = checks.context(Action::ImportKeyMaterial);
    context.expiration_model = Some(model.as_str());
    context.valid_to = request.valid_to;
    let key = checks.key_by_name(&request.key_id, context)?;
    let expires = expiry(model, request.valid_to, checks.call().now)?;
    let kind = kind(&key, request)?;
    let token = checks.import_token(key.id(), &request.import_token.0)?;
    let wrapped = request.encrypted_key_material.0.clone();
    let command = Command::ImportMaterial { spec: key.spec, token, wrapped };
    let label = request.key_material_description.as_ref().map(|text| text.as_str().into());
    let wanted = request.key_material_id;
    checks.pass(false)?.ask_hsm(command, move |reply, mut effects| {
        let Reply::BackingKey { token, public_key } = reply else { return Err(internal()) };
        let (id, token_id) = (token.material, token.id);
        if wanted.is_some_and(|wanted| wanted != id) {
            return Err(incorrect("is not the one that KeyMaterialId names"));
        }
        let arrival = Arrival { id, token: token_id, expires, label, public_key };
        let (record, replaced) = take(&key, kind, arrival)?;
        effects.record(Change::PutKey(Arc::new(record)));
        effects.record_token(TokenChange::Put(token));
        if let Some(replaced) = replaced {
            effects.record_token(TokenChange::Erase(replaced));
        }
        effects.done(Response { key_id: key.arn, key_material_id: id })
    })
}

/// The record with the material in it, and the key token that is to go.
fn take(
    key: &UsableKey,
    kind: ImportType,
    arrival: Arrival,
) -> Result<(Key, Option<crate::name::TokenId>)> {
    let mut record = key.to_record();
    let replaced = match kind {
        ImportType::New => record.take_new(arrival).map(|()| None)?,
        ImportType::Existing => record.take_again(arrival)?,
    };
    Ok((record, replaced))
}

/// When the material expires, if the two members agree about it.
fn expiry(
    model: ExpirationModel,
    valid_to: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let invalid = |why| Err(ErrorCode::Validation.says(why));
    match (model, valid_to) {
        (ExpirationModel::DoesNotExpire, None) => Ok(None),
        (ExpirationModel::DoesNotExpire, Some(_)) => {
            invalid("ValidTo must not be set if ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        }
        (ExpirationModel::Expires, None) => {
            invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
        }
        (ExpirationModel::Expires, Some(at)) if at <= now => {
            invalid("ValidTo must be in the future")
        }
        (ExpirationModel::Expires, Some(at)) if at > now.after(LONGEST_LIFE) => {
            invalid("ValidTo must be at most 365 days from now")
        }
        (ExpirationModel::Expires, Some(at)) => Ok(Some(at)),
    }
}

/// A replica says nothing that is its primary's to say, and other keys than symmetric encryption keys have
/// no kinds of import.
fn check_members(key: &Key, request: &Request, kind: ImportType) -> Result<()> {
    let symmetric = key.spec == KeySpec::SymmetricDefault;
    let why_not = if request.import_type.is_some() && !symmetric {
        "ImportType is only supported for symmetric encryption keys."
    } else if key.is_replica() && kind == ImportType::New {
        "New key material is imported into the primary key before its replica keys."
    } else if key.is_replica() && request.key_material_description.is_some() {
        "KeyMaterialDescription is set on the primary key, not on a replica key."
    } else {
        return Ok(());
    };
    Err(ErrorCode::UnsupportedOperation.says(why_not))
}

/// Whether the material is to be new to the key. Only symmetric encryption keys can have more than
/// one, one at a time may await its rotation, and a replica has those its primary has.
fn kind(key: &Key, request: &Request) -> Result<ImportType> {
    let kind = request.import_type.unwrap_or_else(|| key.default_import());
    check_members(key, request, kind)?;
    if kind == ImportType::New && request.key_material_id.is_some() {
        return Err(ErrorCode::Validation
            .says("KeyMaterialId must not be set if ImportType is NEW_KEY_MATERIAL"));
    }
    if kind == ImportType::New && key.awaiting.is_some() {
        return Err(ErrorCode::KmsInvalidState
            .says(format!("{} has a key material that awaits rotation.", key.arn)));
    }
    Ok(kind)
}
