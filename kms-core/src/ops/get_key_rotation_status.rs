//! GetKeyRotationStatus: whether and when a key rotates by itself, and whether it is being rotated on
//! demand.

use super::Info;
use super::describe_key::days;
use super::rotate_key_on_demand::NO_ROTATION;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key::{Key, KeySpec, KeyState, RotationSchedule, RotationType};
use crate::kms::Checks;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::KeyRef;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::UnsupportedOperation,
    ],
};

crate::shape! {
    /// Which key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
    }
}

crate::shape! {
    /// The rotation of a key.
    pub struct Response {
        /// Whether it rotates by itself.
        key_rotation_enabled: bool = "KeyRotationEnabled",
        /// The id; this answer does not give the ARN.
        key_id: String = "KeyId",
        /// The period, if it does.
        rotation_period_in_days: Option<u32> = "RotationPeriodInDays",
        /// The next automatic rotation; in the past when a disabled key missed it.
        next_rotation_date: Option<Timestamp> = "NextRotationDate",
        /// When a rotation on demand began that is not finished.
        on_demand_rotation_start_date: Option<Timestamp> = "OnDemandRotationStartDate",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::GetKeyRotationStatus);
    let key = checks.key_by_name(&request.key_id, context)?;
    // AWS's matrix refuses imported keys only while they lack material; with it they answer, which is
    // how a rotation on demand can be watched.
    if key.spec != KeySpec::SymmetricDefault {
        return Err(ErrorCode::UnsupportedOperation.says(NO_ROTATION));
    }
    checks.pass(false)?.done(status(&key))
}

fn status(key: &Key) -> Response {
    let schedule = schedule(key);
    Response {
        key_rotation_enabled: schedule.is_some(),
        key_id: key.id().to_string(),
        rotation_period_in_days: schedule.and_then(|schedule| days(schedule.period)),
        next_rotation_date: schedule.map(|schedule| schedule.next),
        on_demand_rotation_start_date: on_demand_since(key),
    }
}

/// The schedule that counts: a dying key has none until its deletion is cancelled (AWS KMS Developer
/// Guide, Rotate AWS KMS keys).
fn schedule(key: &Key) -> Option<RotationSchedule> {
    match key.state() {
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => None,
        _ => key.rotation,
    }
}

fn on_demand_since(key: &Key) -> Option<Timestamp> {
    let rotation = key.pending.as_ref()?.material.rotation?;
    (rotation.kind == RotationType::OnDemand).then_some(rotation.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{DAY, Material, PendingMaterial, Rotation};
    use crate::local::Local;
    use crate::name::{KeyArn, MaterialId, TokenId};
    use crate::ops::{
        Response as Any, disable_key, disable_key_rotation, enable_key_rotation,
        schedule_key_deletion,
    };
    use crate::wire::RotationPeriodInDays;

    fn get(local: &mut Local, key: KeyArn) -> Response {
        match local.call(Request { key_id: key.into() }).unwrap() {
            Any::GetKeyRotationStatus(response) => response,
            other => panic!("{other:?}"),
        }
    }

    fn off(key: KeyArn) -> Response {
        Response {
            key_rotation_enabled: false,
            key_id: key.id.to_string(),
            rotation_period_in_days: None,
            next_rotation_date: None,
            on_demand_rotation_start_date: None,
        }
    }

    fn enable(local: &mut Local, key: KeyArn, days: u32) {
        let mut request = enable_key_rotation::Request::new(key);
        request.rotation_period_in_days = Some(RotationPeriodInDays(days));
        local.call(request).unwrap();
    }

    #[test]
    fn rotation_is_off_until_it_is_enabled_and_after_it_is_disabled() {
        let mut local = Local::single_region();
        let key = local.create_key();
        assert_eq!(get(&mut local, key), off(key));
        enable(&mut local, key, 120);
        let on = Response {
            key_rotation_enabled: true,
            rotation_period_in_days: Some(120),
            next_rotation_date: Some(local.now().after(120 * DAY)),
            ..off(key)
        };
        assert_eq!(get(&mut local, key), on);
        local.call(disable_key_rotation::Request { key_id: key.into() }).unwrap();
        assert_eq!(get(&mut local, key), off(key));
    }

    #[test]
    fn a_disabled_key_shows_its_rotation_and_a_dying_one_does_not() {
        let mut local = Local::single_region();
        let key = local.create_key();
        enable(&mut local, key, 90);
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        assert_eq!(get(&mut local, key).rotation_period_in_days, Some(90));
        let request =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        assert_eq!(get(&mut local, key), off(key));
    }

    #[test]
    fn only_a_rotation_on_demand_shows_its_beginning() {
        let mut local = Local::single_region();
        let arn = local.create_key();
        let mut key = Key::clone(&local.key(arn));
        let at = local.now();
        for (kind, shown) in [(RotationType::OnDemand, Some(at)), (RotationType::Automatic, None)] {
            let rotation = Some(Rotation { at, kind });
            let made = Material::new(MaterialId([1; 32]), TokenId([1; 16]));
            let material = Material { rotation, ..made };
            key.pending = Some(PendingMaterial { material, needs: 1 });
            assert_eq!(status(&key).on_demand_rotation_start_date, shown, "{kind}");
        }
    }

    #[test]
    fn an_alias_names_no_key_here() {
        let mut local = Local::single_region();
        let request = Request { key_id: KeyRef::new("alias/any") };
        assert_eq!(local.call(request).unwrap_err().code, ErrorCode::NotFound);
    }
}
