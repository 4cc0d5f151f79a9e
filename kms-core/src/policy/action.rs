//! The permissions of the service, and sets of them small enough to copy.
//!
//! A policy names actions by pattern (`kms:ReEncrypt*`); the pattern is matched once, when the policy
//! is compiled, and every decision afterwards is one bit of one integer.

use std::fmt;

macro_rules! actions {
    ($($action:ident,)*) => {
        /// A permission, named as policies name it, without the prefix `kms:`.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Action { $($action,)* }

        impl Action {
            /// Every permission, alphabetically.
            pub const ALL: &'static [Action] = &[$(Action::$action,)*];

            /// The name without the prefix.
            pub fn name(self) -> &'static str {
                match self { $(Action::$action => stringify!($action),)* }
            }
        }
    };
}

actions! {
    CancelKeyDeletion, ConnectCustomKeyStore, CreateAlias, CreateCustomKeyStore, CreateGrant,
    CreateKey, Decapsulate, Decrypt, DeleteAlias, DeleteCustomKeyStore, DeleteImportedKeyMaterial,
    DeriveSharedSecret, DescribeCustomKeyStores, DescribeKey, DisableKey, DisableKeyRotation,
    DisconnectCustomKeyStore, EnableKey, EnableKeyRotation, Encapsulate, Encrypt, GenerateDataKey,
    GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateDataKeyWithoutPlaintext,
    GenerateMac, GenerateRandom, GetKeyLastUsage, GetKeyPolicy, GetKeyRotationStatus,
    GetParametersForImport, GetPublicKey, ImportKeyMaterial, ListAliases, ListGrants,
    ListKeyPolicies, ListKeyRotations, ListKeys, ListResourceTags, ListRetirableGrants,
    PutKeyPolicy, ReEncryptFrom, ReEncryptTo, ReplicateKey, RetireGrant, RevokeGrant,
    RotateKeyOnDemand, ScheduleKeyDeletion, Sign, SynchronizeMultiRegionKey, TagResource,
    UntagResource, UpdateAlias, UpdateCustomKeyStore, UpdateKeyDescription, UpdatePrimaryRegion,
    Verify, VerifyMac,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kms:{}", self.name())
    }
}

/// A set of permissions: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionSet(u64);

impl ActionSet {
    /// No permission.
    pub const NONE: ActionSet = ActionSet(0);
    /// Every permission.
    pub const ALL: ActionSet = ActionSet((1 << Action::ALL.len()) - 1);

    /// The set with `action` in it too.
    #[must_use]
    pub const fn with(self, action: Action) -> ActionSet {
        ActionSet(self.0 | 1 << action as u8)
    }

    /// Whether `action` is in the set.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }

    /// Whether every permission of `other` is in this set.
    pub const fn includes(self, other: ActionSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// The permissions of either set.
    #[must_use]
    pub const fn union(self, other: ActionSet) -> ActionSet {
        ActionSet(self.0 | other.0)
    }

    /// Every permission that is not in the set.
    #[must_use]
    pub const fn complement(self) -> ActionSet {
        ActionSet(!self.0 & ActionSet::ALL.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permissions in the set, alphabetically.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> ActionSet {
        actions.into_iter().fold(ActionSet::NONE, ActionSet::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_alphabetical_and_fit_a_word() {
        assert!(Action::ALL.is_sorted_by_key(|action| action.name()));
        assert!(Action::ALL.len() < 64);
    }

    #[test]
    fn a_set_and_its_complement_share_nothing() {
        let set: ActionSet = [Action::Encrypt, Action::Verify].into_iter().collect();
        assert!(set.contains(Action::Verify) && !set.contains(Action::Decrypt));
        assert_eq!(set.union(set.complement()), ActionSet::ALL);
        assert_eq!(set.iter().count() + set.complement().iter().count(), Action::ALL.len());
    }
}
