//! How an HSM is managed: it joins a domain, leaves it, and exports what a quorum wants it to become.
//!
//! The domain in an HSM's memory changes only by joining. A rotation or a change of the charter gives
//! a new token and leaves the HSM as it was, so that the shell can keep the token safe before anybody
//! depends on it.

use super::command::Command;
use super::device::{Answer, HsmDevice};
use super::domain::{Charter, Domain, DomainToken, Mandate, OrderAt, Standing, check_quorum};
use super::reply::{Fault, Reply};
use crate::env::Random;
use std::cmp::Ordering;
use std::sync::Arc;

impl HsmDevice {
    /// Carries out an order of the domain's operators.
    ///
    /// # Errors
    /// `NoQuorum` when the signatures are not enough, `UnknownDomainKey` when they are for a newer state
    /// of the domain, `NotJoined`, and `Refused` for what can never be.
    pub fn manage(
        &mut self,
        order: &Command,
        mandate: &Mandate,
        random: &mut dyn Random,
    ) -> Answer {
        match order {
            Command::Join { token } => self.join(order, token, mandate),
            Command::Leave => {
                self.authorized(order, mandate)?;
                self.reset();
                Ok(Reply::Left)
            }
            Command::RotateDomainKey { from } => {
                let domain = self.authorized(order, mandate)?;
                if domain.active().map(|key| key.epoch) != Some(*from) {
                    return Err(Fault::Refused);
                }
                let next = domain.rotated(random);
                self.export(&next, random)
            }
            Command::ChangeDomain { change } => {
                let next = self.authorized(order, mandate)?.changed(change)?;
                self.export(&next, random)
            }
            _ => Err(Fault::Refused),
        }
    }

    /// Takes over the domain of a token. An HSM that is in a domain already goes on only with a newer
    /// state of the same one, that an HSM it knows exported and operators it knows ordered; one with
    /// an empty memory believes the token, for only a member could have sealed the keys to it.
    fn join(&mut self, order: &Command, token: &Arc<DomainToken>, mandate: &Mandate) -> Answer {
        if let Some(own) = &self.domain {
            let same = own.charter.is_of_one_domain_with(&token.charter);
            if same && own.position().serial >= token.serial {
                return Ok(Reply::Joined);
            }
            if !same || !own.charter.members.contains_key(&token.exporter) {
                return Err(Fault::Refused);
            }
        }
        let charter = self.domain.as_ref().map_or(&token.charter, |own| &own.charter);
        self.check(order, token.position(), charter, mandate)?;
        let (own, cache) = (&self.identity, &mut self.agreements);
        let domain = Domain::import(token, own, cache, self.backend.as_ref());
        self.domain = Some(domain.map_err(|_| Fault::Refused)?);
        self.keys.clear();
        self.sessions.clear();
        Ok(Reply::Joined)
    }

    /// The domain, once the order is known to have its quorum.
    fn authorized(&self, order: &Command, mandate: &Mandate) -> Result<&Domain, Fault> {
        let domain = self.domain.as_ref().ok_or(Fault::NotJoined)?;
        match domain.position().serial.cmp(&mandate.serial) {
            Ordering::Less => return Err(Fault::UnknownDomainKey),
            Ordering::Greater => return Err(Fault::Refused),
            Ordering::Equal => {}
        }
        self.check(order, domain.position(), &domain.charter, mandate)?;
        Ok(domain)
    }

    fn check(
        &self,
        order: &Command,
        at: OrderAt,
        charter: &Charter,
        mandate: &Mandate,
    ) -> Result<(), Fault> {
        let standing = charter.standing_of(&self.identity.public).unwrap_or(Standing::Online);
        let signatures = &mandate.signatures;
        check_quorum(order, at, (charter, standing), signatures, self.backend.as_ref())
    }

    /// The token of the next state. Nobody could tell that a token is genuine whose exporter is no
    /// member of it, so an HSM does not expel itself.
    fn export(&mut self, next: &Domain, random: &mut dyn Random) -> Answer {
        if !next.charter.members.contains_key(&self.identity.public) {
            return Err(Fault::Refused);
        }
        let (own, cache) = (&self.identity, &mut self.agreements);
        let token = next.export(own, cache, self.backend.as_ref(), random);
        let token = Arc::new(token.map_err(|_| Fault::Refused)?);
        Ok(Reply::Domain { token })
    }
}
