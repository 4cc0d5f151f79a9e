//! What faults do to nodes and messages, seen from the nodes.

use super::*;

#[test]
fn a_crash_loses_timers_and_messages_of_the_former_life() {
    // B starts at 0 and arms timers for 10 s and 40 s. It is down from 20 s to 30 s, and A sends at
    // 5 s (arrives), 19.99 s (under way at the crash), 25 s (while down) and 35 s (arrives).
    let faults = Script(vec![(secs(20), NodeAction::Crash(B)), (secs(30), NodeAction::Restart(B))]);
    let (result, log) = play(
        &plan(1),
        2,
        vec![Box::new(faults)],
        <_>::default(),
        |now, input, crashes, out| match (now.node, input) {
            (A, Input::Start) => {
                for millis in [5_000, 19_990, 25_000, 35_000] {
                    out.after(Duration::from_millis(millis), millis);
                }
            }
            (A, Input::Timer(millis)) => out.send(B, u32::try_from(*millis).unwrap(), 1),
            (B, Input::Start) if crashes == 0 => {
                out.after(Duration::from_secs(10), 1);
                out.after(Duration::from_secs(40), 2);
                out.at_wall(START_MICROS + 40_000_000, 3);
            }
            (B, Input::Start) => out.after(Duration::from_secs(20), 4),
            _ => {}
        },
    );
    assert_eq!(messages(&log, B), [5_000, 35_000]);
    let tokens: Vec<(SimTime, u64)> =
        timers(&log, B).iter().map(|(at, _, token)| (*at, *token)).collect();
    assert_eq!(tokens, [(secs(10), 1), (secs(50), 4)]);
    let summary = result.unwrap();
    assert_eq!((summary.crashes, summary.starts, summary.messages, summary.lost), (1, 3, 2, 3));
}

#[test]
fn a_node_held_down_by_two_faults_starts_when_both_let_go() {
    let first = Script(vec![(secs(1), NodeAction::Crash(B)), (secs(5), NodeAction::Restart(B))]);
    let second = Script(vec![(secs(2), NodeAction::Crash(B)), (secs(9), NodeAction::Restart(B))]);
    let (result, log) =
        play(&plan(1), 2, vec![Box::new(first), Box::new(second)], <_>::default(), |_, _, _, _| {});
    let starts = log.iter().filter(|(_, node, seen)| *node == B && matches!(seen, Seen::Start(_)));
    assert_eq!(starts.map(|(at, ..)| *at).collect::<Vec<_>>(), [SimTime::ZERO, secs(9)]);
    assert_eq!(result.unwrap().crashes, 1);
}

#[test]
fn a_partition_cuts_the_directions_it_names() {
    let pings = |direction: Option<Direction>| {
        let window = Window { from: SimTime::ZERO, until: secs(10) };
        let cut = direction.map(|direction| {
            Box::new(RegionPartition { window, region: RegionIndex(0), direction })
                as Box<dyn Fault>
        });
        let (_, log) =
            play(&plan(1), 2, cut.into_iter().collect(), <_>::default(), |now, input, _, out| {
                let other = NodeId(1 - now.node.0);
                match input {
                    Input::Start => {
                        out.after(Duration::from_secs(5), 5);
                        out.after(Duration::from_secs(15), 15);
                    }
                    Input::Timer(at) => out.send(other, u32::try_from(*at).unwrap(), 1),
                    _ => {}
                }
            });
        (messages(&log, A), messages(&log, B))
    };
    assert_eq!(pings(None), (vec![5, 15], vec![5, 15]));
    assert_eq!(pings(Some(Direction::Both)), (vec![15], vec![15]));
    assert_eq!(pings(Some(Direction::In)), (vec![15], vec![5, 15]));
    assert_eq!(pings(Some(Direction::Out)), (vec![5, 15], vec![15]));
}

#[test]
fn calm_restarts_nodes_corrects_clocks_and_ends_verdicts() {
    let skew = ClockChange::Skew { offset_micros: 9, drift_ppm: 0 };
    let faults = Script(vec![
        (secs(1), NodeAction::Crash(B)),
        (secs(1), NodeAction::Crash(B)),
        (secs(2), NodeAction::Skew(A, skew)),
        (secs(90), NodeAction::Crash(A)),
    ]);
    let cut = RegionPartition {
        window: Window::ALWAYS,
        region: RegionIndex(0),
        direction: Direction::Both,
    };
    let storm = Plan { calm_at: Some(secs(50)), ..plan(1) };
    let (result, log) = play(
        &storm,
        2,
        vec![Box::new(faults), Box::new(cut)],
        <_>::default(),
        |now, input, crashes, out| match input {
            Input::Start if now.node == B && crashes == 1 => out.send(A, 7, 1),
            Input::Message { .. } if now.node == A => out.send(B, 8, 1),
            _ => {}
        },
    );
    assert_eq!((messages(&log, A), messages(&log, B)), (vec![7], vec![8]));
    let calm: Vec<&Seen> =
        log.iter().filter(|(at, ..)| *at == secs(50)).map(|(.., seen)| seen).collect();
    assert_eq!(calm[0], &Seen::Acted(NodeAction::Skew(A, ClockChange::Correct)));
    assert_eq!(calm[1], &Seen::Acted(NodeAction::Restart(B)));
    assert_eq!(result.unwrap().crashes, 1);
}
