//! A key as the state holds it: what it is, what it may be used for, and the materials it went through.
//!
//! A record never contains key material, plain or wrapped: it names key tokens, which live beside the
//! journal and are re-encrypted and erased there (see [`crate::token`]).

use crate::env::Timestamp;
use crate::key_store::StoredIn;
use crate::multi_region::Replicas;
use crate::name::{AccountId, KeyArn, KeyId, MaterialId, RegionName, TokenId};
use crate::policy::Policy;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// How many days a day-based period is, as a span of time.
pub const DAY: Duration = Duration::from_secs(86_400);

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The value as the wire spells it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The value the wire spells like this, or nothing.
            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum! {
    /// What kind of key material a key has (AWS KMS API, `KeySpec`).
    KeySpec {
        SymmetricDefault "SYMMETRIC_DEFAULT",
        Hmac224 "HMAC_224",
        Hmac256 "HMAC_256",
        Hmac384 "HMAC_384",
        Hmac512 "HMAC_512",
        Rsa2048 "RSA_2048",
        Rsa3072 "RSA_3072",
        Rsa4096 "RSA_4096",
        EccNistP256 "ECC_NIST_P256",
        EccNistP384 "ECC_NIST_P384",
        EccNistP521 "ECC_NIST_P521",
        EccSecgP256k1 "ECC_SECG_P256K1",
        EccNistEdwards25519 "ECC_NIST_EDWARDS25519",
        MlDsa44 "ML_DSA_44",
        MlDsa65 "ML_DSA_65",
        MlDsa87 "ML_DSA_87",
        MlKem512 "ML_KEM_512",
        MlKem768 "ML_KEM_768",
        MlKem1024 "ML_KEM_1024",
        Sm2 "SM2",
    }
}

wire_enum! {
    /// What a key is for; fixed when the key is made.
    KeyUsage {
        EncryptDecrypt "ENCRYPT_DECRYPT",
        SignVerify "SIGN_VERIFY",
        GenerateVerifyMac "GENERATE_VERIFY_MAC",
        KeyAgreement "KEY_AGREEMENT",
        EncapsulateDecapsulate "ENCAPSULATE_DECAPSULATE",
    }
}

wire_enum! {
    /// Where key material comes from; fixed when the key is made.
    Origin {
        AwsKms "AWS_KMS",
        External "EXTERNAL",
        AwsCloudHsm "AWS_CLOUDHSM",
        ExternalKeyStore "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// Who looks after a key; fixed when the key is made.
    KeyManager {
        Aws "AWS",
        Customer "CUSTOMER",
    }
}

wire_enum! {
    /// The state DescribeKey shows (AWS KMS Developer Guide, Key states).
    KeyState {
        Creating "Creating",
        Enabled "Enabled",
        Disabled "Disabled",
        PendingDeletion "PendingDeletion",
        PendingImport "PendingImport",
        PendingReplicaDeletion "PendingReplicaDeletion",
        Unavailable "Unavailable",
        Updating "Updating",
    }
}

wire_enum! {
    /// What made a key material current.
    RotationType {
        Automatic "AUTOMATIC",
        OnDemand "ON_DEMAND",
    }
}

/// One key material of a key: a version. All of them decrypt, the current one encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Material {
    /// Derived from the key's id and the material.
    pub id: MaterialId,
    /// The key token that holds it, wrapped; nothing while an imported material is not here, because
    /// it was never imported into this Region, or was deleted, or has expired.
    pub token: Option<TokenId>,
    /// When an imported material that is here expires, if it does.
    pub expires: Option<Timestamp>,
    /// When it became current and how; the first material of a key has none.
    pub rotation: Option<Rotation>,
    /// The public half, SubjectPublicKeyInfo in DER, of a key that has one.
    pub public_key: Option<Arc<[u8]>>,
    /// What the owner says of an imported material.
    pub label: Option<Arc<str>>,
}

impl Material {
    /// A material that is here for good and did not come by a rotation.
    pub fn new(id: MaterialId, token: TokenId) -> Material {
        let token = Some(token);
        Material { id, token, public_key: None, rotation: None, expires: None, label: None }
    }
}

