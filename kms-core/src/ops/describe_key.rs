//! DescribeKey: everything about a key but its policy, aliases, tags, grants and rotation.
//!
//! Whoever may see the key of a predefined alias, and asks for it before there is one, has it made.

use super::usage::Algorithms;
use super::{Info, managed_key};
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key::{DAY, Key, KeySpec, KeyState, KeyUsage, MultiRegion, Origin, Status};
use crate::kms::Checks;
use crate::name::{KeyArn, MaterialId, RegionName};
use crate::policy::Action;
use crate::state::State;
use crate::step::Next;
use crate::wire::{
    EncapsulationAlgorithm, EncryptionAlgorithm, ExpirationModel, GrantTokens,
    KeyAgreementAlgorithm, KeyManager, KeyRef, Listed, MacAlgorithm, MultiRegionKeyType,
    SigningAlgorithm,
};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
    ],
};

crate::shape! {
    /// Which key.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
    }
}

crate::shape! {
    /// The key.
    pub struct Response {
        /// Everything about it.
        key_metadata: Box<KeyMetadata> = "KeyMetadata",
    }
}

crate::shape! {
    /// A key as callers see it.
    pub struct KeyMetadata {
        /// The owner.
        account: String = "AWSAccountId",
        /// The id.
        key_id: String = "KeyId",
        /// The ARN.
        arn: KeyArn = "Arn",
        /// When it was created.
        creation_date: Timestamp = "CreationDate",
        /// Whether the state is `Enabled`.
        enabled: bool = "Enabled",
        /// The description.
        description: Option<String> = "Description",
        /// What it is for.
        key_usage: KeyUsage = "KeyUsage",
        /// The state.
        key_state: KeyState = "KeyState",
        /// When it will be deleted, in `PendingDeletion`.
        deletion_date: Option<Timestamp> = "DeletionDate",
        /// When the first of its imported materials expires, if one does.
        valid_to: Option<Timestamp> = "ValidTo",
        /// Where its material comes from.
        origin: Origin = "Origin",
        /// Whether its imported material expires, if there is any.
        expiration_model: Option<ExpirationModel> = "ExpirationModel",
        /// Who looks after it.
        key_manager: KeyManager = "KeyManager",
        /// The old name of `KeySpec`.
        customer_master_key_spec: KeySpec = "CustomerMasterKeySpec",
        /// What kind of key it is.
        key_spec: KeySpec = "KeySpec",
        /// What it can encrypt by.
        encryption_algorithms: Vec<EncryptionAlgorithm> = "EncryptionAlgorithms",
        /// What it can sign by.
        signing_algorithms: Vec<SigningAlgorithm> = "SigningAlgorithms",
        /// What it can agree on a shared secret by.
        key_agreement_algorithms: Vec<KeyAgreementAlgorithm> = "KeyAgreementAlgorithms",
        /// What it can encapsulate a shared secret by.
        encapsulation_algorithms: Vec<EncapsulationAlgorithm> = "EncapsulationAlgorithms",
        /// What it can authenticate messages by.
        mac_algorithms: Vec<MacAlgorithm> = "MacAlgorithms",
        /// Whether it is a multi-Region key.
        multi_region: bool = "MultiRegion",
        /// Its set, if it is.
        multi_region_configuration: Option<MultiRegionConfiguration> = "MultiRegionConfiguration",
        /// The waiting period, in `PendingReplicaDeletion`.
        pending_deletion_window_in_days: Option<u32> = "PendingDeletionWindowInDays",
        /// The current key material of a symmetric encryption key.
        current_key_material_id: Option<MaterialId> = "CurrentKeyMaterialId",
        /// The custom key store the key is in.
        custom_key_store_id: Option<String> = "CustomKeyStoreId",
        /// The cluster it is in.
        cloud_hsm_cluster_id: Option<String> = "CloudHsmClusterId",
        /// The external key it is for.
        xks_key_configuration: Option<XksKeyConfiguration> = "XksKeyConfiguration",
    }
}

crate::shape! {
    /// An external key.
    pub struct XksKeyConfiguration {
        /// The id, in the external key manager.
        id: String = "Id",
    }
}

