//! Random orders with random signers against a few HSMs, checked against the rules told a second time.

use super::double::Double;
use super::{
    DomainChange, HsmIdentity, Mandate, Operator, OperatorKey, OperatorRole, OrderKind, Rule,
    Threshold,
};
use crate::crypto::CryptoBackend;
use crate::hsm::{Command, DomainToken, Fault, HsmDevice, Reply, found};
use crate::local::SeededRandom;
use crate::name::RegionName;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const HSMS: usize = 3;
const KEYS: usize = 6;

#[derive(Clone, Debug)]
struct Attempt {
    at: usize,
    order: usize,
    subject: usize,
    minimum: u8,
    signers: Vec<usize>,
    /// Whether the signatures are for the state before the newest one.
    outdated: bool,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let signers = vec(0..KEYS, 0..KEYS);
    let parts = (0..HSMS, 0_usize..8, 0..KEYS, 1_u8..4, signers, prop::bool::weighted(0.1));
    parts.prop_map(|(at, order, subject, minimum, signers, outdated)| Attempt {
        at,
        order,
        subject,
        minimum,
        signers,
        outdated,
    })
}

/// What the rules say, told again with counts instead of keys.
#[derive(Clone)]
struct Told {
    operators: BTreeMap<usize, OperatorRole>,
    rules: BTreeMap<OrderKind, Vec<Vec<(OperatorRole, usize)>>>,
}

impl Told {
    fn new(roles: &[OperatorRole]) -> Told {
        use OperatorRole::{KmsOperator, SecurityOfficer, ServiceHost};
        let everyday = vec![vec![(ServiceHost, 1)], vec![(KmsOperator, 2)]];
        let members = vec![vec![(KmsOperator, 2)]];
        let powers = vec![vec![(KmsOperator, 2), (SecurityOfficer, 1)]];
        let rules = [
            (OrderKind::Join, everyday.clone()),
            (OrderKind::Recover, vec![vec![(KmsOperator, 1), (SecurityOfficer, 1)]]),
            (OrderKind::RotateDomainKey, everyday),
            (OrderKind::Leave, members.clone()),
            (OrderKind::ModifyMembers, members),
            (OrderKind::ModifyOperators, powers.clone()),
            (OrderKind::ModifyRules, powers.clone()),
            (OrderKind::TrustRegion, powers),
        ];
        let operators = roles.iter().copied().enumerate().take(4).collect();
        Told { operators, rules: rules.into_iter().collect() }
    }

    fn enough(&self, kind: OrderKind, signers: &[usize]) -> bool {
        let count = |role| {
            let of_role = self.operators.iter().filter(|(_, held)| **held == role);
            of_role.filter(|(key, _)| signers.contains(key)).count()
        };
        self.rules[&kind].iter().any(|all| all.iter().all(|(role, n)| count(*role) >= *n))
    }

    fn governable(&self) -> bool {
        let everybody: Vec<usize> = self.operators.keys().copied().collect();
        OrderKind::ALL.into_iter().all(|kind| self.enough(kind, &everybody))
    }
}

struct Machine {
    devices: Vec<HsmDevice>,
    keys: Vec<OperatorKey>,
    /// Every state of the domain, from serial 1, and what its rules say.
    states: Vec<(Arc<DomainToken>, Told)>,
    random: SeededRandom,
}

impl Machine {
    fn new() -> Machine {
        let backend: Arc<dyn CryptoBackend> = Arc::new(Double);
        let mut random = SeededRandom::new(9);
        let region = RegionName::parse("us-east-1").unwrap();
        let mut identity = || HsmIdentity::generate(backend.as_ref(), &mut random);
        let identities: Vec<_> = (0..HSMS).map(|_| identity()).collect();
        let hsms = [(region, identities.clone())];
        let domain = found(&hsms, backend.as_ref(), &mut random).unwrap().remove(&region).unwrap();
        let mut keys = domain.operators.clone();
        for role in [OperatorRole::KmsOperator, OperatorRole::SecurityOfficer] {
            keys.push(OperatorKey::generate(role, backend.as_ref(), &mut random).unwrap());
        }
        let roles: Vec<_> = keys.iter().map(OperatorKey::role).collect();
        let device = |identity| HsmDevice::new(identity, backend.clone());
        let devices = identities.into_iter().map(device).collect();
        Machine { devices, keys, states: vec![(domain.token, Told::new(&roles))], random }
    }

    fn newest(&self) -> Arc<DomainToken> {
        self.states.last().unwrap().0.clone()
    }

    fn order(&self, attempt: &Attempt) -> (OrderKind, Command) {
        let subject = self.keys[attempt.subject].operator();
        let change = |change| Command::ChangeDomain { change: Box::new(change) };
        let rule = Rule(vec![vec![Threshold { role: subject.role, minimum: attempt.minimum }]]);
        match attempt.order {
            0 | 1 => (OrderKind::Join, Command::Join { token: self.newest() }),
            2 => (OrderKind::Leave, Command::Leave),
            3 => {
                let from = self.newest().active;
                (OrderKind::RotateDomainKey, Command::RotateDomainKey { from })
            }
            4 => (OrderKind::ModifyOperators, change(DomainChange::Appoint(subject))),
            5 => (OrderKind::ModifyOperators, change(DomainChange::Dismiss(subject.public))),
            6 => (OrderKind::ModifyRules, change(DomainChange::SetRule(OrderKind::Leave, rule))),
            _ => {
                let member = self.devices[attempt.at].identity().member();
                (OrderKind::ModifyMembers, change(DomainChange::Admit(member)))
            }
        }
    }

