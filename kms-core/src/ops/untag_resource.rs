//! UntagResource: takes tags away from a key. A tag that the key does not have is passed over.

use super::Info;
use super::create_key::check_tag_key;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, Listed, TagKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::KmsInternal,
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInvalidState,
        ErrorCode::Tag,
    ],
};

crate::shape! {
    /// Tags to take away.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The keys of the tags.
        tag_keys: Listed<TagKey> = "TagKeys",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Takes these tags away from a key.
    pub fn new<'t>(key: impl Into<KeyRef>, tag_keys: impl IntoIterator<Item = &'t str>) -> Request {
        let tag_keys = tag_keys.into_iter().map(TagKey::from);
        Request { key_id: key.into(), tag_keys: Listed(tag_keys.collect()) }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let keys = request.tag_keys.0.iter().map(TagKey::as_str);
    keys.clone().try_for_each(check_tag_key)?;
    // Policies see the keys, as aws:TagKeys; there are no values to see.
    let named: BTreeMap<String, String> = keys.clone().map(|key| (key.into(), "".into())).collect();
    let mut context = checks.context(Action::UntagResource);
    context.request_tags = Some(&named);
    let key = checks.key_by_name(&request.key_id, context)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    let mut rest = record.tags.as_ref().clone();
    rest.retain(|key, _| !named.contains_key(key));
    record.tags = Arc::new(rest);
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{schedule_key_deletion, tag_resource};
    use crate::policy::{Policy, PolicyKind};

    fn tagged() -> (Local, KeyArn) {
        let mut local = Local::single_region();
        let key = local.create_key();
        let tags = [("team", "blue"), ("stage", "test"), ("owner", "")];
        local.call(tag_resource::Request::new(key, tags)).unwrap();
        (local, key)
    }

    #[test]
    fn the_tags_named_are_gone_and_an_unknown_one_is_passed_over() {
        let (mut local, key) = tagged();
        local.call(Request::new(key, ["team", "Stage", "nothing", "team"])).unwrap();
        let rest: Vec<_> = local.key(key).tags.keys().cloned().collect();
        assert_eq!(rest, ["owner", "stage"]);
        local.call(Request::new(key, [])).unwrap();
        assert_eq!(local.key(key).tags.len(), 2);
    }

    #[test]
    fn reserved_tags_are_not_the_callers_to_take_away() {
        let (mut local, key) = tagged();
        let error = local.call(Request::new(key, ["team", "aws:owner"])).unwrap_err();
        assert_eq!(error.code, ErrorCode::Tag);
        assert_eq!(local.key(key).tags.len(), 3);
    }

    #[test]
    fn a_dying_key_keeps_its_tags() {
        let (mut local, key) = tagged();
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(schedule).unwrap();
        let error = local.call(Request::new(key, ["team"])).unwrap_err();
        assert_eq!(error.code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn policies_see_the_keys_and_no_values() {
        let (mut local, key) = tagged();
        let policy = r#"{"Statement": [
            {"Effect": "Allow", "Action": "kms:UntagResource", "Resource": "*",
             "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "owner"]}}},
            {"Effect": "Deny", "Action": "kms:UntagResource", "Resource": "*",
             "Condition": {"Null": {"aws:RequestTag/owner": "false"}}}]}"#;
        let policy = Policy::parse(policy, PolicyKind::Identity).unwrap();
        let user = PrincipalArn::parse("arn:aws:iam::111122223333:user/untagger").unwrap();
        let untagger = Arc::new(Caller::new(user).with_policy(Arc::new(policy)));
        local.call_as(&untagger, Request::new(key, ["team", "owner"])).unwrap();
        let error = local.call_as(&untagger, Request::new(key, ["stage"])).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
    }
}
