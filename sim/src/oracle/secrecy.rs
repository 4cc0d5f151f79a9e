//! No secret key shows where none may be: in what a client is answered beside the plaintext, and in the
//! key tokens that a journal keeps.
//!
//! The history holds no bytes, so the search is made where the bytes are, by whoever knows the keys of
//! the run, and the history says what was found. What the search can see and what it cannot,
//! `sim/src/secrets.rs` says. Nobody knows the keys of a real service: of such a history this oracle
//! cannot judge.

use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Event, Source};

const INFO: OracleInfo = OracleInfo {
    name: "secrecy",
    doc: "No answer beside its plaintext, and no key token that a journal keeps, shows a secret key.",
    needs: &[Source::Witness, Source::Client],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::<Secrecy>::default() };

#[derive(Default)]
struct Secrecy {
    answers: u64,
    violations: Vec<Violation>,
}

impl Oracle for Secrecy {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        match &seen.record.event {
            Event::Returned { got: Ok(_), .. } => self.answers += 1,
            Event::Exposed { request, place } => {
                let message = format!("a secret key shows in {} of {request}", place.words());
                self.violations.push(seen.violates(INFO.name, message));
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.answers, detail: Vec::new(), violations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Exposure, Got};
    use crate::oracle::scene::{Scene, arn};
    use crate::oracle::{Judged, Verdict, judge};
    use kms_core::env::RequestId;

    fn judged(witnessed: bool, exposed: Option<Exposure>) -> Judged {
        let mut scene = Scene::new();
        scene.returned(1, Got::Genuine { key: arn() });
        if let Some(place) = exposed {
            scene.client(Event::Exposed { request: RequestId(1), place });
        }
        let mut context = scene.context();
        context.rules.knows_keys = witnessed;
        let all = judge(scene.records(), &context);
        all.into_iter().find(|judged| judged.info == INFO).expect("it is in the table")
    }

    #[test]
    fn what_the_witness_finds_is_a_violation() {
        let clean = judged(true, None);
        assert_eq!((clean.verdict, clean.finding.judged), (Verdict::Passed, 1));
        for place in [Exposure::Answer, Exposure::KeyToken] {
            let found = judged(true, Some(place)).finding.violations;
            assert_eq!(found.len(), 1);
            assert!(found[0].message.contains(place.words()), "{}", found[0].message);
        }
    }

    #[test]
    fn where_nobody_knows_the_keys_nothing_is_said() {
        let missing = Source::Witness;
        assert_eq!(judged(false, None).verdict, Verdict::CannotJudge { missing });
    }
}