    fn told(&self, serial: u64) -> &Told {
        &self.states[usize::try_from(serial).unwrap() - 1].1
    }

    /// What the rules say after an order.
    fn told_after(&self, attempt: &Attempt, serial: u64) -> Told {
        let mut told = self.told(serial).clone();
        let role = self.keys[attempt.subject].role();
        match attempt.order {
            4 => drop(told.operators.insert(attempt.subject, role)),
            5 => drop(told.operators.remove(&attempt.subject)),
            6 => {
                let rule = vec![vec![(role, usize::from(attempt.minimum))]];
                told.rules.insert(OrderKind::Leave, rule);
            }
            _ => {}
        }
        told
    }

    /// What an HSM must answer.
    fn expected(&self, attempt: &Attempt, kind: OrderKind, signed_for: u64) -> Expected {
        let (own, newest) = (self.devices[attempt.at].serial(), self.newest().serial);
        if kind == OrderKind::Join {
            // One that is in the domain listens to the operators it knows, which may be others.
            let judge = own.unwrap_or(newest);
            return match own == Some(newest) || self.told(judge).enough(kind, &attempt.signers) {
                true => Expected::Joined,
                false => Expected::Fault(Fault::NoQuorum),
            };
        }
        let Some(own) = own else { return Expected::Fault(Fault::NotJoined) };
        if own < signed_for {
            return Expected::Fault(Fault::UnknownDomainKey);
        }
        if own > signed_for {
            return Expected::Fault(Fault::Refused);
        }
        if !self.told(own).enough(kind, &attempt.signers) {
            return Expected::Fault(Fault::NoQuorum);
        }
        match kind {
            OrderKind::Leave => Expected::Left,
            _ if !self.told_after(attempt, own).governable() => Expected::Fault(Fault::Refused),
            _ => Expected::Exported(own + 1),
        }
    }

    fn play(&mut self, attempt: &Attempt) -> Result<(), TestCaseError> {
        let (kind, order) = self.order(attempt);
        let back = if attempt.outdated && self.states.len() > 1 { 2 } else { 1 };
        let signed_for = self.states[self.states.len() - back].0.clone();
        let expected = self.expected(attempt, kind, signed_for.serial);
        let signers: Vec<&OperatorKey> = attempt.signers.iter().map(|n| &self.keys[*n]).collect();
        let mandate = Mandate::new(&order, &signed_for, signers, &mut self.random);
        let before = self.devices[attempt.at].serial();
        let got = self.devices[attempt.at].manage(&order, &mandate, &mut self.random);
        let after = self.devices[attempt.at].serial();
        match got {
            Ok(Reply::Joined) => {
                prop_assert_eq!(expected, Expected::Joined);
                prop_assert_eq!(after, Some(self.newest().serial));
            }
            Ok(Reply::Left) => {
                prop_assert_eq!(expected, Expected::Left);
                prop_assert_eq!(after, None);
            }
            Ok(Reply::Domain { token }) => {
                // A rotation of an old active key is refused; a change of an old charter is the
                // journal's to refuse.
                prop_assert_eq!(expected, Expected::Exported(token.serial));
                prop_assert_eq!(after, before, "an export changes nothing");
                if token.serial == self.newest().serial + 1 {
                    let told = self.told_after(attempt, token.serial - 1);
                    self.states.push((token, told));
                }
            }
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(fault) => {
                let rotated_since =
                    kind == OrderKind::RotateDomainKey && before < Some(self.newest().serial);
                prop_assert!(
                    expected == Expected::Fault(fault) || rotated_since,
                    "{expected:?} {fault:?}"
                );
                prop_assert_eq!(after, before, "a refused order changes nothing");
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Joined,
    Left,
    Exported(u64),
    Fault(Fault),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn orders_do_what_the_rules_say(attempts in vec(attempt(), 1..40)) {
        let mut machine = Machine::new();
        for attempt in &attempts {
            machine.play(attempt)?;
        }
    }
}

#[test]
fn an_operator_of_another_domain_counts_for_nothing() {
    let mut machine = Machine::new();
    let stranger =
        OperatorKey::generate(OperatorRole::ServiceHost, &Double, &mut machine.random).unwrap();
    let join = Command::Join { token: machine.newest() };
    let mandate = Mandate::new(&join, &machine.newest(), [&stranger], &mut machine.random);
    let got = machine.devices[0].manage(&join, &mandate, &mut machine.random);
    assert_eq!(got, Err(Fault::NoQuorum));
    let own = [&machine.keys[0]];
    let mandate = Mandate::new(&join, &machine.newest(), own, &mut machine.random);
    let got = machine.devices[0].manage(&join, &mandate, &mut machine.random);
    assert_eq!(got, Ok(Reply::Joined));
    let known: Vec<Operator> = machine.newest().charter.operators.iter().cloned().collect();
    assert!(!known.contains(&stranger.operator()));
}
