//! What the oracles say, with the history around each violation.

use super::micros;
use crate::history::line;
use crate::oracle::{self, Judged, Verdict};
use crate::run::Run;
use reports::data::{EXPECTATION, EventLine, Micros, Oracle, OracleVerdict, Violation};
use reports::thousands;

/// So many lines of history before and after what shows a violation.
const AROUND: usize = 6;
/// Violations beyond this many come without history: the first ones tell the story.
const WITH_HISTORY: usize = 25;
/// Violations beyond this many are only counted.
const LISTED: usize = 500;

/// Every oracle and what became of it; the scenario's own expectations too, when they are not met.
pub(super) fn oracles(run: &Run) -> Vec<Oracle> {
    let unmet = unmet(run).count() as u64;
    let expected = (unmet > 0).then(|| Oracle {
        name: EXPECTATION.to_owned(),
        checks: "The run shows what its scenario expects.".to_owned(),
        judged: unmet,
        verdict: OracleVerdict::Violated,
    });
    run.judged.iter().map(oracle).chain(expected).collect()
}

fn oracle(judged: &Judged) -> Oracle {
    let details = judged.finding.detail.iter();
    let details: Vec<String> =
        details.map(|(what, count)| format!("{what}: {}", thousands(*count))).collect();
    let checks = match details.is_empty() {
        true => judged.info.doc.to_owned(),
        false => format!("{} ({})", judged.info.doc, details.join(", ")),
    };
    let verdict = match (judged.verdict, judged.verdict.doubt()) {
        (_, Some(reason)) => OracleVerdict::CannotJudge { reason },
        (Verdict::Violated, None) => OracleVerdict::Violated,
        (_, None) => OracleVerdict::Passed,
    };
    Oracle { name: judged.info.name.to_owned(), checks, judged: judged.finding.judged, verdict }
}

/// What must not have happened, by time, then what the scenario expected and did not get.
pub(super) fn violations(run: &Run) -> Vec<Violation> {
    let mut found: Vec<&oracle::Violation> =
        run.judged.iter().flat_map(|judged| &judged.finding.violations).collect();
    found.sort_by_key(|violation| violation.index);
    let mut all: Vec<Violation> =
        found.iter().take(LISTED).map(|one| violation(run, one)).collect();
    for (one, found) in all.iter_mut().zip(&found).take(WITH_HISTORY) {
        one.events = around(run, found.index);
    }
    if let (Some(last), Some(more)) = (all.last_mut(), found.len().checked_sub(LISTED))
        && more > 0
    {
        last.message.push_str(&format!(" ({more} more violations are not listed)"));
    }
    all.extend(unmet(run));
    all
}

fn violation(run: &Run, found: &oracle::Violation) -> Violation {
    Violation {
        oracle: found.oracle.to_owned(),
        at: micros(found.at),
        node: run.scene.topology.name(found.node),
        message: found.message.clone(),
        events: Vec::new(),
    }
}

fn around(run: &Run, index: usize) -> Vec<EventLine> {
    let shown = index.saturating_sub(AROUND)..index.saturating_add(AROUND + 1);
    shown
        .filter_map(|index| run.history.get(index))
        .map(|record| EventLine {
            at: micros(record.at),
            node: run.scene.topology.name(record.node),
            text: line(&record.event),
        })
        .collect()
}

fn unmet(run: &Run) -> impl Iterator<Item = Violation> {
    let at = micros(run.summary.ended_at);
    let unmet = run.unmet.iter().cloned().chain(no_objection(run));
    unmet.map(move |message| expectation(message, at))
}

fn expectation(message: String, at: Micros) -> Violation {
    let (oracle, node) = (EXPECTATION.to_owned(), "the whole run".to_owned());
    Violation { oracle, at, node, message, events: Vec::new() }
}

/// A scenario that wants an oracle to object is not met when that oracle is silent.
fn no_objection(run: &Run) -> Option<String> {
    let scenarios::Verdict::Violation { oracle } = &run.scene.scenario.expect.verdict else {
        return None;
    };
    let silent = run.verdict == crate::run::Verdict::Violation;
    silent.then(|| format!("the oracle {oracle} is expected to object, and it did not"))
}
