//! A trace of any size: requests that go from clients to hosts, to HSMs and back, with some lost.

use reports::data::{Arrow, Asked, Fault, Lane, Mark, Micros, Scenario, Shown, Trace};

/// How many clients, and as many hosts and HSMs together.
const CLIENTS: usize = 24;
const HOSTS: usize = 6;
/// What a request adds: four messages and four records.
const EVENTS: usize = 8;

/// A trace of so many requests, each 500 µs after the one before, of which the last shows a violation.
pub(crate) fn trace(requests: usize) -> Trace {
    let mut trace = empty();
    (0..requests).for_each(|request| add(&mut trace, request));
    trace.until = Micros(trace.marks.last().map_or(0, |mark| mark.at.0));
    let last = trace.marks.len() - 1;
    trace.violation = Some(Shown {
        oracle: "one-outcome".to_owned(),
        message: "the last answer is wrong".to_owned(),
        mark: Some(last),
    });
    let past = trace.marks.len() - EVENTS / 2;
    trace.marks[past..].iter_mut().for_each(|mark| mark.past = true);
    let past = trace.arrows.len() - EVENTS / 2;
    trace.arrows[past..].iter_mut().for_each(|arrow| arrow.past = true);
    trace
}

/// A trace of so many events.
pub(crate) fn of_events(events: usize) -> Trace {
    trace(events.div_ceil(EVENTS))
}

fn empty() -> Trace {
    let lane = |role: &str, index: usize| Lane {
        name: format!("us-east-1/{role}-{index}"),
        region: "us-east-1".to_owned(),
        role: role.to_owned(),
    };
    let clients = (0..CLIENTS).map(|index| lane("client", index));
    let hosts = (0..HOSTS).map(|index| lane("host", index));
    let hsms = (0..HOSTS).map(|index| lane("hsm", index));
    Trace {
        scenario: Scenario { name: "sample".to_owned(), description: String::new() },
        seed: 7,
        replay: "keyquake sim trace sample.toml --seed 7".to_owned(),
        digest: "00".repeat(32),
        from: Micros(0),
        until: Micros(0),
        lanes: clients.chain(hosts).chain(hsms).collect(),
        arrows: Vec::new(),
        marks: Vec::new(),
        requests: Vec::new(),
        faults: vec![Fault {
            label: "message loss".to_owned(),
            kind: "message-loss".to_owned(),
            target: "us-east-1 hosts".to_owned(),
            regions: Vec::new(),
            from: Micros(2_000),
            until: Micros(9_000),
        }],
        fault: Some(Micros(2_000)),
        violation: None,
    }
}

fn add(trace: &mut Trace, request: usize) {
    let (client, host) = (request % CLIENTS, CLIENTS + request % HOSTS);
    let (hsm, first) = (host + HOSTS, trace.arrows.len());
    let began = request as u64 * 500;
    trace.requests.push(Asked {
        id: format!("#{request:x}"),
        client: Some(client),
        operation: Some("Encrypt".to_owned()),
        key: Some(format!("key-{}", request % 50)),
    });
    let ways = [(client, host, "request"), (host, hsm, "HSM command"), (hsm, host, "HSM answer")];
    let ways = ways.into_iter().chain([(host, client, "answer")]);
    for (step, (from, to, kind)) in ways.enumerate() {
        let sent = began + step as u64 * 110;
        let lost = request % 100 == 99 && step == 3;
        trace.arrows.push(Arrow {
            from,
            to,
            kind: kind.to_owned(),
            detail: format!("Encrypt {}", request % 1_000),
            sent: Micros(sent),
            arrived: (!lost).then_some(Micros(sent + 100)),
            lost: lost.then(|| "a fault dropped it".to_owned()),
            cause: step.checked_sub(1).map(|before| first + before),
            request: Some(request),
            ..Arrow::default()
        });
    }
    let told = [(client, "call", 0), (hsm, "HSM", 210), (host, "decision", 320)];
    for (step, (lane, kind, after)) in told.into_iter().chain([(client, "result", 430)]).enumerate()
    {
        trace.marks.push(Mark {
            lane,
            at: Micros(began + after),
            kind: kind.to_owned(),
            text: format!("#{request:x} {kind}"),
            cause: step.checked_sub(1).map(|before| first + before.min(3)),
            request: Some(request),
            past: false,
        });
    }
}
