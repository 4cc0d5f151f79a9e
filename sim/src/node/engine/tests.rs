//! The engine's way with its fleet, seen from the wire: what it sends, and which answers it takes.

mod regions;
mod sessions;

use super::*;
use crate::driver::Effect;
use crate::history::Routing;
use crate::message::Message;
use crate::node::Alarm;
use crate::node::deadlines::Wait;
use crate::parameters::Parameters;
use kms_core::audit::AuditRecord;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    self, Command, Credential, Fault, HsmDevice, HsmIdentity, Mandate, Reply as HsmReply, Within,
};
use kms_core::name::RegionName;
use kms_core::name::{AccountId, KeyArn, KeyId, Partition, PrincipalArn};
use kms_core::ops::generate_random;
use kms_core::state::{Change, DomainRecord, LogEntry};
use kms_core::wire::NumberOfBytes;

const HSMS: [NodeId; 3] = [NodeId(10), NodeId(11), NodeId(12)];

/// An engine whose requests each ask for random bytes, which takes one command and no key.
struct Bench {
    engine: Engine,
    device: HsmDevice,
    out: Out,
    requests: u128,
    routed: Vec<Routing>,
}

/// A command on its way to an HSM.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    to: NodeId,
    ask: AskId,
    draw: (RequestId, u32),
    command: Arc<Command>,
    session: Option<Arc<Credential>>,
}

fn at(millis: u64) -> Now {
    Now { wall_micros: 1 << 50, monotonic: SimTime::from_millis(millis), node: NodeId(1) }
}

fn bytes() -> Result<HsmReply, Fault> {
    Ok(HsmReply::Random { bytes: vec![7; 32].into() })
}

impl Bench {
    fn new(parameters: &Parameters) -> Bench {
        let region = RegionName::parse("us-east-1").unwrap();
        let backend: Arc<dyn CryptoBackend> = Arc::new(kms_core::crypto::AwsLc);
        let random = &mut kms_core::local::SeededRandom::new(1);
        let identity = HsmIdentity::generate(backend.as_ref(), random);
        let hsms = [(region, vec![identity.clone()])];
        let domain = hsm::found(&hsms, backend.as_ref(), random).unwrap().remove(&region).unwrap();
        let mut device = HsmDevice::new(identity, backend.clone());
        let mandate = Mandate::new(&domain.join(), &domain.token, [domain.host()], random);
        device.manage(&domain.join(), &mandate, random).unwrap();
        let peers = Peers {
            hsms: HSMS.to_vec(),
            journal: NodeId(2),
            regions: BTreeMap::new(),
            key_stores: BTreeMap::new(),
        };
        let settings = Settings {
            peers,
            limits: parameters.limits(),
            points: Points::default(),
            sabotages: Sabotages::default(),
            operator: Arc::new(domain.host().clone()),
            backend,
            seed: Seed(1),
            settle_at: SimTime::from_secs(1_000),
        };
        let mut kms = Kms::new(region, kms_core::kms::Settings::default());
        let (token, rotated) = (domain.token.clone(), Timestamp::EPOCH);
        let record = DomainRecord { tokens_since: token.active, token, rotated };
        let changes = vec![Change::PutDomain(record)];
        kms.apply(&LogEntry { position: 1, id: 0, committed: rotated, changes });
        let mut engine = Engine::new(kms, Meter::off(), settings);
        engine.sessions.begin_with(&mut device, &domain.token, at(0));
        let (out, routed) = (Out::default(), Vec::new());
        Bench { engine, device, out, requests: 0, routed }
    }

    /// What a healthy HSM answers, wherever it is asked.
    fn answer(&mut self, now: Now, to: &Sent) -> Result<HsmReply, Fault> {
        let session = to.session.as_ref();
        let within = Within { session, now: Timestamp::from_micros(now.wall_micros) };
        let random = &mut NamedRandom::new(Seed(1), to.to, to.draw.0, to.draw.1);
        self.device.execute(&to.command, &[], within, random)
    }

