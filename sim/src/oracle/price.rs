//! The bill equals the requests: whoever was answered well pays once, in the class of what was asked,
//! and nobody pays for what a quota refused.

use super::attempts::{Answer, Attempt};
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Audited, Event, Source, Wanted};
use kms_core::error::ErrorCode;
use kms_core::price::Class;
use std::collections::BTreeMap;

const INFO: OracleInfo = OracleInfo {
    name: "price",
    doc: "Every request that was answered well is billed once, to its sender and in its class.",
    needs: &[Source::Client, Source::Audit],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Price::default()) };

#[derive(Default)]
struct Price {
    /// How many requests were billed, by class.
    billed: BTreeMap<Class, u64>,
    judged: u64,
    violations: Vec<Violation>,
}

/// The classes that a request may be billed in, as far as it shows which key it uses: a judge of its
/// own words, who knows what is asked and not the service's table.
fn classes(wanted: &Wanted) -> &'static [Class] {
    match wanted {
        Wanted::Prove { mac: false, .. }
        | Wanted::Check { mac: false, .. }
        | Wanted::DeriveSharedSecret { .. } => &[Class::Rsa2048, Class::Asymmetric],
        Wanted::GetPublicKey { .. } => &[Class::Rsa2048, Class::Asymmetric, Class::MlKem],
        Wanted::Encapsulate { .. } | Wanted::Decapsulate { .. } => &[Class::MlKem],
        Wanted::Encrypt { .. } | Wanted::Decrypt { .. } | Wanted::ReEncrypt { .. } => {
            &[Class::Symmetric, Class::Rsa2048, Class::Asymmetric]
        }
        Wanted::GenerateDataKeyPair { .. } => &[Class::DataKeyPairEcc, Class::DataKeyPairRsa],
        Wanted::Plain { .. } | Wanted::Other { .. } => &Class::ALL,
        _ => &[Class::Symmetric],
    }
}

impl Oracle for Price {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        let Event::Audited(records) = &seen.record.event else { return };
        for record in records {
            self.judged += 1;
            if let Some((_, class)) = record.billed {
                *self.billed.entry(class).or_default() += 1;
            }
            if let Some(problem) = problem(seen, record) {
                self.violations.push(seen.violates(INFO.name, problem));
            }
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let detail = self.billed.iter().map(|(class, count)| (class.name(), *count)).collect();
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail, violations }
    }
}

/// Whether a quota of the host that was asked refused it.
fn by_quota(attempt: &Attempt) -> bool {
    let refused = |answer: &Answer| answer.charged && answer.error == Some(ErrorCode::Throttling);
    !attempt.throttled_elsewhere && attempt.answers.iter().any(refused)
}

/// What is wrong with the bill of a request.
fn problem(seen: Seen<'_>, record: &Audited) -> Option<String> {
    let attempt = seen.known.attempts.get(record.request)?;
    match (record.billed, record.error) {
        (None, None) => Some(format!("{} is not billed", attempt.describe())),
        (None, Some(_)) => None,
        // What another Region or a busy key store refuses was admitted here.
        (Some(_), Some(ErrorCode::Throttling)) if by_quota(attempt) => {
            Some(format!("{} was refused for a quota and is billed", attempt.describe()))
        }
        (Some((account, class)), _) => {
            let own = account == attempt.facts.account;
            // Whoever asks a key for what it is not for is billed for the key that it is.
            let of_another_kind = matches!(
                record.error,
                Some(ErrorCode::InvalidKeyUsage | ErrorCode::UnsupportedOperation)
            );
            let fits = of_another_kind || classes(&attempt.facts.wanted).contains(&class);
            (!own || !fits)
                .then(|| format!("{} is billed to {account} as {class}", attempt.describe()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Digest, Target};
    use crate::oracle::scene::{ACCOUNT, Scene, key_id};
    use kms_core::env::RequestId;
    use kms_core::name::AccountId;

    fn told(billed: Option<(AccountId, Class)>, error: Option<ErrorCode>) -> usize {
        let key = Target::Key { region: None, id: key_id() };
        let mut scene = Scene::new();
        scene.call(1, Wanted::Prove { key, mac: false, message: Digest(1) });
        match error {
            Some(ErrorCode::Throttling) => scene.refuse(1, "pool"),
            other => scene.answer(1, other),
        }
        let request = RequestId(1);
        let record = Audited { request, operation: "Sign", key: None, billed, error };
        scene.host(Event::Audited([record].into()));
        scene.judge(&ENTRY).violations.len()
    }

    #[test]
    fn whoever_is_answered_well_pays_in_the_right_class() {
        let throttled = Some(ErrorCode::Throttling);
        assert_eq!(told(Some((ACCOUNT, Class::Asymmetric)), None), 0);
        assert_eq!(told(Some((ACCOUNT, Class::Symmetric)), None), 1);
        assert_eq!(told(Some((AccountId::new(7), Class::Asymmetric)), None), 1);
        assert_eq!(told(None, None), 1);
        assert_eq!(told(None, throttled), 0);
        assert_eq!(told(Some((ACCOUNT, Class::Asymmetric)), throttled), 1);
        assert_eq!(told(Some((ACCOUNT, Class::Asymmetric)), Some(ErrorCode::Disabled)), 0);
    }
}
