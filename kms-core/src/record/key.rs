//! Keys, their materials and their key tokens.

use super::bytes::{Reader, Record, Writer, lists, record, shared};
use crate::key::{
    Holding, Key, KeyManager, KeySpec, KeyUsage, Material, MultiRegion, Origin, PendingMaterial,
    Primary, Rotation, RotationSchedule, RotationType, Status, Transition,
};
use crate::key_store::StoredIn;
use crate::token::{DomainEpoch, KeyToken, TokenKind};
use smallvec::SmallVec;

record!(text KeyManager, KeySpec, KeyUsage, Origin, RotationType);
record!(struct Material { id, token, public_key, rotation, expires, label });
lists!(SmallVec of [Material; 1]);
record!(struct Rotation { at, kind });
record!(struct PendingMaterial { material, needs });
record!(struct RotationSchedule { since, period, next });
record!(enum Status {
    0 = Enabled,
    1 = Disabled,
    2 = PendingDeletion { at, erase },
    3 = PendingReplicaDeletion { window },
    4 = Restored,
});
record!(enum Transition { 0 = Creating { until }, 1 = Updating { until } });
record!(enum MultiRegion {
    0 = Primary(primary),
    1 = Replica { primary, shared_version, owes_report, replicas },
});
record!(struct Primary { shared_version, replicas, successor, awaiting_since, holdings });
record!(struct Holding { created, as_of, shared_version, material });
record!(enum StoredIn { 0 = CloudHsm(store), 1 = External(store, key) });
record!(struct Key {
    arn,
    created,
    description,
    spec,
    usage,
    origin,
    manager,
    status,
    transition,
    multi_region,
    policy,
    tags,
    materials,
    pending,
    awaiting,
    rotation,
    on_demand_rotations,
    stored_in,
});
shared!(Key);

record!(tuple DomainEpoch);
record!(enum TokenKind { 0 = BackingKey(spec), 1 = TransferKey });
record!(struct KeyToken { id, epoch, key, material, kind, iv, sealed });