    fn begin(&mut self, now: Now) -> Vec<Sent> {
        self.requests += 1;
        let root = PrincipalArn::root(AccountId::new(111_122_223_333), Partition::Aws);
        let number_of_bytes = Some(NumberOfBytes(32));
        let request = generate_random::Request { number_of_bytes, ..Default::default() };
        let work = Work::Request(Arc::new(request.into()), None);
        let (id, caller) = (RequestId(self.requests), Arc::new(Caller::new(root)));
        self.engine.begin(now, Origin::Client(NodeId(0)), work, id, caller, &mut self.out);
        self.sent()
    }

    /// What has been sent to HSMs since the last look, orders to join aside.
    fn sent(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        for effect in self.out.drain() {
            match effect {
                Effect::Send {
                    to,
                    body: Message::HsmCommand { ask, draw, command, session, .. },
                    ..
                } if ask > 0 => {
                    sent.push(Sent { to, ask, draw, command, session });
                }
                Effect::Record(Event::Routed { what, .. }) => self.routed.push(what),
                _ => {}
            }
        }
        sent
    }

    fn reply(&mut self, now: Now, to: &Sent, result: Result<HsmReply, Fault>) -> Vec<Sent> {
        let Sent { to: from, ask, draw, .. } = *to;
        self.engine.hsm_replied(now, from, ask, draw, result, &mut self.out);
        self.sent()
    }

    fn over(&mut self, now: Now, wait: Wait) -> Vec<Sent> {
        self.engine.deadline(now, wait as u64, &mut self.out);
        self.sent()
    }

    /// What ended meanwhile: the error, or that it went well.
    fn ended(&mut self) -> Vec<Option<ErrorCode>> {
        let finished = std::iter::from_fn(|| self.engine.next_finished());
        finished.map(|one| one.result.as_ref().as_ref().err().map(|error| error.code)).collect()
    }
}

fn bench() -> Bench {
    Bench::new(&Parameters::default())
}

fn one(sent: &[Sent]) -> Sent {
    let [one] = sent else { panic!("{sent:?}") };
    one.clone()
}

#[test]
fn the_first_answer_wins_and_the_second_is_dropped() {
    for hedge_wins in [true, false] {
        let mut bench = bench();
        let first = one(&bench.begin(at(0)));
        assert_eq!(bench.over(at(49), Wait::Hedge), [], "it is not late");
        let hedge = one(&bench.over(at(50), Wait::Hedge));
        assert!(hedge.to != first.to && hedge.ask != first.ask && hedge.draw != first.draw);
        let (winner, loser) = if hedge_wins { (hedge, first) } else { (first, hedge) };
        assert_eq!(bench.reply(at(60), &winner, bytes()), []);
        assert_eq!(bench.ended(), [None]);
        assert_eq!(bench.reply(at(61), &loser, bytes()), []);
        assert_eq!(bench.ended(), []);
        assert_eq!(bench.routed, [Routing::Hedged, Routing::Discarded]);
    }
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let mut bench = bench();
    let asked = one(&bench.begin(at(0)));
    let (request, draw) = asked.draw;
    let wrong = [
        Sent {
            to: HSMS[(HSMS.iter().position(|hsm| *hsm == asked.to).unwrap() + 1) % 3],
            ..asked.clone()
        },
        Sent { ask: asked.ask + 1, ..asked.clone() },
        Sent { draw: (RequestId(request.0 + 1), draw), ..asked.clone() },
        Sent { draw: (request, draw + 1), ..asked.clone() },
    ];
    for wrong in wrong {
        bench.reply(at(1), &wrong, bytes());
        assert_eq!(bench.ended(), [], "{wrong:?}");
    }
    assert_eq!(bench.routed, [Routing::Discarded; 4]);
    bench.reply(at(1), &asked, bytes());
    assert_eq!(bench.ended(), [None]);
}

#[test]
fn three_silent_hsms_are_a_time_out_of_a_dependency() {
    let mut bench = bench();
    let first = one(&bench.begin(at(0)));
    let hedge = one(&bench.over(at(50), Wait::Hedge));
    assert_eq!(bench.over(at(250), Wait::Hsm), [], "the hedge may still answer");
    let third = one(&bench.over(at(300), Wait::Hsm));
    assert_eq!(bench.over(at(350), Wait::Hedge), [], "there is one hedge");
    let mut asked = [first.to, hedge.to, third.to];
    asked.sort();
    assert_eq!(asked, HSMS);
    assert_eq!(bench.over(at(550), Wait::Hsm), []);
    assert_eq!(bench.ended(), [Some(ErrorCode::DependencyTimeout)]);
}

