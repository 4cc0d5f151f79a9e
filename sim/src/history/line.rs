//! A record as one line for people, and as one number for comparing two histories.
//!
//! The line says what matters and leaves out what only a judge needs; the fingerprint covers every
//! byte that the digest of the history covers, so that two records that read alike but differ are
//! still told apart.

use super::{
    Audited, Changed, Event, Got, Holdings, HsmLoad, Imports, Record, SetRole, Settlement, Target,
    Wanted, encode,
};
use crate::clock::ClockChange;
use crate::fault::NodeAction;
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use sha2::{Digest as _, Sha256};

/// Log entries name so many of their changes; the rest is counted.
const CHANGES_NAMED: usize = 3;

/// What happened, in one line without time and node.
pub fn line(event: &Event) -> String {
    match event {
        Event::Called { request, attempt, region, facts, .. } => {
            let (wanted, who) = (wish(&facts.wanted), short_principal(&facts.principal));
            let dry = if facts.dry_run { "a dry run of " } else { "" };
            format!("{} asks {region} for {dry}{wanted} as {who}, attempt {attempt}", id(*request))
        }
        Event::Returned { request, got } => format!("{} returned {}", id(*request), answer(got)),
        Event::TimedOut { request } => format!("{} timed out", id(*request)),
        Event::Ended { call, error } => format!("call {call} ended {}", ending(*error)),
        Event::Answered { request, position, now, pool, error } => {
            let pool = pool.map(|pool| format!(" by pool {pool}")).unwrap_or_default();
            let (id, ending) = (id(*request), ending(*error));
            format!("{id} answered {ending}{pool}, decided at position {position}, clock {now}")
        }
        Event::Admitted { account, pool } => format!("account {account} charged to {pool}"),
        Event::Committed { region, position, id: by, changes } => {
            format!("{region} committed {position} for {}: {}", id(*by), all(changes))
        }
        Event::TaskTried { region, id: by, task, error } => {
            format!("task {} in {region} tried: {task} ended {}", id(*by), ending(*error))
        }
        Event::CommandThrottled { request, pool } => {
            format!("a command for {} was refused by pool {pool}", id(*request))
        }
        Event::Conflicted { request, head } => {
            format!("{} was decided on a state that is past; the log is at {head}", id(*request))
        }
        Event::Executed { command, done } => {
            format!("HSM {} {command}", if *done { "executed" } else { "refused" })
        }
        Event::Routed { request, hsm, what } => {
            let hsm = hsm.map_or("no HSM".to_owned(), |hsm| format!("HSM {}", hsm.0));
            format!("{} at {hsm}: {}", id(*request), what.name())
        }
        Event::Loaded(load) => {
            let HsmLoad { commands, refused, deepest, .. } = **load;
            format!("HSM took {commands} commands, refused {refused}, {deepest} before it at most")
        }
        Event::Kept(holdings) => {
            let Holdings { region, tokens, missing, unopenable, overdue, .. } = &**holdings;
            let (missing, overdue) = (missing.len(), overdue.len());
            format!(
                "{region} keeps {tokens} key tokens, {missing} missing, {unopenable} unopenable, \
                 {overdue} tasks overdue"
            )
        }
        Event::Settled(settlement) => {
            let Settlement { region, position, digest: [a, b, c, d, ..], sets } = &**settlement;
            let sets = sets.len();
            format!("{region} settled at {position}, {sets} in sets, {a:02x}{b:02x}{c:02x}{d:02x}")
        }
        Event::Audited(records) => match &**records {
            [one] => {
                let Audited { request, operation, error, .. } = one;
                format!("audit: {} was {operation} and ended {}", id(*request), ending(*error))
            }
            several => format!("audit: {} requests", several.len()),
        },
        Event::Exposed { request, place } => {
            format!("a secret key shows in {} of {}", place.words(), id(*request))
        }
        Event::Acted(action) => acted(action),
        Event::Fired(point) => format!("fault point {point} fires"),
        Event::Sabotaged(sabotage) => format!("sabotage {sabotage} strikes"),
    }
}

/// A number that two records share only if they are the same in every byte.
pub fn fingerprint(record: &Record) -> u64 {
    let mut bytes = Vec::new();
    encode::write(record, &mut bytes);
    let full: [u8; 32] = Sha256::digest(bytes).into();
    u64::from_be_bytes(full.first_chunk().copied().unwrap_or_default())
}

/// Leading zeros say nothing.
fn id(request: RequestId) -> String {
    format!("#{:x}", request.0)
}

