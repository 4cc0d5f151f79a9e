//! Sessions, on the HSM's side: how one begins, and whether a command comes in one.

use super::{Answer, HsmDevice, draw_key};
use crate::crypto::SecretKey;
use crate::env::{Random, Site, Timestamp, draw};
use crate::hsm::domain::{Domain, OperatorRole, VerifyingKey, new_pair};
use crate::hsm::session::{Credential, Hello, SessionToken, Welcome, Within, agreed};
use crate::hsm::{Fault, Reply};
use crate::name::TokenId;
use std::sync::Arc;
use std::time::Duration;

/// How long a session is good for unless said: two days, which is half as long as the domain keeps the
/// key that the token is under. AWS documents that sessions have a validity period, but not how long;
/// this figure is ours.
pub const SESSION_VALIDITY: Duration = Duration::from_secs(2 * 86_400);

/// How many sessions an HSM remembers to have opened: more than a Region has hosts.
const REMEMBERED: usize = 256;

/// The sessions whose tokens the HSM has opened already, the one of the last command first. Volatile as
/// everything in an HSM, and a matter of speed alone: what is not here is opened again. It is emptied
/// whenever the domain in memory changes, so that what is here is of a host that the domain knows, and
/// under a key that it has.
#[derive(Clone, Debug, Default)]
pub(in crate::hsm) struct OpenSessions(Vec<Arc<Credential>>);

impl OpenSessions {
    /// Whether this very credential has been found genuine.
    fn has(&mut self, credential: &Arc<Credential>) -> bool {
        if self.0.first().is_some_and(|last| Arc::ptr_eq(last, credential)) {
            return true;
        }
        let place = self.0.iter().position(|known| known == credential);
        if let Some(place @ 1..) = place {
            self.0[..=place].rotate_right(1);
        }
        place.is_some()
    }

    fn remember(&mut self, credential: &Arc<Credential>) {
        self.0.truncate(REMEMBERED - 1);
        self.0.insert(0, credential.clone());
    }

    /// Forgets all.
    pub(in crate::hsm) fn clear(&mut self) {
        self.0.clear();
    }
}

impl HsmDevice {
    /// The same HSM, whose sessions are good for so long; [`SESSION_VALIDITY`] unless said.
    #[must_use]
    pub fn with_session_validity(self, session_validity: Duration) -> HsmDevice {
        HsmDevice { session_validity, ..self }
    }

    /// Begins a session with a host of the domain. An HSM whose domain is older than the host's may not
    /// know the host yet, and joins first.
    pub(super) fn open_session(
        &self,
        hello: &Hello,
        now: Timestamp,
        random: &mut dyn Random,
    ) -> Answer {
        let (domain, backend) = (self.domain.as_ref().ok_or(Fault::NotJoined)?, &*self.backend);
        if hello.region != domain.charter.region {
            return Err(Fault::Refused);
        }
        if hello.serial > domain.serial() {
            return Err(Fault::UnknownDomainKey);
        }
        let genuine = hello.host.verify(backend, &hello.statement().done(), &hello.signature);
        if genuine.is_err() || !is_host(domain, &hello.host) {
            return Err(Fault::Refused);
        }
        let key = draw_key(random, Site::SessionKey);
        let token = self.session_token(domain, hello, &key, now, random)?;
        let (private, public) = new_pair(backend, random);
        let wrapping = agreed(&private, &hello.public, backend).map_err(|_| Fault::Refused)?;
        let mut welcome = Welcome {
            hsm: self.identity.public,
            public,
            token,
            iv: draw(random, Site::TokenIv),
            sealed: Vec::new(),
            signature: Vec::new(),
        };
        let aad = welcome.aad(hello);
        backend.seal(&wrapping, &welcome.iv, &aad, key.as_bytes(), &mut welcome.sealed);
        let signed = self.identity.signing().sign(&welcome.statement(hello), random);
        welcome.signature = signed.map_err(|_| Fault::Refused)?;
        Ok(Reply::Session(Box::new(welcome)))
    }

