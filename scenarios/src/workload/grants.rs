//! Grants: given, used at once with their token or later without, taken back.

use kms_core::ErrorCode;
use kms_core::ciphertext::EncryptionContext;
use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, create_grant, generate_data_key_without_plaintext, list_grants,
    retire_grant, revoke_grant,
};
use kms_core::policy::GrantOperation;
use kms_core::wire::{GrantIdText, GrantName, GrantToken, GrantTokens, KeyRef};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned, WORKERS, Who};
use super::ring::Ring;
use super::seat::{NewKey, Seat};
use super::weights::mix;
use super::weights::pick;
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Create grants, use them with and without their grant token, retire and revoke them.
#[derive(Debug, Clone, PartialEq)]
pub struct Grants {
    /// Weight: createGrant.
    pub create: u32,
    /// Weight: a cryptographic call that only the grant allows.
    pub use_grant: u32,
    /// Weight: listGrants.
    pub list: u32,
    /// Weight: retireGrant.
    pub retire: u32,
    /// Weight: revokeGrant.
    pub revoke: u32,
    /// The share of uses that carry the grant token.
    pub token_share: Probability,
    /// The share of grants with an encryption context constraint.
    pub constraint_share: Probability,
    /// The share of uses that ask for what the grant does not permit.
    pub overreach_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "grants",
    doc: "Create grants, use them with and without their grant token, retire and revoke them.",
    read: |reader| WorkloadKind::Grants(Grants::read(reader)),
};

impl Grants {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [create, use_grant, list, retire, revoke] = mix(
            reader,
            [
                ("create", 2, "CreateGrant."),
                ("use_grant", 6, "A cryptographic call that only the grant allows."),
                ("list", 1, "ListGrants."),
                ("retire", 1, "RetireGrant."),
                ("revoke", 1, "RevokeGrant."),
            ],
        );
        Self {
            create,
            use_grant,
            list,
            retire,
            revoke,
            token_share: reader.or(
                "token_share",
                &PROBABILITY,
                0.5,
                "The share of uses that carry the grant token.",
            ),
            constraint_share: reader.or(
                "constraint_share",
                &PROBABILITY,
                0.25,
                "The share of grants with an encryption context constraint.",
            ),
            overreach_share: reader.or(
                "overreach_share",
                &PROBABILITY,
                0.0,
                "The share of uses that ask for what the grant does not permit.",
            ),
        }
    }
}

/// The plaintexts are short: it is who encrypts them that matters.
const PLAINTEXT: usize = 32;
/// The share of grants with a name, which makes their request repeatable.
const NAMED_SHARE: f64 = 0.5;
/// The share of retirements that a worker makes with the grant token; the others name the grant.
const RETIRED_BY_TOKEN: f64 = 0.5;

/// One client: an administrator and a worker that has only what grants give it.
pub(super) struct Client {
    parameters: Grants,
    seat: Seat,
    worker: u32,
    operations: Vec<GrantOperation>,
    grants: Ring<Grant>,
    named: u64,
}

/// A grant the client made.
#[derive(Debug, Clone)]
struct Grant {
    key: KeyArn,
    id: GrantIdText,
    token: GrantToken,
    /// The context it is bound to.
    context: Option<EncryptionContext>,
}

