//! ListResourceTags: the tags of a key, by tag key.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{KeyRef, Limit, Listed, Marker, Tag};
use std::ops::Bound;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::KmsInternal,
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::InvalidMarker,
    ],
};

const PAGE: PageSize = PageSize { default: 50, most: 50 };

crate::shape! {
    /// Which key, and which page.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// How many tags.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
    }
}

crate::shape! {
    /// A page of tags.
    pub struct Response {
        /// The tags.
        tags: Listed<Tag> = "Tags",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

impl Request {
    /// The first page of a key's tags.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), limit: None, marker: None }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let context = checks.context(Action::ListResourceTags);
    let key = checks.key_by_name(&request.key_id, context)?;
    let list = format!("ListResourceTags {}", key.id());
    let after = page::position(request.marker.as_ref(), &list, |text| Some(text.to_owned()))?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let tags = key.tags.range::<String, _>((start, Bound::Unbounded));
    let page = page::take(tags, size, &list, |(key, _)| key.to_string());
    let tags = page.items.into_iter();
    let tags =
        tags.map(|(key, value)| Tag { key: key.as_str().into(), value: value.as_str().into() });
    let tags = Listed(tags.collect());
    checks.pass(false)?.done(Response {
        tags,
        truncated: page.next.is_some(),
        next_marker: page.next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, schedule_key_deletion, tag_resource, untag_resource};

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListResourceTags(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn tagged(number: usize) -> (Local, KeyArn) {
        let mut local = Local::single_region();
        let key = local.create_key();
        let names: Vec<_> = (0..number).map(|index| format!("tag {index:02}")).collect();
        let tags = names.iter().map(|name| (name.as_str(), "value"));
        local.call(tag_resource::Request::new(key, tags)).unwrap();
        (local, key)
    }

    fn keys(page: &Response) -> Vec<&str> {
        page.tags.0.iter().map(|tag| tag.key.as_str()).collect()
    }

    #[test]
    fn a_page_goes_on_behind_its_last_tag_even_if_that_is_gone() {
        let (mut local, key) = tagged(5);
        let two = Some(Limit(2));
        let page = list(&mut local, Request { limit: two, ..Request::new(key) }).unwrap();
        assert_eq!((keys(&page), page.truncated), (vec!["tag 00", "tag 01"], true));
        local.call(untag_resource::Request::new(key, ["tag 01", "tag 02"])).unwrap();
        local.call(tag_resource::Request::new(key, [("tag 000", "behind the marker")])).unwrap();
        let rest = Request { marker: page.next_marker, ..Request::new(key) };
        let rest = list(&mut local, rest).unwrap();
        assert_eq!((keys(&rest), rest.truncated), (vec!["tag 03", "tag 04"], false));
    }

    #[test]
    fn a_page_has_at_most_fifty_tags() {
        let (mut local, key) = tagged(50);
        assert_eq!(list(&mut local, Request::new(key)).unwrap().tags.0.len(), 50);
        let more = Request { limit: Some(Limit(51)), ..Request::new(key) };
        assert_eq!(list(&mut local, more).unwrap_err().code, ErrorCode::Validation);
    }

    #[test]
    fn a_marker_belongs_to_its_key() {
        let (mut local, key) = tagged(2);
        let other = local.create_key();
        let first = Request { limit: Some(Limit(1)), ..Request::new(key) };
        let marker = list(&mut local, first).unwrap().next_marker;
        let wrong = Request { marker, ..Request::new(other) };
        assert_eq!(list(&mut local, wrong).unwrap_err().code, ErrorCode::InvalidMarker);
    }

    #[test]
    fn a_dying_key_still_shows_its_tags() {
        let (mut local, key) = tagged(1);
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(schedule).unwrap();
        assert_eq!(list(&mut local, Request::new(key)).unwrap().tags.0.len(), 1);
    }
}
