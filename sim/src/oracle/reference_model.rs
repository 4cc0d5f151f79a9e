//! Every answer is one that the reference model allows, and every commit a step that it knows.

use super::attempts::{Answer, Attempt};
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Event, Source};
use crate::model::{Model, Outcomes};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;

const INFO: OracleInfo = OracleInfo {
    name: "reference-model",
    doc: "Every answer and every commit is what a small independent model of the service allows.",
    needs: &[Source::Client, Source::Host, Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(ReferenceModel::default()) };

/// Errors of the service's own making: they are possible while something fails, and counted.
const SERVICE_FAULTS: [ErrorCode; 3] =
    [ErrorCode::DependencyTimeout, ErrorCode::KmsInternal, ErrorCode::KeyUnavailable];

#[derive(Default)]
struct ReferenceModel {
    counts: Counts,
    violations: Vec<Violation>,
}

#[derive(Default)]
struct Counts {
    answers: u64,
    exact: u64,
    open: u64,
    faults: u64,
    throttled: u64,
    commits: u64,
}

impl Oracle for ReferenceModel {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        match &seen.record.event {
            Event::Committed { position, .. } => self.committed(seen, *position),
            Event::Answered { request, .. } => self.answered(seen, *request, context),
            Event::Returned { request, got: Ok(_) } => self.returned(seen, *request),
            Event::Returned { request, got: Err(code) } => self.refused(seen, *request, *code),
            _ => {}
        }
    }

    fn undecided(&self) -> u64 {
        self.counts.open
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let counts = &self.counts;
        Finding {
            judged: counts.answers + counts.commits - counts.open,
            detail: vec![
                ("answers", counts.answers),
                ("answers with exactly one allowed outcome", counts.exact),
                ("answers that it has no words for", counts.open),
                ("answers that were service faults", counts.faults),
                ("answers that were throttled", counts.throttled),
                ("commits", counts.commits),
            ],
            violations: std::mem::take(&mut self.violations),
        }
    }
}

impl ReferenceModel {
    fn committed(&mut self, seen: Seen<'_>, position: u64) {
        self.counts.commits += 1;
        for problem in &seen.known.problems {
            self.violations
                .push(seen.violates(INFO.name, format!("log entry {position}: {problem}")));
        }
    }