    fn session_token(
        &self,
        domain: &Domain,
        hello: &Hello,
        key: &SecretKey,
        now: Timestamp,
        random: &mut dyn Random,
    ) -> Result<Arc<SessionToken>, Fault> {
        let active = domain.active().ok_or(Fault::NotJoined)?;
        let mut token = SessionToken {
            id: TokenId(draw(random, Site::TokenId)),
            epoch: active.epoch,
            host: hello.host.clone(),
            began: now,
            until: now.after(self.session_validity),
            iv: draw(random, Site::TokenIv),
            sealed: Vec::new(),
        };
        let aad = token.aad();
        self.backend.seal(&active.key, &token.iv, &aad, key.as_bytes(), &mut token.sealed);
        Ok(Arc::new(token))
    }

    /// Whether a command comes in a session that has not ended, with a host that the domain knows.
    ///
    /// # Errors
    /// `UnknownDomainKey` when this HSM has not heard of the domain key that the session token is under,
    /// about which the session can do nothing; `NoSession` otherwise, whatever is wrong.
    pub(super) fn must_be_in_session(&mut self, within: Within<'_>) -> Result<(), Fault> {
        let credential = within.session.ok_or(Fault::NoSession)?;
        if credential.token.until <= within.now {
            return Err(Fault::NoSession);
        }
        if self.sessions.has(credential) {
            return Ok(());
        }
        if self.epoch() < Some(credential.token.epoch) {
            return Err(Fault::UnknownDomainKey);
        }
        self.genuine(credential).ok_or(Fault::NoSession)?;
        self.sessions.remember(credential);
        Ok(())
    }

    fn genuine(&self, credential: &Credential) -> Option<()> {
        let (token, backend) = (&credential.token, &*self.backend);
        let domain = self.domain.as_ref().filter(|domain| is_host(domain, &token.host))?;
        let domain_key = &domain.key(token.epoch)?.key;
        let key = backend.open(domain_key, &token.iv, &token.aad(), &token.sealed).ok()?;
        let key = SecretKey::from_slice(key.as_bytes())?;
        (Credential::of(token.clone(), &key, backend) == *credential).then_some(())
    }
}

/// Whether somebody is a service host to the domain.
fn is_host(domain: &Domain, operator: &VerifyingKey) -> bool {
    let known = domain.charter.operator(operator);
    known.is_some_and(|operator| operator.role == OperatorRole::ServiceHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::RustCrypto;
    use crate::hsm::{OperatorKey, OperatorRole};
    use crate::local::SeededRandom;
    use crate::token::DomainEpoch;

    fn credentials(count: u16) -> Vec<Arc<Credential>> {
        let random = &mut SeededRandom::new(1);
        let host = OperatorKey::generate(OperatorRole::ServiceHost, &RustCrypto, random).unwrap();
        let credential = |number: u16| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            let token = Arc::new(SessionToken {
                id: TokenId(id),
                epoch: DomainEpoch(1),
                host: host.public().clone(),
                began: Timestamp::EPOCH,
                until: Timestamp::from_seconds(1),
                iv: [0; 12],
                sealed: vec![0; 48],
            });
            Arc::new(Credential::of(token, &SecretKey::new([7; 32]), &RustCrypto))
        };
        (0..count).map(credential).collect()
    }

    #[test]
    fn as_many_are_remembered_as_said_and_the_one_in_use_among_them() {
        let all = credentials(300);
        let mut open = OpenSessions::default();
        for credential in &all {
            open.remember(credential);
            assert!(open.has(&all[0]), "the one in use");
        }
        assert_eq!(open.0.len(), REMEMBERED);
        assert!(open.has(&all[299]) && !open.has(&all[40]));
        assert!(open.0[0] == all[299], "the last one stands first");
        open.clear();
        assert!(!open.has(&all[0]));
    }

    #[test]
    fn an_equal_credential_is_known_wherever_it_is_in_memory() {
        let all = credentials(2);
        let mut open = OpenSessions::default();
        open.remember(&all[0]);
        assert!(open.has(&Arc::new(Credential::clone(&all[0]))));
        assert!(!open.has(&all[1]));
    }
}