/// A rotation that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// When the new material became current.
    pub at: Timestamp,
    /// Automatic or on demand.
    pub kind: RotationType,
}

/// A new material that waits until every replica holds it, before it encrypts anything
/// (AWS KMS Developer Guide, Rotating multi-Region keys).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMaterial {
    /// The material, not yet current.
    pub material: Material,
    /// The value of [`Primary::shared_version`] every replica must have acknowledged.
    pub needs: u64,
}

/// The automatic rotation of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationSchedule {
    /// When rotation was enabled; periods count from here.
    pub since: Timestamp,
    /// 90 to 2560 days.
    pub period: Duration,
    /// The next automatic rotation.
    pub next: Timestamp,
}

impl RotationSchedule {
    /// A schedule that begins at `since`.
    pub fn starting(since: Timestamp, period: Duration) -> RotationSchedule {
        RotationSchedule { since, period, next: since.after(period) }
    }

    /// The schedule after a rotation at `now`: the first multiple of the period still to come.
    #[must_use]
    pub fn after_rotation(mut self, now: Timestamp) -> RotationSchedule {
        while self.next <= now {
            self.next = self.next.after(self.period);
        }
        self
    }
}

/// What the owner last wanted of the key, which the shown state is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Usable, unless something else prevents it.
    Enabled,
    /// Switched off by its owner.
    Disabled,
    /// To be deleted when the waiting period has passed.
    PendingDeletion {
        /// When the waiting period ends; what DescribeKey shows.
        at: Timestamp,
        /// When the key is erased: later than `at` by more than clocks may differ, so that no skew
        /// cuts a waiting period short. AWS deletes up to a day late.
        erase: Timestamp,
    },
    /// A primary whose waiting period of `window` starts once its last replica is gone.
    PendingReplicaDeletion {
        /// The waiting period asked for.
        window: Duration,
    },
    /// Saved from deletion: switched off, whether or not its imported material is here.
    Restored,
}

/// A transient state of a multi-Region key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A replica whose primary has not acknowledged it yet.
    Creating {
        /// Not finished before.
        until: Timestamp,
    },
    /// A primary on its way in or out.
    Updating {
        /// Not finished before.
        until: Timestamp,
    },
}

/// What makes a key a multi-Region key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiRegion {
    /// The one key of the set that the others follow.
    Primary(Primary),
    /// A key that follows the primary.
    Replica {
        /// Where the primary is, as far as this Region has heard.
        primary: RegionName,
        /// The shared properties this replica has taken over.
        shared_version: u64,
        /// Whether the primary must hear if the imported material that awaits rotation is here.
        owes_report: bool,
        /// Where the replicas of the set are, this one among them, as far as this Region has heard.
        replicas: BTreeSet<RegionName>,
    },
}

/// The primary's knowledge of its replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Primary {
    /// Counts changes of what the keys of a set share.
    pub shared_version: u64,
    /// Every replica and what it acknowledged.
    pub replicas: Replicas,
    /// The Region this key hands its role to, until that Region has taken it.
    pub successor: Option<RegionName>,
    /// The shared version since which an imported material awaits rotation.
    pub awaiting_since: u64,
    /// What the replicas last said of that material.
    pub holdings: BTreeMap<RegionName, Holding>,
}

/// What a replica says of the imported material that awaits rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// When the replica was created that says so.
    pub created: Timestamp,
    /// The version of the replica's record that says so; older news changes nothing.
    pub as_of: u64,
    /// The shared version the replica had taken over.
    pub shared_version: u64,
    /// The material, if it is there.
    pub material: Option<MaterialId>,
}

