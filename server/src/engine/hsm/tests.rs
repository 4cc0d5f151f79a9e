//! The fleet of a process: hedges, time-outs, queues, and who is left alone.

use super::*;
use crate::random::random;
use kms_core::crypto::Production;
use kms_core::hsm::{Fault, Reply as HsmReply, SESSION_VALIDITY};
use kms_core::key::KeySpec;
use kms_core::name::{KeyId, RegionName};

/// HSMs of which the first so many are of no domain.
fn hsms(strangers: usize, members: usize) -> (Hsms, Arc<DomainToken>) {
    let backend: Arc<dyn CryptoBackend> = Arc::new(Production::default());
    let identity = |_| HsmIdentity::generate(backend.as_ref(), &mut random());
    let region = RegionName::parse("us-east-1").unwrap();
    let known: Vec<_> = (0..members.max(1)).map(identity).collect();
    let domains = kms_core::hsm::found(&[(region, known.clone())], backend.as_ref(), &mut random());
    let domain = domains.unwrap().remove(&region).unwrap();
    let all: Vec<_> = (0..strangers).map(identity).chain(known.into_iter().take(members)).collect();
    let mut hsms = Hsms::new(&all, domain.host(), &backend, PATIENT, SESSION_VALIDITY);
    let host = Arc::new(Host::new(domain.host().clone()));
    let hsm = |identity| {
        Arc::new(Hsm::new(identity, &host, &backend, SESSION_VALIDITY, NARROW, hsms.began))
    };
    hsms.hsms = all.iter().map(hsm).collect();
    (hsms, domain.token.clone())
}

/// A fleet that a busy machine does not make nervous.
const PATIENT: FleetParameters = FleetParameters {
    attempts: 3,
    timeout: Duration::from_secs(60),
    pair_timeout: Duration::from_secs(60),
    hedge_after: Duration::from_secs(60),
    outstanding: 512,
    retry_ratio: 0.1,
    retry_savings: 100.0,
    failures: 3,
    quarantine: Duration::from_secs(60),
    quarantine_at_most: Duration::from_secs(60),
};

/// As on a machine with two cores.
const NARROW: Width = Width { searches: 1, others: 2 };

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

const SOON: Duration = Duration::from_millis(20);

fn with(hsms: Hsms, parameters: FleetParameters) -> Hsms {
    let fleet = Mutex::new(Fleet::new(hsms.hsms.len(), parameters));
    Hsms { fleet, ..hsms }
}

fn command() -> Arc<Command> {
    Arc::new(Command::GenerateRandom { bytes: 32 })
}

fn pair() -> Arc<Command> {
    let (key, spec) = (KeyId::single_region([1; 16]), KeySpec::Rsa4096);
    Arc::new(Command::GenerateBackingKey { key, spec })
}

fn outstanding(hsms: &Hsms) -> Vec<u32> {
    let fleet = lock(&hsms.fleet);
    (0..hsms.hsms.len()).map(|hsm| fleet.outstanding(hsm)).collect()
}

/// One of three hangs, and nobody waits for as long as it may take.
#[test]
fn a_late_answer_is_hedged_and_who_is_overtaken_is_left_alone() {
    let (hsms, domain) = hsms(0, 3);
    let hsms = with(hsms, FleetParameters { hedge_after: SOON, ..PATIENT });
    let began = Instant::now();
    let held = hsms.hsms[1].hold();
    for _ in 0..20 {
        let reply = hsms.ask(&command(), &[], &domain, NOW);
        assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
    }
    assert!(began.elapsed() < PATIENT.timeout / 2, "{:?}", began.elapsed());
    assert_eq!([0, 1, 2].map(|hsm| hsms.is_quarantined(hsm)), [false, true, false]);
    drop(held);
    assert_eq!(outstanding(&hsms), [0; 3]);
}

/// What makes a pair is not hedged, but its time is up at some point as well.
#[test]
fn a_command_whose_time_is_up_is_taken_elsewhere() {
    let (hsms, domain) = hsms(0, 2);
    let pair_timeout = Duration::from_secs(1);
    let hsms = with(hsms, FleetParameters { pair_timeout, hedge_after: SOON, ..PATIENT });
    let (key, spec) = (KeyId::single_region([1; 16]), KeySpec::EccNistP256);
    let pair = Arc::new(Command::GenerateBackingKey { key, spec });
    let began = Instant::now();
    let first = hsms.hsms[0].hold();
    let reply = hsms.ask(&pair, &[], &domain, NOW);
    assert!(matches!(reply, Reply::Hsm(HsmReply::BackingKey { .. })), "{reply:?}");
    assert!(began.elapsed() >= pair_timeout, "{:?}", began.elapsed());
    let second = hsms.hsms[1].hold();
    let reply = hsms.ask(&pair, &[], &domain, NOW);
    assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
    assert_eq!(outstanding(&hsms), [0; 2]);
    drop((first, second));
}

/// The budget for asking again is one for hedges and retries.
#[test]
fn without_savings_nobody_is_hedged() {
    let (hsms, domain) = hsms(0, 2);
    let hsms = with(
        hsms,
        FleetParameters { timeout: 4 * SOON, hedge_after: SOON, retry_savings: 0.5, ..PATIENT },
    );
    let _both: Vec<_> = hsms.hsms.iter().map(|hsm| hsm.hold()).collect();
    let reply = hsms.ask(&command(), &[], &domain, NOW);
    assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
}

