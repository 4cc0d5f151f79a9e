//! A client against a scripted host: what it sends is drained, what it gets is made up.

use std::time::Duration;

use kms_core::Result as KmsResult;
use kms_core::crypto::RustCrypto;
use kms_core::name::{AccountId, KeyArn, KeyId};
use kms_core::ops::{decrypt, generate_random};
use scenarios::{Planned, RetryMode, Who};

use super::super::share::Starts;
use super::*;
use crate::driver::Effect;

const NODE: NodeId = NodeId(9);
const HOSTS: [NodeId; 2] = [NodeId(1), NodeId(2)];

/// Asks for random bytes, one more each time.
struct Counter(u32);

impl Generator for Counter {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        self.0 += 1;
        let number_of_bytes = Some(kms_core::wire::NumberOfBytes(self.0));
        Planned {
            region: moment.book.regions()[0],
            account: moment.book.accounts()[0],
            caller: Who::Admin,
            service: None,
            request: Arc::new(
                generate_random::Request { number_of_bytes, ..Default::default() }.into(),
            ),
        }
    }

    fn learn(&mut self, _: &Planned, _: &KmsResult<Response>) {}

    fn kept(&self) -> Vec<Planned> {
        let (region, account) =
            (RegionName::parse("us-east-1").unwrap(), AccountId::new(111_122_220_000));
        let blob = kms_core::wire::CiphertextBlob(vec![1, 2, 3].into());
        let request = Arc::new(decrypt::Request::new(blob).into());
        vec![Planned { region, account, caller: Who::Admin, service: None, request }; 3]
    }
}

fn plan(times: &[u64], retry: RetryMode) -> ClientPlan {
    let region = RegionName::parse("us-east-1").unwrap();
    let accounts = vec![AccountId::new(111_122_220_000)];
    let starts = times.iter().map(|millis| Duration::from_millis(*millis)).collect();
    ClientPlan {
        node: NODE,
        seed: Seed(5),
        hosts: Arc::new(BTreeMap::from([(region, HOSTS.to_vec())])),
        principals: Arc::new(Principals::of(&accounts, &[])),
        book: Arc::new(KeyBook::new(vec![region], accounts)),
        shares: vec![Share {
            from: SimTime::ZERO,
            until: SimTime::from_secs(60),
            starts: Starts::Listed(starts),
            generator: Box::new(Counter(0)),
        }],
        settings: scenarios::Client { retry, timeout: Duration::from_secs(1), max_attempts: 3 },
        storm_ends: SimTime::from_secs(60),
        audit_at: None,
        most_in_flight: 2,
        backend: Arc::new(RustCrypto),
        secrets: Secrets::default(),
    }
}

/// Runs a client's timers on a clock of its own.
struct Stage {
    client: Client,
    now: SimTime,
    timers: Vec<(SimTime, u64)>,
    sent: Vec<(SimTime, NodeId, RequestId)>,
    events: Vec<Event>,
}

impl Stage {
    fn new(plan: ClientPlan) -> Stage {
        let (client, now) = (Client::new(plan), SimTime::ZERO);
        let (timers, sent, events) = (Vec::new(), Vec::new(), Vec::new());
        let mut stage = Stage { client, now, timers, sent, events };
        stage.input(Input::Start);
        stage
    }

    fn input(&mut self, input: Input<Message>) {
        let now = Now { wall_micros: 0, monotonic: self.now, node: NODE };
        let mut out = Outbox::default();
        self.client.handle(now, input, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Send { to, body: Message::Request { id, .. }, .. } => {
                    self.sent.push((self.now, to, id));
                }
                Effect::After(wait, token) => self.timers.push((self.now.after(wait), token)),
                Effect::Record(event) => self.events.push(event),
                other => panic!("{other:?}"),
            }
        }
    }

    fn run_until(&mut self, end: SimTime) {
        while let Some(index) = (0..self.timers.len()).min_by_key(|index| self.timers[*index].0)
            && self.timers[index].0 <= end
        {
            let (at, token) = self.timers.remove(index);
            self.now = self.now.max(at);
            self.input(Input::Timer(token));
        }
        self.now = end;
    }

    fn answer(&mut self, id: RequestId, result: KmsResult<Response>) {
        let body = Message::Response { id, result: Arc::new(result) };
        self.input(Input::Message { from: HOSTS[0], body });
    }

    fn ended(&self) -> Vec<(u64, Option<ErrorCode>)> {
        let ended = self.events.iter().filter_map(|event| match event {
            Event::Ended { call, error } => Some((*call, *error)),
            _ => None,
        });
        ended.collect()
    }

    fn count(&self, fits: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| fits(event)).count()
    }
}

fn done() -> KmsResult<Response> {
    let region = RegionName::parse("us-east-1").unwrap();
    let key_id = KeyArn { region, account: AccountId::new(1), id: KeyId::single_region([1; 16]) };
    Ok(kms_core::ops::cancel_key_deletion::Response { key_id }.into())
}

