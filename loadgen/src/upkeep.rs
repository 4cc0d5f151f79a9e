//! What the clients of a load made and do not remember any more. The load parts with it while it runs, so
//! that a long one holds no more keys and grants than a short one, here and on an endpoint.
//!
//! It is counted and measured nowhere else: parting is no part of the schedule.

use kms_core::name::KeyArn;
use kms_core::ops::{Request, Response, revoke_grant, schedule_key_deletion};
use kms_core::wire::{GrantIdText, GrantToken, PendingWindowInDays};
use kms_core::{ErrorCode, Result};
use scenarios::{Planned, REMEMBERED, Who};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// How many keys, and how many grants, of a client stay in each of its workloads: half as many again as it
/// remembers, so that nothing is taken away that it may still use.
pub(crate) const KEPT: usize = REMEMBERED + REMEMBERED / 2;

/// The shortest waiting period in days (AWS KMS API, ScheduleKeyDeletion).
const SHORTEST: u32 = 7;

/// What a client has made in a workload, oldest first.
#[derive(Default)]
pub(crate) struct Made {
    keys: VecDeque<KeyArn>,
    /// Replicas, which go before the key that they are of.
    replicas: Vec<KeyArn>,
    grants: VecDeque<Given>,
}

/// A grant that a client has given.
struct Given {
    key: KeyArn,
    id: GrantIdText,
    /// Stands for the grant token, which is long.
    token: u64,
}

impl Made {
    /// Takes note of an answer. The requests part with what is too old by now.
    pub(crate) fn learn(&mut self, planned: &Planned, result: &Result<Response>) -> Vec<Planned> {
        match (&*planned.request, result) {
            (_, Ok(Response::CreateKey(made))) => self.key(made.key_metadata.arn),
            (_, Ok(Response::ReplicateKey(made))) => {
                self.replicas.push(made.replica_key_metadata.arn);
                Vec::new()
            }
            (Request::CreateGrant(_), Ok(Response::CreateGrant(made))) => {
                let given = planned.key().map(|key| Given {
                    key,
                    id: made.grant_id.clone(),
                    token: fingerprint(&made.grant_token),
                });
                given.and_then(|given| self.grant(given)).into_iter().collect()
            }
            (request, result) => {
                if settled(result) {
                    self.forget(request);
                }
                Vec::new()
            }
        }
    }

    fn key(&mut self, key: KeyArn) -> Vec<Planned> {
        self.keys.push_back(key);
        let Some(oldest) = too_old(&mut self.keys) else { return Vec::new() };
        let of_it = self.replicas.extract_if(.., |replica| replica.id == oldest.id);
        of_it.chain([oldest]).map(|key| by_admin(key, deletion(key))).collect()
    }

    fn grant(&mut self, given: Given) -> Option<Planned> {
        self.grants.push_back(given);
        let Given { key, id, .. } = too_old(&mut self.grants)?;
        Some(by_admin(key, revoke_grant::Request::new(key, id).into()))
    }

    /// A grant that the client has taken back itself.
    fn forget(&mut self, request: &Request) {
        match request {
            Request::RevokeGrant(gone) => self.grants.retain(|given| given.id != gone.grant_id),
            Request::RetireGrant(gone) => {
                let token = gone.grant_token.as_ref().map(fingerprint);
                let gone = |given: &Given| {
                    Some(given.token) == token || Some(&given.id) == gone.grant_id.as_ref()
                };
                self.grants.retain(|given| !gone(given));
            }
            _ => {}
        }
    }
}

/// The oldest of what was made, where there is too much.
fn too_old<T>(made: &mut VecDeque<T>) -> Option<T> {
    if made.len() > KEPT { made.pop_front() } else { None }
}

fn fingerprint(token: &GrantToken) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.as_str().hash(&mut hasher);
    hasher.finish()
}

fn by_admin(key: KeyArn, request: Request) -> Planned {
    let (region, account, request) = (key.region, key.account, Arc::new(request));
    Planned { region, account, caller: Who::Admin, service: None, request }
}

/// The request by which a load parts with a key; its aliases and grants go with it.
pub(crate) fn deletion(key: KeyArn) -> Request {
    let pending_window_in_days = Some(PendingWindowInDays(SHORTEST));
    schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days }.into()
}

/// Whether an answer means that something was parted with: it is gone, or on its way.
pub(crate) fn settled(answer: &Result<Response>) -> bool {
    let gone = [ErrorCode::NotFound, ErrorCode::KmsInvalidState, ErrorCode::InvalidGrantId];
    answer.as_ref().err().is_none_or(|error| gone.contains(&error.code))
}