#[test]
fn an_hsm_that_is_not_of_the_domain_is_passed_over_and_left_alone() {
    let (hsms, domain) = hsms(1, 2);
    for _ in 0..20 {
        let reply = hsms.ask(&command(), &[], &domain, NOW);
        assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
    }
    assert_eq!([0, 1, 2].map(|hsm| hsms.is_quarantined(hsm)), [true, false, false]);
}

/// Each thread of an HSM has a memory of its own, and a session is known in all of them; what asks
/// long after it has ended is answered like before.
#[test]
fn a_session_serves_for_the_fleet_until_it_is_renewed() {
    let (hsms, domain) = hsms(0, 3);
    let mut credentials = Vec::new();
    for now in [NOW, NOW.after(SESSION_VALIDITY / 2), NOW.after(2 * SESSION_VALIDITY), NOW] {
        for hsm in &hsms.hsms {
            let order =
                Order { command: command(), tokens: [].into(), domain: domain.clone(), now };
            let reply = hsm.carry_out(&order);
            assert!(matches!(reply, Ok(HsmReply::Random { .. })), "{reply:?}");
            credentials.push(hsm.session(now).expect("it is not due"));
        }
    }
    credentials.dedup();
    assert_eq!(credentials.len(), 2, "{credentials:?}");
}

#[test]
fn a_fleet_of_strangers_has_no_key_available() {
    let (hsms, domain) = hsms(2, 0);
    let reply = hsms.ask(&command(), &[], &domain, NOW);
    assert!(matches!(reply, Reply::HsmFault(Fault::NotJoined)), "{reply:?}");
}

#[test]
fn the_fleet_keeps_count_from_many_threads() {
    let (hsms, domain) = hsms(0, 3);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let reply = hsms.ask(&command(), &[], &domain, NOW);
                    assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
                }
            });
        }
    });
    let fleet = lock(&hsms.fleet);
    assert_eq!([0, 1, 2].map(|hsm| fleet.outstanding(hsm)), [0; 3]);
}

/// Sixty threads signed with RSA keys, and a fifth of them were told that no HSM had answered in time,
/// though all of them were at work: the time that a command waited for a lane had counted.
#[test]
fn many_slow_commands_at_once_wait_for_each_other_and_none_is_late() {
    let (hsms, domain) = hsms(0, 3);
    let timeout = Duration::from_secs(1);
    let hsms = with(hsms, FleetParameters { attempts: 1, timeout, ..PATIENT });
    hsms.hsms.iter().for_each(|hsm| hsm.drag(timeout / 20));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..180 {
            scope.spawn(|| {
                let reply = hsms.ask(&command(), &[], &domain, NOW);
                assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
            });
        }
    });
    assert!(began.elapsed() > timeout, "nobody had to wait: {:?}", began.elapsed());
    assert_eq!(outstanding(&hsms), [0; 3]);
}

/// Ten key pairs of RSA were made, and somebody who wanted to encrypt was told that no HSM had answered.
#[test]
fn nobody_waits_for_the_primes_of_others() {
    let (hsms, domain) = hsms(0, 3);
    let hsms = with(hsms, FleetParameters { attempts: 1, pair_timeout: 20 * SOON, ..PATIENT });
    let searching: Vec<_> = hsms.hsms.iter().map(|hsm| hsm.hold_searches()).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let reply = hsms.ask(&pair(), &[], &domain, NOW);
                assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
            });
        }
        while outstanding(&hsms) == [0; 3] {
            std::thread::yield_now();
        }
        for _ in 0..50 {
            let reply = hsms.ask(&command(), &[], &domain, NOW);
            assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
        }
    });
    assert!(began.elapsed() < PATIENT.timeout, "{:?}", began.elapsed());
    drop(searching);
}

/// A command that nobody waits for any more was carried out all the same, beside its second try.
#[test]
fn what_has_not_begun_in_time_is_not_carried_out_twice() {
    let (hsms, domain) = hsms(0, 1);
    let hsms = with(hsms, FleetParameters { attempts: 1, timeout: 4 * SOON, ..PATIENT });
    let held = hsms.hsms[0].hold();
    for _ in 0..NARROW.others + 3 {
        let reply = hsms.ask(&command(), &[], &domain, NOW);
        assert!(matches!(reply, Reply::TimedOut), "{reply:?}");
    }
    drop(held);
    let hsms = with(hsms, PATIENT);
    let reply = hsms.ask(&command(), &[], &domain, NOW);
    assert!(matches!(reply, Reply::Hsm(_)), "{reply:?}");
    assert_eq!(hsms.hsms[0].carried_out(), NARROW.others + 1);
}

/// The first of two is late and the second hangs; the late answer is as good as any.
#[test]
fn an_answer_after_its_time_is_used() {
    let (hsms, domain) = hsms(0, 2);
    let hsms = with(hsms, FleetParameters { timeout: 10 * SOON, attempts: 2, ..PATIENT });
    let first = hsms.hsms[0].hold();
    let _second = hsms.hsms[1].hold();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| hsms.ask(&command(), &[], &domain, NOW));
        while outstanding(&hsms) != [0, 1] {
            std::thread::yield_now();
        }
        drop(first);
        let reply = asking.join().unwrap();
        assert!(matches!(reply, Reply::Hsm(HsmReply::Random { .. })), "{reply:?}");
    });
    assert_eq!(outstanding(&hsms), [0; 2]);
}