#[test]
fn calls_start_on_time_and_end_with_their_answer() {
    let mut stage = Stage::new(plan(&[100, 250], RetryMode::Standard2026));
    stage.run_until(SimTime::from_millis(300));
    let times: Vec<_> = stage.sent.iter().map(|(at, _, _)| *at).collect();
    assert_eq!(times, [SimTime::from_millis(100), SimTime::from_millis(250)]);
    for (_, _, id) in stage.sent.clone() {
        stage.answer(id, done());
        stage.answer(id, done());
    }
    assert_eq!(stage.ended(), [(0, None), (1, None)]);
    stage.run_until(SimTime::from_secs(100));
    assert_eq!(stage.count(|event| matches!(event, Event::TimedOut { .. })), 0);
    assert_eq!(stage.count(|event| matches!(event, Event::Returned { .. })), 2);
}

#[test]
fn an_attempt_without_an_answer_is_given_up_and_goes_to_another_host() {
    let mut stage = Stage::new(plan(&[0], RetryMode::Standard2026));
    stage.run_until(SimTime::from_secs(20));
    let hosts: Vec<_> = stage.sent.iter().map(|(_, host, _)| *host).collect();
    assert_eq!(hosts.len(), 3);
    assert!(hosts[0] != hosts[1] && hosts[1] != hosts[2]);
    assert_eq!(stage.count(|event| matches!(event, Event::TimedOut { .. })), 3);
    assert_eq!(stage.ended(), [(0, Some(ErrorCode::DependencyTimeout))]);
}

#[test]
fn an_answer_to_an_earlier_attempt_comes_too_late() {
    let mut stage = Stage::new(plan(&[0], RetryMode::Standard2026));
    stage.run_until(SimTime::from_millis(1_200));
    let [(_, _, first), (_, _, second)] = stage.sent[..] else { panic!("{:?}", stage.sent) };
    stage.answer(first, done());
    assert_eq!(stage.ended(), []);
    stage.answer(second, done());
    assert_eq!(stage.ended(), [(0, None)]);
}

#[test]
fn errors_are_retried_or_final() {
    for (code, attempts) in [(ErrorCode::Throttling, 3), (ErrorCode::Disabled, 1)] {
        let mut stage = Stage::new(plan(&[0], RetryMode::Standard2026));
        for second in 0..10 {
            stage.run_until(SimTime::from_millis(second * 900));
            if let Some((_, _, id)) = stage.sent.last().copied() {
                stage.answer(id, Err(code.silent()));
            }
        }
        assert_eq!((stage.sent.len(), stage.ended()), (attempts, vec![(0, Some(code))]), "{code}");
    }
}

#[test]
fn a_start_beyond_the_bound_waits_for_an_end() {
    let mut stage = Stage::new(plan(&[0, 1, 2], RetryMode::None));
    stage.run_until(SimTime::from_millis(10));
    assert_eq!((stage.sent.len(), stage.client.delayed()), (2, 1));
    let (_, _, id) = stage.sent[0];
    stage.answer(id, done());
    assert_eq!(stage.sent.len(), 3);
}

#[test]
fn nothing_starts_after_the_storm() {
    let mut plan = plan(&[0, 1, 2, 60_000], RetryMode::None);
    plan.settings.timeout = Duration::from_secs(61);
    let mut stage = Stage::new(plan);
    stage.run_until(SimTime::from_secs(100));
    assert_eq!(stage.sent.len(), 2, "the third was held back, the fourth is no part of the storm");
}

#[test]
fn in_the_calm_everything_kept_is_asked_for_once_and_one_after_another() {
    let audit_at = SimTime::from_secs(70);
    let plan = ClientPlan { audit_at: Some(audit_at), ..plan(&[], RetryMode::Standard2026) };
    let mut stage = Stage::new(plan);
    stage.run_until(SimTime::from_secs(69));
    assert_eq!(stage.sent.len(), 0);
    stage.run_until(audit_at);
    for number in 1..=3 {
        assert_eq!(stage.sent.len(), number);
        let (_, _, id) = stage.sent[number - 1];
        stage.answer(id, Err(ErrorCode::KmsInternal.silent()));
    }
    stage.run_until(SimTime::from_secs(100));
    assert_eq!(stage.sent.len(), 3, "nothing is asked again");
    assert_eq!(stage.ended().len(), 3);
}

#[test]
fn a_crash_settles_what_was_under_way() {
    let mut stage = Stage::new(plan(&[0, 5_000], RetryMode::Standard2026));
    stage.run_until(SimTime::from_millis(500));
    stage.client.crash();
    stage.timers.clear();
    stage.input(Input::Start);
    assert_eq!(stage.ended(), [(0, Some(ErrorCode::DependencyTimeout))]);
    let (_, _, lost) = stage.sent[0];
    stage.answer(lost, done());
    stage.run_until(SimTime::from_millis(5_500));
    assert_eq!((stage.sent.len(), stage.ended().len()), (2, 1));
}

#[test]
fn equal_plans_do_the_same() {
    let play = || {
        let mut stage = Stage::new(plan(&[0, 300, 700], RetryMode::Standard2026));
        stage.run_until(SimTime::from_secs(30));
        (stage.sent, stage.events)
    };
    assert_eq!(play(), play());
}
