//! A grant permits what it says from when it has spread until its end has, and nothing else.

use super::known::Decision;
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::Source;
use crate::model::Access;

const INFO: OracleInfo = OracleInfo {
    name: "grants",
    doc: "A grant permits what it says while it is in force, and nothing before and after.",
    needs: &[Source::Client, Source::Host, Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Grants::default()) };

#[derive(Default)]
struct Grants {
    judged: u64,
    violations: Vec<Violation>,
}

impl Oracle for Grants {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        let Some(Decision { ruling, permitted }) = seen.known.decision else { return };
        // What a policy permits needs no grant.
        if !ruling.has_grants || ruling.policy != Access::No {
            return;
        }
        self.judged += u64::from(ruling.grants != Access::Open);
        let wrong = match (permitted, ruling.grants) {
            (true, Access::No) => "was permitted; no grant in force says so",
            (false, Access::Yes) => "was denied; a grant in force permits it",
            _ => return,
        };
        let message = format!("{} {wrong}", seen.known.attempts.describe_current());
        self.violations.push(seen.violates(INFO.name, message));
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Changed, Digest, Got, Target, Wanted};
    use crate::oracle::scene::{Scene, key_id};
    use kms_core::error::ErrorCode;
    use kms_core::name::GrantId;

    const WORKER: (&str, bool) = ("arn:aws:iam::111122220000:role/worker-1", false);
    const GRANT: GrantId = GrantId([5; 32]);

    fn key() -> Target {
        Target::Key { region: None, id: key_id() }
    }

    /// A scene in which a worker is granted encryption at second 1 and loses it at second 100.
    fn granted() -> Scene {
        let mut scene = Scene::new();
        let admin = scene.caller;
        scene.at(1).created(1);
        scene.at(1_000).call(
            2,
            Wanted::CreateGrant {
                key: key(),
                grantee: WORKER.0.into(),
                operations: ["Encrypt"].into(),
                name: None,
                constrained: false,
            },
        );
        scene.commit(2, vec![Changed::Other]);
        scene.answer(2, None);
        scene.returned(2, Got::Granted { grant: GRANT });
        scene.caller = admin;
        scene
    }

    fn ended(mut scene: Scene) -> Scene {
        scene.at(100_000).call(3, Wanted::RevokeGrant { key: key(), grant: Some(GRANT) });
        scene.commit(3, vec![Changed::Other]);
        scene.answer(3, None);
        scene
    }

    /// What is told of an answer to the worker at a second.
    fn told(mut scene: Scene, second: u64, wanted: Wanted, error: Option<ErrorCode>) -> usize {
        scene.caller = WORKER;
        scene.at(second * 1_000).call(9, wanted);
        scene.answer(9, error);
        scene.judge(&ENTRY).violations.len()
    }

    fn encrypt() -> Wanted {
        Wanted::Encrypt { key: key(), plaintext: Digest(1), context: Digest(5) }
    }

    #[test]
    fn a_grant_permits_once_it_has_spread() {
        let denied = Some(ErrorCode::AccessDenied);
        assert_eq!(told(granted(), 50, encrypt(), None), 0);
        assert_eq!(told(granted(), 50, encrypt(), denied), 1);
        assert_eq!(told(granted(), 3, encrypt(), denied), 0, "it may not have spread");
        let describe = Wanted::DescribeKey { key: key() };
        assert_eq!(told(granted(), 50, describe.clone(), denied), 0);
        assert_eq!(told(granted(), 50, describe, None), 1, "it says nothing of that");
    }

    #[test]
    fn a_grant_permits_nothing_once_its_end_has_spread() {
        assert_eq!(told(ended(granted()), 103, encrypt(), None), 0, "that may not have spread");
        assert_eq!(told(ended(granted()), 150, encrypt(), None), 1);
        assert_eq!(told(ended(granted()), 150, encrypt(), Some(ErrorCode::AccessDenied)), 0);
    }

    #[test]
    fn without_hosts_there_is_no_judgement() {
        granted().cannot_judge(&ENTRY, Source::Host);
    }
}
