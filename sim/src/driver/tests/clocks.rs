//! Timers, wall clocks and progress.

use super::*;

#[test]
fn wall_clock_timers_follow_the_clock_that_is_skewed() {
    // At 10 s the clock of B steps 20 s ahead, at 40 s back to the truth.
    let faults = clock_skew::ClockSkew::new(clock_skew::Parameters {
        window: Window { from: secs(10), until: secs(40) },
        nodes: Selector { role: None, region: Some(RegionIndex(1)) },
        offset_micros: 20_000_000,
        drift_ppm: 0,
    });
    let (_, log) = play(&plan(1), 2, vec![Box::new(faults)], <_>::default(), |_, input, _, out| {
        if *input == Input::Start {
            for second in [5, 25, 50, 70] {
                out.at_wall(START_MICROS + second * 1_000_000, second);
            }
        }
    });
    let due = |at, wall: u64, token| (secs(at), wall * 1_000_000, token);
    assert_eq!(timers(&log, A), [due(5, 5, 5), due(25, 25, 25), due(50, 50, 50), due(70, 70, 70)]);
    assert_eq!(timers(&log, B), [due(5, 5, 5), due(10, 30, 25), due(30, 50, 50), due(70, 70, 70)]);
}

#[test]
fn a_drifting_clock_fires_early_and_shows_the_wall_time_it_was_armed_for() {
    let drift = ClockChange::Skew { offset_micros: 0, drift_ppm: 1_000 };
    let faults = Script(vec![(SimTime::ZERO, NodeAction::Skew(A, drift))]);
    let (_, log) = play(&plan(1), 1, vec![Box::new(faults)], <_>::default(), |_, input, _, out| {
        if *input == Input::Start {
            out.at_wall(START_MICROS + 10_010_000, 1);
            out.after(Duration::from_secs(10), 2);
        }
    });
    assert_eq!(timers(&log, A), [(secs(10), 10_010_000, 1), (secs(10), 10_010_000, 2)]);
}

#[test]
fn progress_comes_at_its_times_and_can_break_off() {
    let topology = topology(1, Role::Client);
    let network = Network::new(Seed(1), &topology, &AWS_2026_APPROX, <_>::default());
    let mut log = Log::new();
    let world = World { topology, network, faults: Faults::new(Seed(1)), recorder: &mut log };
    let every = Some(Duration::from_secs(2));
    let plan = Plan { progress_every: every, ..plan(1) };
    let build = || {
        vec![Actor {
            crashes: 0,
            script: |_: &Now, _: &Input<u32>, _, out: &mut Out| {
                out.after(Duration::from_secs(1), 0);
            },
        }]
    };
    let mut seen = Vec::new();
    let result = run(&plan, world, build, |progress: &Progress| {
        seen.push((progress.at, progress.timers));
        if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(seen, [(secs(2), 1), (secs(4), 3), (secs(6), 5)]);
    assert_eq!(result.unwrap().stop, Stop::Interrupted);
}

#[test]
fn a_world_that_is_caught_in_itself_can_be_broken_off() {
    let topology = topology(1, Role::Client);
    let network = Network::new(Seed(1), &topology, &AWS_2026_APPROX, <_>::default());
    let faults = Faults::new(Seed(1));
    let world = World { topology, network, faults, recorder: &mut Vec::new() };
    let plan = Plan { progress_every: Some(Duration::from_secs(3_600)), ..plan(1) };
    let build = || {
        let script = |_: &Now, _: &Input<u32>, _, out: &mut Out| {
            out.after(Duration::from_nanos(1), 0);
        };
        vec![Actor { crashes: 0, script }]
    };
    let result = run(&plan, world, build, |_: &Progress| ControlFlow::Break(()));
    let summary = result.unwrap();
    assert_eq!(summary.stop, Stop::Interrupted);
    assert!(summary.ended_at < secs(1), "{summary:?}");
}

#[test]
fn a_timer_of_no_time_still_moves_time() {
    let (result, log) = play(&plan(1), 1, vec![], <_>::default(), |_, input, _, out| match input {
        Input::Timer(9) => {}
        Input::Timer(n) => out.after(Duration::ZERO, n + 1),
        _ => out.after(Duration::ZERO, 0),
    });
    assert_eq!(timers(&log, A).last(), Some(&(SimTime::from_nanos(10_000), 10, 9)));
    assert_eq!(result.unwrap().timers, 10);
}
