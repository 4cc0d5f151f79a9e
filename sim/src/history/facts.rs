//! Requests and answers as the history keeps them: what matters to a judge, in words of its own.
//!
//! The reference model is built on these words and not on the core's types, so that a mistake in the
//! core cannot repeat itself in its judge. Blobs and plaintexts appear as digests: a blob's is plain,
//! a plaintext's is keyed with the run's seed.

use kms_core::env::Timestamp;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, AliasName, GrantId, KeyArn, KeyId, MaterialId, RegionName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A 64-bit digest: enough to tell the bytes of one run apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u64);

/// How a request named a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// By id or ARN.
    Key {
        /// The Region of the ARN, if it was one.
        region: Option<RegionName>,
        /// The id.
        id: KeyId,
    },
    /// By alias, of the caller's account.
    Alias(AliasName),
    /// By something that is no name.
    Nothing,
}

/// Who a grant is for.
pub type Grantee = Arc<str>;

/// An attempt as a judge sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFacts {
    /// The caller.
    pub principal: Arc<str>,
    /// Its account.
    pub account: AccountId,
    /// Whether an IAM policy of its account allows it everything.
    pub administrator: bool,
    /// What it asks for.
    pub wanted: Wanted,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "each is the operation of that name; the members are its parameters"
)]
pub enum Wanted {
    CreateKey {
        multi_region: bool,
    },
    DescribeKey {
        key: Target,
    },
    ListKeys,
    EnableKey {
        key: Target,
    },
    DisableKey {
        key: Target,
    },
    ScheduleKeyDeletion {
        key: Target,
        days: u32,
    },
    CancelKeyDeletion {
        key: Target,
    },
    CreateAlias {
        alias: Arc<str>,
        key: Target,
    },
    UpdateAlias {
        alias: Arc<str>,
        key: Target,
    },
    DeleteAlias {
        alias: Arc<str>,
    },
    ListAliases {
        key: Option<Target>,
    },
    Encrypt {
        key: Target,
        plaintext: Digest,
        context: Digest,
    },
    Decrypt {
        blob: Digest,
        key: Option<Target>,
        context: Digest,
    },
    ReEncrypt {
        blob: Digest,
        source: Option<Target>,
        source_context: Digest,
        key: Target,
        context: Digest,
    },
    GenerateDataKey {
        key: Target,
        bytes: u32,
        context: Digest,
        plaintext: bool,
    },
    GenerateRandom {
        bytes: u32,
    },
    EnableKeyRotation {
        key: Target,
        days: u32,
    },
    DisableKeyRotation {
        key: Target,
    },
    GetKeyRotationStatus {
        key: Target,
    },
    RotateKeyOnDemand {
        key: Target,
    },
    ListKeyRotations {
        key: Target,
        materials: bool,
    },
    CreateGrant {
        key: Target,
        grantee: Grantee,
        operations: BTreeSet<&'static str>,
        name: Option<Arc<str>>,
        constrained: bool,
    },
    ListGrants {
        key: Target,
    },
    RetireGrant {
        grant: Option<GrantId>,
        by_token: bool,
    },
    RevokeGrant {
        key: Target,
        grant: Option<GrantId>,
    },
    GetKeyPolicy {
        key: Target,
    },
    PutKeyPolicy {
        key: Target,
        policy: Digest,
    },
    ReplicateKey {
        key: Target,
        region: Option<RegionName>,
    },
    UpdatePrimaryRegion {
        key: Target,
        region: Option<RegionName>,
    },
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each belongs to the wish of the same name")]
pub enum Got {
    Created {
        key: KeyArn,
    },
    Described {
        key: KeyArn,
        state: KeyState,
        material: Option<MaterialId>,
        deletion: Option<Timestamp>,
    },
    Scheduled {
        key: KeyArn,
        state: KeyState,
        deletion: Option<Timestamp>,
    },
    /// A blob; `plaintext` is there when the caller got that, too.
    Sealed {
        key: KeyArn,
        blob: Digest,
        plaintext: Option<Digest>,
    },
    Opened {
        key: KeyArn,
        plaintext: Digest,
        material: MaterialId,
    },
    Resealed {
        source: KeyArn,
        key: KeyArn,
        blob: Digest,
    },
    Granted {
        grant: GrantId,
    },
    Rotation {
        enabled: bool,
        days: Option<u32>,
    },
    Policy {
        policy: Digest,
    },
    /// How many items a list showed; whether it ended there.
    Listed {
        items: u32,
        complete: bool,
    },
    Replicated {
        replica: KeyArn,
    },
    /// Random bytes, as long as asked.
    Random {
        bytes: u32,
    },
    Done,
}

/// Turns requests and answers into facts, with the key that plaintext digests need.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    key: u64,
}

impl Facts {
    /// The facts of a run.
    pub fn new(seed: crate::random::Seed) -> Facts {
        Facts { key: seed.0 }
    }

    /// A digest of bytes that may be known.
    pub fn public(self, bytes: &[u8]) -> Digest {
        digest(0, bytes)
    }

    /// A digest of bytes that must stay secret.
    pub fn secret(self, bytes: &[u8]) -> Digest {
        digest(self.key ^ 0x5ec2_e7b1_a9d4_03f6, bytes)
    }
}

/// SipHash-like strength is not needed against an attacker inside the simulator; SHA-256, cut, is
/// what is at hand and leaves nothing to argue about.
fn digest(key: u64, bytes: &[u8]) -> Digest {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(key.to_be_bytes());
    hash.update(bytes);
    let full: [u8; 32] = hash.finalize().into();
    let head = full.first_chunk().copied().unwrap_or_default();
    Digest(u64::from_be_bytes(head))
}
