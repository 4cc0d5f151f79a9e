//! Who may command a domain: operators with roles, and for each command the quorums that allow it.
//!
//! "A quorum rule is, per command, alternatives of a role and a minimum" (AWS KMS Cryptographic
//! Details, Domains). No single operator can change what matters; which figures AWS uses is not
//! documented, so [`Rules::default`] is our own choice.

use super::signing::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What an operator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorRole {
    /// Guards the offline HSMs and the credentials in the safes.
    SecurityOfficer,
    /// A person with a hardware token.
    KmsOperator,
    /// A service host, which keeps the fleet running without anybody.
    ServiceHost,
}

impl OperatorRole {
    /// Every role.
    pub const ALL: [OperatorRole; 3] =
        [OperatorRole::SecurityOfficer, OperatorRole::KmsOperator, OperatorRole::ServiceHost];
}

/// Somebody a domain listens to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    /// What it signs with.
    pub public: VerifyingKey,
    /// What it is.
    pub role: OperatorRole,
}

/// The kinds of commands that need a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderKind {
    /// Take over a domain token, on an HSM that serves.
    Join,
    /// Take over a domain token, on an HSM that is kept offline.
    Recover,
    /// Erase the domain from memory.
    Leave,
    /// Make a new active domain key.
    RotateDomainKey,
    /// Admit or expel an HSM.
    ModifyMembers,
    /// Appoint or dismiss an operator.
    ModifyOperators,
    /// Change a quorum rule.
    ModifyRules,
    /// Accept another Region's replication signing key.
    TrustRegion,
}

impl OrderKind {
    /// Every kind.
    pub const ALL: [OrderKind; 8] = [
        OrderKind::Join,
        OrderKind::Recover,
        OrderKind::Leave,
        OrderKind::RotateDomainKey,
        OrderKind::ModifyMembers,
        OrderKind::ModifyOperators,
        OrderKind::ModifyRules,
        OrderKind::TrustRegion,
    ];
}

/// So many of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold {
    /// The role.
    pub role: OperatorRole,
    /// How many different operators of it, at least 1.
    pub minimum: u8,
}

/// When a command may be carried out: any one of the alternatives, of which every threshold is met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule(pub Vec<Vec<Threshold>>);

impl Rule {
    /// Whether these operators are enough. An empty alternative allows nothing.
    pub fn allows<'a>(&self, signers: impl Iterator<Item = &'a Operator>) -> bool {
        let signers: BTreeSet<&Operator> = signers.collect();
        let met = |threshold: &Threshold| {
            let of_role = signers.iter().filter(|signer| signer.role == threshold.role);
            threshold.minimum > 0 && of_role.count() >= usize::from(threshold.minimum)
        };
        self.0.iter().any(|all| !all.is_empty() && all.iter().all(met))
    }
}

/// The rule of each kind of command; a kind without one is never allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct Rules(pub(super) BTreeMap<OrderKind, Rule>);

impl Rules {
    /// The rule of a kind.
    pub fn of(&self, kind: OrderKind) -> Option<&Rule> {
        self.0.get(&kind)
    }

    /// The same rules with another one for a kind.
    #[must_use]
    pub fn with(mut self, kind: OrderKind, rule: Rule) -> Rules {
        self.0.insert(kind, rule);
        self
    }

    /// Whether these operators together could still do everything.
    pub fn is_governable(&self, operators: &BTreeSet<Operator>) -> bool {
        let possible = |kind| self.of(kind).is_some_and(|rule| rule.allows(operators.iter()));
        OrderKind::ALL.into_iter().all(possible)
    }

    /// Every rule, in the order of the kinds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OrderKind, &Rule)> {
        self.0.iter()
    }
}

