//! Which operation a key's state allows: AWS's own matrix, as one table.
//!
//! Source: AWS KMS Developer Guide, "Key states of AWS KMS keys" (2026). The columns are the states;
//! PendingDeletion and PendingReplicaDeletion are one column there and here. Where AWS documents two
//! errors for a cell ("2 or 3") the table says `Dying`, and the error is `KMSInvalidState`; a client
//! must accept either.

use crate::error::{Error, ErrorCode, Result};
use crate::key::{Key, KeyState};
use crate::ops::Operation;

/// What a cell of the matrix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// ✓: allowed.
    Yes,
    /// 1: `Disabled`, "is disabled".
    Disabled,
    /// 2 or 3: `KMSInvalidState`, "is pending deletion"; `Disabled` is documented too.
    Dying,
    /// 3: `KMSInvalidState`, "is pending deletion".
    PendingDeletion,
    /// 4: `KMSInvalidState`, "is not pending deletion".
    NotPendingDeletion,
    /// 5: `KMSInvalidState`, "is pending import".
    PendingImport,
    /// 6: `UnsupportedOperation`, the origin is not valid for the operation.
    Imported,
    /// 7: `UnsupportedOperation`; only a key in a custom key store is in this state.
    InKeyStore,
    /// 11: `KMSInvalidState`, "is unavailable".
    Unavailable,
    /// 14: `KMSInvalidState`, "is creating".
    Creating,
    /// 15: `KMSInvalidState`, "is updating".
    Updating,
    /// N/A: no key of this state can be named to the operation.
    Never,
}

/// The states in the order of the columns.
pub const COLUMNS: [KeyState; 7] = [
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingImport,
    KeyState::Unavailable,
    KeyState::Creating,
    KeyState::Updating,
];

/// A row of the matrix. Operations that name no key have none.
pub type Row = [Verdict; 7];

/// The row of an operation.
pub fn row(operation: Operation) -> Option<Row> {
    use Verdict::{
        Creating as Cr, Disabled as Di, Dying as Dy, Imported as Im, InKeyStore as Ks, Never as Na,
        NotPendingDeletion as Np, PendingDeletion as Pd, PendingImport as Pi, Unavailable as Un,
        Updating as Up, Yes as Ok,
    };
    Some(match operation {
        Operation::CancelKeyDeletion => [Np, Np, Ok, Np, Np, Np, Np],
        Operation::CreateAlias
        | Operation::TagResource
        | Operation::UntagResource
        | Operation::UpdateKeyDescription => [Ok, Ok, Pd, Ok, Ok, Ok, Ok],
        Operation::CreateGrant => [Ok, Di, Dy, Pi, Ok, Cr, Ok],
        Operation::Decrypt
        | Operation::Encrypt
        | Operation::GenerateDataKey
        | Operation::GenerateDataKeyWithoutPlaintext
        | Operation::ReEncrypt => [Ok, Di, Dy, Pi, Un, Cr, Ok],
        // A key with a public half or of HMAC is never in a key store. Encapsulate and Decapsulate are
        // younger than the matrix and stand where DeriveSharedSecret does.
        Operation::Decapsulate
        | Operation::DeriveSharedSecret
        | Operation::Encapsulate
        | Operation::GenerateMac
        | Operation::Sign
        | Operation::Verify
        | Operation::VerifyMac => [Ok, Di, Dy, Pi, Na, Cr, Ok],
        Operation::GenerateDataKeyPair | Operation::GenerateDataKeyPairWithoutPlaintext => {
            [Ok, Di, Dy, Pi, Ks, Cr, Ok]
        }
        Operation::GetPublicKey => [Ok, Ok, Dy, Ok, Na, Cr, Ok],
        Operation::DeleteAlias
        | Operation::DescribeKey
        // Not in AWS's table; its errors are those of DescribeKey, which every state allows.
        | Operation::GetKeyLastUsage
        | Operation::GetKeyPolicy
        | Operation::ListAliases
        | Operation::ListGrants
        | Operation::ListKeyPolicies
        | Operation::ListResourceTags
        | Operation::PutKeyPolicy
        | Operation::RetireGrant
        | Operation::RevokeGrant => [Ok; 7],
        Operation::DeleteImportedKeyMaterial => [Ok, Ok, Ok, Ok, Na, Cr, Up],
        Operation::DisableKey | Operation::EnableKey => [Ok, Ok, Pd, Pi, Ok, Cr, Up],
        Operation::DisableKeyRotation | Operation::EnableKeyRotation => {
            [Ok, Di, Pd, Im, Ks, Cr, Ok]
        }
        Operation::GetKeyRotationStatus => [Ok, Ok, Ok, Im, Ks, Ok, Ok],
        // AWS shows 8 or 9 for Pending deletion, of which 8 is the one for imported keys, and for
        // ImportKeyMaterial 9 alone, which says nothing of them.
        Operation::GetParametersForImport => [Ok, Ok, Pd, Ok, Ks, Cr, Up],
        Operation::ImportKeyMaterial => [Ok, Ok, Pd, Ok, Ks, Cr, Ok],
        Operation::ListKeyRotations => [Ok, Ok, Ok, Ok, Ks, Ok, Ok],
        Operation::ReplicateKey => [Ok, Di, Dy, Pi, Na, Cr, Up],
        Operation::RotateKeyOnDemand => [Ok, Di, Pd, Pi, Ks, Cr, Ok],
        Operation::ScheduleKeyDeletion => [Ok, Ok, Pd, Ok, Ok, Ok, Up],
        // AWS shows ✓ for Pending deletion with footnote 10: leaving such a key is fine, pointing an
        // alias at one is not; the operation tells the two keys apart.
        Operation::UpdateAlias => [Ok; 7],
        // AWS shows ✓ in Updating, while the operation's page demands that both keys be Enabled.
        Operation::UpdatePrimaryRegion => [Ok, Di, Dy, Pi, Na, Cr, Ok],
        Operation::ConnectCustomKeyStore
        | Operation::CreateCustomKeyStore
        | Operation::CreateKey
        | Operation::DeleteCustomKeyStore
        | Operation::DescribeCustomKeyStores
        | Operation::DisconnectCustomKeyStore
        | Operation::GenerateRandom
        | Operation::ListKeys
        | Operation::ListRetirableGrants
        | Operation::UpdateCustomKeyStore => return None,
    })
}