    fn answered(&mut self, seen: Seen<'_>, request: RequestId, context: &Context<'_>) {
        let Some(attempt) = seen.known.attempts.get(request) else {
            let message = format!("a request was answered that nobody sent: {request}");
            self.violations.push(seen.violates(INFO.name, message));
            return;
        };
        let Some(answer) = attempt.answers.last() else { return };
        self.counts.answers += 1;
        let model = &seen.known.model;
        if answer.position > model.length(attempt.region) {
            let message = format!("{request} was decided on a log entry that does not exist");
            self.violations.push(seen.violates(INFO.name, message));
            return;
        }
        let expected = allowed(model, attempt, answer, context);
        self.counts.exact += u64::from(expected.count() == 1);
        self.counts.open += u64::from(expected == Outcomes::ALL);
        self.counts.judge(answer);
        if !is_excused(attempt, answer, seen, context) && !expected.allow(answer.error) {
            let came = answer.error.map_or("success", ErrorCode::wire_name);
            let message = format!(
                "{} at position {} came to {came}; right would be {expected}",
                attempt.describe(),
                answer.position
            );
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    fn returned(&mut self, seen: Seen<'_>, request: RequestId) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        for problem in &seen.known.problems {
            let message = format!("{} was answered wrongly: {problem}", attempt.describe());
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    /// An error that a client is told must be one that a host gave.
    fn refused(&mut self, seen: Seen<'_>, request: RequestId, code: ErrorCode) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        if !attempt.answers.iter().any(|answer| answer.error == Some(code)) {
            let message = format!("{} was told {code}, which no host said", attempt.describe());
            self.violations.push(seen.violates(INFO.name, message));
        }
    }
}

impl Counts {
    fn judge(&mut self, answer: &Answer) {
        let fault = answer.error.is_some_and(|code| SERVICE_FAULTS.contains(&code));
        self.faults += u64::from(fault);
        self.throttled += u64::from(answer.error == Some(ErrorCode::Throttling));
    }
}

/// What may come of a request. One that has taken effect already may be answered as before it did.
fn allowed(model: &Model, attempt: &Attempt, answer: &Answer, context: &Context<'_>) -> Outcomes {
    let expected = model.expected(&attempt.ask(answer), context);
    match attempt.committed {
        Some(own) if own <= answer.position => expected.or(Outcomes::SUCCESS),
        _ => expected,
    }
}

/// A service fault while something is wrong, or a quota: the request's own, or that of the other Region it
/// is carried out in.
fn is_excused(attempt: &Attempt, answer: &Answer, seen: Seen<'_>, context: &Context<'_>) -> bool {
    let limited = answer.charged || attempt.throttled_elsewhere;
    let throttled = limited && answer.error == Some(ErrorCode::Throttling);
    let fault = answer.error.is_some_and(|code| SERVICE_FAULTS.contains(&code));
    throttled || (fault && seen.known.is_hindered(attempt, answer.at, context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Window, hsm_slow, surge};
    use crate::history::{Changed, Digest, Got, Target, Wanted};
    use crate::oracle::FaultFacts;
    use crate::oracle::scene::{MATERIAL, Scene, abroad, arn, erased, key_id, key_in, sealed};
    use kms_core::key::KeyState;
    use kms_core::name::{AliasName, MaterialId};

    const DAY: u64 = 86_400_000;

    fn key() -> Target {
        Target::Key { region: None, id: key_id() }
    }

    fn world() -> Scene {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        scene
    }

    fn encrypt() -> Wanted {
        Wanted::Encrypt { key: key(), plaintext: Digest(1), context: Digest(5) }
    }

    fn violations(scene: &Scene) -> Vec<Violation> {
        scene.judge(&ENTRY).violations
    }

    /// How many violations an answer to a request is.
    fn answer(scene: &mut Scene, request: u128, wanted: Wanted, error: Option<ErrorCode>) -> usize {
        let before = violations(scene).len();
        scene.call(request, wanted);
        scene.answer(request, error);
        violations(scene).len() - before
    }

    #[test]
    fn a_life_as_it_should_be() {
        let mut scene = world();
        scene.call(2, encrypt());
        scene.answer(2, None);
        scene.returned(2, sealed(7));
        scene.call(3, Wanted::Decrypt { blob: Digest(7), key: None, context: Digest(5) });
        scene.answer(3, None);
        let opened = Got::Opened { key: arn(), plaintext: Digest(1), material: Some(MATERIAL) };
        scene.returned(3, opened);
        let finding = scene.judge(&ENTRY);
        assert_eq!(finding.violations, []);
        assert_eq!(finding.judged, 4, "three answers and a commit");
        assert!(finding.detail.contains(&("answers with exactly one allowed outcome", 3)));
    }

    /// The network loses a message in a hundred thousand. A host that asks a proxy once has then waited
    /// for nothing, and has waited; and no other key has a proxy.
    #[test]
    fn a_lost_message_excuses_who_waited_for_a_proxy() {
        let after = |key: Wanted, millis: u64| {
            let mut scene = Scene::new();
            scene.at(1).call(1, key);
            scene.commit(1, vec![key_in(KeyState::Enabled)]);
            scene.answer_at(1, 1, None);
            scene.at(1_000).call(2, encrypt());
            scene.at(1_000 + millis).answer_at(2, 1, Some(ErrorCode::KmsInvalidState));
            violations(&scene).len()
        };
        let external = Wanted::CreateExternalKey;
        assert_eq!([after(external.clone(), 249), after(external, 250)], [1, 0]);
        assert_eq!(after(Wanted::CreateKey { multi_region: false, policy: None }, 250), 1);
    }

    #[test]
    fn a_dry_run_never_succeeds_and_changes_nothing() {
        let would = Some(ErrorCode::DryRunOperation);
        let came = |error| {
            let mut scene = world();
            scene.call_as(2, encrypt(), true);
            scene.answer(2, error);
            violations(&scene).len()
        };
        let others = [None, Some(ErrorCode::AccessDenied), Some(ErrorCode::Disabled)];
        assert_eq!((came(would), others.map(came)), (0, [1, 1, 1]));
        let mut scene = world();
        assert_eq!(answer(&mut scene, 3, encrypt(), would), 1, "it is none");
        scene.call_as(4, Wanted::RevokeGrant { key: key(), grant: None }, true);
        scene.commit(4, vec![Changed::Other]);
        let told = violations(&scene).pop().map(|violation| violation.message);
        assert_eq!(told.as_deref(), Some("log entry 2: a dry run changed something"));
    }

    #[test]
    fn answers_follow_the_position_they_were_decided_on() {
        let mut scene = world();
        scene.storm().call(2, Wanted::DisableKey { key: key() });
        scene.commit(2, vec![key_in(KeyState::Disabled)]);
        scene.answer_at(2, 1, None);
        scene.call(3, encrypt());
        scene.answer_at(3, 1, None);
        assert_eq!(violations(&scene), [], "the host had not heard yet");
        assert_eq!(answer(&mut scene, 4, encrypt(), Some(ErrorCode::Disabled)), 0);
        assert_eq!(answer(&mut scene, 5, encrypt(), None), 1, "it had heard");
        assert_eq!(answer(&mut scene, 6, encrypt(), Some(ErrorCode::KmsInvalidState)), 1);
        assert_eq!(answer(&mut scene, 7, encrypt(), Some(ErrorCode::DependencyTimeout)), 0);
        assert_eq!(answer(&mut scene, 8, encrypt(), Some(ErrorCode::Throttling)), 1, "no quota");
    }

    #[test]
    fn only_while_something_is_wrong_the_service_has_an_excuse() {
        let mut scene = world();
        let fault = Some(ErrorCode::KeyUnavailable);
        assert_eq!(answer(&mut scene, 8, encrypt(), fault), 0, "hosts are starting");
        scene.at(5_000);
        assert_eq!(answer(&mut scene, 9, encrypt(), fault), 1, "nothing is wrong");
        scene.storm();
        assert_eq!(answer(&mut scene, 10, encrypt(), fault), 0);
        scene.at(359_999);
        assert_eq!(answer(&mut scene, 2, encrypt(), fault), 0);
        scene.at(360_000);
        assert_eq!(answer(&mut scene, 3, encrypt(), None), 0);
        assert_eq!(answer(&mut scene, 4, encrypt(), fault), 1);
    }

    #[test]
    fn a_fault_point_excuses_for_a_while_and_a_fault_in_its_own_region() {
        let fault = Some(ErrorCode::DependencyTimeout);
        let mut scene = world();
        scene.host(Event::Fired("append-late"));
        scene.at(10_000);
        assert_eq!(answer(&mut scene, 2, encrypt(), fault), 0);
        scene.at(10_001);
        assert_eq!(answer(&mut scene, 3, encrypt(), fault), 1);
        let mut context = scene.context();
        let (slow, surge) = (hsm_slow::INFO, surge::INFO);
        for (info, region, told) in
            [(slow, abroad(), 1), (slow, scene.home(), 0), (surge, scene.home(), 1)]
        {
            let (window, regions) = (Window::ALWAYS, vec![region]);
            context.faults = vec![FaultFacts { info, window, regions }];
            assert_eq!(scene.judge_with(&ENTRY, &context).violations.len(), told, "{}", info.name);
        }
    }

    #[test]
    fn another_region_refuses_by_its_quota_when_a_host_there_says_so() {
        let throttled = Some(ErrorCode::Throttling);
        let replicate = || Wanted::ReplicateKey { key: key(), region: Some(abroad()) };
        let mut scene = world();
        assert_eq!(answer(&mut scene, 2, replicate(), throttled), 1);
        scene.call(3, replicate());
        scene.host(Event::CommandThrottled { request: RequestId(3), pool: "pool" });
        let before = violations(&scene).len();
        scene.answer(3, throttled);
        assert_eq!(violations(&scene).len(), before);
    }

    #[test]
    fn a_position_from_the_future_is_told() {
        let mut scene = world();
        scene.call(2, encrypt());
        scene.answer_at(2, 9, None);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn nobody_changes_a_key_unasked() {
        let mut scene = world();
        scene.task(vec![key_in(KeyState::Disabled)]);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn a_request_changes_what_it_says_and_nothing_else() {
        let mut scene = world();
        scene.call(2, Wanted::DisableKey { key: key() });
        scene.commit(2, vec![key_in(KeyState::Enabled)]);
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn what_is_sealed_opens_to_the_same_and_with_the_same() {
        let decrypt = |context| Wanted::Decrypt { blob: Digest(7), key: None, context };
        let mut scene = world();
        scene.call(2, encrypt());
        scene.answer(2, None);
        scene.returned(2, sealed(7));
        let invalid = Some(ErrorCode::InvalidCiphertext);
        assert_eq!(answer(&mut scene, 3, decrypt(Digest(6)), invalid), 0, "another context");
        assert_eq!(answer(&mut scene, 4, decrypt(Digest(6)), None), 1);
        assert_eq!(answer(&mut scene, 5, decrypt(Digest(5)), invalid), 1);
        assert_eq!(answer(&mut scene, 6, decrypt(Digest(5)), None), 0);
        let opened =
            |plaintext, material| Got::Opened { key: arn(), plaintext, material: Some(material) };
        scene.returned(6, opened(Digest(2), MATERIAL));
        assert_eq!(violations(&scene).len(), 3, "another plaintext");
        scene.returned(6, opened(Digest(1), MaterialId([4; 32])));
        assert_eq!(violations(&scene).len(), 4, "another material");
    }

    #[test]
    fn a_key_is_described_as_it_is() {
        let mut scene = world();
        scene.call(2, Wanted::DescribeKey { key: key() });
        scene.answer(2, None);
        let described =
            |state| Got::Described { key: arn(), state, material: Some(MATERIAL), deletion: None };
        scene.returned(2, described(KeyState::Enabled));
        assert_eq!(violations(&scene), []);
        scene.returned(2, described(KeyState::Disabled));
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn only_administrators_and_grantees_may() {
        let mut scene = world();
        let operations = ["Encrypt"].into();
        let grantee: crate::history::Grantee = "worker".into();
        let grant =
            Wanted::CreateGrant { key: key(), grantee, operations, name: None, constrained: false };
        scene.caller = ("worker", false);
        let denied = Some(ErrorCode::AccessDenied);
        assert_eq!(answer(&mut scene, 2, encrypt(), denied), 0);
        assert_eq!(answer(&mut scene, 3, encrypt(), None), 1);
        scene.caller = ("arn:aws:iam::111122220000:role/admin", true);
        scene.call(4, grant);
        scene.commit(4, vec![Changed::Other]);
        scene.caller = ("worker", false);
        assert_eq!(answer(&mut scene, 5, encrypt(), denied), 0, "it has not spread yet");
        assert_eq!(answer(&mut scene, 6, encrypt(), None), 0, "or it has");
        scene.at(60_000);
        assert_eq!(answer(&mut scene, 7, encrypt(), None), 0);
        assert_eq!(answer(&mut scene, 8, encrypt(), denied), 1, "it must have spread");
    }

    #[test]
    fn an_alias_stands_for_its_key_once_it_has_spread() {
        let mut scene = world();
        let alias: std::sync::Arc<str> = "alias/a".into();
        scene.call(2, Wanted::CreateAlias { alias: alias.clone(), key: key() });
        scene.commit(2, vec![Changed::Other]);
        scene.answer_at(2, 1, None);
        let name = || Target::Alias(AliasName::parse("alias/a").unwrap());
        let missing = Some(ErrorCode::NotFound);
        let describe = || Wanted::DescribeKey { key: name() };
        assert_eq!(answer(&mut scene, 3, describe(), missing), 0, "it has not spread yet");
        scene.at(60_000);
        assert_eq!(answer(&mut scene, 4, describe(), missing), 1);
        let again = Wanted::CreateAlias { alias, key: key() };
        assert_eq!(answer(&mut scene, 5, again.clone(), None), 1);
        assert_eq!(answer(&mut scene, 6, again, Some(ErrorCode::AlreadyExists)), 0);
    }

    #[test]
    fn a_deletion_is_dated_and_final() {
        let mut scene = world();
        let date = scene.context().wall(crate::clock::SimTime::from_millis(DAY + 7 * DAY));
        let mut dying = key_in(KeyState::PendingDeletion);
        let Changed::Key { deletion, .. } = &mut dying else { unreachable!("it is a key") };
        *deletion = Some(date);
        scene.at(DAY).call(2, Wanted::ScheduleKeyDeletion { key: key(), days: 7 });
        scene.commit(2, vec![dying]);
        scene.answer_at(2, 1, None);
        let told =
            |deletion| Got::Scheduled { key: arn(), state: KeyState::PendingDeletion, deletion };
        scene.returned(2, told(Some(date)));
        assert_eq!(violations(&scene), []);
        scene.returned(2, told(None));
        assert_eq!(violations(&scene).len(), 1);
        assert_eq!(answer(&mut scene, 3, encrypt(), Some(ErrorCode::KmsInvalidState)), 0);
        scene.at(9 * DAY).task(vec![erased()]);
        assert_eq!(violations(&scene).len(), 1);
        assert_eq!(answer(&mut scene, 4, encrypt(), Some(ErrorCode::NotFound)), 0);
        scene.task(vec![erased()]);
        assert_eq!(violations(&scene).len(), 2, "erased twice");
    }

    #[test]
    fn a_log_has_no_gaps() {
        let mut scene = world();
        let (region, id) = (scene.home(), RequestId(9));
        scene.journal(Event::Committed { region, position: 5, id, changes: Box::default() });
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn what_clients_hear_is_what_hosts_say() {
        let mut scene = world();
        scene.call(2, encrypt());
        let (request, got) = (RequestId(2), Err(ErrorCode::AccessDenied));
        scene.client(Event::Returned { request, got });
        assert_eq!(violations(&scene).len(), 1);
    }

    #[test]
    fn without_hosts_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        scene.cannot_judge(&ENTRY, Source::Host);
    }
}