#[test]
fn an_hsm_that_never_answers_is_left_alone() {
    let mut bench = bench();
    let sick = one(&bench.begin(at(0))).to;
    let mut now = 0;
    let mut asked_sick = 1;
    while !bench.routed.contains(&Routing::Quarantined) {
        now += 50;
        let hedges = bench.over(at(now), Wait::Hedge);
        for hedge in hedges {
            bench.reply(at(now), &hedge, bytes());
        }
        let sent = one(&bench.begin(at(now)));
        match sent.to == sick {
            true => asked_sick += 1,
            false => drop(bench.reply(at(now), &sent, bytes())),
        }
        assert!(now < 10_000, "{:?}", bench.routed);
    }
    assert_eq!(asked_sick, 3, "three failures in a row");
    for _ in 0..20 {
        let sent = one(&bench.begin(at(now + 1)));
        assert_ne!(sent.to, sick);
    }
}

#[test]
fn a_full_fleet_refuses_at_once_and_a_full_hsm_is_passed_over() {
    let mut bench = Bench::new(&Parameters { hsm_outstanding: 1, ..Parameters::default() });
    let mut sent = Vec::new();
    for _ in 0..3 {
        sent.extend(bench.begin(at(0)));
    }
    assert_eq!(bench.begin(at(0)), []);
    assert_eq!(bench.ended(), [Some(ErrorCode::KmsInternal)]);
    bench.reply(at(1), &sent[0], bytes());
    let other = one(&bench.reply(at(1), &sent[1], Err(Fault::Busy)));
    assert_eq!(other.to, sent[0].to);
    assert_eq!(bench.routed, [Routing::Saturated, Routing::Refused, Routing::Retried]);
}

#[test]
fn what_no_hsm_can_open_is_unavailable_and_not_a_time_out() {
    let mut bench = Bench::new(&Parameters { hsm_attempts: 1, ..Parameters::default() });
    let mut asked = one(&bench.begin(at(0)));
    for _ in 0..2 {
        asked = one(&bench.reply(at(1), &asked, Err(Fault::NotJoined)));
    }
    assert_eq!(
        bench.reply(at(1), &asked, Err(Fault::NotJoined)),
        [],
        "it was given the domain twice"
    );
    assert_eq!(bench.ended(), [Some(ErrorCode::KeyUnavailable)]);
}

#[test]
fn uses_are_written_down_a_minute_later_and_never_near_the_end() {
    let used = |millis| {
        let mut bench = bench();
        let (now, nothing) = (at(millis), Append::default());
        let call = bench.engine.flushing(now, RequestId(1), nothing).call;
        let mut audit = AuditRecord::begin(&call, "Encrypt");
        let id = KeyId::single_region([1; 16]);
        let (account, region) = (AccountId::new(1), RegionName::parse("us-east-1").unwrap());
        audit.keys.push(KeyArn { region, account, id });
        let outcome = Outcome { result: Ok(Response::TaskDone), append: None, audit };
        bench.engine.note_use(now, &outcome, &mut bench.out);
        bench.engine.note_use(now, &outcome, &mut bench.out);
        bench
    };
    let mut early = used(0);
    let timers: Vec<_> = early.out.drain().collect();
    let flush = Alarm::Flush.token();
    assert!(matches!(timers[..], [Effect::After(_, token)] if token == flush), "{timers:?}");
    for uses in [1, 0] {
        early.engine.flush_uses(at(60_000), &mut early.out);
        let sent = early.out.drain().filter_map(|effect| match effect {
            Effect::Send { body: Message::Append { append, .. }, .. } => Some(append.changes.len()),
            _ => None,
        });
        assert_eq!(sent.sum::<usize>(), uses, "one change with all of them");
    }
    let mut late = used(920_000);
    assert_eq!(late.out.drain().count(), 0);
}
