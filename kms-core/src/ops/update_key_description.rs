//! UpdateKeyDescription: what the owner says of a key, which has no effect on anything.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{Description, KeyRef};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// A key and its new description.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The description; it may be empty.
        description: Description = "Description",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Describes a key anew.
    pub fn new(key: impl Into<KeyRef>, description: &str) -> Request {
        Request { key_id: key.into(), description: description.into() }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::UpdateKeyDescription);
    let key = checks.key_by_name(&request.key_id, context)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    record.description = request.description.as_str().into();
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::name::RegionName;
    use crate::ops::{Response as Any, create_key, replicate_key, schedule_key_deletion};
    use std::time::Duration;

    #[test]
    fn the_new_description_replaces_the_old_one_and_may_be_empty() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for description in ["the payroll's key", ""] {
            local.call(Request::new(key, description)).unwrap();
            assert_eq!(&*local.key(key).description, description);
        }
    }

    #[test]
    fn a_dying_key_keeps_its_description() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(schedule).unwrap();
        let error = local.call(Request::new(key, "late")).unwrap_err();
        assert_eq!(error.code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn a_replica_has_a_description_of_its_own() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let request = create_key::Request { multi_region: true, ..Default::default() };
        let Ok(Any::CreateKey(made)) = local.call(request) else { panic!() };
        let primary = made.key_metadata.arn;
        let region = RegionName::parse("eu-west-1").unwrap();
        local.call(replicate_key::Request::new(primary, region)).unwrap();
        local.call(Request::new(primary, "the primary")).unwrap();
        local.advance(Duration::from_secs(60));
        let replica = local.key(crate::name::KeyArn { region, ..primary });
        assert_eq!(&*replica.description, "");
    }
}