impl Default for Rules {
    /// A host alone keeps HSMs joined and the domain key fresh; two operators can do the same by
    /// hand. Who belongs to the domain takes two operators, who commands it takes two and an officer.
    /// An HSM out of a safe takes an officer and an operator, of two teams (AWS KMS Cryptographic
    /// Details, Durability protection).
    fn default() -> Rules {
        use OperatorRole::{KmsOperator, SecurityOfficer, ServiceHost};
        let of = |role, minimum| Threshold { role, minimum };
        let everyday = Rule(vec![vec![of(ServiceHost, 1)], vec![of(KmsOperator, 2)]]);
        let members = Rule(vec![vec![of(KmsOperator, 2)]]);
        let powers = Rule(vec![vec![of(KmsOperator, 2), of(SecurityOfficer, 1)]]);
        let recovery = Rule(vec![vec![of(KmsOperator, 1), of(SecurityOfficer, 1)]]);
        let rule = |kind| match kind {
            OrderKind::Recover => recovery.clone(),
            OrderKind::Join | OrderKind::RotateDomainKey => everyday.clone(),
            OrderKind::Leave | OrderKind::ModifyMembers => members.clone(),
            OrderKind::ModifyOperators | OrderKind::ModifyRules | OrderKind::TrustRegion => {
                powers.clone()
            }
        };
        Rules(OrderKind::ALL.into_iter().map(|kind| (kind, rule(kind))).collect())
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(kind, rule)| (kind, &rule.0))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::double::Double;
    use super::super::signing::SigningKey;
    use super::*;
    use crate::local::SeededRandom;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn operators() -> Vec<Operator> {
        let random = &mut SeededRandom::new(1);
        let mut one = |role| Operator {
            public: SigningKey::generate(&Double, random).unwrap().public().clone(),
            role,
        };
        (0..9).map(|n| one(OperatorRole::ALL[n % 3])).collect()
    }

    fn role() -> impl Strategy<Value = OperatorRole> {
        prop::sample::select(OperatorRole::ALL.to_vec())
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let threshold = (role(), 0_u8..4).prop_map(|(role, minimum)| Threshold { role, minimum });
        vec(vec(threshold, 0..3), 0..3).prop_map(Rule)
    }

    /// The rule as the documentation says it, counted by hand.
    fn allowed(rule: &Rule, chosen: &[usize]) -> bool {
        let mut distinct = chosen.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let count = |role| distinct.iter().filter(|n| OperatorRole::ALL[**n % 3] == role).count();
        let mut any = false;
        for all in &rule.0 {
            let mut every = !all.is_empty();
            for Threshold { role, minimum } in all {
                every &= *minimum > 0 && count(*role) >= usize::from(*minimum);
            }
            any |= every;
        }
        any
    }

    proptest! {
        #[test]
        fn a_quorum_counts_different_operators_of_a_role(
            rule in rule(),
            chosen in vec(0_usize..9, 0..8),
        ) {
            let operators = operators();
            let signers = chosen.iter().map(|n| &operators[*n]);
            prop_assert_eq!(rule.allows(signers), allowed(&rule, &chosen));
        }

        #[test]
        fn more_signatures_never_forbid(rule in rule(), chosen in vec(0_usize..9, 1..8)) {
            let operators = operators();
            let few = rule.allows(chosen[1..].iter().map(|n| &operators[*n]));
            prop_assert!(!few || rule.allows(chosen.iter().map(|n| &operators[*n])));
        }
    }

    #[test]
    fn the_default_rules_take_no_single_person_for_what_matters() {
        let operators = operators();
        let rules = Rules::default();
        for kind in OrderKind::ALL {
            for operator in &operators {
                let alone = rules.of(kind).unwrap().allows(std::iter::once(operator));
                let everyday = matches!(kind, OrderKind::Join | OrderKind::RotateDomainKey);
                let host = operator.role == OperatorRole::ServiceHost;
                assert_eq!(alone, everyday && host, "{kind:?} by a {:?}", operator.role);
            }
        }
        assert!(rules.is_governable(&operators.into_iter().collect()));
        assert!(!rules.is_governable(&BTreeSet::new()));
    }
}
