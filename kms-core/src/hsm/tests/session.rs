//! Sessions: with whom one is had, which HSMs know it, and when it is over.

use super::*;
use crate::crypto::SecretKey;
use crate::hsm::{
    Credential, DomainChange, Hello, Negotiation, OperatorKey, OperatorRole, SESSION_VALIDITY,
    SessionToken, VerifyingKey, Welcome,
};
use proptest::prelude::*;
use std::time::Duration;

const DRAW: Command = Command::GenerateRandom { bytes: 8 };

impl Cluster {
    fn draws_in(&mut self, credential: &Arc<Credential>, at: usize, now: Timestamp) -> bool {
        let within = Within { session: Some(credential), now };
        match self.devices[at].execute(&DRAW, &[], within, &mut self.random) {
            Ok(Reply::Random { .. }) => true,
            Err(Fault::NoSession | Fault::UnknownDomainKey) => false,
            other => panic!("{other:?}"),
        }
    }

    fn knows(&mut self, session: &Session, at: usize) -> bool {
        self.draws_in(session.credential(), at, NOW)
    }

    fn begin_with(&mut self, host: &OperatorKey) -> Negotiation {
        let backend = self.devices[0].backend.clone();
        let random = &mut self.session_random;
        Negotiation::begin(&self.token, host, backend.as_ref(), random).unwrap()
    }

    fn begin(&mut self) -> Negotiation {
        let host = self.domain.host().clone();
        self.begin_with(&host)
    }

    /// What an HSM answers to a hello.
    fn open_session(&mut self, at: usize, hello: &Hello) -> Result<Welcome, Fault> {
        let command = Command::OpenSession { hello: Arc::new(hello.clone()) };
        let within = Within { session: None, now: NOW };
        match self.devices[at].execute(&command, &[], within, &mut self.session_random)? {
            Reply::Session(welcome) => Ok(*welcome),
            other => panic!("{other:?}"),
        }
    }

    fn session(&mut self) -> Session {
        self.session_with(0).unwrap()
    }

    /// People have an HSM change the charter; none has heard of it yet.
    fn changes_at(&mut self, at: usize, change: DomainChange) {
        let order = Command::ChangeDomain { change: Box::new(change) };
        let mandate = Mandate::new(&order, &self.token, self.domain.people(), &mut self.random);
        match self.devices[at].manage(&order, &mandate, &mut self.random) {
            Ok(Reply::Domain { token }) => self.token = token,
            other => panic!("{other:?}"),
        }
    }
}

fn hello_of(negotiation: &Negotiation) -> Hello {
    match negotiation.command() {
        Command::OpenSession { hello } => Hello::clone(&hello),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_hsm_of_the_domain_knows_the_session_that_one_has_begun() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 3, 1);
        let session = cluster.session();
        for at in 0..3 {
            assert!(cluster.knows(&session, at), "HSM {at}");
            cluster.devices[at].reset();
            cluster.join(at).unwrap();
            assert!(cluster.knows(&session, at), "HSM {at}, which was reset");
        }
    }
}

#[test]
fn a_session_ends_when_the_domain_drops_the_key_it_is_under() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let session = cluster.session();
        for kept in 2..=4 {
            assert!(cluster.knows(&session, 0));
            cluster.rotate(0);
            assert!(cluster.knows(&session, 0), "domain key {kept}");
        }
        cluster.rotate(0);
        assert!(!cluster.knows(&session, 0));
        assert!(cluster.knows(&session, 1), "it has not heard of any rotation");
        let newer = cluster.session();
        assert!(cluster.knows(&newer, 0));
        assert!(!cluster.knows(&newer, 1), "it does not have that domain key");
        cluster.join(1).unwrap();
        assert!(cluster.knows(&newer, 1) && !cluster.knows(&session, 1));
    }
}

#[test]
fn a_session_ends_by_the_clock_of_the_hsm() {
    let backend = &backends()[0];
    let mut cluster = Cluster::new(backend, 2, 1);
    let session = cluster.session();
    let until = NOW.after(SESSION_VALIDITY);
    let last = Timestamp::from_micros(until.as_micros() - 1);
    for at in 0..2 {
        assert!(cluster.draws_in(session.credential(), at, last));
        assert!(!cluster.draws_in(session.credential(), at, until), "which it had opened");
        assert!(cluster.draws_in(session.credential(), at, NOW), "another clock");
    }
    let renewed = NOW.after(SESSION_VALIDITY / 10 * 9);
    assert!(!session.is_due(Timestamp::from_micros(renewed.as_micros() - 1)));
    assert!(session.is_due(renewed), "before it is over");
    let short = cluster.devices[0].clone().with_session_validity(Duration::from_secs(10));
    cluster.devices[0] = short;
    let session = cluster.session();
    assert!(cluster.draws_in(session.credential(), 1, NOW.after(Duration::from_secs(9))));
    assert!(!cluster.draws_in(session.credential(), 1, NOW.after(Duration::from_secs(10))));
}

