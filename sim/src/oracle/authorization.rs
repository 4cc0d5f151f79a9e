//! Nobody does what no policy permits, and nobody is denied what one does.
//!
//! A policy counts from when the first host may have heard of it until the last one must have heard of
//! the next. What a grant might have permitted is left to the oracle of grants.

use super::known::Decision;
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::Source;
use crate::model::Access;

const INFO: OracleInfo = OracleInfo {
    name: "authorization",
    doc: "Nothing succeeds that no policy permits, and nothing is denied that one permits.",
    needs: &[Source::Client, Source::Host, Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Authorization::default()) };

#[derive(Default)]
struct Authorization {
    judged: u64,
    violations: Vec<Violation>,
}

impl Oracle for Authorization {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        let Some(Decision { ruling, permitted }) = seen.known.decision else { return };
        let wrong = match (permitted, ruling.policy) {
            (true, Access::No) if !ruling.has_grants => {
                "was permitted; no policy says so, and no grant ever did"
            }
            (false, Access::Yes) => "was denied; a policy permits it",
            _ => {
                self.judged += u64::from(ruling.policy != Access::Open);
                return;
            }
        };
        self.judged += 1;
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
    use crate::history::{Digest, PolicyWords, Target, Wanted};
    use crate::oracle::scene::{Scene, key_id, key_in};
    use kms_core::error::ErrorCode;
    use kms_core::key::KeyState;
    use std::sync::Arc;

    const WORKER: (&str, bool) = ("arn:aws:iam::111122220000:role/worker-1", false);

    fn key() -> Target {
        Target::Key { region: None, id: key_id() }
    }

    fn encrypt() -> Wanted {
        Wanted::Encrypt { key: key(), plaintext: Digest(1), context: Digest(5) }
    }

    /// What is told of an answer to a worker, of a key with this policy.
    fn told(words: Option<PolicyWords>, error: Option<ErrorCode>) -> usize {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        if let Some(words) = words {
            let words = Arc::new(words);
            scene.call(2, Wanted::PutKeyPolicy { key: key(), policy: Digest(9), words });
            scene.commit(2, vec![key_in(KeyState::Enabled)]);
            scene.answer(2, None);
        }
        scene.caller = WORKER;
        scene.call(3, encrypt());
        scene.answer(3, error);
        scene.judge(&ENTRY).violations.len()
    }

    fn naming(action: &'static str) -> Option<PolicyWords> {
        let allows = Some([(WORKER.0.into(), [action].into())].into());
        Some(PolicyWords { trusts: true, allows })
    }

    #[test]
    fn what_no_policy_permits_must_be_denied() {
        let denied = Some(ErrorCode::AccessDenied);
        for words in [None, naming("Decrypt")] {
            assert_eq!(told(words.clone(), None), 1);
            assert_eq!(told(words, denied), 0);
        }
    }

    #[test]
    fn what_a_policy_permits_must_not_be_denied() {
        assert_eq!(told(naming("Encrypt"), None), 0);
        assert_eq!(told(naming("Encrypt"), Some(ErrorCode::AccessDenied)), 1);
        assert_eq!(told(naming("Encrypt"), Some(ErrorCode::Disabled)), 0, "it was permitted");
    }

    #[test]
    fn a_policy_that_is_not_read_permits_and_denies() {
        let unread = Some(PolicyWords { trusts: true, allows: None });
        assert_eq!(told(unread.clone(), None), 0);
        assert_eq!(told(unread, Some(ErrorCode::AccessDenied)), 0);
    }

    #[test]
    fn administrators_are_permitted_everything() {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        scene.call(2, encrypt());
        scene.answer(2, Some(ErrorCode::AccessDenied));
        assert_eq!(scene.judge(&ENTRY).violations.len(), 1);
    }
}
