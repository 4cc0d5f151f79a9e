//! Where a grant is found, so that a key with 50,000 grants is looked up like one with ten.
//!
//! Grants are filed by grantee, then by the operations they permit, then by their constraints. A
//! request looks only under constraints that it can meet: none, exactly its encryption context, or a
//! part of it. Entries are hashes of names, so a shelf may hold a grant that does not fit after all;
//! whoever takes it from there still asks the grant itself.

use crate::name::{GrantId, PrincipalArn, entry_of};
use crate::policy::context::Pairs;
use crate::policy::{Action, ContextConstraint, Grant, GrantOperations, Party, RequestContext};
use crate::table::FixedHasher;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// The grants of a key.
#[derive(Default)]
pub(crate) struct GrantIndex {
    grantees: BTreeMap<u64, Vec<Shelf>>,
}

/// The grants of a grantee that permit the same operations.
struct Shelf {
    operations: GrantOperations,
    grants: BTreeSet<Filed>,
    /// How many of them have a constraint of that kind and number of pairs; what there is none of
    /// is not looked for.
    constraints: [u32; 2 * SIZES + 1],
}

/// The different numbers of pairs that are told apart; none is a number.
const SIZES: usize = MOST_PAIRS + 1;

/// The constraint on the encryption context, the constraint on the source ARN, the grant.
type Filed = (u64, u64, GrantId);

const FIRST: GrantId = GrantId([0; 32]);
const LAST: GrantId = GrantId([255; 32]);

/// Parts of an encryption context of more pairs than this are not looked for one by one.
const MOST_PAIRS: usize = 6;

impl GrantIndex {
    /// Whether there is no grant.
    pub(crate) fn is_empty(&self) -> bool {
        self.grantees.is_empty()
    }

    /// Files a grant.
    pub(crate) fn insert(&mut self, grant: &Grant) {
        let shelves = self.grantees.entry(entry(&grant.grantee)).or_default();
        let operations = grant.terms.operations;
        let at = match shelves.iter().position(|shelf| shelf.operations == operations) {
            Some(at) => at,
            None => {
                let (grants, constraints) = (BTreeSet::new(), [0; 2 * SIZES + 1]);
                shelves.push(Shelf { operations, grants, constraints });
                shelves.len() - 1
            }
        };
        let shelf = &mut shelves[at];
        if shelf.grants.insert(filed(grant)) {
            shelf.constraints[shape_of(&grant.terms.context)] += 1;
        }
    }

    /// Takes a grant out.
    pub(crate) fn remove(&mut self, grant: &Grant) {
        let grantee = entry(&grant.grantee);
        let Some(shelves) = self.grantees.get_mut(&grantee) else { return };
        for shelf in shelves.iter_mut().filter(|shelf| shelf.operations == grant.terms.operations) {
            if shelf.grants.remove(&filed(grant)) {
                shelf.constraints[shape_of(&grant.terms.context)] -= 1;
            }
        }
        shelves.retain(|shelf| !shelf.grants.is_empty());
        if shelves.is_empty() {
            self.grantees.remove(&grantee);
        }
    }

    /// Every grant.
    pub(crate) fn ids(&self) -> impl Iterator<Item = GrantId> {
        self.grantees.values().flatten().flat_map(|shelf| &shelf.grants).map(|(_, _, id)| *id)
    }

    /// The grants that may permit a request.
    pub(crate) fn candidates<'i>(
        &'i self,
        wanted: &'i GrantQuery<'i>,
    ) -> impl Iterator<Item = GrantId> + use<'i> {
        let fitting = self.shelves(wanted).filter(|shelf| shelf.operations.permit(wanted.action));
        fitting.flat_map(|shelf| shelf.candidates(wanted))
    }

    /// A few grants to the caller that a refusal may name: of those that permit the operation, or of
    /// all.
    pub(crate) fn nearest<'i>(
        &'i self,
        wanted: &'i GrantQuery<'i>,
    ) -> impl Iterator<Item = GrantId> + use<'i> {
        let permits = |shelf: &&Shelf| shelf.operations.permit(wanted.action);
        let right = self.shelves(wanted).filter(permits);
        first_of(right).chain(first_of(self.shelves(wanted)))
    }

    fn shelves<'i>(&'i self, wanted: &GrantQuery<'_>) -> impl Iterator<Item = &'i Shelf> {
        let entries = wanted.principal.entries().into_iter().flatten();
        entries.filter_map(|entry| self.grantees.get(&entry)).flatten()
    }
}