#[test]
fn nothing_is_done_without_a_session_that_is_of_this_domain() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let regions = [("us-east-1", 1), ("eu-west-1", 1)];
        let mut others = Cluster::of_regions(&backend, &regions, 2);
        let within = Within { session: None, now: NOW };
        let random = &mut SeededRandom::new(9);
        let refused = cluster.devices[0].execute(&DRAW, &[], within, random);
        assert_eq!(refused, Err(Fault::NoSession));
        for other in &mut others {
            let session = other.session();
            assert!(other.knows(&session, 0) && !cluster.knows(&session, 0));
        }
        let [one, two] = &mut others[..] else { panic!() };
        let hello = hello_of(&one.begin());
        assert_eq!(two.open_session(0, &hello), Err(Fault::Refused), "another Region");
        assert_eq!(cluster.open_session(0, &hello), Err(Fault::Refused), "a namesake");
    }
}

#[test]
fn only_a_service_host_that_the_domain_knows_begins_one() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 1, 1);
        let people: Vec<OperatorKey> = cluster.domain.people().cloned().collect();
        let host = OperatorRole::ServiceHost;
        let stranger = OperatorKey::generate(host, backend.as_ref(), &mut SeededRandom::new(5));
        for key in people.iter().chain([&stranger.unwrap()]) {
            let hello = hello_of(&cluster.begin_with(key));
            assert_eq!(cluster.open_session(0, &hello), Err(Fault::Refused), "{key:?}");
            let hello = Hello { host: cluster.domain.host().public().clone(), ..hello };
            assert_eq!(cluster.open_session(0, &hello), Err(Fault::Refused), "in a host's name");
        }
    }
}

#[test]
fn the_sessions_of_a_host_that_is_dismissed_are_over() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let first = cluster.session();
        let old = cluster.domain.host().clone();
        let role = OperatorRole::ServiceHost;
        let new = OperatorKey::generate(role, backend.as_ref(), &mut SeededRandom::new(6)).unwrap();
        cluster.changes_at(0, DomainChange::Appoint(new.operator()));
        cluster.join(0).unwrap();
        let hello = hello_of(&cluster.begin_with(&new));
        assert_eq!(cluster.open_session(1, &hello), Err(Fault::UnknownDomainKey), "it is behind");
        cluster.join(1).unwrap();
        assert!(cluster.open_session(1, &hello).is_ok() && cluster.knows(&first, 1));
        cluster.changes_at(0, DomainChange::Dismiss(old.public().clone()));
        assert!(cluster.knows(&first, 1), "it has not heard of it");
        let join = Command::Join { token: cluster.token.clone() };
        let mandate = Mandate::new(&join, &cluster.token, [&new], &mut cluster.random);
        let random = &mut SeededRandom::new(7);
        assert_eq!(cluster.devices[1].manage(&join, &mandate, random), Ok(Reply::Joined));
        assert!(!cluster.knows(&first, 1));
        let hello = hello_of(&cluster.begin_with(&old));
        assert_eq!(cluster.open_session(1, &hello), Err(Fault::Refused));
        let hello = hello_of(&cluster.begin_with(&new));
        assert!(cluster.open_session(1, &hello).is_ok());
    }
}

/// Whoever keeps an answer cannot have it taken for the one to a later hello, nor for that of an HSM
/// which is no member that serves.
#[test]
fn an_answer_is_to_one_hello_and_by_a_member_that_serves() {
    for backend in backends() {
        let mut cluster = Cluster::new(&backend, 2, 1);
        let (one, two) = (cluster.begin(), cluster.begin());
        let welcome = cluster.open_session(0, &hello_of(&one)).unwrap();
        assert!(one.accept(&welcome, NOW, backend.as_ref()).is_ok());
        assert!(two.accept(&welcome, NOW, backend.as_ref()).is_err());
        let own = cluster.devices[0].identity().public;
        let offline = cluster.devices[0].identity().member().offline();
        for change in [DomainChange::Admit(offline), DomainChange::Expel(own)] {
            cluster.changes_at(1, change);
            cluster.join(1).unwrap();
            let mut known = DomainToken::clone(&cluster.token);
            known.serial = 1;
            let (host, random) = (cluster.domain.host(), &mut cluster.session_random);
            let begun = Negotiation::begin(&known, host, backend.as_ref(), random).unwrap();
            let welcome = cluster.open_session(0, &hello_of(&begun)).unwrap();
            assert!(begun.accept(&welcome, NOW, backend.as_ref()).is_err());
            let welcome = cluster.open_session(1, &hello_of(&begun)).unwrap();
            assert!(begun.accept(&welcome, NOW, backend.as_ref()).is_ok());
        }
    }
}