fn short_principal(arn: &str) -> &str {
    arn.rsplit("::").next().unwrap_or(arn)
}

fn ending(error: Option<ErrorCode>) -> String {
    error.map_or("well".to_owned(), |error| format!("with {error}"))
}

fn answer(got: &Result<Box<Got>, ErrorCode>) -> String {
    let got = match got {
        Ok(got) => &**got,
        Err(error) => return error.to_string(),
    };
    match got {
        Got::Created { key } => format!("new key {key}"),
        Got::Described { key, state, .. } => format!("{key} is {state}"),
        Got::Scheduled { key, state, deletion } => {
            let at = deletion.map(|at| format!(" at {at}")).unwrap_or_default();
            format!("{key} is {state}{at}")
        }
        Got::Sealed { key, blob, .. } => format!("blob {:016x} under {key}", blob.0),
        Got::Opened { key, plaintext, .. } => format!("plaintext {:016x} by {key}", plaintext.0),
        Got::Resealed { key, blob, .. } => format!("blob {:016x} now under {key}", blob.0),
        Got::Granted { grant } => format!("grant {grant}"),
        Got::Rotation { enabled, .. } => {
            format!("rotation {}", if *enabled { "on" } else { "off" })
        }
        Got::Policy { .. } => "a policy".to_owned(),
        Got::Listed { items, complete } => {
            format!("{items} items{}", if *complete { "" } else { " and more" })
        }
        Got::Replicated { replica } => format!("new replica {replica}"),
        Got::Random { bytes } => format!("{bytes} random bytes"),
        Got::Proved { key, proof } => format!("proof {:016x} by {key}", proof.0),
        Got::Genuine { key } => format!("genuine, by {key}"),
        Got::PublicKey { key, .. } => format!("the public key of {key}"),
        Got::Encapsulated { key, blob, .. } => format!("secret in {:016x} for {key}", blob.0),
        Got::SharedSecret { key, .. } => format!("a secret shared with {key}"),
        Got::ImportParameters { key, until, .. } => {
            format!("import parameters of {key} to {until}")
        }
        Got::OfMaterial { key, material } => match material {
            Some(material) => format!("material {material} of {key}"),
            None => format!("no material of {key}"),
        },
        Got::Done => "done".to_owned(),
    }
}

fn wish(wanted: &Wanted) -> String {
    let name = wanted.operation();
    let subject = match wanted {
        Wanted::Check { key, proof, .. } => Some(format!("proof {:016x} by {}", proof.0, on(key))),
        Wanted::Decrypt { blob, .. } => Some(format!("blob {:016x}", blob.0)),
        Wanted::ReEncrypt { blob, key, .. } => Some(format!("blob {:016x} to {}", blob.0, on(key))),
        Wanted::CreateAlias { alias, key } | Wanted::UpdateAlias { alias, key } => {
            Some(format!("{alias} to {}", on(key)))
        }
        Wanted::DeleteAlias { alias } => Some(alias.to_string()),
        Wanted::ScheduleKeyDeletion { key, days } => Some(format!("{} in {days} days", on(key))),
        Wanted::ReplicateKey { key, region } | Wanted::UpdatePrimaryRegion { key, region } => {
            let region = region.map_or("no Region".to_owned(), |region| region.to_string());
            Some(format!("{} to {region}", on(key)))
        }
        other => other.key().map(on),
    };
    subject.map_or(name.to_owned(), |subject| format!("{name} {subject}"))
}

fn on(target: &Target) -> String {
    match target {
        Target::Key { id, .. } => format!("key {id}"),
        Target::Alias(alias) => alias.as_str().to_owned(),
        Target::Nothing => "something that is no name".to_owned(),
    }
}

fn all(changes: &[Changed]) -> String {
    let named: Vec<String> = changes.iter().take(CHANGES_NAMED).map(changed).collect();
    let text = if named.is_empty() { "nothing".to_owned() } else { named.join("; ") };
    match changes.len().saturating_sub(CHANGES_NAMED) {
        0 => text,
        more => format!("{text}; {more} more"),
    }
}

fn changed(change: &Changed) -> String {
    match change {
        Changed::Key { id, state, role, pending, deletion, imports, .. } => {
            let role = match role {
                Some(SetRole::Primary(replicas)) => format!(", primary of {}", replicas.len()),
                Some(SetRole::Replica(primary, _)) => format!(", replica of {primary}"),
                None => String::new(),
            };
            let pending = if *pending { ", new material pending" } else { "" };
            let deletion = deletion.map(|at| format!(", deletion {at}")).unwrap_or_default();
            let imports = imports.as_deref().map(imported).unwrap_or_default();
            format!("key {id} is {state}{role}{pending}{deletion}{imports}")
        }
        Changed::KeyErased(id) => format!("key {id} erased"),
        Changed::Domain(active) => format!("domain with domain key {}", active.0),
        Changed::Other => "another record".to_owned(),
    }
}

