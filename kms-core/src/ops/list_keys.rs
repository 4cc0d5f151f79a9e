//! ListKeys: the keys of the caller's account in this Region, by id.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::{KeyArn, KeyId};
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{Between, Limit, Listed, Marker, ResourceOwner};
use std::collections::BTreeSet;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[ErrorCode::DependencyTimeout, ErrorCode::KmsInternal, ErrorCode::InvalidMarker],
};

const PAGE: PageSize = PageSize { default: 100, most: 1000 };

crate::shape! {
    /// Which page.
    #[derive(Default)]
    pub struct Request {
        /// How many keys.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
        /// Whose keys; the account's own unless said.
        resource_owners: Between<ResourceOwner, 1, 2> = "ResourceOwners",
    }
}

crate::shape! {
    /// A page of keys.
    pub struct Response {
        /// The keys.
        keys: Listed<KeyEntry> = "Keys",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

crate::shape! {
    /// A key in the list.
    pub struct KeyEntry {
        /// The id.
        key_id: String = "KeyId",
        /// The ARN.
        key_arn: KeyArn = "KeyArn",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let context = checks.context(Action::ListKeys);
    checks.account(context)?;
    let owners = owners(&request.resource_owners.0);
    let list = list_name(&owners);
    let after = page::position(request.marker.as_ref(), &list, KeyId::parse)?;
    let account = checks.call().caller.account();
    // Keys shared through RAM are none here, so only the account's own can be listed.
    let own = owners.contains(&ResourceOwner::Own);
    let keys = checks.state().keys_after(after.as_ref());
    let keys = keys.filter(|key| own && key.account() == account).map(|key| key.arn);
    let page = page::take(keys, size, &list, |arn| arn.id.to_string());
    let entries = page.items.into_iter();
    let keys = entries.map(|key_arn| KeyEntry { key_id: key_arn.id.to_string(), key_arn });
    checks.pass(false)?.done(Response {
        keys: Listed(keys.collect()),
        truncated: page.next.is_some(),
        next_marker: page.next,
    })
}

/// The owners that are asked for, each once; the account itself unless said.
fn owners(asked: &[ResourceOwner]) -> BTreeSet<ResourceOwner> {
    match asked {
        [] => BTreeSet::from([ResourceOwner::Own]),
        asked => asked.iter().copied().collect(),
    }
}

/// A marker is bound to the owners it was given out for, however they were written.
fn list_name(owners: &BTreeSet<ResourceOwner>) -> String {
    let owners: Vec<_> = owners.iter().map(|owner| owner.as_str()).collect();
    format!("ListKeys {}", owners.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::PrincipalArn;
    use crate::ops::Response as Any;
    use std::sync::Arc;

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListKeys(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_cover_every_key_once() {
        let mut local = Local::single_region();
        let mut made: Vec<_> = (0..7).map(|_| local.create_key()).collect();
        made.sort();
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let request = Request { limit: Some(Limit(3)), marker, ..Request::default() };
            let page = list(&mut local, request).unwrap();
            assert_eq!(page.truncated, page.next_marker.is_some());
            seen.extend(page.keys.0.into_iter().map(|entry| entry.key_arn));
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, made);
    }

    #[test]
    fn a_marker_belongs_to_its_owners_however_they_are_written() {
        use ResourceOwner::{OtherAccountsViaRam, Own};
        let mut local = Local::single_region();
        local.create_key();
        local.create_key();
        let mut follows = |given_to: &[ResourceOwner], asked_with: &[ResourceOwner]| {
            let of = |owners: &[ResourceOwner]| Request {
                limit: Some(Limit(1)),
                resource_owners: Between(owners.to_vec()),
                ..Request::default()
            };
            let marker = list(&mut local, of(given_to)).unwrap().next_marker;
            assert!(marker.is_some(), "{given_to:?}");
            let next = list(&mut local, Request { marker, ..of(asked_with) });
            next.map(|page| page.keys.0.len()).map_err(|error| error.code)
        };
        for (given_to, asked_with, expected) in [
            (&[][..], &[Own][..], Ok(1)),
            (&[Own], &[], Ok(1)),
            (&[Own], &[Own, Own], Ok(1)),
            (&[Own, OtherAccountsViaRam], &[OtherAccountsViaRam, Own], Ok(1)),
            (&[], &[OtherAccountsViaRam], Err(ErrorCode::InvalidMarker)),
            (&[Own], &[Own, OtherAccountsViaRam], Err(ErrorCode::InvalidMarker)),
        ] {
            assert_eq!(follows(given_to, asked_with), expected, "{given_to:?} {asked_with:?}");
        }
    }

    #[test]
    fn who_may_not_list_hears_nothing_of_a_marker() {
        let mut local = Local::single_region();
        let alice = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").unwrap();
        let request = Request { marker: Some(Marker::from("%%")), ..Request::default() };
        let error = local.call_as(&Arc::new(Caller::new(alice)), request.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        assert_eq!(list(&mut local, request).unwrap_err().code, ErrorCode::InvalidMarker);
    }
}