/// Flips one of all bits, whichever `at` comes to.
fn flip(bytes: &mut [u8], at: usize) {
    let place = at / 8 % bytes.len();
    bytes[place] ^= 1 << (at % 8);
}

fn flip_time(time: &mut Timestamp, at: usize) {
    *time = Timestamp::from_micros(time.as_micros() ^ 1 << (at % 64));
}

fn flip_token(token: &mut SessionToken, part: usize, at: usize, other: &VerifyingKey) {
    match part % 7 {
        0 => flip(&mut token.id.0, at),
        1 => token.epoch.0 ^= 1 << (at % 32),
        2 => token.host = other.clone(),
        3 => flip_time(&mut token.began, at),
        4 => flip_time(&mut token.until, at),
        5 => flip(&mut token.iv, at),
        _ => flip(&mut token.sealed, at),
    }
}

/// A cluster, a negotiation and what an HSM has answered.
fn negotiated() -> (Cluster, Negotiation, Welcome, VerifyingKey) {
    let mut cluster = Cluster::new(&backends()[0], 2, 1);
    let begun = cluster.begin();
    let welcome = cluster.open_session(0, &hello_of(&begun)).unwrap();
    let other = cluster.domain.people().next().unwrap().public().clone();
    (cluster, begun, welcome, other)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bit_of_a_hello_may_change(part in 0..5, at in any::<u16>()) {
        let (mut cluster, begun, _, other) = negotiated();
        let (mut hello, at) = (hello_of(&begun), usize::from(at));
        match part {
            0 => hello.region = RegionName::parse("eu-west-1").unwrap(),
            1 => hello.serial ^= 1 << (at % 64),
            2 => flip(hello.public.as_mut_slice(), at),
            3 => hello.host = other,
            _ => flip(&mut hello.signature, at),
        }
        prop_assert!(cluster.open_session(0, &hello).is_err());
    }

    #[test]
    fn no_bit_of_an_answer_may_change(part in 0..12_usize, at in any::<u16>()) {
        let (_, begun, mut welcome, other) = negotiated();
        let at = usize::from(at);
        match part {
            0 => flip(&mut welcome.hsm, at),
            1 => flip(welcome.public.as_mut_slice(), at),
            2 => flip(&mut welcome.iv, at),
            3 => flip(&mut welcome.sealed, at),
            4 => flip(&mut welcome.signature, at),
            part => {
                let mut token = SessionToken::clone(&welcome.token);
                flip_token(&mut token, part, at, &other);
                welcome.token = Arc::new(token);
            }
        }
        prop_assert!(begun.accept(&welcome, NOW, backends()[0].as_ref()).is_err());
    }

    /// Whether the HSM has opened the session before or not: a token that is not what it was opens
    /// nothing, and neither does one with another proof.
    #[test]
    fn no_bit_of_a_token_may_change(part in 0..8_usize, at in any::<u16>(), known: bool) {
        let backend = backends()[0].clone();
        let (mut cluster, begun, welcome, other) = negotiated();
        let session = begun.accept(&welcome, NOW, backend.as_ref()).unwrap();
        if known {
            prop_assert!(cluster.knows(&session, 0));
        }
        let mut token = SessionToken::clone(&session.credential().token);
        if part < 7 {
            flip_token(&mut token, part, usize::from(at), &other);
        }
        let forged = Credential::of(Arc::new(token), &SecretKey::new([3; 32]), backend.as_ref());
        let forged = match part {
            7 => forged,
            _ => Credential { token: forged.token, ..Credential::clone(session.credential()) },
        };
        prop_assert!(!cluster.draws_in(&Arc::new(forged), 0, NOW));
        prop_assert!(cluster.knows(&session, 0), "the real one is as good as before");
    }
}
