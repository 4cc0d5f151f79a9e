//! The public part of a domain's state, and the changes a quorum may make to it.

use super::MemberKey;
use super::canon::Canon;
use super::identity::{Member, Standing};
use super::quorum::{Operator, OrderKind, Rule, Rules};
use super::signing::VerifyingKey;
use crate::hsm::Fault;
use crate::name::RegionName;
use std::collections::{BTreeMap, BTreeSet};

/// The most HSMs, operators and Regions a domain may have: a limit on everything.
const MOST: usize = 256;

/// Who belongs to a domain, who commands it, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charter {
    /// The Region whose domain it is.
    pub region: RegionName,
    /// The HSMs, by agreement key.
    pub members: BTreeMap<MemberKey, Member>,
    /// The operators.
    pub operators: BTreeSet<Operator>,
    /// What they may do.
    pub rules: Rules,
    /// The replication signing keys of the Regions, this one's among them.
    pub regions: BTreeMap<RegionName, VerifyingKey>,
}

/// One change of a charter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainChange {
    /// An HSM becomes a member.
    Admit(Member),
    /// An HSM is a member no more; what it holds in memory it keeps until it leaves or is reset.
    Expel(MemberKey),
    /// Somebody becomes an operator.
    Appoint(Operator),
    /// Somebody is an operator no more.
    Dismiss(VerifyingKey),
    /// Another rule for a kind of command.
    SetRule(OrderKind, Rule),
    /// The replication signing key of a Region.
    Trust(RegionName, VerifyingKey),
}

impl DomainChange {
    /// Which quorum it takes.
    pub fn kind(&self) -> OrderKind {
        match self {
            DomainChange::Admit(_) | DomainChange::Expel(_) => OrderKind::ModifyMembers,
            DomainChange::Appoint(_) | DomainChange::Dismiss(_) => OrderKind::ModifyOperators,
            DomainChange::SetRule(..) => OrderKind::ModifyRules,
            DomainChange::Trust(..) => OrderKind::TrustRegion,
        }
    }

    /// What is signed for it.
    pub(super) fn write(&self, canon: Canon) -> Canon {
        match self {
            DomainChange::Admit(member) => member.write(canon.number(1)),
            DomainChange::Expel(member) => canon.number(2).bytes(member),
            DomainChange::Appoint(operator) => write_operator(operator, canon.number(3)),
            DomainChange::Dismiss(operator) => canon.number(4).bytes(operator.as_bytes()),
            DomainChange::SetRule(kind, rule) => write_rule(*kind, rule, canon.number(5)),
            DomainChange::Trust(region, key) => {
                canon.number(6).bytes(region.as_str().as_bytes()).bytes(key.as_bytes())
            }
        }
    }
}

impl Charter {
    /// The charter after a change. The last member is never expelled, and no change may leave a
    /// domain that its operators could not command any more.
    pub(super) fn changed(&self, change: &DomainChange) -> Result<Charter, Fault> {
        let mut next = self.clone();
        match change.clone() {
            DomainChange::Admit(member) => {
                next.members.insert(member.agreement, member);
            }
            DomainChange::Expel(member) => {
                next.members.remove(&member).ok_or(Fault::Refused)?;
            }
            DomainChange::Appoint(operator) => {
                next.operators.insert(operator);
            }
            DomainChange::Dismiss(public) => {
                next.operators.retain(|operator| operator.public != public);
            }
            DomainChange::SetRule(kind, rule) => next.rules = next.rules.with(kind, rule),
            DomainChange::Trust(region, _) if region == self.region => return Err(Fault::Refused),
            DomainChange::Trust(region, key) => {
                next.regions.insert(region, key);
            }
        }
        next.is_sound().then_some(next).ok_or(Fault::Refused)
    }

    /// Whether a domain may have it.
    pub(super) fn is_sound(&self) -> bool {
        let few = self.members.len() <= MOST
            && self.operators.len() <= MOST
            && self.regions.len() <= MOST;
        few && !self.members.is_empty() && self.rules.is_governable(&self.operators)
    }

    /// Whether both are of one domain: no two ceremonies draw the same replication signing key.
    pub(in crate::hsm) fn is_of_one_domain_with(&self, other: &Charter) -> bool {
        let key = |charter: &Charter| charter.regions.get(&charter.region).cloned();
        self.region == other.region && key(self).is_some() && key(self) == key(other)
    }

    /// What an HSM is to the domain, if it is a member.
    pub(in crate::hsm) fn standing_of(&self, hsm: &MemberKey) -> Option<Standing> {
        self.members.get(hsm).map(|member| member.standing)
    }

    /// The operator of that key.
    pub(in crate::hsm) fn operator(&self, public: &VerifyingKey) -> Option<&Operator> {
        self.operators.iter().find(|operator| operator.public == *public)
    }

    /// What is signed of it.
    pub(super) fn write(&self, canon: Canon) -> Canon {
        let mut canon = canon.bytes(self.region.as_str().as_bytes());
        canon = canon.number(self.members.len() as u64);
        for member in self.members.values() {
            canon = member.write(canon);
        }
        canon = canon.number(self.operators.len() as u64);
        for operator in &self.operators {
            canon = write_operator(operator, canon);
        }
        for (kind, rule) in self.rules.iter() {
            canon = write_rule(*kind, rule, canon);
        }
        for (region, key) in &self.regions {
            canon = canon.bytes(region.as_str().as_bytes()).bytes(key.as_bytes());
        }
        canon
    }
}

fn write_operator(operator: &Operator, canon: Canon) -> Canon {
    canon.number(operator.role as u64).bytes(operator.public.as_bytes())
}

fn write_rule(kind: OrderKind, rule: &Rule, canon: Canon) -> Canon {
    let mut canon = canon.number(kind as u64).number(rule.0.len() as u64);
    for all in &rule.0 {
        canon = canon.number(all.len() as u64);
        for threshold in all {
            canon = canon.number(threshold.role as u64).number(u64::from(threshold.minimum));
        }
    }
    canon
}
