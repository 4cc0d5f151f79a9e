//! ListRetirableGrants: the grants that a principal may retire because they name it as the retiring
//! one, on whichever keys of the Region and in whichever account.

use super::Info;
use super::create_grant::party;
use super::list_grants::{GrantListEntry, entry};
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::{GrantId, PrincipalKind};
use crate::page::{self, PageSize};
use crate::policy::Party;
use crate::step::Next;
use crate::wire::{Limit, Listed, Marker, PrincipalText, ServicePrincipal};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidMarker,
        ErrorCode::InvalidArn,
        ErrorCode::NotFound,
        ErrorCode::KmsInternal,
    ],
};

const PAGE: PageSize = PageSize { default: 50, most: 100 };

crate::shape! {
    /// Whose grants, and which page.
    #[derive(Default)]
    pub struct Request {
        /// How many grants.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
        /// The retiring principal, of the caller's account.
        retiring_principal: Option<PrincipalText> = "RetiringPrincipal",
        /// The retiring service; for services alone.
        retiring_service_principal: Option<ServicePrincipal> = "RetiringServicePrincipal",
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

impl Request {
    /// The first page of the grants that a principal may retire.
    pub fn new(principal: &str) -> Request {
        Request { retiring_principal: Some(principal.into()), ..Request::default() }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let retiring = retiring(&checks, request)?;
    checks.retiring_party(&retiring)?;
    let list = format!("ListRetirableGrants {retiring}");
    let after = page::position(request.marker.as_ref(), &list, GrantId::parse)?;
    let state = checks.state();
    let grants = state.retirable_after(&retiring, after.as_ref());
    let grants = grants.filter_map(|grant| Some((state.key(grant.key)?.0.arn, grant)));
    let page = page::take(grants, size, &list, |(_, grant)| grant.id.to_string());
    let entries = page.items.into_iter().map(|(key, grant)| entry(key, grant));
    let response = Response {
        grants: Listed(entries.collect()),
        truncated: page.next.is_some(),
        next_marker: page.next,
    };
    checks.pass(false)?.done(response)
}

/// The one party the request names.
fn retiring(checks: &Checks<'_, '_>, request: &Request) -> Result<Party> {
    let service = request.retiring_service_principal.as_ref();
    if service.is_some() && checks.call().caller.principal.kind() != PrincipalKind::Service {
        return Err(ErrorCode::Validation
            .says("Only an AWS service can list grants by RetiringServicePrincipal."));
    }
    let role = ("Retiring", checks.region().partition());
    party(role, request.retiring_principal.as_ref(), service)?.ok_or_else(|| {
        ErrorCode::Validation
            .says("You must specify either RetiringPrincipal or RetiringServicePrincipal.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{AccountId, KeyArn, PrincipalArn};
    use crate::ops::create_grant::GrantConstraints;
    use crate::ops::{Response as Any, create_grant, retire_grant, schedule_key_deletion};
    use crate::policy::{GrantOperation, Policy, PolicyKind};
    use std::sync::Arc;

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
    const BOB: &str = "arn:aws:iam::111122223333:user/bob";
    const DYNAMODB: &str = "dynamodb.us-east-1.amazonaws.com";

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListRetirableGrants(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn grant(key: KeyArn, retiring: &str) -> create_grant::Request {
        let grantee = "arn:aws:iam::444455556666:role/worker";
        create_grant::Request {
            retiring_principal: Some(retiring.into()),
            ..create_grant::Request::new(key, grantee, GrantOperation::parse("Decrypt"))
        }
    }

    fn with_grants(number: usize) -> (Local, [KeyArn; 2]) {
        let mut local = Local::single_region();
        let keys = [local.create_key(), local.create_key()];
        for index in 0..number {
            local.call(grant(keys[index % 2], ALICE)).unwrap();
            local.call(grant(keys[index % 2], BOB)).unwrap();
        }
        (local, keys)
    }

    #[test]
    fn pages_cover_the_grants_of_every_key_once_and_no_others() {
        let (mut local, keys) = with_grants(5);
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let page = Request { limit: Some(Limit(2)), marker, ..Request::new(ALICE) };
            let page = list(&mut local, page).unwrap();
            assert_eq!(page.truncated, page.next_marker.is_some());
            seen.extend(page.grants.0);
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|a, b| a.grant_id < b.grant_id));
        assert!(seen.iter().all(|entry| entry.retiring_principal == Some(ALICE.into())));
        assert!(keys.iter().all(|key| seen.iter().any(|entry| entry.key_id == *key)));
    }

    #[test]
    fn a_grant_that_is_retired_or_whose_key_is_deleted_is_no_longer_listed() {
        let (mut local, [first, second]) = with_grants(2);
        let page = list(&mut local, Request::new(ALICE)).unwrap();
        let of_first = page.grants.0.iter().find(|entry| entry.key_id == first).unwrap();
        let retire = retire_grant::Request {
            key_id: Some(first.into()),
            grant_id: Some(of_first.grant_id.clone()),
            ..Default::default()
        };
        local.call(retire).unwrap();
        let rest = list(&mut local, Request::new(ALICE)).unwrap().grants.0;
        assert_eq!(rest.iter().map(|entry| entry.key_id).collect::<Vec<_>>(), [second]);
        let schedule =
            schedule_key_deletion::Request { key_id: second.into(), pending_window_in_days: None };
        local.call(schedule).unwrap();
        assert_eq!(list(&mut local, Request::new(ALICE)).unwrap().grants.0.len(), 1);
        local.advance(32 * crate::key::DAY);
        assert_eq!(list(&mut local, Request::new(ALICE)).unwrap().grants.0, []);
        assert_eq!(list(&mut local, Request::new(BOB)).unwrap().grants.0.len(), 1);
    }

    #[test]
    fn exactly_one_party_is_named_and_services_name_services() {
        let (mut local, _) = with_grants(0);
        let service = Some(ServicePrincipal::from(DYNAMODB));
        let both = Request { retiring_service_principal: service.clone(), ..Request::new(ALICE) };
        let by_service = Request { retiring_service_principal: service, ..Request::default() };
        for bad in [Request::default(), both, by_service.clone()] {
            assert_eq!(list(&mut local, bad).unwrap_err().code, ErrorCode::Validation);
        }
        let bad = list(&mut local, Request::new("alice")).unwrap_err();
        assert_eq!(bad.code, ErrorCode::InvalidArn);
    }

    #[test]
    fn a_service_sees_the_grants_that_name_it() {
        let (mut local, [key, _]) = with_grants(1);
        let constraints = GrantConstraints {
            source_arn: Some("arn:aws:dynamodb:us-east-1:111122223333:table/orders".into()),
            ..GrantConstraints::default()
        };
        let to_service = create_grant::Request {
            grantee_principal: None,
            grantee_service_principal: Some(DYNAMODB.into()),
            retiring_principal: None,
            retiring_service_principal: Some(DYNAMODB.into()),
            constraints: Some(constraints),
            ..grant(key, ALICE)
        };
        local.call(to_service).unwrap();
        let service = PrincipalArn::service(DYNAMODB, AccountId::new(111_122_223_333));
        let request =
            Request { retiring_service_principal: Some(DYNAMODB.into()), ..Request::default() };
        let other = Request {
            retiring_service_principal: Some("ec2.us-east-1.amazonaws.com".into()),
            ..Request::default()
        };
        let service = Arc::new(Caller::new(service));
        let Any::ListRetirableGrants(page) = local.call_as(&service, request).unwrap() else {
            panic!()
        };
        assert_eq!(page.grants.0.len(), 1);
        let error = local.call_as(&service, other).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied, "a service lists its own");
    }

    #[test]
    fn the_caller_needs_iam_and_a_principal_of_its_account() {
        let (mut local, _) = with_grants(1);
        let alice = PrincipalArn::parse(ALICE).unwrap();
        let nobody = Arc::new(Caller::new(alice.clone()));
        let error = local.call_as(&nobody, Request::new(ALICE)).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        let policy = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "kms:ListRetirableGrants",
                "Resource": "{ALICE}"}}}}"#
        );
        let policy = Policy::parse(&policy, PolicyKind::Identity).unwrap();
        let allowed = Arc::new(Caller::new(alice).with_policy(Arc::new(policy)));
        local.call_as(&allowed, Request::new(ALICE)).unwrap();
        for other in [BOB, "arn:aws:iam::444455556666:user/alice"] {
            let error = local.call_as(&allowed, Request::new(other)).unwrap_err();
            assert_eq!(error.code, ErrorCode::AccessDenied, "{other}");
        }
        let foreign = list(&mut local, Request::new("arn:aws:iam::444455556666:user/alice"));
        assert_eq!(foreign.unwrap_err().code, ErrorCode::AccessDenied);
    }

    #[test]
    fn a_marker_belongs_to_its_principal() {
        let (mut local, _) = with_grants(2);
        let first = Request { limit: Some(Limit(1)), ..Request::new(ALICE) };
        let marker = list(&mut local, first).unwrap().next_marker;
        let wrong = Request { marker, ..Request::new(BOB) };
        assert_eq!(list(&mut local, wrong).unwrap_err().code, ErrorCode::InvalidMarker);
    }
}