/// What the matrix says of an operation on a key in a state.
pub fn verdict(operation: Operation, state: KeyState) -> Verdict {
    let state = match state {
        KeyState::PendingReplicaDeletion => KeyState::PendingDeletion,
        other => other,
    };
    let column = COLUMNS.iter().position(|column| *column == state);
    row(operation).zip(column).map_or(Verdict::Yes, |(row, column)| row[column])
}

/// Whether a key's state, as it is shown, lets an operation through.
///
/// # Errors
/// The documented one.
pub fn check(operation: Operation, key: &Key, state: KeyState) -> Result<()> {
    let wrong_origin = unsupported_in_key_store(operation) && key.stored_in.is_some()
        || is_about_imports(operation) && !key.is_imported();
    if wrong_origin {
        return Err(unsupported_origin(key));
    }
    match verdict(operation, state) {
        Verdict::Yes => Ok(()),
        // That the key is for something else, the operation finds next.
        Verdict::Never if !operation.info().errors.contains(&ErrorCode::UnsupportedOperation) => {
            Ok(())
        }
        refused => Err(error(refused, key)),
    }
}

/// 7: operations that a key in a custom key store never supports, whatever its state. The column of
/// the state that only such keys can be in names them.
fn unsupported_in_key_store(operation: Operation) -> bool {
    verdict(operation, KeyState::Unavailable) == Verdict::InKeyStore
}

/// 9: operations that only a key with imported material supports.
fn is_about_imports(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::DeleteImportedKeyMaterial
            | Operation::GetParametersForImport
            | Operation::ImportKeyMaterial
    )
}

/// The one reason that this exception has a message for.
pub(crate) fn unsupported_origin(key: &Key) -> Error {
    ErrorCode::UnsupportedOperation.says(format!(
        "{} origin is {} which is not valid for this operation.",
        key.arn, key.origin
    ))
}

fn error(verdict: Verdict, key: &Key) -> Error {
    let arn = key.arn;
    let invalid = |state: &str| ErrorCode::KmsInvalidState.says(format!("{arn} is {state}."));
    match verdict {
        Verdict::Disabled => ErrorCode::Disabled.says(format!("{arn} is disabled.")),
        Verdict::Dying | Verdict::PendingDeletion => match key.state() {
            KeyState::PendingReplicaDeletion => invalid("pending replica deletion"),
            _ => invalid("pending deletion"),
        },
        Verdict::NotPendingDeletion => invalid("not pending deletion"),
        Verdict::PendingImport => invalid("pending import"),
        Verdict::Unavailable => invalid("unavailable"),
        Verdict::Creating => invalid("creating"),
        Verdict::Updating => invalid("updating"),
        Verdict::Imported | Verdict::InKeyStore => unsupported_origin(key),
        Verdict::Never | Verdict::Yes => ErrorCode::UnsupportedOperation
            .says(format!("{} does not support this operation.", key.arn)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::ops::enable_key_rotation;

    #[test]
    fn a_key_of_the_wrong_origin_is_named_with_its_origin() {
        let mut local = Local::single_region();
        let own = local.create_key();
        let refused = |key: &Key, operation| check(operation, key, key.state()).unwrap_err();
        let message = |key: &Key| {
            format!("{} origin is {} which is not valid for this operation.", key.arn, key.origin)
        };
        let error = refused(&local.key(own), Operation::ImportKeyMaterial);
        assert_eq!(error, ErrorCode::UnsupportedOperation.says(message(&local.key(own))));
        let imported =
            local.create_key_to_import(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
        let rotated = local.call(enable_key_rotation::Request::new(imported)).unwrap_err();
        assert_eq!(rotated, ErrorCode::UnsupportedOperation.says(message(&local.key(imported))));
    }

    #[test]
    fn every_operation_that_names_a_key_has_a_row() {
        let without: Vec<_> =
            Operation::ALL.iter().filter(|operation| row(**operation).is_none()).collect();
        assert_eq!(
            without,
            [
                &Operation::ConnectCustomKeyStore,
                &Operation::CreateCustomKeyStore,
                &Operation::CreateKey,
                &Operation::DeleteCustomKeyStore,
                &Operation::DescribeCustomKeyStores,
                &Operation::DisconnectCustomKeyStore,
                &Operation::GenerateRandom,
                &Operation::ListKeys,
                &Operation::ListRetirableGrants,
                &Operation::UpdateCustomKeyStore
            ]
        );
    }

    #[test]
    fn both_kinds_of_pending_deletion_share_a_column() {
        for operation in Operation::ALL {
            assert_eq!(
                verdict(*operation, KeyState::PendingDeletion),
                verdict(*operation, KeyState::PendingReplicaDeletion)
            );
        }
    }
}