fn imported(imports: &Imports) -> String {
    let here = imports.belonging.iter().filter(|held| held.here).count();
    let awaiting = if imports.awaiting.is_some() { ", another awaits rotation" } else { "" };
    format!(", {here} of {} materials here{awaiting}", imports.belonging.len())
}

fn acted(action: &NodeAction) -> String {
    match action {
        NodeAction::Crash(_) => "crashed".to_owned(),
        NodeAction::Restart(_) => "restarted".to_owned(),
        NodeAction::Skew(_, ClockChange::Skew { offset_micros, drift_ppm }) => {
            format!("clock off by {offset_micros} µs, drifting {drift_ppm} ppm")
        }
        NodeAction::Skew(_, ClockChange::Correct) => "clock steps to the truth".to_owned(),
        NodeAction::Ail(_, ailment) => format!("is {} from now on", ailment.name()),
        NodeAction::Heal(_, ailment) => format!("is not {} any more", ailment.name()),
    }
}

impl Wanted {
    /// The name of the operation that is asked for.
    pub fn operation(&self) -> &'static str {
        match self {
            Wanted::CreateKey { .. }
            | Wanted::CreatePair { .. }
            | Wanted::CreateExternalKey
            | Wanted::CreateKeyToImport { .. } => "CreateKey",
            Wanted::Plain { operation, .. } | Wanted::Other { operation } => operation,
            Wanted::DescribeKey { .. } => "DescribeKey",
            Wanted::ListKeys => "ListKeys",
            Wanted::EnableKey { .. } => "EnableKey",
            Wanted::DisableKey { .. } => "DisableKey",
            Wanted::ScheduleKeyDeletion { .. } => "ScheduleKeyDeletion",
            Wanted::CancelKeyDeletion { .. } => "CancelKeyDeletion",
            Wanted::CreateAlias { .. } => "CreateAlias",
            Wanted::UpdateAlias { .. } => "UpdateAlias",
            Wanted::DeleteAlias { .. } => "DeleteAlias",
            Wanted::ListAliases { .. } => "ListAliases",
            Wanted::Encrypt { .. } => "Encrypt",
            Wanted::Decrypt { .. } => "Decrypt",
            Wanted::ReEncrypt { .. } => "ReEncrypt",
            Wanted::GenerateDataKey { plaintext: true, .. } => "GenerateDataKey",
            Wanted::GenerateDataKey { plaintext: false, .. } => "GenerateDataKeyWithoutPlaintext",
            Wanted::GenerateDataKeyPair { plaintext: true, .. } => "GenerateDataKeyPair",
            Wanted::GenerateDataKeyPair { plaintext: false, .. } => {
                "GenerateDataKeyPairWithoutPlaintext"
            }
            Wanted::GenerateRandom { .. } => "GenerateRandom",
            Wanted::GetParametersForImport { .. } => "GetParametersForImport",
            Wanted::ImportKeyMaterial { .. } => "ImportKeyMaterial",
            Wanted::DeleteImportedKeyMaterial { .. } => "DeleteImportedKeyMaterial",
            Wanted::Prove { mac: false, .. } => "Sign",
            Wanted::Prove { mac: true, .. } => "GenerateMac",
            Wanted::Check { mac: false, .. } => "Verify",
            Wanted::Check { mac: true, .. } => "VerifyMac",
            Wanted::GetPublicKey { .. } => "GetPublicKey",
            Wanted::Encapsulate { .. } => "Encapsulate",
            Wanted::Decapsulate { .. } => "Decapsulate",
            Wanted::DeriveSharedSecret { .. } => "DeriveSharedSecret",
            Wanted::EnableKeyRotation { .. } => "EnableKeyRotation",
            Wanted::DisableKeyRotation { .. } => "DisableKeyRotation",
            Wanted::GetKeyRotationStatus { .. } => "GetKeyRotationStatus",
            Wanted::RotateKeyOnDemand { .. } => "RotateKeyOnDemand",
            Wanted::ListKeyRotations { .. } => "ListKeyRotations",
            Wanted::CreateGrant { .. } => "CreateGrant",
            Wanted::ListGrants { .. } => "ListGrants",
            Wanted::RetireGrant { .. } => "RetireGrant",
            Wanted::RevokeGrant { .. } => "RevokeGrant",
            Wanted::GetKeyPolicy { .. } => "GetKeyPolicy",
            Wanted::PutKeyPolicy { .. } => "PutKeyPolicy",
            Wanted::ReplicateKey { .. } => "ReplicateKey",
            Wanted::UpdatePrimaryRegion { .. } => "UpdatePrimaryRegion",
        }
    }

    /// The key it names, if the operation takes one and it does.
    pub(crate) fn key(&self) -> Option<&Target> {
        match self {
            Wanted::DescribeKey { key }
            | Wanted::EnableKey { key }
            | Wanted::DisableKey { key }
            | Wanted::ScheduleKeyDeletion { key, .. }
            | Wanted::CancelKeyDeletion { key }
            | Wanted::CreateAlias { key, .. }
            | Wanted::UpdateAlias { key, .. }
            | Wanted::Encrypt { key, .. }
            | Wanted::ReEncrypt { key, .. }
            | Wanted::GenerateDataKey { key, .. }
            | Wanted::GenerateDataKeyPair { key, .. }
            | Wanted::GetParametersForImport { key, .. }
            | Wanted::ImportKeyMaterial { key, .. }
            | Wanted::DeleteImportedKeyMaterial { key, .. }
            | Wanted::Prove { key, .. }
            | Wanted::Check { key, .. }
            | Wanted::GetPublicKey { key }
            | Wanted::Encapsulate { key }
            | Wanted::Decapsulate { key, .. }
            | Wanted::DeriveSharedSecret { key, .. }
            | Wanted::EnableKeyRotation { key, .. }
            | Wanted::DisableKeyRotation { key }
            | Wanted::GetKeyRotationStatus { key }
            | Wanted::RotateKeyOnDemand { key }
            | Wanted::ListKeyRotations { key, .. }
            | Wanted::CreateGrant { key, .. }
            | Wanted::ListGrants { key }
            | Wanted::RevokeGrant { key, .. }
            | Wanted::GetKeyPolicy { key }
            | Wanted::PutKeyPolicy { key, .. }
            | Wanted::ReplicateKey { key, .. }
            | Wanted::UpdatePrimaryRegion { key, .. }
            | Wanted::Plain { key, .. } => Some(key),
            Wanted::Decrypt { key, .. } | Wanted::ListAliases { key } => key.as_ref(),
            Wanted::CreateKey { .. }
            | Wanted::CreatePair { .. }
            | Wanted::CreateExternalKey
            | Wanted::CreateKeyToImport { .. }
            | Wanted::Other { .. }
            | Wanted::ListKeys
            | Wanted::DeleteAlias { .. }
            | Wanted::GenerateRandom { .. }
            | Wanted::RetireGrant { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimTime;
    use crate::history::CallFacts;
    use crate::place::NodeId;
    use kms_core::name::{AccountId, RegionName};
    use std::sync::Arc;

    fn called(attempt: u8, dry_run: bool) -> Event {
        let facts = Arc::new(CallFacts {
            principal: "arn:aws:iam::111122220000:role/admin".into(),
            account: AccountId::new(111_122_220_000),
            administrator: true,
            dry_run,
            wanted: Wanted::DeleteAlias { alias: "alias/a".into() },
        });
        let region = RegionName::parse("eu-west-1").unwrap();
        Event::Called { request: RequestId(0x2a), call: 0, attempt, region, facts }
    }

    #[test]
    fn a_call_reads_as_a_sentence() {
        let expected =
            "#2a asks eu-west-1 for DeleteAlias alias/a as 111122220000:role/admin, attempt 1";
        assert_eq!(line(&called(1, false)), expected);
        assert!(line(&called(1, true)).contains(" for a dry run of DeleteAlias "));
    }

    #[test]
    fn long_entries_are_counted() {
        let changes = vec![Changed::Other; 5].into();
        let region = RegionName::parse("eu-west-1").unwrap();
        let event = Event::Committed { region, position: 7, id: RequestId(1), changes };
        let tail = "another record; another record; another record; 2 more";
        assert_eq!(line(&event), format!("eu-west-1 committed 7 for #1: {tail}"));
    }

    #[test]
    fn fingerprints_see_what_lines_leave_out() {
        let record =
            |at| Record { at: SimTime::from_nanos(at), node: NodeId(0), event: called(1, false) };
        assert_eq!(fingerprint(&record(1)), fingerprint(&record(1)));
        assert_ne!(fingerprint(&record(1)), fingerprint(&record(2)));
    }
}
