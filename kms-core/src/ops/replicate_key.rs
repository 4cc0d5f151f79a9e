//! ReplicateKey: the same key in another Region.
//!
//! Four questions: may it be there (that Region decides about its own limits and quota), wrap the
//! materials for its HSM (here), create it (there). The replica then registers with its primary by
//! itself, so an answer that is lost on the way loses no replica.

use super::Info;
use super::describe_key::{KeyMetadata, metadata};
use super::tasks::export;
use crate::error::{ErrorCode, Result};
use crate::key::MultiRegion;
use crate::kms::{Checks, Effects, UsableKey, internal};
use crate::multi_region::{
    RegionCommand, RegionReply, Replica, ReplicaSeed, Shared, waiting_for_replicas,
};
use crate::name::RegionName;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{Description, KeyRef, Listed, PolicyText, RegionText, Tag};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::AlreadyExists,
        ErrorCode::Disabled,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInvalidState,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
        ErrorCode::MalformedPolicyDocument,
        ErrorCode::NotFound,
        ErrorCode::Tag,
        ErrorCode::UnsupportedOperation,
    ],
};

crate::shape! {
    /// Which key, and where to.
    pub struct Request {
        /// The primary, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The Region of the replica.
        replica_region: RegionText = "ReplicaRegion",
        /// The replica's policy; the default policy unless said, never the primary's.
        policy: Option<PolicyText> = "Policy",
        /// Accept a policy that the caller could not change again.
        bypass_policy_lockout_safety_check: Option<bool> = "BypassPolicyLockoutSafetyCheck",
        /// The replica's description.
        description: Option<Description> = "Description",
        /// The replica's tags.
        tags: Vec<Tag> = "Tags",
    }
}

crate::shape! {
    /// The replica.
    pub struct Response {
        /// The replica, in state `Creating`.
        replica_key_metadata: Box<KeyMetadata> = "ReplicaKeyMetadata",
        /// Its policy.
        replica_policy: String = "ReplicaPolicy",
        /// Its tags.
        replica_tags: Listed<Tag> = "ReplicaTags",
    }
}

