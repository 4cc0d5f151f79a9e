//! Every planted bug, a line each.

use super::{Bug, SabotageInfo, answer, append, audit, follow, hsm};

/// A line of the table.
const fn line(name: &'static str, doc: &'static str, bug: Bug) -> SabotageInfo {
    SabotageInfo { name, doc, bug }
}

/// Every sabotage there is, by name.
#[rustfmt::skip]
pub const SABOTAGES: &[SabotageInfo] = &[
    line("acknowledged-early", "The journal answers an append before its entry is durable.", Bug::EarlyAnswer),
    line("alias-end-lost", "A deleted alias is not deleted in the log.", Bug::Append(append::without_alias_end)),
    line("audit-as-success", "A host writes down that a request it refused came to success.", Bug::Audit(audit::as_success)),
    line("audit-lost", "A host leaves out the audit record of what changed nothing.", Bug::Audit(audit::dropped)),
    line("audit-of-another-key", "A host writes down that what changed nothing was about another key.", Bug::Audit(audit::of_another_key)),
    line("audit-twice", "A host writes the audit record of what changed nothing twice.", Bug::Audit(audit::twice)),
    line("bill-lost", "A host bills nobody for what changed nothing.", Bug::Audit(audit::unbilled)),
    line("cancellation-lost", "A cancelled deletion goes on.", Bug::Append(append::without_cancellation)),
    line("change-lost", "A host leaves an append out and answers as if it had been made.", Bug::NoAppend),
    line("clock-ahead", "A decision is taken by a clock that is an hour ahead.", Bug::Decide(answer::an_hour_ahead)),
    line("decision-always-stale", "An append names a version that its record never has.", Bug::Append(append::of_another_version)),
    line("deletion-a-day-early", "A waiting period ends a day before it should.", Bug::Append(append::with_early_end)),
    line("deletion-by-another-clock", "A key is erased six days before its waiting period ends.", Bug::Append(append::with_a_day_to_live)),
    line("disabled-stays-enabled", "A key that is switched off is written down as on.", Bug::Append(append::enabled_not_disabled)),
    line("dry-run-done", "A host carries a dry run out.", Bug::Ask(answer::in_earnest)),
    line("failure-without-cause", "A host answers with an internal error what changed nothing and went well.", Bug::Answer(answer::failed)),
    line("flipped-ciphertext", "An HSM answers a ciphertext with its last bit flipped.", Bug::Reply(hsm::flipped_ciphertext)),
    line("flipped-plaintext", "An HSM answers a plaintext with a bit flipped.", Bug::Reply(hsm::flipped_plaintext)),
    line("forgotten-deletion", "A worker never erases a key that is due.", Bug::Forget(follow::deletion)),
    line("forgotten-passage", "A worker never ends the passage of a multi-Region key.", Bug::Forget(follow::passage)),
    line("good-ciphertext-refused", "An HSM says that a ciphertext it could open is damaged.", Bug::Reply(hsm::refused)),
    line("grant-end-lost", "A retired or revoked grant stays in the log.", Bug::Append(append::without_grant_end)),
    line("grant-end-unheard", "A host that follows does not hear that a grant has ended.", Bug::SkipChange(follow::grant_end)),
    line("grant-too-wide", "A grant is written down with every operation there is.", Bug::Append(append::with_every_permission)),
    line("grant-unheard", "A host that follows does not hear of a new grant.", Bug::SkipChange(follow::grant)),
    line("lost-answer", "A host carries a request out and never answers it.", Bug::NoAnswer),
    line("material-forgotten", "A key forgets its oldest material when it is changed.", Bug::Append(append::without_oldest_material)),
    line("material-id-is-the-key", "An answer names a secret key in place of the id of its material.", Bug::Expose(answer::with_a_key)),
    line("permission-ignored", "A decision takes the caller for an administrator.", Bug::Decide(answer::as_administrator)),
    line("permission-missing", "A decision is shown a caller without its identity policies.", Bug::Decide(answer::without_permissions)),
    line("policy-lost", "A new key policy is not written down.", Bug::Append(append::with_default_policy)),
    line("quota-overcounted", "A request is counted fifty times against a quota.", Bug::Overcounted),
    line("quota-uncounted", "A request that is admitted under a quota is not counted.", Bug::Uncounted),
    line("repeated-draw", "An HSM draws for a command what it drew for the one before.", Bug::RepeatedDraw),
    line("replica-keeps-material", "A replica does not take over the newest material.", Bug::Append(append::without_newest_material)),
    line("rotation-misread", "A host tells the opposite of whether a key rotates.", Bug::Answer(answer::unrotated)),
    line("skipped-version-check", "Drops the version preconditions of an append, so that a stale decision is committed.", Bug::Append(append::without_versions)),
    line("swapped-replies", "An HSM answers a command with its answer to another one.", Bug::Reply(hsm::of_another)),
    line("throttled-too-early", "A host refuses a request for a quota that has room for it.", Bug::Answer(answer::throttled)),
    line("token-lost", "The journal forgets the key token of a new material.", Bug::SkipToken(follow::new_token)),
    line("two-primaries", "A replica that is put is written down as a primary.", Bug::Append(append::with_primary_kept)),
    line("unheard-alias", "A host that follows does not hear of a change of an alias.", Bug::SkipChange(follow::alias)),
    line("unheard-key", "A host that follows does not hear of a change of a key.", Bug::SkipChange(follow::key)),
    line("wrong-error", "A host answers that a key that is disabled does not exist.", Bug::Answer(answer::not_found)),
];