crate::shape! {
    /// A set of multi-Region keys, as one of them knows it.
    pub struct MultiRegionConfiguration {
        /// The part of the key described.
        multi_region_key_type: MultiRegionKeyType = "MultiRegionKeyType",
        /// The primary.
        primary_key: MultiRegionKey = "PrimaryKey",
        /// Every replica, as far as the key has heard; a replica is among them.
        replica_keys: Listed<MultiRegionKey> = "ReplicaKeys",
    }
}

crate::shape! {
    /// A key of a set.
    pub struct MultiRegionKey {
        /// The ARN.
        arn: KeyArn = "Arn",
        /// The Region.
        region: String = "Region",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    if let Some(predefined) = managed_key::first_use(&mut checks, &request.key_id) {
        return predefined.make(checks);
    }
    let context = checks.context(Action::DescribeKey);
    let key = checks.key(&request.key_id, context, &request.grant_tokens)?;
    let key_metadata = Box::new(metadata_in(checks.state(), &key, checks.call().now));
    checks.pass(false)?.done(Response { key_metadata })
}

/// What callers see of a key, with what the custom key store makes of it that it is in.
pub(crate) fn metadata_in(state: &State, key: &Key, now: Timestamp) -> KeyMetadata {
    let key_state = state.state_of(key, now);
    let enabled = key_state == KeyState::Enabled;
    let shown = KeyMetadata { key_state, enabled, ..metadata(key) };
    let Some(stored) = &key.stored_in else { return shown };
    let store = state.key_store(stored.store());
    let cluster = store.and_then(|(store, _)| store.cloud_hsm());
    KeyMetadata {
        custom_key_store_id: Some(stored.store().to_string()),
        cloud_hsm_cluster_id: cluster.map(|cluster| cluster.cluster.to_string()),
        xks_key_configuration: stored
            .xks_key()
            .map(|id| XksKeyConfiguration { id: id.to_string() }),
        current_key_material_id: None,
        ..shown
    }
}

/// What callers see of a key by itself.
pub(crate) fn metadata(key: &Key) -> KeyMetadata {
    let state = key.state();
    let algorithms = Algorithms::of(key);
    let (deletion_date, window) = match key.status {
        Status::PendingDeletion { at, .. } => (Some(at), None),
        Status::PendingReplicaDeletion { window } => (None, Some(window)),
        _ => (None, None),
    };
    let (expiration_model, valid_to) = key.expiration().unzip();
    KeyMetadata {
        account: key.account().to_string(),
        key_id: key.id().to_string(),
        arn: key.arn,
        creation_date: key.created,
        enabled: state == KeyState::Enabled,
        description: Some(key.description.to_string()),
        key_usage: key.usage,
        key_state: state,
        deletion_date,
        valid_to: valid_to.flatten(),
        origin: key.origin,
        expiration_model,
        key_manager: key.manager,
        customer_master_key_spec: key.spec,
        key_spec: key.spec,
        encryption_algorithms: algorithms.encryption,
        signing_algorithms: algorithms.signing,
        key_agreement_algorithms: algorithms.key_agreement,
        encapsulation_algorithms: algorithms.encapsulation,
        mac_algorithms: algorithms.mac,
        multi_region: key.multi_region.is_some(),
        multi_region_configuration: key.multi_region.as_ref().map(|set| configuration(key, set)),
        pending_deletion_window_in_days: window.and_then(days),
        current_key_material_id: (key.spec == KeySpec::SymmetricDefault)
            .then(|| key.current_material().map(|material| material.id))
            .flatten(),
        custom_key_store_id: None,
        cloud_hsm_cluster_id: None,
        xks_key_configuration: None,
    }
}

/// Whole days of a span.
pub(crate) fn days(span: std::time::Duration) -> Option<u32> {
    u32::try_from(span.as_secs() / DAY.as_secs()).ok()
}

fn configuration(key: &Key, set: &MultiRegion) -> MultiRegionConfiguration {
    let member = |region: RegionName| MultiRegionKey {
        arn: KeyArn { region, ..key.arn },
        region: region.to_string(),
    };
    match set {
        MultiRegion::Primary(primary) => MultiRegionConfiguration {
            multi_region_key_type: MultiRegionKeyType::Primary,
            primary_key: member(key.arn.region),
            replica_keys: Listed(primary.replicas.regions().map(member).collect()),
        },
        MultiRegion::Replica { primary, replicas, .. } => MultiRegionConfiguration {
            multi_region_key_type: MultiRegionKeyType::Replica,
            primary_key: member(*primary),
            replica_keys: Listed(replicas.iter().copied().map(member).collect()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{
        Response as Any, create_key, replicate_key, schedule_key_deletion, update_primary_region,
    };
    use std::time::Duration;

    fn describe(local: &mut Local, key: &str) -> Result<KeyMetadata> {
        let key_id = KeyRef::new(key);
        match local.call(Request { key_id, grant_tokens: GrantTokens::default() })? {
            Any::DescribeKey(response) => Ok(*response.key_metadata),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_is_found_by_id_and_arn() {
        let mut local = Local::single_region();
        let arn = local.create_key();
        let by_arn = describe(&mut local, &arn.to_string()).unwrap();
        let by_id = describe(&mut local, &arn.id.to_string()).unwrap();
        assert_eq!(by_arn, by_id);
        assert_eq!(by_arn.arn, arn);
        assert!(by_arn.current_key_material_id.is_some());
    }

    #[test]
    fn what_does_not_exist_is_not_found() {
        let mut local = Local::single_region();
        for missing in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/nothing",
            "nonsense",
            "arn:aws:kms:eu-west-3:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            let error = describe(&mut local, missing).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{missing}");
        }
        let malformed = describe(&mut local, "arn:aws:kms:nowhere").unwrap_err();
        assert_eq!(malformed.code, ErrorCode::InvalidArn);
    }

    /// The primary and the replicas that each key of a set shows, by Region.
    fn lists(local: &mut Local, key: KeyArn, regions: &[&str]) -> Vec<String> {
        let shown = regions.iter().map(|region| {
            let arn = KeyArn { region: RegionName::parse(region).unwrap(), ..key };
            let request = Request { key_id: arn.into(), grant_tokens: GrantTokens::default() };
            match local.call_in(arn.region, request).unwrap() {
                Any::DescribeKey(response) => words(&response.key_metadata),
                other => panic!("{other:?}"),
            }
        });
        shown.collect()
    }

    fn words(key: &KeyMetadata) -> String {
        let set = key.multi_region_configuration.as_ref().unwrap();
        let replicas: Vec<_> = set.replica_keys.0.iter().map(|one| one.region.as_str()).collect();
        format!("{}: {}", set.primary_key.region, replicas.join(" "))
    }

    #[test]
    fn every_key_of_a_set_shows_all_replicas() {
        const ALL: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-1"];
        let mut local = Local::regions(&ALL);
        let request = create_key::Request { multi_region: true, ..Default::default() };
        let Any::CreateKey(made) = local.call(request).unwrap() else { panic!() };
        let key = made.key_metadata.arn;
        let made = ALL[1..].iter().map(|region| {
            let region = RegionName::parse(region).unwrap();
            match local.call(replicate_key::Request::new(key, region)).unwrap() {
                Any::ReplicateKey(made) => words(&made.replica_key_metadata),
                other => panic!("{other:?}"),
            }
        });
        let made: Vec<_> = made.collect();
        assert_eq!(made, ["us-east-1: eu-west-1", "us-east-1: ap-northeast-1 eu-west-1"]);
        local.advance(Duration::from_secs(5));
        let both = "us-east-1: ap-northeast-1 eu-west-1";
        assert_eq!(lists(&mut local, key, &ALL), [both; 3]);
        let request = update_primary_region::Request {
            key_id: key.into(),
            primary_region: "eu-west-1".into(),
        };
        local.call(request).unwrap();
        local.advance(Duration::from_secs(10));
        let swapped = "eu-west-1: ap-northeast-1 us-east-1";
        assert_eq!(lists(&mut local, key, &ALL), [swapped; 3]);
        let third = KeyArn { region: RegionName::parse(ALL[2]).unwrap(), ..key };
        let request =
            schedule_key_deletion::Request { key_id: third.into(), pending_window_in_days: None };
        local.call_in(third.region, request).unwrap();
        assert_eq!(lists(&mut local, key, &ALL), [swapped; 3], "it is still there");
        local.advance(32 * DAY);
        assert_eq!(lists(&mut local, key, &ALL[..2]), ["eu-west-1: us-east-1"; 2]);
    }
}
