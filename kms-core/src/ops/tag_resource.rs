//! TagResource: adds tags to a key, or gives tags it has another value.

use super::Info;
use super::create_key::{MOST_TAGS, tags_by_key};
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, Listed, Tag};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::KmsInternal,
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInvalidState,
        ErrorCode::LimitExceeded,
        ErrorCode::Tag,
    ],
};

crate::shape! {
    /// Tags for a key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The tags; a value may be empty.
        tags: Listed<Tag> = "Tags",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Gives a key these tags.
    pub fn new<'t>(
        key: impl Into<KeyRef>,
        tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Request {
        let tags =
            tags.into_iter().map(|(key, value)| Tag { key: key.into(), value: value.into() });
        Request { key_id: key.into(), tags: Listed(tags.collect()) }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let added = tags_by_key(&request.tags.0)?;
    let mut context = checks.context(Action::TagResource);
    context.request_tags = Some(&added);
    let key = checks.key_by_name(&request.key_id, context)?;
    let mut all = key.tags.as_ref().clone();
    all.extend(added.clone());
    if all.len() > MOST_TAGS {
        return Err(
            ErrorCode::LimitExceeded.says(format!("A key can have at most {MOST_TAGS} tags."))
        );
    }
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    record.tags = Arc::new(all);
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{create_key, schedule_key_deletion};
    use crate::policy::{Policy, PolicyKind};

    fn pairs(local: &Local, key: KeyArn) -> Vec<(String, String)> {
        local.key(key).tags.as_ref().clone().into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_tag_is_added_and_a_known_one_gets_the_new_value() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(Request::new(key, [("team", "blue"), ("cost center", "")])).unwrap();
        local.call(Request::new(key, [("team", "red"), ("Team", "green")])).unwrap();
        let expected = [pair("Team", "green"), pair("cost center", ""), pair("team", "red")];
        assert_eq!(pairs(&local, key), expected);
    }

    #[test]
    fn a_key_twice_and_a_reserved_one_are_refused_whole() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for bad in [[("a", "1"), ("a", "2")], [("a", "1"), ("aws:b", "2")]] {
            let error = local.call(Request::new(key, bad)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Tag, "{bad:?}");
        }
        assert_eq!(pairs(&local, key), []);
    }

    #[test]
    fn fifty_tags_fit_and_one_more_does_not() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let names: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        let fifty = || names.iter().map(|name| (name.as_str(), ""));
        local.call(Request::new(key, fifty())).unwrap();
        local.call(Request::new(key, [("49", "again")])).unwrap();
        let error = local.call(Request::new(key, [("50", "")])).unwrap_err();
        assert_eq!(error.code, ErrorCode::LimitExceeded);
        // It makes no difference whether they come in one request or in two.
        let untagged = local.create_key();
        let at_once = fifty().chain([("50", "")]);
        assert_eq!(local.call(Request::new(untagged, at_once)).unwrap_err(), error);
        assert_eq!(pairs(&local, untagged), []);
    }

    #[test]
    fn a_dying_key_is_not_tagged() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(schedule).unwrap();
        let error = local.call(Request::new(key, [("a", "b")])).unwrap_err();
        assert_eq!(error.code, ErrorCode::KmsInvalidState);
    }

    /// A principal whose IAM permits tags of one team and of no other.
    fn tagger() -> Arc<Caller> {
        let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:TagResource",
            "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}}}"#;
        let policy = Policy::parse(policy, PolicyKind::Identity).unwrap();
        let user = PrincipalArn::parse("arn:aws:iam::111122223333:user/tagger").unwrap();
        Arc::new(Caller::new(user).with_policy(Arc::new(policy)))
    }

    #[test]
    fn policies_see_the_tags_of_the_request() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call_as(&tagger(), Request::new(key, [("team", "blue")])).unwrap();
        for refused in [vec![("team", "red")], vec![("team", "blue"), ("other", "")]] {
            let error = local.call_as(&tagger(), Request::new(key, refused)).unwrap_err();
            assert_eq!(error.code, ErrorCode::AccessDenied);
        }
    }

    #[test]
    fn the_tags_of_its_creation_are_a_keys_tags() {
        let mut local = Local::single_region();
        let tags = vec![Tag { key: "team".into(), value: "blue".into() }];
        let made = local.call(create_key::Request { tags, ..Default::default() }).unwrap();
        let crate::ops::Response::CreateKey(made) = made else { panic!("{made:?}") };
        let key = made.key_metadata.arn;
        local.call(Request::new(key, [("a", "b")])).unwrap();
        assert_eq!(pairs(&local, key), [pair("a", "b"), pair("team", "blue")]);
    }
}