impl Client {
    pub(super) fn new(parameters: &Grants, seat: Seat) -> Client {
        let names = ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "RetireGrant"];
        Client {
            parameters: parameters.clone(),
            worker: seat.number % WORKERS,
            seat,
            operations: names.into_iter().filter_map(GrantOperation::parse).collect(),
            grants: Ring::default(),
            named: 0,
        }
    }

    fn create(&mut self, key: KeyArn, draw: &mut dyn Draw) -> Planned {
        let worker = Who::Worker(self.worker).arn(self.seat.account);
        let mut request = create_grant::Request::new(key, &worker, self.operations.iter().copied());
        if draw.chance(self.parameters.constraint_share.get()) {
            request.constraints = Some(create_grant::GrantConstraints {
                encryption_context_equals: Some(self.seat.context(draw).pairs().clone()),
                ..create_grant::GrantConstraints::default()
            });
        }
        if draw.chance(NAMED_SHARE) {
            self.named += 1;
            let name = format!("client-{}-{}", self.seat.number, self.named);
            request.name = Some(GrantName::from(name));
        }
        self.seat.admin(request)
    }

    /// A call of the worker. It fits the grant's constraint, and is one that the grant allows or only
    /// that it does not; without the token, the grant may not have reached the host.
    fn use_grant(&self, grant: &Grant, draw: &mut dyn Draw) -> Planned {
        let with_token = draw.chance(self.parameters.token_share.get());
        let tokens = with_token.then(|| grant.token.clone()).into_iter().collect();
        let grant_tokens = GrantTokens(tokens);
        if draw.chance(self.parameters.overreach_share.get()) {
            let request = generate_data_key_without_plaintext::Request {
                grant_tokens,
                encryption_context: grant.context.clone().unwrap_or_default(),
                ..generate_data_key_without_plaintext::Request::new(grant.key)
            };
            return self.seat.worker(self.worker, request);
        }
        let mut request = self.seat.encrypt(grant.key, PLAINTEXT, draw);
        if let Some(context) = &grant.context {
            request.encryption_context = context.clone();
        }
        request.grant_tokens = grant_tokens;
        self.seat.worker(self.worker, request)
    }

    fn retire(&self, grant: &Grant, draw: &mut dyn Draw) -> Planned {
        let mut request = retire_grant::Request {
            grant_token: None,
            key_id: None,
            grant_id: None,
            dry_run: false,
        };
        if draw.chance(RETIRED_BY_TOKEN) {
            request.grant_token = Some(grant.token.clone());
            return self.seat.worker(self.worker, request);
        }
        request.key_id = Some(grant.key.into());
        request.grant_id = Some(grant.id.clone());
        self.seat.admin(request)
    }

    fn remember(
        &mut self,
        asked: &create_grant::Request,
        got: &create_grant::Response,
        key: KeyArn,
    ) {
        let constraints = asked.constraints.as_ref();
        let pairs = constraints.and_then(|c| c.encryption_context_equals.clone());
        let (id, token) = (got.grant_id.clone(), got.grant_token.clone());
        self.grants.push(Grant { key, id, token, context: pairs.map(EncryptionContext::new) });
    }

    /// A grant that is taken back, or turns out to be, is not used again.
    fn forget(&mut self, request: &Request) {
        match request {
            Request::RetireGrant(gone) => self.grants.retain(|grant| {
                Some(&grant.token) != gone.grant_token.as_ref()
                    && Some(&grant.id) != gone.grant_id.as_ref()
            }),
            Request::RevokeGrant(gone) => self.grants.retain(|grant| grant.id != gone.grant_id),
            _ => {}
        }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let p = &self.parameters;
        let weights = [p.create, p.list, p.use_grant, p.retire, p.revoke];
        let action = pick(weights, moment.draw);
        if action >= 2
            && let Some(grant) = self.grants.pick(moment.draw)
        {
            return match action {
                2 => self.use_grant(grant, moment.draw),
                3 => self.retire(grant, moment.draw),
                _ => {
                    let request = revoke_grant::Request::new(grant.key, grant.id.clone());
                    self.seat.admin(request)
                }
            };
        }
        match self.seat.key(moment.draw) {
            None => self.seat.create_key(NewKey::SingleRegion),
            Some(key) if action == 1 => {
                self.seat.admin(list_grants::Request::new(KeyRef::from(key)))
            }
            Some(key) => self.create(key, moment.draw),
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
        match (&*planned.request, result) {
            (Request::CreateGrant(asked), Ok(Response::CreateGrant(got))) => {
                if let Some(key) = planned.key() {
                    self.remember(asked, got, key);
                }
            }
            (request, Ok(_)) => self.forget(request),
            (request, Err(error)) => {
                if matches!(error.code, ErrorCode::InvalidGrantId | ErrorCode::NotFound) {
                    self.forget(request);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use super::*;

    fn used(settings: &str) -> Vec<(bool, bool)> {
        let run = Run::of("grants", settings, 300);
        run.uses(&["CreateGrant", "Encrypt", "ListGrants", "RetireGrant", "RevokeGrant"]);
        let uses = run.calls.iter().filter_map(|(planned, result)| match &*planned.request {
            Request::Encrypt(request) => Some((!request.grant_tokens.is_empty(), result.is_ok())),
            _ => None,
        });
        uses.collect()
    }

    #[test]
    fn what_a_grant_does_not_permit_is_asked_for_where_that_is_wanted() {
        let run = Run::of("grants", "overreach_share = 0.5\nconstraint_share = 1.0", 300);
        let asked = run.calls.iter().filter_map(|(planned, result)| match &*planned.request {
            Request::GenerateDataKeyWithoutPlaintext(request) => Some((request, result.is_ok())),
            _ => None,
        });
        let asked: Vec<_> = asked.collect();
        assert!(asked.len() > 20 && asked.iter().all(|(_, allowed)| !allowed), "{asked:?}");
        let fits = |request: &generate_data_key_without_plaintext::Request| {
            !request.encryption_context.pairs().is_empty()
        };
        assert!(asked.iter().all(|(request, _)| fits(request)), "nothing else forbids it");
    }

    #[test]
    fn workers_use_grants_with_and_without_their_token() {
        let used = used("");
        assert!(used.iter().all(|(_, allowed)| *allowed), "every use is granted");
        assert!(used.iter().any(|(token, _)| *token) && used.iter().any(|(token, _)| !*token));
    }

    #[test]
    fn constrained_grants_are_used_in_their_context() {
        assert!(used("constraint_share = 1.0").iter().all(|(_, allowed)| *allowed));
    }
}
