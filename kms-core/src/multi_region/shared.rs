//! What the keys of a set have in common: as the primary has it, and how a replica takes it over.

use crate::error::Result;
use crate::key::{
    Key, Material, MultiRegion, PendingMaterial, Primary, Rotation, RotationSchedule,
};
use crate::kms::internal;
use crate::name::{MaterialId, RegionName, TokenId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the keys of a set have in common, as the primary has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Counts changes of it.
    pub version: u64,
    /// Where the primary is.
    pub primary: RegionName,
    /// Where the replicas are.
    pub replicas: BTreeSet<RegionName>,
    /// The materials, oldest first; the last one is current.
    pub materials: Vec<SharedMaterial>,
    /// A material that is not current yet.
    pub pending: Option<SharedMaterial>,
    /// An imported material that awaits its rotation on demand.
    pub awaiting: Option<SharedMaterial>,
    /// Automatic rotation.
    pub rotation: Option<RotationSchedule>,
    /// Rotations on demand so far.
    pub on_demand_rotations: u32,
}

/// A material of a set, wherever its Regions keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMaterial {
    /// Which.
    pub id: MaterialId,
    /// The public half, of a key that has one.
    pub public_key: Option<Arc<[u8]>>,
    /// When it became current and how.
    pub rotation: Option<Rotation>,
    /// What the owner says of it.
    pub label: Option<Arc<str>>,
}

impl From<&Material> for SharedMaterial {
    fn from(material: &Material) -> SharedMaterial {
        let Material { id, public_key, rotation, label, .. } = material.clone();
        SharedMaterial { id, public_key, rotation, label }
    }
}

impl Shared {
    /// What a primary shares.
    pub(crate) fn of(key: &Key, primary: &Primary) -> Shared {
        Shared {
            version: primary.shared_version,
            primary: key.arn.region,
            replicas: primary.replicas.regions().collect(),
            materials: key.materials.iter().map(SharedMaterial::from).collect(),
            pending: key.pending.as_ref().map(|pending| (&pending.material).into()),
            awaiting: key.awaiting.as_ref().map(SharedMaterial::from),
            rotation: key.rotation,
            on_demand_rotations: key.on_demand_rotations,
        }
    }

    /// Makes a replica's record say what the primary's says. `tokens` are where the replica keeps
    /// materials that have just arrived.
    pub(super) fn impose_on(
        &self,
        key: &mut Key,
        tokens: &BTreeMap<MaterialId, TokenId>,
    ) -> Result<()> {
        let local = |shared: &SharedMaterial| shared.at(key, tokens);
        let materials = self.materials.iter().map(local).collect::<Result<_>>()?;
        let pending = self.pending.as_ref().map(local).transpose()?;
        let awaiting = self.awaiting.as_ref().map(local).transpose()?;
        key.materials = materials;
        key.pending = pending.map(|material| PendingMaterial { material, needs: 0 });
        key.awaiting = awaiting;
        key.rotation = self.rotation;
        key.on_demand_rotations = self.on_demand_rotations;
        // A new replica is not among those that its primary knew of before.
        let mut replicas = self.replicas.clone();
        replicas.insert(key.arn.region);
        key.multi_region = Some(MultiRegion::Replica {
            primary: self.primary,
            shared_version: self.version,
            owes_report: self.awaiting.is_some(),
            replicas,
        });
        Ok(())
    }
}

impl SharedMaterial {
    /// The material as a replica has it. An imported one need not be there.
    fn at(&self, replica: &Key, tokens: &BTreeMap<MaterialId, TokenId>) -> Result<Material> {
        let SharedMaterial { id, public_key, rotation, label } = self.clone();
        let here = replica.all_materials().find(|material| material.id == id);
        let arrived = tokens.get(&id).copied();
        let token = arrived.or_else(|| here.and_then(|material| material.token));
        if token.is_none() && !replica.is_imported() {
            return Err(internal());
        }
        let expires = here.and_then(|material| material.expires);
        Ok(Material { id, token, public_key, rotation, expires, label })
    }
}

impl Key {
    /// What a replica has to be sent: every material, but no imported one, because each Region is
    /// given those for itself.
    pub(crate) fn materials_to_send(&self) -> Vec<MaterialId> {
        let sent = self.all_materials().filter(|_| !self.is_imported());
        sent.map(|material| material.id).collect()
    }
}
