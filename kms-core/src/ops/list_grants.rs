//! ListGrants: the grants on a key, by id. Their tokens are never shown.

use super::Info;
use super::create_grant::{GrantConstraints, party};
use super::revoke_grant::grant_id;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::{GrantId, KeyArn, PrincipalArn, PrincipalKind};
use crate::page::{self, PageSize};
use crate::policy::{Action, Grant, GrantOperation, Party};
use crate::step::Next;
use crate::wire::{GrantIdText, KeyRef, Limit, Listed, Marker, PrincipalText, ServicePrincipal};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidMarker,
        ErrorCode::InvalidGrantId,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

const PAGE: PageSize = PageSize { default: 50, most: 100 };

crate::shape! {
    /// Which grants, and which page.
    pub struct Request {
        /// How many grants.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// Only this grant.
        grant_id: Option<GrantIdText> = "GrantId",
        /// Only grants to this principal.
        grantee_principal: Option<PrincipalText> = "GranteePrincipal",
        /// Only grants to this service; for services alone.
        grantee_service_principal: Option<ServicePrincipal> = "GranteeServicePrincipal",
    }
}

crate::shape! {
    /// A page of grants.
    pub struct Response {
        /// The grants.
        grants: Listed<GrantListEntry> = "Grants",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

crate::shape! {
    /// A grant as callers see it.
    pub struct GrantListEntry {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The id.
        grant_id: GrantIdText = "GrantId",
        /// The name, empty if it was given none.
        name: String = "Name",
        /// When it was made.
        creation_date: Timestamp = "CreationDate",
        /// Who may use it.
        grantee_principal: Option<PrincipalText> = "GranteePrincipal",
        /// Who may retire it.
        retiring_principal: Option<PrincipalText> = "RetiringPrincipal",
        /// The account it was made under, as its root principal.
        issuing_account: PrincipalText = "IssuingAccount",
        /// What it permits.
        operations: Vec<GrantOperation> = "Operations",
        /// Under which conditions.
        constraints: Option<GrantConstraints> = "Constraints",
        /// The service that may use it.
        grantee_service_principal: Option<ServicePrincipal> = "GranteeServicePrincipal",
        /// The service that may retire it.
        retiring_service_principal: Option<ServicePrincipal> = "RetiringServicePrincipal",
    }
}

impl Request {
    /// The first page of all grants on a key.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request {
            limit: None,
            marker: None,
            key_id: key.into(),
            grant_id: None,
            grantee_principal: None,
            grantee_service_principal: None,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let grantee = grantee(&checks, request)?;
    let context = checks.context(Action::ListGrants);
    let key = checks.key_by_name(&request.key_id, context)?;
    let id = request.grant_id.as_ref().map(grant_id).transpose()?;
    let only = id.map(|id| checks.grant_on(key.id(), id)).transpose()?;
    let list = list_name(key.arn, id, grantee.as_ref());
    let after = page::position(request.marker.as_ref(), &list, GrantId::parse)?;
    let grants: Box<dyn Iterator<Item = &Arc<Grant>>> = match &only {
        Some(grant) => Box::new(std::iter::once(grant)),
        None => Box::new(checks.state().grants_after(key.id(), after.as_ref())),
    };
    let grants =
        grants.filter(|grant| grantee.as_ref().is_none_or(|party| grant.grantee == *party));
    let page = page::take(grants, size, &list, |grant| grant.id.to_string());
    let entries = page.items.into_iter().map(|grant| entry(key.arn, grant));
    let response = Response {
        grants: Listed(entries.collect()),
        truncated: page.next.is_some(),
        next_marker: page.next,
    };
    checks.pass(false)?.done(response)
}

/// The grantee to look for, if the request names one.
fn grantee(checks: &Checks<'_, '_>, request: &Request) -> Result<Option<Party>> {
    let service = request.grantee_service_principal.as_ref();
    if service.is_some() && checks.call().caller.principal.kind() != PrincipalKind::Service {
        return Err(ErrorCode::Validation
            .says("Only an AWS service can filter grants by GranteeServicePrincipal."));
    }
    party(("Grantee", checks.region().partition()), request.grantee_principal.as_ref(), service)
}

/// A marker is bound to the key and the filters it was given out for.
fn list_name(key: KeyArn, id: Option<GrantId>, grantee: Option<&Party>) -> String {
    let id = id.map(|id| format!(" id {id}")).unwrap_or_default();
    let grantee = grantee.map(|party| format!(" of {party}")).unwrap_or_default();
    format!("ListGrants {}{id}{grantee}", key.id)
}

/// A grant as callers see it.
pub(super) fn entry(key: KeyArn, grant: &Grant) -> GrantListEntry {
    let principal = |party: &Party| party.principal().map(PrincipalText::from);
    let service = |party: &Party| party.service().map(ServicePrincipal::from);
    let retiring = grant.retiring.as_ref();
    let issuing_account = PrincipalArn::root(grant.issuing_account(), key.region.partition());
    GrantListEntry {
        key_id: key,
        grant_id: grant.id.to_string().into(),
        name: grant.name.as_deref().unwrap_or_default().to_owned(),
        creation_date: grant.created,
        grantee_principal: principal(&grant.grantee),
        retiring_principal: retiring.and_then(principal),
        issuing_account: issuing_account.as_str().into(),
        operations: grant.terms.operations.iter().collect(),
        constraints: GrantConstraints::of(&grant.terms),
        grantee_service_principal: service(&grant.grantee),
        retiring_service_principal: retiring.and_then(service),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::AccountId;
    use crate::ops::{Response as Any, create_grant, schedule_key_deletion};
    use crate::wire::Shape;

    const ALICE: &str = "arn:aws:iam::444455556666:user/alice";
    const BOB: &str = "arn:aws:iam::444455556666:user/bob";
    const DYNAMODB: &str = "dynamodb.us-east-1.amazonaws.com";
    const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListGrants(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn grant(key: KeyArn, grantee: &str) -> create_grant::Request {
        create_grant::Request::new(key, grantee, GrantOperation::parse("Decrypt"))
    }

    fn with_grants(number: usize) -> (Local, KeyArn) {
        let mut local = Local::single_region();
        let key = local.create_key();
        for index in 0..number {
            local.call(grant(key, if index % 2 == 0 { ALICE } else { BOB })).unwrap();
        }
        (local, key)
    }

    #[test]
    fn accounts_are_shown_in_the_partition_of_the_region() {
        let mut local = Local::regions(&["cn-north-1"]);
        let key = local.create_key();
        let root = "arn:aws-cn:iam::444455556666:root";
        local.call(grant(key, root)).unwrap();
        let of_root = Request { grantee_principal: Some(root.into()), ..Request::new(key) };
        let page = list(&mut local, of_root).unwrap();
        let entry = &page.grants.0[0];
        assert_eq!(entry.issuing_account.as_str(), "arn:aws-cn:iam::111122223333:root");
        assert_eq!(entry.grantee_principal, Some(root.into()));
    }

    #[test]
    fn pages_cover_every_grant_once_with_and_without_a_grantee() {
        let (mut local, key) = with_grants(10);
        let all = Request::new(key);
        let alice = Request { grantee_principal: Some(ALICE.into()), ..all.clone() };
        for (filter, expected) in [(all, 10), (alice, 5)] {
            let (mut ids, mut marker) = (Vec::new(), None);
            loop {
                let page = Request { limit: Some(Limit(3)), marker, ..filter.clone() };
                let page = list(&mut local, page).unwrap();
                assert_eq!(page.truncated, page.next_marker.is_some());
                ids.extend(page.grants.0.into_iter().map(|entry| entry.grant_id));
                marker = page.next_marker;
                if marker.is_none() {
                    break;
                }
            }
            assert!(ids.is_sorted());
            ids.dedup();
            assert_eq!(ids.len(), expected);
        }
    }

    #[test]
    fn a_page_has_fifty_grants_unless_said_and_a_hundred_at_most() {
        let (mut local, key) = with_grants(51);
        let page = list(&mut local, Request::new(key)).unwrap();
        assert_eq!((page.grants.0.len(), page.truncated), (50, true));
        let most = Request { limit: Some(Limit(100)), ..Request::new(key) };
        assert_eq!(list(&mut local, most).unwrap().grants.0.len(), 51);
        let more = Request { limit: Some(Limit(101)), ..Request::new(key) };
        assert_eq!(list(&mut local, more).unwrap_err().code, ErrorCode::Validation);
    }

    #[test]
    fn an_entry_tells_everything_but_the_token() {
        let (mut local, key) = with_grants(0);
        let constraints =
            GrantConstraints { source_arn: Some(TABLE.into()), ..GrantConstraints::default() };
        let request = create_grant::Request {
            grantee_principal: None,
            grantee_service_principal: Some(DYNAMODB.into()),
            retiring_principal: Some(BOB.into()),
            constraints: Some(constraints.clone()),
            name: Some("orders".into()),
            ..grant(key, ALICE)
        };
        local.call(request).unwrap();
        local.call(grant(key, ALICE)).unwrap();
        let page = list(&mut local, Request::new(key)).unwrap();
        let (named, nameless): (Vec<_>, Vec<_>) =
            page.grants.0.iter().partition(|entry| entry.name == "orders");
        assert_eq!(nameless[0].name, "");
        let entry = named[0];
        assert_eq!(entry.key_id, key);
        assert_eq!((&entry.grantee_principal, &entry.retiring_service_principal), (&None, &None));
        assert_eq!(entry.grantee_service_principal, Some(DYNAMODB.into()));
        assert_eq!(entry.retiring_principal, Some(BOB.into()));
        assert_eq!(entry.issuing_account.as_str(), "arn:aws:iam::111122223333:root");
        assert_eq!(entry.operations, [GrantOperation::parse("Decrypt").unwrap()]);
        assert_eq!(entry.constraints, Some(constraints));
        assert!(!GrantListEntry::MEMBERS.contains(&"GrantToken"));
    }

    #[test]
    fn one_grant_is_found_by_its_id_on_its_key() {
        let (mut local, key) = with_grants(3);
        let other = local.create_key();
        let second = list(&mut local, Request::new(key)).unwrap().grants.0.remove(1);
        let by_id = Request { grant_id: Some(second.grant_id.clone()), ..Request::new(key) };
        assert_eq!(list(&mut local, by_id).unwrap().grants.0, std::slice::from_ref(&second));
        for (key, id) in [(other, second.grant_id), (key, "abc".into())] {
            let bad = Request { grant_id: Some(id), ..Request::new(key) };
            assert_eq!(list(&mut local, bad).unwrap_err().code, ErrorCode::InvalidGrantId);
        }
    }

    #[test]
    fn a_filter_by_service_is_for_services() {
        let (mut local, key) = with_grants(1);
        let service = Some(ServicePrincipal::from(DYNAMODB));
        let request = Request { grantee_service_principal: service, ..Request::new(key) };
        assert_eq!(list(&mut local, request.clone()).unwrap_err().code, ErrorCode::Validation);
        let account = AccountId::new(111_122_223_333);
        let dynamodb = Arc::new(Caller::new(PrincipalArn::service(DYNAMODB, account)));
        let refused = local.call_as(&dynamodb, request).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied, "past validation, by the key policy");
    }

    #[test]
    fn a_marker_belongs_to_its_key_and_filter() {
        let (mut local, key) = with_grants(4);
        let first = Request { limit: Some(Limit(1)), ..Request::new(key) };
        let marker = list(&mut local, first).unwrap().next_marker;
        let grantee_principal = Some(ALICE.into());
        let wrong = Request { marker, grantee_principal, ..Request::new(key) };
        assert_eq!(list(&mut local, wrong).unwrap_err().code, ErrorCode::InvalidMarker);
    }

    #[test]
    fn a_dying_key_still_shows_its_grants() {
        let (mut local, key) = with_grants(1);
        let pending_window_in_days = None;
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(schedule).unwrap();
        assert_eq!(list(&mut local, Request::new(key)).unwrap().grants.0.len(), 1);
    }
}
