//! What kind of key a key is, and which operations are for which kind.

use crate::history::Wanted;

/// What a key is for, as far as a judge can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Made in a way that judges have no words for.
    #[default]
    Unknown,
    /// Encrypts and decrypts.
    Symmetric,
    /// A key pair, or an HMAC key.
    Pair,
}

impl Kind {
    pub(super) fn of(wanted: &Wanted) -> Kind {
        match wanted {
            Wanted::CreateKey { .. }
            | Wanted::CreateExternalKey
            | Wanted::CreateKeyToImport { .. } => Kind::Symmetric,
            Wanted::CreatePair { .. } => Kind::Pair,
            _ => Kind::Unknown,
        }
    }

    /// Whether an operation is for keys of another kind, so that nobody knows what comes of it.
    pub(super) fn is_strange_to(self, wanted: &Wanted) -> bool {
        use Wanted as W;
        let for_pairs = matches!(
            wanted,
            W::Prove { .. }
                | W::Check { .. }
                | W::GetPublicKey { .. }
                | W::Encapsulate { .. }
                | W::Decapsulate { .. }
                | W::DeriveSharedSecret { .. }
        );
        let symmetric = matches!(
            wanted,
            W::Encrypt { .. }
                | W::Decrypt { .. }
                | W::ReEncrypt { .. }
                | W::GenerateDataKey { .. }
                | W::GenerateDataKeyPair { .. }
                | W::EnableKeyRotation { .. }
                | W::DisableKeyRotation { .. }
                | W::RotateKeyOnDemand { .. }
                | W::ListKeyRotations { .. }
                | W::GetKeyRotationStatus { .. }
        );
        let granted = |fits: fn(&&str) -> bool| match wanted {
            W::CreateGrant { operations, .. } => !operations.iter().all(fits),
            _ => false,
        };
        match self {
            Kind::Unknown => true,
            Kind::Symmetric => for_pairs || granted(|name| !is_for_pairs(name)),
            Kind::Pair => symmetric || matches!(wanted, W::CreateGrant { .. }),
        }
    }
}

/// Whether a permission of a grant is one that symmetric keys do not have.
fn is_for_pairs(operation: &str) -> bool {
    const FOR_PAIRS: [&str; 8] = [
        "Sign",
        "Verify",
        "GetPublicKey",
        "GenerateMac",
        "VerifyMac",
        "DeriveSharedSecret",
        "Encapsulate",
        "Decapsulate",
    ];
    FOR_PAIRS.contains(&operation)
}
