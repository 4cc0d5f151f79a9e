//! A key as the model believes it to be, and what requests do to it.

use crate::history::{Changed, Digest, Imports, PolicyWords, SetRole, Wanted};
use kms_core::env::Timestamp;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, MaterialId};
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// What the owner last wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    On,
    Off,
    /// Saved from deletion, and off for that reason alone.
    Saved,
    /// Deleted at this date.
    Gone(Option<Timestamp>),
    /// Deleted once no replica is left.
    GoneAfterReplicas,
}

/// What is going on with a key of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Creating,
    Updating,
}

/// Automatic rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The period.
    pub(super) days: u32,
    /// The next one; not known better than clocks agree.
    pub(super) next: Timestamp,
}

/// A key at a position.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) account: AccountId,
    pub(super) wish: Wish,
    pub(super) passage: Option<Passage>,
    pub(super) role: Option<Arc<SetRole>>,
    /// Whether it is a primary that hands its role over.
    pub(super) leaving: bool,
    pub(super) material: Option<MaterialId>,
    pub(super) pending: bool,
    pub(super) schedule: Option<Schedule>,
    /// Rotations on demand so far.
    pub(super) on_demand: u32,
    /// Whether it is in an external key store, whose keys show no material.
    pub(super) external: bool,
    /// What the last PutKeyPolicy put; none is the default policy.
    pub(super) policy: Option<(Digest, Arc<PolicyWords>)>,
    /// What has been imported, if that is where its material comes from.
    pub(super) imports: Option<Arc<Imports>>,
}

/// The fields of [`Changed::Key`], by reference.
pub(super) struct Shown<'c> {
    pub(super) state: KeyState,
    pub(super) material: Option<MaterialId>,
    pub(super) role: Option<&'c SetRole>,
    pub(super) pending: bool,
    pub(super) rotation_days: Option<u32>,
    pub(super) deletion: Option<Timestamp>,
    pub(super) imports: Option<&'c Arc<Imports>>,
}

impl<'c> Shown<'c> {
    /// What a change shows of a key.
    pub(super) fn of(change: &'c Changed) -> Option<Shown<'c>> {
        let Changed::Key {
            state, material, role, pending, rotation_days, deletion, imports, ..
        } = change
        else {
            return None;
        };
        Some(Shown {
            state: *state,
            material: *material,
            role: role.as_ref(),
            pending: *pending,
            rotation_days: *rotation_days,
            deletion: *deletion,
            imports: imports.as_ref(),
        })
    }
}

impl Key {
    /// A key that has just been made.
    pub(super) fn new(
        account: AccountId,
        role: Option<SetRole>,
        material: Option<MaterialId>,
    ) -> Key {
        Key {
            account,
            wish: Wish::On,
            passage: None,
            role: role.map(Arc::new),
            leaving: false,
            material,
            pending: false,
            schedule: None,
            on_demand: 0,
            external: false,
            policy: None,
            imports: None,
        }
    }

    /// The state that callers are shown: the end of a key before everything else, then what its set is
    /// busy with, then whether it was saved from its end, then whether its material has been imported,
    /// then what its owner wants.
    pub(super) fn state(&self) -> KeyState {
        match (self.wish, self.passage) {
            (Wish::Gone(_), _) => KeyState::PendingDeletion,
            (Wish::GoneAfterReplicas, _) => KeyState::PendingReplicaDeletion,
            (_, Some(Passage::Creating)) => KeyState::Creating,
            (_, Some(Passage::Updating)) => KeyState::Updating,
            (Wish::Saved, None) => KeyState::Disabled,
            _ if self.lacks_material() => KeyState::PendingImport,
            (Wish::Off, None) => KeyState::Disabled,
            (Wish::On, None) => KeyState::Enabled,
        }
    }

    /// The material that callers are shown.
    pub(super) fn shown_material(&self) -> Option<MaterialId> {
        self.material.filter(|_| !self.external)
    }

    /// The date that callers are shown for its end.
    pub(super) fn deletion(&self) -> Option<Timestamp> {
        match self.wish {
            Wish::Gone(date) => date,
            _ => None,
        }
    }

    pub(super) fn is_replica(&self) -> bool {
        matches!(self.role.as_deref(), Some(SetRole::Replica(..)))
    }

    /// Whether what it shares with its set is another's to change: of a replica, and of a primary that
    /// hands its role over.
    pub(super) fn follows(&self) -> bool {
        self.is_replica() || self.leaving
    }

