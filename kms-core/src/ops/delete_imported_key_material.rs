//! DeleteImportedKeyMaterial: the end of a key material that can be imported again.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key::Key;
use crate::kms::Checks;
use crate::name::{KeyArn, MaterialId};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::token::TokenChange;
use crate::wire::KeyRef;
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
    ],
};

crate::shape! {
    /// Which key and which of its materials.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The material; the current one unless said.
        key_material_id: Option<MaterialId> = "KeyMaterialId",
    }
}

crate::shape! {
    /// What was deleted.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The material; none if the key never had one.
        key_material_id: Option<MaterialId> = "KeyMaterialId",
    }
}

impl Request {
    /// The end of the current material.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), key_material_id: None }
    }
}

/// A material that is gone already is no error, so that a request can be sent again.
pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::DeleteImportedKeyMaterial);
    let key = checks.key_by_name(&request.key_id, context)?;
    let id = which(&key, request.key_material_id)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    if let Some(token) = id.and_then(|id| record.lose(id)) {
        effects.record_token(TokenChange::Erase(token));
    }
    // Recorded even if nothing changes, so that a host that is behind the journal decides again.
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response { key_id: key.arn, key_material_id: id })
}

fn which(key: &Key, named: Option<MaterialId>) -> Result<Option<MaterialId>> {
    let Some(named) = named else {
        return Ok(key.current_material().map(|material| material.id));
    };
    match key.all_materials().any(|material| material.id == named) {
        true => Ok(Some(named)),
        false => Err(ErrorCode::NotFound
            .says(format!("Key material '{named}' is not associated with {}", key.arn))),
    }
}