/// A few of the first grants there are: the very first may not be in force.
fn first_of<'i>(shelves: impl Iterator<Item = &'i Shelf>) -> impl Iterator<Item = GrantId> {
    shelves.flat_map(|shelf| shelf.grants.iter().take(8)).map(|(_, _, id)| *id).take(8)
}

impl Shelf {
    fn candidates<'i>(
        &'i self,
        wanted: &'i GrantQuery<'i>,
    ) -> impl Iterator<Item = GrantId> + use<'i> {
        wanted
            .constraints(&self.constraints)
            .flat_map(move |(from, to)| self.grants.range(from..=to))
            .map(|(_, _, id)| *id)
    }
}

/// What a request looks for.
pub(crate) struct GrantQuery<'a> {
    principal: &'a PrincipalArn,
    action: Action,
    /// Whether a constraint on the encryption context counts.
    heeds_context: bool,
    /// The pairs that it is held against.
    pairs: Option<&'a Pairs>,
    /// When an AWS service makes the request: its source ARN, or the absence of one.
    source: Option<Option<&'a str>>,
}

/// The hashes of the pairs of a request, if they are few.
struct Hashed {
    pairs: [u64; MOST_PAIRS],
    count: usize,
    too_many: bool,
}

impl<'a> GrantQuery<'a> {
    /// What this request looks for.
    pub(crate) fn new(principal: &'a PrincipalArn, context: &RequestContext<'a>) -> GrantQuery<'a> {
        let action = context.action();
        let (heeds_context, pairs) = match (action, context.grant) {
            // A child's constraint has to hold all of its parent's pairs.
            (Action::CreateGrant, Some(child)) => (true, child.terms.context.pairs()),
            _ => (Grant::heeds_encryption_context(action), context.encryption_context),
        };
        GrantQuery { principal, action, heeds_context, pairs, source: context.service_source() }
    }

    /// The ranges of entries under which a grant may stand that the request meets, of the shapes
    /// that there are.
    fn constraints<'i>(&'i self, there: &'i [u32]) -> impl Iterator<Item = (Filed, Filed)> + 'i {
        let hashed = self.heeds_context.then(|| Hashed::new(self.pairs));
        let contexts = hashed.filter(|hashed| !hashed.too_many);
        let everything = contexts.is_none().then_some((0, u64::MAX));
        let parts = contexts.into_iter().flat_map(|hashed| hashed.parts(there));
        let one_by_one = parts.map(|context| (context, context));
        everything.into_iter().chain(one_by_one).flat_map(|contexts| self.sources(contexts))
    }

    /// The entries for these constraints on the context and a source the request has.
    fn sources(&self, (from, to): (u64, u64)) -> impl Iterator<Item = (Filed, Filed)> + use<> {
        let whole = ((from, 0, FIRST), (to, u64::MAX, LAST));
        let of = move |source: u64| ((from, source, FIRST), (to, source, LAST));
        let ranges = match self.source {
            Some(arn) if from == to => [Some(of(NONE)), arn.map(entry_of).map(of)],
            _ => [Some(whole), None],
        };
        ranges.into_iter().flatten()
    }
}

const NONE: u64 = 0;

impl Hashed {
    fn new(pairs: Option<&Pairs>) -> Hashed {
        let mut hashed = Hashed { pairs: [0; MOST_PAIRS], count: 0, too_many: false };
        for (key, value) in pairs.into_iter().flatten() {
            match hashed.pairs.get_mut(hashed.count) {
                Some(slot) => *slot = hash_of(&(key, value)),
                None => hashed.too_many = true,
            }
            hashed.count += 1;
        }
        hashed
    }