    /// How many replicas it is the primary of; none for a key that is no primary.
    pub(super) fn replicas(&self) -> Option<usize> {
        match self.role.as_deref() {
            Some(SetRole::Primary(replicas)) => Some(replicas.len()),
            _ => None,
        }
    }

    /// What a request that has been committed makes of the key. `decided` is about when it was decided;
    /// what only the service can know, new material and exact dates, is taken from what it shows.
    pub(super) fn after(&self, wanted: &Wanted, shown: &Shown<'_>, decided: Timestamp) -> Key {
        let mut key = self.clone();
        match wanted {
            Wanted::EnableKey { .. } => key.wish = Wish::On,
            // Switched off already, a key stays what it is.
            Wanted::DisableKey { .. } if key.wish == Wish::Saved => {}
            Wanted::DisableKey { .. } => key.wish = Wish::Off,
            Wanted::CancelKeyDeletion { .. } => {
                key.wish = Wish::Saved;
                key.imports = shown.imports.cloned();
                // What a dying key was busy with may have ended meanwhile, which nobody could see.
                if shown.state == KeyState::Disabled {
                    (key.passage, key.leaving) = (None, false);
                }
            }
            Wanted::ScheduleKeyDeletion { .. } => {
                key.wish = match self.replicas() {
                    Some(1..) => Wish::GoneAfterReplicas,
                    _ => Wish::Gone(shown.deletion),
                };
            }
            Wanted::EnableKeyRotation { days, .. } => {
                key.schedule = Some(Schedule { days: *days, next: decided.after(DAY * *days) });
            }
            Wanted::DisableKeyRotation { .. } => key.schedule = None,
            Wanted::RotateKeyOnDemand { .. } => {
                key.on_demand += 1;
                match key.imports {
                    Some(_) => key.take_imports(shown),
                    None => key.take_material(shown),
                }
            }
            Wanted::ImportKeyMaterial { .. } | Wanted::DeleteImportedKeyMaterial { .. } => {
                key.take_imports(shown);
            }
            Wanted::PutKeyPolicy { policy, words, .. } => {
                key.policy = Some((*policy, words.clone()));
            }
            Wanted::ReplicateKey { region, .. } => key.add_replica(*region),
            Wanted::UpdatePrimaryRegion { .. } => {
                key.passage = Some(Passage::Updating);
                key.leaving = true;
            }
            _ => {}
        }
        key
    }

    /// A new material: it waits if there are replicas, and is current at once if not.
    pub(super) fn take_material(&mut self, shown: &Shown<'_>) {
        match self.replicas() {
            Some(1..) => self.pending = true,
            _ => self.material = shown.material,
        }
    }

    /// One more replica. A primary that was dying waits for that one, too.
    fn add_replica(&mut self, region: Option<kms_core::name::RegionName>) {
        if let (Some(SetRole::Primary(replicas)), Some(region)) = (self.role.as_deref(), region) {
            let mut replicas = replicas.clone();
            replicas.insert(region);
            self.role = Some(Arc::new(SetRole::Primary(replicas)));
        }
        if matches!(self.wish, Wish::Gone(_)) {
            self.wish = Wish::GoneAfterReplicas;
        }
    }

    /// What the service shows of the key and the model does not believe.
    pub(super) fn contradiction(&self, shown: &Shown<'_>) -> Option<String> {
        let role = shown.role == self.role.as_deref();
        let days = self.schedule.map(|schedule| schedule.days);
        let same_days = days == shown.rotation_days || super::states::is_dying(shown.state);
        if shown.state != self.state() {
            return Some(format!("the key is {} and should be {}", shown.state, self.state()));
        }
        if shown.material != self.material {
            return Some("the current material is another than it should be".to_owned());
        }
        if shown.imports != self.imports.as_ref() {
            return Some("its imported materials are others than they should be".to_owned());
        }
        if shown.pending != self.pending {
            return Some(format!("a new material waits: {}, not {}", shown.pending, self.pending));
        }
        if !same_days {
            return Some(format!("it rotates every {:?} days, not {days:?}", shown.rotation_days));
        }
        if shown.deletion != self.deletion() {
            return Some("the date of its deletion is another than it should be".to_owned());
        }
        (!role).then(|| format!("its part in the set is {:?}, not {:?}", shown.role, self.role))
    }
}
