//! An HSM that has lost its domain, or has an older one, is given the domain and asked again.

use super::super::{Engine, Operation, Stage};
use super::MOST_MENDS;
use crate::driver::Now;
use crate::message::{AskId, Message};
use crate::node::Out;
use kms_core::env::RequestId;
use kms_core::hsm::{Command, DomainToken, Ending, Fault, HsmIndex};
use std::sync::Arc;

/// The question that nobody waits for an answer to: an order to join.
pub(super) const JOINING: AskId = 0;

impl Engine {
    /// Gives an HSM that has lost its domain, or has an older one, the domain and asks it again.
    pub(super) fn mend(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        place: usize,
        fault: Option<Fault>,
        out: &mut Out,
    ) {
        let (request, number) = (operation.call.request_id, operation.asked);
        let domain = self.kms.state().domain().map(|(record, _)| record.token.clone());
        let epoch = self.kms.state().active_domain_key();
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let Some(mut asked) = question.open[place].take() else { return };
        asked.mended += 1;
        let Some(token) = domain.filter(|_| asked.mended <= MOST_MENDS) else {
            question.open[place] = Some(asked);
            return self.failed(now, operation, place, fault, Ending::Failed, out);
        };
        asked.domain = epoch;
        asked.draw = asked.draw & 0xff | question.draw(number, asked.mended) & !0xff;
        self.send_join(now, request, asked.hsm, token, out);
        self.send_command(now, request, question, &asked, out);
        let key = self.hedges.get(&asked.ask).copied().unwrap_or(asked.ask);
        question.open[place] = Some(asked);
        self.operations.insert(key, operation);
    }

    fn send_join(
        &mut self,
        now: Now,
        request: RequestId,
        hsm: HsmIndex,
        token: Arc<DomainToken>,
        out: &mut Out,
    ) {
        let command = Arc::new(Command::Join { token });
        let draw = (request, u32::MAX);
        let (domain, mandate) =
            (self.kms.state().active_domain_key(), self.mandate(now, draw, &command));
        let tokens = Vec::new();
        let (ask, session) = (JOINING, None);
        let join = Message::HsmCommand { ask, draw, command, tokens, domain, mandate, session };
        out.send(self.peers.hsms[hsm], join, 1024);
    }
}
