//! The service host's consent to orders about the domain.

use crate::node::NamedRandom;
use kms_core::hsm::{Command, DomainToken, Mandate, OperatorKey};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many consents a node keeps. One order goes to every HSM of the domain, and to one of them again
/// once it has joined.
const KEPT: usize = 4;

/// What this node has consented to lately; equal orders for the same domain state get the same signature.
pub(super) struct Consents {
    operator: Arc<OperatorKey>,
    given: VecDeque<(u64, Arc<Command>, Arc<Mandate>)>,
}

impl Consents {
    /// By this operator.
    pub(super) fn of(operator: Arc<OperatorKey>) -> Consents {
        Consents { operator, given: VecDeque::new() }
    }

    /// The consent to an order, for the domain state of this token.
    pub(super) fn to(
        &mut self,
        order: &Arc<Command>,
        domain: &DomainToken,
        mut random: NamedRandom,
    ) -> Arc<Mandate> {
        let same = |(serial, known, _): &&(u64, Arc<Command>, Arc<Mandate>)| {
            *serial == domain.serial && known == order
        };
        if let Some((_, _, given)) = self.given.iter().find(same) {
            return given.clone();
        }
        let given = Arc::new(Mandate::new(order, domain, [self.operator.as_ref()], &mut random));
        if self.given.len() == KEPT {
            self.given.pop_front();
        }
        self.given.push_back((domain.serial, order.clone(), given.clone()));
        given
    }

    /// An order without anybody's consent.
    pub(super) fn none(
        order: &Command,
        domain: &DomainToken,
        mut random: NamedRandom,
    ) -> Arc<Mandate> {
        Arc::new(Mandate::new(order, domain, None, &mut random))
    }

    /// All is forgotten but who consents.
    pub(super) fn clear(&mut self) {
        self.given.clear();
    }
}
