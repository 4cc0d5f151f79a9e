//! What one Region asks another, and what it hears.

use super::{Replica, Replicas, Shared};
use crate::env::Timestamp;
use crate::hsm::{TransferOffer, TransferredKey};
use crate::key::{Holding, Key, KeySpec, KeyUsage, Origin};
use crate::kms::{KeyKind, Part};
use crate::name::{AccountId, KeyId, MaterialId, RegionName};
use crate::ops::Operation;
use crate::wire::{Description, PolicyText, Tag};
use std::fmt;
use std::sync::Arc;

/// What a replica to be created is, beside what the set shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSeed {
    /// The owner.
    pub account: AccountId,
    /// The id, which the set shares.
    pub id: KeyId,
    /// The spec, which the set shares.
    pub spec: KeySpec,
    /// The usage, which the set shares.
    pub usage: KeyUsage,
    /// The origin, which the set shares.
    pub origin: Origin,
    /// The replica's own policy.
    pub policy: Option<PolicyText>,
    /// Accept a policy that the caller could not change again.
    pub bypass: Option<bool>,
    /// The replica's own description.
    pub description: Option<Description>,
    /// The replica's own tags.
    pub tags: Vec<Tag>,
}

impl ReplicaSeed {
    /// The kind of key the replica is.
    pub(crate) fn kind(&self) -> KeyKind {
        let ReplicaSeed { spec, usage, origin, .. } = *self;
        KeyKind { spec, usage, origin, part: Some(Part::Replica) }
    }
}

/// What one Region asks another.
#[derive(Clone, PartialEq, Eq)]
pub enum RegionCommand {
    /// May the caller create this replica there, and with which ephemeral key is it sent?
    OfferReplica(ReplicaSeed),
    /// Create it.
    AcceptReplica {
        /// What it is.
        seed: ReplicaSeed,
        /// What the set shares.
        shared: Shared,
        /// The receiver's ephemeral key.
        offer: TransferOffer,
        /// The materials.
        transferred: Vec<TransferredKey>,
    },
    /// A new replica makes itself known to its primary.
    RegisterReplica {
        /// The key.
        id: KeyId,
        /// Where the replica is.
        region: RegionName,
        /// Which it is, and the shared version it has.
        replica: Replica,
    },
    /// A replica is deleted.
    ForgetReplica {
        /// The key.
        id: KeyId,
        /// Where the replica was.
        region: RegionName,
        /// When it was created.
        created: Timestamp,
    },
    /// Which of these materials does the replica lack, and with which ephemeral key are they sent?
    OfferTransfer {
        /// The key.
        id: KeyId,
        /// Every material of the primary.
        materials: Vec<MaterialId>,
    },
    /// Take over what the set shares.
    Synchronize {
        /// The key.
        id: KeyId,
        /// It.
        shared: Shared,
        /// Materials the replica lacks, and the offer they were wrapped for.
        transfer: Option<(TransferOffer, Vec<TransferredKey>)>,
        /// Become the primary of these replicas.
        promotion: Option<Replicas>,
    },
    /// What a replica has of the imported material that awaits rotation.
    ReportHolding {
        /// The key.
        id: KeyId,
        /// Where the replica is.
        region: RegionName,
        /// What it says.
        told: Holding,
    },
    /// May the caller make the replica there the primary?
    CheckSuccessor {
        /// The key.
        id: KeyId,
    },
}

/// What the other Region answers.
#[derive(Clone, PartialEq)]
pub enum RegionReply {
    /// To `OfferReplica` and `OfferTransfer`.
    Offer {
        /// The ephemeral key, when anything is to be sent.
        offer: Option<TransferOffer>,
        /// The materials to send.
        missing: Vec<MaterialId>,
    },
    /// To `AcceptReplica`: the replica.
    Accepted(Arc<Key>),
    /// To `RegisterReplica`: the shared version the primary is at.
    Registered(u64),
    /// To `ForgetReplica`.
    Forgotten,
    /// To `Synchronize`: the shared version the replica is at.
    Synchronized(u64),
    /// To `Synchronize` with a promotion that cannot be: the replica is about to be deleted.
    Declined,
    /// To `ReportHolding`.
    Heard,
    /// To `CheckSuccessor`.
    MayBePrimary,
    /// The primary is elsewhere by now.
    NotPrimary(RegionName),
}

impl RegionCommand {
    /// The name in audit and history.
    pub fn name(&self) -> &'static str {
        match self {
            RegionCommand::OfferReplica(_) | RegionCommand::AcceptReplica { .. } => "CreateKey",
            RegionCommand::RegisterReplica { .. } => "RegisterReplica",
            RegionCommand::ForgetReplica { .. } => "ForgetReplica",
            RegionCommand::OfferTransfer { .. } => "OfferTransfer",
            RegionCommand::Synchronize { .. } => "SynchronizeMultiRegionKey",
            RegionCommand::ReportHolding { .. } => "ReportHolding",
            RegionCommand::CheckSuccessor { .. } => "UpdatePrimaryRegion",
        }
    }

    /// The public operation it is charged and checked as there, if any.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            RegionCommand::OfferReplica(_) => Some(Operation::CreateKey),
            RegionCommand::CheckSuccessor { .. } => Some(Operation::UpdatePrimaryRegion),
            _ => None,
        }
    }
}

impl fmt::Debug for RegionCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for RegionReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegionReply::Offer { missing, .. } => write!(f, "Offer({} missing)", missing.len()),
            RegionReply::Accepted(key) => write!(f, "Accepted({})", key.arn),
            RegionReply::Registered(version) => write!(f, "Registered({version})"),
            RegionReply::Forgotten => f.write_str("Forgotten"),
            RegionReply::Synchronized(version) => write!(f, "Synchronized({version})"),
            RegionReply::Declined => f.write_str("Declined"),
            RegionReply::Heard => f.write_str("Heard"),
            RegionReply::MayBePrimary => f.write_str("MayBePrimary"),
            RegionReply::NotPrimary(region) => write!(f, "NotPrimary({region})"),
        }
    }
}
