//! ListAliases: the aliases of the caller's account in this Region, or those of one key, by name.
//!
//! Among those of the account are the names that AWS keeps for keys of its services, whether it has
//! made the key or not.

use super::Info;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::integration::Integration;
use crate::kms::{Checks, no_such_key};
use crate::name::{AccountId, AliasArn, AliasName, KeyId, RegionName};
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::state::{Alias, State};
use crate::step::Next;
use crate::wire::{KeyRef, Limit, Listed, Marker};
use std::ops::Bound;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidMarker,
        ErrorCode::KmsInternal,
        ErrorCode::InvalidArn,
        ErrorCode::NotFound,
    ],
};

const PAGE: PageSize = PageSize { default: 50, most: 100 };

crate::shape! {
    /// Which aliases, and which page.
    #[derive(Default)]
    pub struct Request {
        /// Only the aliases of this key, by id or ARN.
        key_id: Option<KeyRef> = "KeyId",
        /// How many aliases.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
    }
}

crate::shape! {
    /// A page of aliases.
    pub struct Response {
        /// The aliases.
        aliases: Listed<AliasListEntry> = "Aliases",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

crate::shape! {
    /// An alias in the list.
    pub struct AliasListEntry {
        /// The name, with its prefix.
        alias_name: String = "AliasName",
        /// The ARN.
        alias_arn: String = "AliasArn",
        /// The key; nothing for a name that AWS keeps for a key it has not made yet.
        target_key_id: Option<String> = "TargetKeyId",
        /// When it was made.
        creation_date: Option<Timestamp> = "CreationDate",
        /// When it was last pointed at a key.
        last_updated_date: Option<Timestamp> = "LastUpdatedDate",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let context = checks.context(Action::ListAliases);
    checks.account(context)?;
    let key = request.key_id.as_ref().map(|named| own_key(&mut checks, named)).transpose()?;
    let list = list_name(key);
    let after = page::position(request.marker.as_ref(), &list, AliasName::parse)?;
    let (region, account) = (checks.region(), checks.call().caller.account());
    let aliases = aliases(checks.state(), account, key, after.as_ref());
    let page = page::take(aliases, size, &list, |(name, _)| name.to_string());
    let entries = page.items.into_iter().map(|(name, alias)| entry(region, account, name, alias));
    let response = Response {
        aliases: Listed(entries.collect()),
        truncated: page.next.is_some(),
        next_marker: page.next,
    };
    checks.pass(false)?.done(response)
}

/// A key of the caller's account; a key of another one is none here, known or not.
fn own_key(checks: &mut Checks<'_, '_>, named: &KeyRef) -> Result<KeyId> {
    let arn = checks.resolve_name(named)?;
    if arn.account != checks.call().caller.account() {
        return Err(no_such_key(arn));
    }
    checks.existing(arn)
}

/// The aliases behind `after`, by name, with what they stand for if they stand for anything. A key knows its own, so that asking for them does not walk
/// through those of the whole account.
fn aliases<'s>(
    state: &'s State,
    account: AccountId,
    key: Option<KeyId>,
    after: Option<&'s AliasName>,
) -> Box<dyn Iterator<Item = (&'s AliasName, Option<Alias>)> + 's> {
    let Some(key) = key else { return Box::new(of_account(state, account, after)) };
    let names = state.aliases_of(key).iter();
    let names = names.filter(move |name| after.is_none_or(|after| *name > after));
    Box::new(names.filter_map(move |name| Some((name, Some(state.alias(account, name)?.0)))))
}

/// The account's aliases and the predefined ones that have no key, in one order.
fn of_account<'s>(
    state: &'s State,
    account: AccountId,
    after: Option<&'s AliasName>,
) -> impl Iterator<Item = (&'s AliasName, Option<Alias>)> {
    let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
    let predefined = Integration::predefined_aliases().range::<AliasName, _>(behind);
    let mut predefined = predefined.map(|(name, _)| name).peekable();
    let mut own = state.aliases_after(account, after).peekable();
    std::iter::from_fn(move || {
        let is_next = |name: &&AliasName| own.peek().is_none_or(|(next, _)| name <= next);
        match predefined.next_if(is_next) {
            Some(name) => match own.next_if(|(next, _)| *next == name) {
                Some((name, alias)) => Some((name, Some(alias))),
                None => Some((name, None)),
            },
            None => own.next().map(|(name, alias)| (name, Some(alias))),
        }
    })
}

/// A marker is bound to the key it was given out for.
fn list_name(key: Option<KeyId>) -> String {
    key.map_or_else(|| "ListAliases".to_owned(), |key| format!("ListAliases {key}"))
}

fn entry(
    region: RegionName,
    account: AccountId,
    name: &AliasName,
    alias: Option<Alias>,
) -> AliasListEntry {
    AliasListEntry {
        alias_name: name.to_string(),
        alias_arn: AliasArn { region, account, name: name.clone() }.to_string(),
        target_key_id: alias.map(|alias| alias.target.to_string()),
        creation_date: alias.map(|alias| alias.created),
        last_updated_date: alias.map(|alias| alias.updated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{Response as Any, create_alias, update_alias};
    use std::sync::Arc;
    use std::time::Duration;

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListAliases(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn of_key(key: KeyArn) -> Request {
        Request { key_id: Some(key.into()), ..Request::default() }
    }

    /// Two keys, whose aliases alternate.
    fn with_aliases(number: usize) -> (Local, KeyArn, KeyArn) {
        let mut local = Local::single_region();
        let keys = [local.create_key(), local.create_key()];
        for index in 0..number {
            let name = format!("alias/app-{index:03}");
            local.call(create_alias::Request::new(&name, keys[index % 2])).unwrap();
        }
        (local, keys[0], keys[1])
    }

    #[test]
    fn pages_cover_every_alias_once_with_and_without_a_key() {
        let (mut local, key, _) = with_aliases(10);
        let predefined = Integration::predefined_aliases().len();
        for (filter, expected) in [(Request::default(), 10 + predefined), (of_key(key), 5)] {
            let (mut names, mut marker) = (Vec::new(), None);
            loop {
                let page = Request { limit: Some(Limit(3)), marker, ..filter.clone() };
                let page = list(&mut local, page).unwrap();
                assert_eq!(page.truncated, page.next_marker.is_some());
                names.extend(page.aliases.0.into_iter().map(|entry| entry.alias_name));
                marker = page.next_marker;
                if marker.is_none() {
                    break;
                }
            }
            assert!(names.is_sorted());
            names.dedup();
            assert_eq!(names.len(), expected);
        }
    }

    #[test]
    fn a_page_has_fifty_aliases_unless_said_and_a_hundred_at_most() {
        let (mut local, ..) = with_aliases(51 - Integration::predefined_aliases().len());
        let page = list(&mut local, Request::default()).unwrap();
        assert_eq!((page.aliases.0.len(), page.truncated), (50, true));
        let most = Request { limit: Some(Limit(100)), ..Request::default() };
        assert_eq!(list(&mut local, most).unwrap().aliases.0.len(), 51);
        let more = Request { limit: Some(Limit(101)), ..Request::default() };
        assert_eq!(list(&mut local, more).unwrap_err().code, ErrorCode::Validation);
    }

    #[test]
    fn an_entry_shows_the_key_and_when_it_came_to_it() {
        let (mut local, key, other) = with_aliases(1);
        let made = list(&mut local, of_key(key)).unwrap().aliases.0.remove(0);
        assert_eq!(made.alias_arn, "arn:aws:kms:us-east-1:111122223333:alias/app-000");
        assert_eq!(made.target_key_id, Some(key.id.to_string()));
        local.advance(Duration::from_secs(60));
        local.call(update_alias::Request::new("alias/app-000", other)).unwrap();
        assert_eq!(list(&mut local, of_key(key)).unwrap().aliases.0, []);
        let moved = list(&mut local, of_key(other)).unwrap().aliases.0.remove(0);
        assert_eq!(moved.creation_date, made.creation_date);
        assert!(moved.last_updated_date > made.last_updated_date);
    }

    #[test]
    fn a_marker_belongs_to_its_key() {
        let (mut local, key, other) = with_aliases(4);
        let first = Request { limit: Some(Limit(1)), ..of_key(key) };
        let marker = list(&mut local, first).unwrap().next_marker;
        let wrong = Request { marker, ..of_key(other) };
        assert_eq!(list(&mut local, wrong).unwrap_err().code, ErrorCode::InvalidMarker);
    }

    #[test]
    fn what_is_no_key_of_the_account_is_not_found() {
        let (mut local, key, _) = with_aliases(1);
        let missing = KeyArn { id: KeyId::single_region([7; 16]), ..key };
        assert_eq!(list(&mut local, of_key(missing)).unwrap_err().code, ErrorCode::NotFound);
        let key_id = Some(KeyRef::new("alias/app-000"));
        let alias = Request { key_id, ..Request::default() };
        assert_eq!(list(&mut local, alias).unwrap_err().code, ErrorCode::NotFound);
        let stranger = PrincipalArn::parse("arn:aws:iam::444455556666:root").unwrap();
        let stranger = Arc::new(Caller::new(stranger));
        let foreign = local.call_as(&stranger, of_key(key)).unwrap_err();
        assert_eq!(foreign.code, ErrorCode::NotFound);
        let Any::ListAliases(none) = local.call_as(&stranger, Request::default()).unwrap() else {
            panic!()
        };
        let made = none.aliases.0.iter().filter(|entry| entry.target_key_id.is_some());
        assert_eq!(made.count(), 0);
        assert!(none.aliases.0.iter().all(|entry| entry.alias_name.starts_with("alias/aws/")));
    }
}