    /// The entries of the constraints that these pairs meet: none, all of them, and every part.
    fn parts(self, there: &[u32]) -> impl Iterator<Item = u64> {
        let Hashed { pairs, count, .. } = self;
        let all = (1_u32 << count) - 1;
        let none = (there[0] > 0).then_some(NONE);
        let equals = there[shape(EQUALS, count)] > 0;
        let equals = equals.then(|| constraint(EQUALS, sum(&pairs, all)));
        let any_part = there[shape(SUBSET, 0)..].iter().any(|grants| *grants > 0);
        let parts = any_part.then_some(0..=all).into_iter().flatten();
        let parts = parts.filter(|part| there[shape(SUBSET, part.count_ones() as usize)] > 0);
        let parts = parts.map(move |part| constraint(SUBSET, sum(&pairs, part)));
        none.into_iter().chain(equals).chain(parts)
    }
}

/// Where constraints of that kind and number of pairs are counted.
fn shape(kind: u64, pairs: usize) -> usize {
    let first = if kind == EQUALS { 1 } else { 1 + SIZES };
    first + pairs.min(MOST_PAIRS)
}

fn shape_of(constraint: &ContextConstraint) -> usize {
    match constraint {
        ContextConstraint::None => 0,
        ContextConstraint::Equals(pairs) => shape(EQUALS, pairs.len()),
        ContextConstraint::Subset(pairs) => shape(SUBSET, pairs.len()),
    }
}

/// The chosen pairs together, in whatever order.
fn sum(pairs: &[u64; MOST_PAIRS], chosen: u32) -> u64 {
    let chosen = pairs.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
    chosen.map(|(_, hash)| *hash).fold(0, u64::wrapping_add)
}

const EQUALS: u64 = 1;
const SUBSET: u64 = 2;

/// The entry of a constraint on pairs with this sum.
fn constraint(kind: u64, pairs: u64) -> u64 {
    hash_of(&(kind, pairs)).max(1)
}

