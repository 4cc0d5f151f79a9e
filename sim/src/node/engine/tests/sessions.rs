//! Sessions as the wire shows them: who waits for one, when the next one is begun, and what an HSM that
//! does not know one costs.

use super::*;

/// A bench whose node has no session.
fn without() -> Bench {
    let mut bench = bench();
    bench.engine.sessions.clear();
    bench
}

fn names(sent: &[Sent]) -> Vec<&'static str> {
    sent.iter().map(|one| one.command.name()).collect()
}

impl Bench {
    /// Has a healthy HSM answer.
    fn answered(&mut self, now: Now, to: &Sent) -> Vec<Sent> {
        let answer = self.answer(now, to);
        self.reply(now, to, answer)
    }

    fn refused(&mut self, now: Now, to: &Sent) -> Vec<Sent> {
        self.reply(now, to, Err(Fault::NoSession))
    }
}

/// When so many percent of a session are over, by both clocks of the node.
fn percent(percent: u64) -> Now {
    let millis = hsm::SESSION_VALIDITY.as_secs() * 10 * percent;
    let now = at(millis);
    Now { wall_micros: now.wall_micros + millis * 1_000, ..now }
}

#[test]
fn commands_wait_for_the_one_negotiation_before_any_hsm_is_charged_with_them() {
    let mut bench = without();
    let hello = bench.begin(at(0));
    assert_eq!(names(&hello), ["OpenSession"]);
    assert_eq!(bench.begin(at(1)), [], "one at a time");
    let outstanding: u32 = (0..HSMS.len()).map(|hsm| bench.engine.fleet.outstanding(hsm)).sum();
    assert_eq!(outstanding, 1);
    let sent = bench.answered(at(2), &one(&hello));
    assert_eq!(names(&sent), ["GenerateRandom"; 2]);
    assert!(sent.iter().all(|one| one.session.is_some() && one.session == sent[0].session));
    sent.iter().for_each(|one| assert_eq!(bench.answered(at(3), one), []));
    assert_eq!(bench.ended(), [None, None]);
    assert_eq!(bench.routed, [Routing::InSession]);
    assert_eq!(names(&bench.begin(at(4))), ["GenerateRandom"], "the session goes on");
}

#[test]
fn the_next_session_is_begun_before_the_last_one_is_over() {
    let mut bench = bench();
    assert_eq!(names(&bench.begin(percent(89))), ["GenerateRandom"]);
    let sent = bench.begin(percent(90));
    assert_eq!(names(&sent), ["OpenSession", "GenerateRandom"], "nobody waits");
    assert_eq!(bench.answered(percent(90), &sent[1]), []);
    assert_eq!(bench.answered(percent(90), &sent[0]), []);
    assert_eq!(bench.routed, [Routing::Renewed]);
    let later = one(&bench.begin(percent(150)));
    assert!(later.session != sent[1].session);
    assert_eq!(bench.answered(percent(150), &later), []);
    assert_eq!(bench.ended(), [None, None]);
}

#[test]
fn a_node_that_was_idle_for_too_long_begins_a_session_first() {
    let mut bench = bench();
    let hello = one(&bench.begin(percent(100)));
    assert_eq!(hello.command.name(), "OpenSession");
    assert_eq!(names(&bench.answered(percent(100), &hello)), ["GenerateRandom"]);
    assert_eq!(bench.routed, [Routing::InSession]);
}

#[test]
fn a_command_in_an_unknown_session_is_sent_again_in_another_one() {
    let mut bench = bench();
    let sent = [bench.begin(at(0)), bench.begin(at(0)), bench.begin(at(0))].concat();
    let hello = one(&bench.refused(at(1), &sent[0]));
    assert_eq!((hello.command.name(), hello.to), ("OpenSession", sent[0].to), "it is asked itself");
    assert_eq!(bench.refused(at(1), &sent[1]), [], "it waits for the same one");
    let again = bench.answered(at(2), &hello);
    assert_eq!(names(&again), ["GenerateRandom"; 2]);
    let late = one(&bench.refused(at(3), &sent[2]));
    assert_eq!(late.session, again[0].session, "there is a newer one by now");
    for (again, first) in again.iter().chain([&late]).zip(&sent) {
        assert_eq!(again.draw.0, first.draw.0);
        assert!(again.draw != first.draw && again.session != first.session);
        assert_eq!(bench.answered(at(4), again), []);
    }
    assert_eq!(bench.ended(), [None; 3]);
    let unknown = bench.routed.iter().filter(|what| **what == Routing::NoSession);
    assert_eq!((unknown.count(), bench.routed.len()), (3, 4), "{:?}", bench.routed);
    assert!((0..3).all(|hsm| bench.engine.fleet.outstanding(hsm) == 0));
}

/// It counts as sick then, and another one is asked.
#[test]
fn an_hsm_that_knows_no_session_at_all_is_not_asked_for_ever() {
    let mut bench = bench();
    let mut sent = one(&bench.begin(at(0)));
    let mut draws = vec![sent.draw];
    for _ in 0..2 {
        let hello = one(&bench.refused(at(1), &sent));
        sent = one(&bench.answered(at(1), &hello));
        draws.push(sent.draw);
    }
    let other = one(&bench.refused(at(1), &sent));
    assert_eq!(other.command.name(), "GenerateRandom");
    assert_ne!(other.to, sent.to);
    draws.push(other.draw);
    draws.sort();
    draws.dedup();
    assert_eq!(draws.len(), 4, "each sending has a draw of its own");
    assert_eq!(bench.answered(at(1), &other), []);
    assert_eq!(bench.ended(), [None]);
}

#[test]
fn an_answer_to_another_hello_begins_no_session() {
    let mut bench = without();
    let first = one(&bench.begin(at(0)));
    let stale = bench.answer(at(0), &first);
    bench.engine.crash();
    let second = one(&bench.begin(at(1)));
    assert!(second.command != first.command && second.draw != first.draw);
    let third = one(&bench.reply(at(2), &second, stale));
    assert_eq!(bench.routed, [Routing::Distrusted, Routing::Retried]);
    assert_eq!(names(&bench.answered(at(3), &third)), ["GenerateRandom"]);
}

#[test]
fn who_waits_for_a_negotiation_that_fails_hears_why() {
    let mut bench = Bench::new(&Parameters { hsm_attempts: 1, ..Parameters::default() });
    for (fault, error) in
        [(Fault::Refused, ErrorCode::KmsInternal), (Fault::Busy, ErrorCode::KmsInternal)]
    {
        bench.engine.sessions.clear();
        let hello = one(&bench.begin(at(0)));
        assert_eq!(bench.begin(at(0)), []);
        assert_eq!(bench.reply(at(1), &hello, Err(fault)), []);
        assert_eq!(bench.ended(), [Some(error); 2], "{fault:?}");
    }
    assert_eq!(bench.routed, [Routing::Refused, Routing::Saturated, Routing::Saturated]);
    let hello = one(&bench.begin(at(2)));
    assert_eq!(bench.over(at(252), Wait::Hsm), []);
    assert_eq!(bench.ended(), [Some(ErrorCode::DependencyTimeout)]);
    assert_eq!(bench.answered(at(253), &hello), [], "too late");
    assert_eq!(names(&bench.begin(at(254))), ["OpenSession"]);
}
