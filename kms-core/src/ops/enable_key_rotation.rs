//! EnableKeyRotation: automatic rotation, every 90 to 2560 days from now on.

use super::Info;
use super::rotate_key_on_demand::check_rotates_by_itself;
use crate::error::{ErrorCode, Result};
use crate::key::{DAY, RotationSchedule};
use crate::kms::{Checks, Effects, UsableKey};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, RotationPeriodInDays};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::UnsupportedOperation,
    ],
};

/// The period unless said, in days.
const DEFAULT_PERIOD: u32 = 365;

crate::shape! {
    /// Which key, and how often.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The period; 365 days unless said.
        rotation_period_in_days: Option<RotationPeriodInDays> = "RotationPeriodInDays",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Rotates a key as often as AWS does unless told otherwise.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), rotation_period_in_days: None }
    }
}

/// The period counts from this call, also when rotation was on already; never from the creation of
/// the key or from a rotation on demand (AWS KMS Developer Guide, Rotate AWS KMS keys).
pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let days = request.rotation_period_in_days.map_or(DEFAULT_PERIOD, |period| period.0);
    let mut context = checks.context(Action::EnableKeyRotation);
    context.rotation_period_days = Some(days);
    let key = checks.key_by_name(&request.key_id, context)?;
    check_rotates_by_itself(&key)?;
    let schedule = RotationSchedule::starting(checks.call().now, DAY * days);
    set_schedule(checks.pass(false)?, &key, Some(schedule)).done(Response {})
}

/// Gives a key another schedule, or none; the replicas of a primary are to take it over. It is recorded
/// even if nothing changes, so that a host that is behind the journal decides again.
pub(super) fn set_schedule<'s, 'a>(
    mut effects: Effects<'s, 'a>,
    key: &UsableKey,
    schedule: Option<RotationSchedule>,
) -> Effects<'s, 'a> {
    let mut record = key.to_record();
    record.rotation = schedule;
    record.shared_change();
    effects.record(Change::PutKey(Arc::new(record)));
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Timestamp;
    use crate::key::{Key, KeySpec, MultiRegion, Origin};
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, create_key, disable_key};
    use crate::wire::decode_request;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn enable(local: &mut Local, key: KeyArn, days: u32) -> Result<Any> {
        let period = Some(RotationPeriodInDays(days));
        local.call(Request { rotation_period_in_days: period, ..Request::new(key) })
    }

    fn next(local: &Local, key: KeyArn) -> Timestamp {
        local.key(key).rotation.unwrap().next
    }

    #[test]
    fn the_period_is_ninety_to_2560_days() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for (days, fits) in [(89, false), (90, true), (2560, true), (2561, false)] {
            let body = format!(r#"{{"KeyId":"{key}","RotationPeriodInDays":{days}}}"#);
            match decode_request("TrentService.EnableKeyRotation", body.as_bytes()) {
                Ok(request) => {
                    assert!(fits, "{days}");
                    local.call(request).unwrap();
                    assert_eq!(next(&local, key), local.now().after(DAY * days));
                }
                Err(error) => {
                    assert!(!fits, "{days}");
                    assert_eq!(error.code, ErrorCode::Validation);
                }
            }
        }
    }

    #[test]
    fn a_year_unless_said_and_every_year() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let since = local.now();
        local.call(Request::new(key)).unwrap();
        assert_eq!(next(&local, key), since.after(365 * DAY));
        local.advance(366 * DAY);
        assert_eq!(local.key(key).materials.len(), 2);
        assert_eq!(next(&local, key), since.after(730 * DAY));
    }

    #[test]
    fn enabling_again_counts_from_the_new_day() {
        let mut local = Local::single_region();
        let key = local.create_key();
        enable(&mut local, key, 90).unwrap();
        local.advance(80 * DAY);
        enable(&mut local, key, 100).unwrap();
        assert_eq!(next(&local, key), local.now().after(100 * DAY));
        local.advance(99 * DAY);
        assert_eq!(local.key(key).materials.len(), 1);
    }

    #[test]
    fn the_schedule_of_a_disabled_key_is_fixed() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        assert_eq!(enable(&mut local, key, 90).unwrap_err().code, ErrorCode::Disabled);
        assert_eq!(local.key(key).rotation, None);
    }

    #[test]
    fn only_symmetric_material_made_here_rotates_and_no_replica() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let fits = Key::clone(&local.key(key));
        assert_eq!(check_rotates_by_itself(&fits), Ok(()));
        let replica = MultiRegion::Replica {
            primary: key.region,
            shared_version: 0,
            owes_report: false,
            replicas: BTreeSet::new(),
        };
        for other in [
            Key { spec: KeySpec::Rsa2048, ..fits.clone() },
            Key { origin: Origin::External, ..fits.clone() },
            Key { multi_region: Some(replica), ..fits.clone() },
        ] {
            let error = check_rotates_by_itself(&other).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        }
    }

    #[test]
    fn replicas_are_told_of_every_new_schedule() {
        let mut local = Local::single_region();
        let request = create_key::Request { multi_region: true, ..create_key::Request::default() };
        let Any::CreateKey(created) = local.call(request).unwrap() else { panic!() };
        let key = created.key_metadata.arn;
        let shared = |local: &Local| local.key(key).as_primary().unwrap().shared_version;
        let before = shared(&local);
        enable(&mut local, key, 90).unwrap();
        assert!(shared(&local) > before);
    }

    #[test]
    fn a_rotation_changes_what_encrypts_a_moment_after_its_date() {
        let mut local = Local::single_region();
        let key = local.create_key();
        enable(&mut local, key, 90).unwrap();
        let old = local.key(key).current_material().unwrap().id;
        local.advance(90 * DAY - Duration::from_secs(1));
        assert_eq!(local.key(key).current_material().unwrap().id, old);
        local.advance(Duration::from_secs(2));
        assert_ne!(local.key(key).current_material().unwrap().id, old);
    }
}
