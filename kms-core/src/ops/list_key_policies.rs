//! ListKeyPolicies: the names of a key's policies. Every key has one that its owner manages; a second
//! one comes from Resource Access Manager, which shares no key here.

use super::Info;
use super::get_key_policy::DEFAULT;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{KeyRef, Limit, Listed, Marker, PolicyName};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

const PAGE: PageSize = PageSize { default: 100, most: 1000 };

crate::shape! {
    /// Which key, and which page.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// How many names.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
    }
}

crate::shape! {
    /// A page of names.
    pub struct Response {
        /// The names.
        policy_names: Listed<PolicyName> = "PolicyNames",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

impl Request {
    /// The first page of a key's policies.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), limit: None, marker: None }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    page::size(request.limit, PAGE)?;
    let context = checks.context(Action::ListKeyPolicies);
    checks.key_by_name(&request.key_id, context)?;
    // A page holds at least one name, and that is all there are: no marker was ever given out. The
    // operation has no error of its own for one that was made up.
    if let Some(marker) = &request.marker {
        return Err(ErrorCode::Validation.says(format!(
            "1 validation error detected: Value '{marker}' at 'marker' failed to satisfy constraint: \
             Member must be a marker that this list returned"
        )));
    }
    let policy_names = Listed(vec![DEFAULT.into()]);
    checks.pass(false)?.done(Response { policy_names, next_marker: None, truncated: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{Response as Any, schedule_key_deletion};

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListKeyPolicies(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_has_its_default_policy_in_every_state() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        for _ in 0..2 {
            let one = Request { limit: Some(Limit(1)), ..Request::new(key) };
            let page = list(&mut local, one).unwrap();
            assert_eq!((page.policy_names.0, page.truncated), (vec!["default".into()], false));
            local.call(schedule.clone()).ok();
        }
    }

    #[test]
    fn there_is_no_second_page() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request = Request { marker: Some("ZGVmYXVsdA".into()), ..Request::new(key) };
        let error = list(&mut local, request).unwrap_err();
        assert_eq!(error.code, ErrorCode::Validation);
        assert!(error.message.unwrap().contains("'marker'"));
    }
}