fn filed(grant: &Grant) -> Filed {
    let sum = |pairs: &Pairs| pairs.iter().map(|pair| hash_of(&pair)).fold(0, u64::wrapping_add);
    let context = match &grant.terms.context {
        ContextConstraint::None => NONE,
        ContextConstraint::Equals(all) => constraint(EQUALS, sum(all)),
        ContextConstraint::Subset(some) => constraint(SUBSET, sum(some)),
    };
    let source = grant.terms.source_arn.as_deref().map_or(NONE, entry_of);
    (context, source, grant.id)
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = FixedHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What grants to this party are filed under.
fn entry(party: &Party) -> u64 {
    match party {
        Party::Service(host) => entry_of(host),
        Party::Principal(arn) => arn.entry(),
    }
}

/// What makes two requests with the same grant name the same request: every parameter of it. A grant
/// without a name has none, because every such request makes a grant of its own.
pub(crate) fn fingerprint(grant: &Grant) -> Option<[u8; 16]> {
    let name = grant.name.as_ref()?;
    let text = format!("{name:?}{:?}{:?}{:?}", grant.grantee, grant.retiring, grant.terms);
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Call, Caller, CallingService, NetworkPath, RequestId, Timestamp};
    use crate::name::{AccountId, KeyId};
    use crate::policy::{GrantOperation, GrantTerms};
    use std::sync::Arc;
    use std::time::Duration;

    fn principal(text: &str) -> PrincipalArn {
        PrincipalArn::parse(&format!("arn:aws:{text}")).unwrap()
    }

    fn pairs(text: &str) -> Pairs {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn grant(number: u32, grantee: Party, operation: &str, context: ContextConstraint) -> Grant {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let operations = GrantOperation::parse(operation).into_iter().collect();
        Grant {
            id: GrantId(id),
            key: KeyId::single_region([0; 16]),
            grantee,
            retiring: None,
            terms: GrantTerms { operations, context, source_arn: None },
            name: None,
            issuer: principal("iam::111122223333:root"),
            created: Timestamp::EPOCH,
        }
    }

    fn call(caller: PrincipalArn) -> Call {
        Call {
            request_id: RequestId(1),
            caller: Arc::new(Caller::new(caller)),
            service: None,
            network: NetworkPath::default(),
            now: Timestamp::EPOCH,
            monotonic: Duration::ZERO,
            decision: 0,
            caught_up: true,
        }
    }

    /// How many grants are looked at, and whether one of them permits.
    fn asked(index: &GrantIndex, grants: &[Grant], call: &Call, context: &str) -> (usize, bool) {
        let pairs = pairs(context);
        let mut request = RequestContext::new(call, Action::Decrypt);
        request.encryption_context = Some(&pairs);
        let query = GrantQuery::new(&call.caller.principal, &request);
        let found: Vec<GrantId> = index.candidates(&query).chain(index.nearest(&query)).collect();
        let permits = |id: &GrantId| {
            let grant = grants.iter().find(|grant| grant.id == *id).unwrap();
            grant.permits(&call.caller.principal, Action::Decrypt, &request).is_ok()
        };
        (found.len(), found.iter().any(permits))
    }

    #[test]
    fn of_fifty_thousand_grants_a_handful_is_looked_at() {
        let role = Party::Principal(principal("iam::111122223333:role/team/app"));
        let grants: Vec<Grant> = (0..50_000)
            .map(|number| {
                let pairs = Arc::new(pairs(&format!("volume={number},account=7")));
                let context = match number % 2 {
                    0 => ContextConstraint::Equals(pairs),
                    _ => ContextConstraint::Subset(pairs),
                };
                grant(number, role.clone(), "Decrypt", context)
            })
            .collect();
        let mut index = GrantIndex::default();
        grants.iter().for_each(|grant| index.insert(grant));
        let session = call(principal("sts::111122223333:assumed-role/app/i-1"));
        for (context, permitted) in [
            ("volume=7,account=7", true),
            ("volume=8,account=7", true),
            ("volume=7,account=7,more=1", true),
            ("volume=8,account=7,more=1", false),
            ("volume=7", false),
            ("", false),
        ] {
            let (looked_at, permits) = asked(&index, &grants, &session, context);
            assert_eq!(permits, permitted, "{context}");
            assert!(looked_at < 20, "{context}: {looked_at}");
        }
        grants.iter().for_each(|grant| index.remove(grant));
        assert!(index.is_empty());
    }

    #[test]
    fn a_grantee_is_found_as_itself_as_a_role_and_as_an_account() {
        let named = ["iam::111122223333:role/path/app", "iam::111122223333:root"];
        let session = principal("sts::111122223333:assumed-role/app/i-1");
        for grantee in named.map(principal).into_iter().chain([session.clone()]) {
            let mut index = GrantIndex::default();
            let grants = [grant(1, Party::Principal(grantee), "Decrypt", ContextConstraint::None)];
            index.insert(&grants[0]);
            assert!(asked(&index, &grants, &call(session.clone()), "a=1").1, "{:?}", grants[0]);
            let other = principal("iam::999999999999:role/app");
            assert!(!asked(&index, &grants, &call(other), "a=1").1);
        }
    }

    #[test]
    fn a_service_finds_the_grants_for_its_resource() {
        let host = "dynamodb.us-east-1.amazonaws.com";
        let account = AccountId::new(111_122_223_333);
        let grants: Vec<Grant> = (0..1_000)
            .map(|number| {
                let party = Party::Service(host.into());
                let mut grant = grant(number, party, "Decrypt", ContextConstraint::None);
                grant.terms.source_arn = Some(format!("arn:aws:dynamodb:::t/{number}").into());
                grant
            })
            .collect();
        let mut index = GrantIndex::default();
        grants.iter().for_each(|grant| index.insert(grant));
        let mut call = call(PrincipalArn::service(host, account));
        for (source, permitted) in [("arn:aws:dynamodb:::t/7", true), ("arn:aws:s3:::b", false)] {
            call.service = Some(CallingService {
                via: host.into(),
                source_arn: Some(source.into()),
                source_account: None,
                source_organization: None,
            });
            let (looked_at, permits) = asked(&index, &grants, &call, "");
            assert_eq!(permits, permitted, "{source}");
            assert!(looked_at < 20, "{looked_at}");
        }
    }

    #[test]
    fn a_context_of_many_pairs_is_still_found() {
        let role = principal("iam::111122223333:role/app");
        let many = "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8";
        for context in [
            ContextConstraint::Equals(Arc::new(pairs(many))),
            ContextConstraint::Subset(Arc::new(pairs("h=8"))),
        ] {
            let grants = [grant(1, Party::Principal(role.clone()), "Decrypt", context)];
            let mut index = GrantIndex::default();
            index.insert(&grants[0]);
            assert!(asked(&index, &grants, &call(role.clone()), many).1);
        }
    }
}