impl Request {
    /// A replica with everything left to its default.
    pub fn new(key: impl Into<KeyRef>, region: RegionName) -> Request {
        Request {
            key_id: key.into(),
            replica_region: region.as_str().into(),
            policy: None,
            bypass_policy_lockout_safety_check: None,
            description: None,
            tags: Vec::new(),
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let mut context = checks.context(Action::ReplicateKey);
    context.replica_region = Some(request.replica_region.as_str());
    let key = checks.key_by_name(&request.key_id, context)?;
    let region = target(&checks, &key, request)?;
    let seed = ReplicaSeed {
        account: key.account(),
        id: key.id(),
        spec: key.spec,
        usage: key.usage,
        origin: key.origin,
        policy: request.policy.clone(),
        bypass: request.bypass_policy_lockout_safety_check,
        description: request.description.clone(),
        tags: request.tags.clone(),
    };
    let tags = request.tags.clone();
    let shared = key.as_primary().map(|primary| Shared::of(&key, primary)).ok_or_else(internal)?;
    let effects = checks.pass(false)?;
    let question = RegionCommand::OfferReplica(seed.clone());
    effects.ask_region(region, question, move |reply, effects| {
        let RegionReply::Offer { offer: Some(offer), .. } = reply else { return Err(internal()) };
        let materials = key.materials_to_send().into_iter();
        let keys = materials.map(|id| key.of_material(id).ok_or_else(internal));
        let keys = keys.collect::<Result<_>>()?;
        export(effects, keys, offer, move |(offer, transferred), effects| {
            let version = shared.version;
            let command = RegionCommand::AcceptReplica { seed, shared, offer, transferred };
            effects.ask_region(region, command, move |reply, effects| {
                finish(effects, &key, region, version, reply, tags)
            })
        })
    })
}

/// Where to, if the key may be replicated there at all.
fn target(checks: &Checks<'_, '_>, key: &UsableKey, request: &Request) -> Result<RegionName> {
    let Some(primary) = key.as_primary() else {
        return Err(ErrorCode::UnsupportedOperation
            .says(format!("{} is not a multi-Region primary key.", key.arn)));
    };
    let region = RegionName::parse(request.replica_region.as_str())
        .filter(|region| checks.settings().regions.contains(region))
        .filter(|region| region.partition() == key.arn.region.partition());
    let Some(region) = region.filter(|region| *region != key.arn.region) else {
        return Err(ErrorCode::Validation.says(format!(
            "{} is not a Region that {} can be replicated to.",
            request.replica_region, key.arn
        )));
    };
    // A decision taken again may find the replica that the first one made.
    if primary.replicas.get(region).is_some() && checks.call().decision == 0 {
        let replica = crate::name::KeyArn { region, ..key.arn };
        return Err(ErrorCode::AlreadyExists.says(format!("{replica} already exists.")));
    }
    Ok(region)
}

fn finish(
    mut effects: Effects<'_, '_>,
    key: &UsableKey,
    region: RegionName,
    version: u64,
    reply: RegionReply,
    tags: Vec<Tag>,
) -> Result<Next> {
    let RegionReply::Accepted(replica) = reply else { return Err(internal()) };
    if let Some(mut record) = effects.newest(key.id())
        && let Some(MultiRegion::Primary(primary)) = &mut record.multi_region
        && primary.successor.is_none()
        && primary.register(region, Replica { created: replica.created, version })
    {
        record.status = waiting_for_replicas(record.status, effects.call().now);
        effects.record(Change::PutKey(Arc::new(record)));
    }
    effects.done(Response {
        replica_key_metadata: Box::new(metadata(&replica)),
        replica_policy: replica.policy.text().to_owned(),
        replica_tags: Listed(tags),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyState;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, create_key, decrypt, encrypt, rotate_key_on_demand};
    use std::time::Duration;

    fn region(name: &str) -> RegionName {
        RegionName::parse(name).unwrap()
    }

    fn primary(local: &mut Local) -> KeyArn {
        let request = create_key::Request { multi_region: true, ..Default::default() };
        match local.call(request).unwrap() {
            Any::CreateKey(response) => response.key_metadata.arn,
            other => panic!("{other:?}"),
        }
    }

    fn seal(local: &mut Local, key: KeyArn) -> decrypt::Request {
        match local.call_in(key.region, encrypt::Request::new(key, *b"secret")).unwrap() {
            Any::Encrypt(response) => decrypt::Request::new(response.ciphertext_blob),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replica_opens_what_the_primary_sealed_and_the_other_way_round() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let key = primary(&mut local);
        let old = seal(&mut local, key);
        let there = region("eu-west-1");
        let Any::ReplicateKey(made) = local.call(Request::new(key, there)).unwrap() else {
            panic!()
        };
        assert_eq!(made.replica_key_metadata.key_state, KeyState::Creating);
        let early = local.call_in(there, old.clone()).unwrap_err();
        assert_eq!(early.code, ErrorCode::KmsInvalidState);
        local.advance(Duration::from_secs(5));
        local.call_in(there, old).unwrap();
        let replica = KeyArn { region: there, ..key };
        let back = seal(&mut local, replica);
        local.call(back).unwrap();
        assert_eq!(
            local.call(Request::new(key, there)).unwrap_err().code,
            ErrorCode::AlreadyExists
        );
    }

    #[test]
    fn a_rotation_is_used_only_once_every_replica_has_it() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
        let key = primary(&mut local);
        for name in ["eu-west-1", "ap-northeast-1"] {
            local.call(Request::new(key, region(name))).unwrap();
        }
        local.advance(Duration::from_secs(5));
        let before = local.key(key).current_material().unwrap().id;
        local.call(rotate_key_on_demand::Request { key_id: key.into() }).unwrap();
        assert_eq!(local.key(key).current_material().unwrap().id, before);
        local.advance(Duration::from_secs(5));
        assert_ne!(local.key(key).current_material().unwrap().id, before);
        let sealed = seal(&mut local, key);
        for name in ["eu-west-1", "ap-northeast-1"] {
            local.call_in(region(name), sealed.clone()).unwrap();
        }
    }

    #[test]
    fn only_primaries_replicate_and_only_to_other_known_regions() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let single = local.create_key();
        let error = local.call(Request::new(single, region("eu-west-1"))).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        let key = primary(&mut local);
        for name in ["us-east-1", "sa-east-1", "cn-north-1"] {
            let error = local.call(Request::new(key, region(name))).unwrap_err();
            assert_eq!(error.code, ErrorCode::Validation, "{name}");
        }
    }
}
