//! What a watcher hears of messages and timers.

use super::*;
use std::collections::BTreeMap;

/// Everything that was heard, messages without their bodies, and under which input nodes recorded.
#[derive(Default)]
struct Heard {
    steps: Vec<(SimTime, Step<'static, u32>)>,
    current: InputId,
    recorded: Vec<(NodeId, InputId)>,
}

impl Recorder<Seen> for Heard {
    fn record(&mut self, _: SimTime, from: NodeId, _: Seen) {
        self.recorded.push((from, self.current));
    }
}

impl Watcher<u32> for Heard {
    fn watch(&mut self, at: SimTime, step: Step<'_, u32>) {
        let step = match step {
            Step::Sent { id, cause, from, to, .. } => Step::Sent { id, cause, from, to, body: &0 },
            Step::Copied { id, of } => Step::Copied { id, of },
            Step::Damaged { id } => Step::Damaged { id },
            Step::Lost { id, why } => Step::Lost { id, why },
            Step::Rang { id, cause, node, token } => Step::Rang { id, cause, node, token },
            Step::Handled { id, node } => {
                self.current = id;
                Step::Handled { id, node }
            }
        };
        self.steps.push((at, step));
    }
}

/// A sends every 10 ms for a second, every other message only after 20 ms.
fn heard(faults: Vec<Box<dyn Fault>>, parameters: NetworkParameters) -> Heard {
    let plan = plan(1);
    let topology = topology(2, Role::Client);
    let network = Network::new(plan.seed, &topology, &AWS_2026_APPROX, parameters);
    let faults = (0..).map(FaultId).zip(faults);
    let faults = faults.fold(Faults::new(plan.seed), |all, (id, fault)| all.with(id, fault));
    let mut heard = Heard::default();
    let world = World { topology, network, faults, recorder: &mut heard };
    let script = |now: &Now, input: &Input<u32>, _: u32, out: &mut Out| match (now.node, input) {
        (A, Input::Start) => (1..=100).for_each(|n| out.after(Duration::from_millis(n * 10), n)),
        (A, Input::Timer(n)) => {
            let delay = Duration::from_millis((n % 2) * 20);
            out.send_after(delay, B, 7, 100);
        }
        (B, Input::Message { .. }) => out.send(A, 8, 100),
        _ => {}
    };
    let build = move || (0..2).map(|_| Actor { crashes: 0, script }).collect();
    run(&plan, world, build, |_| ControlFlow::Continue(())).unwrap();
    heard
}

impl Heard {
    fn lost(&self) -> BTreeMap<Loss, usize> {
        let mut lost = BTreeMap::new();
        for (_, step) in &self.steps {
            if let Step::Lost { why, .. } = step {
                *lost.entry(*why).or_default() += 1;
            }
        }
        lost
    }

    fn count(&self, which: impl Fn(&Step<'_, u32>) -> bool) -> usize {
        self.steps.iter().filter(|(_, step)| which(step)).count()
    }
}

#[test]
fn numbers_follow_one_another_and_name_their_causes() {
    let heard = heard(vec![], <_>::default());
    let made = heard.steps.iter().filter_map(|(_, step)| match step {
        Step::Sent { id, .. } | Step::Copied { id, .. } | Step::Rang { id, .. } => Some(id.0),
        _ => None,
    });
    let made: Vec<u64> = made.collect();
    assert_eq!(made, (1..=302).collect::<Vec<_>>(), "two starts, 100 timers, 200 messages");
    let of_b = heard.recorded.iter().filter(|(node, _)| *node == B).map(|(_, id)| *id);
    let handled: Vec<InputId> = of_b.skip(1).collect();
    for cause in handled {
        let sent =
            heard.count(|step| matches!(step, Step::Sent { id, from: A, .. } if *id == cause));
        let answer = heard
            .count(|step| matches!(step, Step::Sent { cause: by, from: B, .. } if *by == cause));
        assert_eq!((sent, answer), (1, 1), "{cause:?}");
    }
    assert_eq!(heard.lost(), BTreeMap::new());
}

#[test]
fn every_loss_has_its_reason() {
    let lossy = NetworkParameters { loss: 0.3, ..NetworkParameters::default() };
    let lost = heard(vec![], lossy).lost();
    assert_eq!(lost.keys().copied().collect::<Vec<_>>(), [Loss::Network]);

    let window = Window { from: SimTime::ZERO, until: secs(10) };
    let cut = RegionPartition { window, region: RegionIndex(0), direction: Direction::Both };
    let lost = heard(vec![Box::new(cut)], <_>::default()).lost();
    assert_eq!(lost, BTreeMap::from([(Loss::Fault, 100)]));

    let crash = |node, millis| {
        let at = SimTime::from_millis(millis);
        Box::new(Script(vec![(at, NodeAction::Crash(node))])) as Box<dyn Fault>
    };
    let lost = heard(vec![crash(A, 505)], <_>::default()).lost();
    assert_eq!(lost.get(&Loss::Sender), Some(&1), "what waited at A: {lost:?}");
    assert!(lost.get(&Loss::Receiver).is_some_and(|lost| *lost > 5), "answers to A: {lost:?}");
    let lost = heard(vec![crash(B, 505)], <_>::default()).lost();
    assert_eq!(lost.keys().copied().collect::<Vec<_>>(), [Loss::Receiver]);
}

#[test]
fn copies_and_damage_are_told() {
    let twice = NetworkParameters { duplication: 0.3, ..NetworkParameters::default() };
    let heard = heard(vec![], twice);
    let copied = heard.count(|step| matches!(step, Step::Copied { .. }));
    assert!(copied > 20, "{copied}");
    let (made, handled) = (
        heard.count(|step| {
            matches!(step, Step::Sent { .. } | Step::Copied { .. } | Step::Rang { .. })
        }),
        heard.count(|step| matches!(step, Step::Handled { .. })),
    );
    assert_eq!(made, handled);
}
