//! No backing key is lost: while one HSM or one offline member lives, every material that a record counts
//! on lies in a key token that the domain can open, at the journal and at everybody who follows it.
//!
//! Key tokens are outside the log, so their agreement is judged apart from that of the states. What is
//! long overdue by the end is judged here too, for it is mostly tokens that wait for it.

use super::{Context, Entry, Finding, Mark, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Event, Holdings, Source};
use kms_core::name::RegionName;
use std::collections::BTreeMap;
use std::time::Duration;

const INFO: OracleInfo = OracleInfo {
    name: "key-tokens",
    doc: "After the calm every material has its key token, the domain opens every token, followers \
          have the journal's tokens, and no task is long overdue.",
    needs: &[Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(KeyTokens::default()) };

/// A calm that is shorter leaves no time for what is overdue.
const TIME_TO_CATCH_UP: Duration = Duration::from_secs(180);

#[derive(Default)]
struct KeyTokens {
    said: Vec<(Mark, Holdings)>,
    undecided: u64,
}

impl Oracle for KeyTokens {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        if let Event::Kept(holdings) = &seen.record.event {
            self.said.push((seen.mark(), (**holdings).clone()));
        }
    }

    fn undecided(&self) -> u64 {
        self.undecided
    }

    fn finish(&mut self, context: &Context<'_>) -> Finding {
        let said = std::mem::take(&mut self.said);
        let mut violations = Vec::new();
        let settled = context.calm() >= context.rules.settling;
        self.undecided = u64::from(said.is_empty() || !settled);
        if settled {
            violations.extend(said.iter().flat_map(|(seen, said)| lost(*seen, said)));
            violations.extend(disagreements(&said));
        }
        if context.calm() >= TIME_TO_CATCH_UP {
            violations.extend(said.iter().filter_map(|(seen, said)| overdue(*seen, said)));
        }
        violations.sort_by_key(|violation| violation.index);
        Finding { judged: said.len() as u64, detail: Vec::new(), violations }
    }
}

/// Materials without a token, and tokens without a domain key.
fn lost(seen: Mark, said: &Holdings) -> Vec<Violation> {
    let Holdings { region, missing, unopenable, .. } = said;
    let mut lost = Vec::new();
    if let Some(key) = missing.first() {
        let others = missing.len() - 1;
        let message = format!("{key} in {region} and {others} others lack the token of a material");
        lost.push(seen.violates(INFO.name, message));
    }
    if *unopenable > 0 {
        let message =
            format!("{unopenable} key tokens in {region} are under a domain key that was dropped");
        lost.push(seen.violates(INFO.name, message));
    }
    lost
}

/// Whoever is as far in the log as another has the same tokens.
fn disagreements(said: &[(Mark, Holdings)]) -> Vec<Violation> {
    let mut first: BTreeMap<(RegionName, u64), [u8; 32]> = BTreeMap::new();
    let mut found = Vec::new();
    for (seen, Holdings { region, position, digest, .. }) in said {
        if first.entry((*region, *position)).or_insert(*digest) != digest {
            let message = format!("two stores of key tokens of {region} at {position} differ");
            found.push(seen.violates(INFO.name, message));
        }
    }
    found
}

fn overdue(seen: Mark, said: &Holdings) -> Option<Violation> {
    let task = said.overdue.first()?;
    let message = format!(
        "{task} in {} and {} other tasks are long overdue",
        said.region,
        said.overdue.len() - 1
    );
    Some(seen.violates(INFO.name, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Verdict;
    use crate::oracle::scene::Scene;
    use kms_core::name::KeyId;
    use kms_core::task::Task;

    fn holdings(scene: &Scene) -> Holdings {
        Holdings {
            region: scene.home(),
            position: 5,
            tokens: 3,
            digest: [1; 32],
            missing: Vec::new(),
            unopenable: 0,
            overdue: Vec::new(),
        }
    }

    fn violations(change: impl FnOnce(&mut Holdings)) -> usize {
        let mut scene = Scene::new();
        let mut other = holdings(&scene);
        change(&mut other);
        let sound = holdings(&scene);
        scene.at(1).journal(Event::Kept(Box::new(sound)));
        scene.journal(Event::Kept(Box::new(other)));
        let finding = scene.judge(&ENTRY);
        assert_eq!(finding.judged, 2);
        finding.violations.len()
    }

    #[test]
    fn agreement_on_tokens_that_open_is_fine() {
        assert_eq!(violations(|_| {}), 0);
    }

    #[test]
    fn each_way_of_losing_a_backing_key_is_told() {
        assert_eq!(violations(|said| said.missing = vec![KeyId::single_region([1; 16])]), 1);
        assert_eq!(violations(|said| said.unopenable = 1), 1);
        assert_eq!(violations(|said| said.digest = [2; 32]), 1);
        assert_eq!(violations(|said| said.overdue = vec![Task::RotateDomainKey]), 1);
    }

    #[test]
    fn a_run_that_was_cut_short_is_undecided() {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        assert_eq!(scene.verdict(&ENTRY), Verdict::Undecided { left: 1, judged: 0 });
    }

    #[test]
    fn who_is_elsewhere_in_the_log_may_have_other_tokens() {
        let elsewhere = |said: &mut Holdings| (said.position, said.digest) = (4, [2; 32]);
        assert_eq!(violations(elsewhere), 0);
    }

    #[test]
    fn without_a_journal_there_is_no_judgement() {
        Scene::new().cannot_judge(&ENTRY, Source::Journal);
    }
}
