//! How runs end: by themselves, by an error, and without leaving memory behind.

use std::sync::Arc;

use super::*;

type Boxed = Box<dyn Node<Message = u32, Event = Seen>>;

#[test]
fn a_panic_names_the_node_and_the_time_and_keeps_the_history() {
    let (result, log) =
        play(&plan(1), 2, vec![], <_>::default(), |now, input, _, out| match input {
            Input::Start => out.after(Duration::from_secs(3), 1),
            _ => assert!(now.node != B, "planted"),
        });
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "eu-west-1/client-0 panicked at 3.000000000s of simulated time: planted"
    );
    assert_eq!(log.len(), 2);
}

#[test]
fn a_message_to_nobody_is_an_error_of_its_sender() {
    let (result, _) = play(&plan(1), 1, vec![], <_>::default(), |_, _, _, out| {
        out.send(NodeId(9), 0, 1);
    });
    let error = result.unwrap_err().to_string();
    assert!(error.ends_with("it sent a message to node 9 of 1"), "{error}");
}

#[test]
fn a_wrong_number_of_nodes_and_a_broken_maker_are_errors() {
    let attempt = |nodes: fn() -> Vec<Boxed>| {
        let topology = topology(2, Role::Worker);
        let network = Network::new(Seed(1), &topology, &AWS_2026_APPROX, <_>::default());
        let mut log = Log::new();
        let world = World { topology, network, faults: Faults::new(Seed(1)), recorder: &mut log };
        run(&plan(1), world, nodes, |_| ControlFlow::Continue(())).unwrap_err()
    };
    assert_eq!(attempt(Vec::new), RunError::NodeCount { nodes: 0, places: 2 });
    assert_eq!(attempt(|| panic!("no nodes")), RunError::Broken("no nodes".to_owned()));
}

#[test]
fn the_run_ends_when_every_client_has_finished_or_time_is_over() {
    let endless = |finish: bool| {
        play(&plan(1), 2, vec![], <_>::default(), move |now, input, _, out| {
            out.after(Duration::from_secs(1), 1);
            let mine = secs(u64::from(now.node.0) + 4);
            if finish && *input != Input::Start && now.monotonic >= mine {
                out.finish();
            }
        })
    };
    let finished = endless(true).0.unwrap();
    assert_eq!((finished.stop, finished.ended_at), (Stop::Finished, secs(5)));
    let limited = endless(false).0.unwrap();
    assert_eq!((limited.stop, limited.ended_at), (Stop::TimeLimit, secs(100)));
    assert_eq!(limited.timers, 200);
}

/// However a run ends, what its nodes held is let go: a madsim runtime by itself forgets to drop tasks
/// that are pending when it ends.
#[test]
fn a_run_leaves_nothing_of_its_nodes_behind() {
    for seed in 1..=40 {
        let state = Arc::new(1);
        let left = Arc::downgrade(&state);
        let (result, _) =
            play(&plan(seed), 20, vec![], <_>::default(), move |now, input, _, out| match input {
                Input::Start => out.after(Duration::from_secs(1), *state),
                _ if now.node == B && seed % 4 == 0 => panic!("planted"),
                _ => out.send(NodeId((now.node.0 + 1) % 20), 0, 1),
            });
        assert_eq!(result.is_err(), seed % 4 == 0);
        assert_eq!(left.strong_count(), 0, "seed {seed} left a node's state behind");
    }
}
