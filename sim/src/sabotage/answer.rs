//! Bugs in what hosts are asked, what decisions are shown and what clients are told.

use super::Answer;
use kms_core::env::Call;
use kms_core::error::ErrorCode;
use kms_core::name::MaterialId;
use kms_core::ops::{Request, Response};
use kms_core::policy::{Policy, PolicyKind};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// What a caller with this policy may do is everything in its own account.
static ALLOW_ALL: LazyLock<Option<Arc<Policy>>> = LazyLock::new(|| {
    let text =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Policy::parse(text, PolicyKind::Identity).ok().map(Arc::new)
});

pub(super) fn in_earnest(request: &mut Request) -> bool {
    request.dry_run_mut().is_some_and(std::mem::take)
}

pub(super) fn as_administrator(call: &mut Call) -> bool {
    let Some(policy) = &*ALLOW_ALL else { return false };
    Arc::make_mut(&mut call.caller).identity_policies.push(policy.clone());
    true
}

pub(super) fn without_permissions(call: &mut Call) -> bool {
    let policies = &mut Arc::make_mut(&mut call.caller).identity_policies;
    !std::mem::take(policies).is_empty()
}

pub(super) fn an_hour_ahead(call: &mut Call) -> bool {
    call.now = call.now.after(Duration::from_secs(3_600));
    true
}

pub(super) fn throttled(answer: &mut Answer) -> bool {
    let fits = answer.is_ok();
    if fits {
        *answer = Err(ErrorCode::Throttling.silent());
    }
    fits
}

pub(super) fn failed(answer: &mut Answer) -> bool {
    let fits = answer.is_ok();
    if fits {
        *answer = Err(ErrorCode::KmsInternal.silent());
    }
    fits
}

pub(super) fn not_found(answer: &mut Answer) -> bool {
    let fits = matches!(answer, Err(error) if error.code == ErrorCode::Disabled);
    if fits {
        *answer = Err(ErrorCode::NotFound.silent());
    }
    fits
}

pub(super) fn unrotated(answer: &mut Answer) -> bool {
    let Ok(Response::GetKeyRotationStatus(status)) = answer else { return false };
    status.key_rotation_enabled = !status.key_rotation_enabled;
    true
}

pub(super) fn with_a_key(answer: &mut Answer, key: [u8; 32]) -> bool {
    let id = match answer {
        Ok(Response::GenerateDataKey(r)) => &mut r.key_material_id,
        Ok(Response::GenerateDataKeyWithoutPlaintext(r)) => &mut r.key_material_id,
        Ok(Response::ReEncrypt(r)) => &mut r.destination_key_material_id,
        _ => return false,
    };
    id.replace(MaterialId(key)).is_some()
}