/// A key.
///
/// To decide about a key that was not in use of late is mostly waiting for memory. What every request
/// asks of a key comes first and lies together.
#[derive(Clone, PartialEq)]
#[repr(C)]
pub struct Key {
    /// Where it lives and who owns it.
    pub arn: KeyArn,
    /// What kind of key material it has.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Who looks after it.
    pub manager: KeyManager,
    /// Rotations on demand so far; at most 25 in a key's life.
    pub on_demand_rotations: u32,
    /// What the owner last wanted.
    pub status: Status,
    /// A transient state, which ends by a task.
    pub transition: Option<Transition>,
    /// The materials, oldest first; the last one is current.
    pub materials: SmallVec<[Material; 1]>,
    /// Where in a custom key store its key is, if it is in one; fixed when the key is made.
    pub stored_in: Option<StoredIn>,
    /// Its part in a set of multi-Region keys, if any.
    pub multi_region: Option<MultiRegion>,
    /// The default key policy.
    pub policy: Arc<Policy>,
    /// The tags.
    pub tags: Arc<BTreeMap<String, String>>,
    /// When it was created, here.
    pub created: Timestamp,
    /// The owner's description.
    pub description: Arc<str>,
    /// Automatic rotation, when on.
    pub rotation: Option<RotationSchedule>,
    /// A material that waits for the replicas.
    pub pending: Option<PendingMaterial>,
    /// An imported material that awaits its rotation on demand. The key can lose it for good.
    pub awaiting: Option<Material>,
}

impl Key {
    /// The id.
    pub fn id(&self) -> KeyId {
        self.arn.id
    }

    /// Looks at every part that a request will ask for, for nothing but that their memory is on the
    /// way at once and not one after the other.
    pub(crate) fn expect(&self) {
        let token = self.current_material().map(|material| material.token.is_some());
        let (stored, set) = (self.stored_in.is_some(), self.multi_region.is_some());
        black_box((self.state(), token, stored, set));
    }

    /// The owner.
    pub fn account(&self) -> AccountId {
        self.arn.account
    }

    /// The state of the key itself, which [`crate::state::State::state_of`] shows; a custom key store
    /// may make the key unavailable.
    pub fn state(&self) -> KeyState {
        match (self.status, self.transition) {
            (Status::PendingDeletion { .. }, _) => KeyState::PendingDeletion,
            (Status::PendingReplicaDeletion { .. }, _) => KeyState::PendingReplicaDeletion,
            (_, Some(Transition::Creating { .. })) => KeyState::Creating,
            (_, Some(Transition::Updating { .. })) => KeyState::Updating,
            (Status::Restored, None) => KeyState::Disabled,
            _ if self.lacks_material() => KeyState::PendingImport,
            (Status::Disabled, None) => KeyState::Disabled,
            (Status::Enabled, None) => KeyState::Enabled,
        }
    }

    /// The material that encrypts.
    pub fn current_material(&self) -> Option<&Material> {
        self.materials.last()
    }

    /// The material a ciphertext was made with, if the key still has it.
    pub fn material(&self, id: MaterialId) -> Option<&Material> {
        self.materials.iter().rev().find(|material| material.id == id)
    }

    /// The primary's part, when this key is the primary of a set.
    pub fn as_primary(&self) -> Option<&Primary> {
        match &self.multi_region {
            Some(MultiRegion::Primary(primary)) => Some(primary),
            _ => None,
        }
    }

    /// Whether this key follows a primary in another Region, or has promised its role to one: what it
    /// shares with its set is no longer its own to change, for the successor has been told already.
    pub fn is_replica(&self) -> bool {
        match &self.multi_region {
            Some(MultiRegion::Replica { .. }) => true,
            Some(MultiRegion::Primary(primary)) => primary.successor.is_some(),
            None => false,
        }
    }

    /// Every material, those that are not current yet last.
    pub fn all_materials(&self) -> impl DoubleEndedIterator<Item = &Material> {
        let pending = self.pending.iter().map(|pending| &pending.material);
        self.materials.iter().chain(pending).chain(&self.awaiting)
    }

    /// Every key token the key's materials live in.
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> {
        self.all_materials().filter_map(|material| material.token)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("arn", &self.arn)
            .field("spec", &self.spec)
            .field("state", &self.state())
            .field("materials", &self.materials)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_never_drifts_from_the_day_it_was_enabled() {
        let since = Timestamp::from_seconds(1_647_302_400);
        let schedule = RotationSchedule::starting(since, 365 * DAY);
        let late = schedule.next.after(400 * DAY);
        assert_eq!(schedule.after_rotation(late).next, since.after(3 * 365 * DAY));
    }

    #[test]
    fn wire_spelling_round_trips() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::parse(spec.as_str()), Some(*spec));
        }
        assert_eq!(KeyUsage::parse("encrypt_decrypt"), None);
    }
}
