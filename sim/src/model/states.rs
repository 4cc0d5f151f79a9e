//! What a key must be like for an operation, as rules.
//!
//! Source: AWS KMS Developer Guide, "Key states of AWS KMS keys" (2026), read as rules and not as the
//! table it is printed as: reading always works, withdrawing access always works, working needs a key
//! that is on, and only what is dying can be saved.

use crate::history::Wanted;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;

/// What an operation needs of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Anything,
    /// That it is not about to be deleted.
    Living,
    /// That it is neither dying nor being created.
    Showing,
    /// That it is on, also while its set gets another primary.
    Working,
    /// That it is on and nothing is going on with its set.
    Steady,
    /// That it is neither dying nor in a transition.
    Switchable,
    /// That it is neither dying nor getting another primary.
    Schedulable,
    /// That it is about to be deleted.
    Dying,
    /// That it is neither dying nor in a transition; its material need not be there.
    Importable,
    /// That nothing is going on with its set.
    Removable,
}

/// The need of an operation for the key it names first.
pub(super) fn need(wanted: &Wanted) -> Need {
    match wanted {
        Wanted::Encrypt { .. }
        | Wanted::Decrypt { .. }
        | Wanted::ReEncrypt { .. }
        | Wanted::GenerateDataKey { .. }
        | Wanted::GenerateDataKeyPair { .. }
        | Wanted::Prove { .. }
        | Wanted::Check { .. }
        | Wanted::Encapsulate { .. }
        | Wanted::Decapsulate { .. }
        | Wanted::DeriveSharedSecret { .. }
        | Wanted::CreateGrant { .. }
        | Wanted::EnableKeyRotation { .. }
        | Wanted::DisableKeyRotation { .. }
        | Wanted::RotateKeyOnDemand { .. } => Need::Working,
        Wanted::ReplicateKey { .. } | Wanted::UpdatePrimaryRegion { .. } => Need::Steady,
        Wanted::EnableKey { .. } | Wanted::DisableKey { .. } => Need::Switchable,
        Wanted::ScheduleKeyDeletion { .. } => Need::Schedulable,
        Wanted::CancelKeyDeletion { .. } => Need::Dying,
        Wanted::CreateAlias { .. } => Need::Living,
        Wanted::GetPublicKey { .. } | Wanted::ImportKeyMaterial { .. } => Need::Showing,
        Wanted::GetParametersForImport { .. } => Need::Importable,
        Wanted::DeleteImportedKeyMaterial { .. } => Need::Removable,
        Wanted::Plain {
            operation: "TagResource" | "UntagResource" | "UpdateKeyDescription",
            ..
        } => Need::Living,
        _ => Need::Anything,
    }
}

/// Whether a key is about to be deleted.
pub(super) fn is_dying(state: KeyState) -> bool {
    matches!(state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
}

/// The error of a key in that state, if it does not fit the need. Where AWS documents two errors for a
/// dying key, the service gives the one that says so.
pub(super) fn refusal(need: Need, state: KeyState) -> Option<ErrorCode> {
    let dying = is_dying(state);
    let (creating, updating) = (state == KeyState::Creating, state == KeyState::Updating);
    let (off, empty) = (state == KeyState::Disabled, state == KeyState::PendingImport);
    let fits = match need {
        Need::Anything => true,
        Need::Living => !dying,
        Need::Showing => !dying && !creating,
        Need::Working => !dying && !creating && !off && !empty,
        Need::Steady => !dying && !creating && !off && !updating && !empty,
        Need::Switchable => !dying && !creating && !updating && !empty,
        Need::Importable => !dying && !creating && !updating,
        Need::Removable => !creating && !updating,
        Need::Schedulable => !dying && !updating,
        Need::Dying => dying,
    };
    match (fits, need, off) {
        (true, ..) => None,
        (false, Need::Working | Need::Steady, true) => Some(ErrorCode::Disabled),
        (false, ..) => Some(ErrorCode::KmsInvalidState),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_off_says_so_only_to_those_who_want_to_use_it() {
        assert_eq!(refusal(Need::Working, KeyState::Disabled), Some(ErrorCode::Disabled));
        assert_eq!(refusal(Need::Dying, KeyState::Disabled), Some(ErrorCode::KmsInvalidState));
        assert_eq!(refusal(Need::Schedulable, KeyState::Disabled), None);
    }

    #[test]
    fn a_dying_key_can_be_saved_and_looked_at() {
        for state in [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion] {
            assert_eq!(refusal(Need::Dying, state), None);
            assert_eq!(refusal(Need::Anything, state), None);
            for need in [Need::Living, Need::Working, Need::Switchable, Need::Schedulable] {
                assert_eq!(refusal(need, state), Some(ErrorCode::KmsInvalidState));
            }
        }
    }

    #[test]
    fn a_key_without_its_material_takes_it_and_does_no_work() {
        for need in [Need::Importable, Need::Removable, Need::Showing, Need::Schedulable] {
            assert_eq!(refusal(need, KeyState::PendingImport), None);
        }
        for need in [Need::Working, Need::Steady, Need::Switchable, Need::Dying] {
            assert_eq!(refusal(need, KeyState::PendingImport), Some(ErrorCode::KmsInvalidState));
        }
    }

    #[test]
    fn transitions_hold_up_switches_but_not_all_work() {
        assert_eq!(refusal(Need::Working, KeyState::Updating), None);
        assert_eq!(refusal(Need::Steady, KeyState::Updating), Some(ErrorCode::KmsInvalidState));
        assert_eq!(refusal(Need::Working, KeyState::Creating), Some(ErrorCode::KmsInvalidState));
        assert_eq!(refusal(Need::Schedulable, KeyState::Creating), None);
        assert_eq!(refusal(Need::Switchable, KeyState::Updating), Some(ErrorCode::KmsInvalidState));
    }
}
