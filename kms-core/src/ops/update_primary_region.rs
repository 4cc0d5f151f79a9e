//! UpdatePrimaryRegion: another key of the set becomes the primary.
//!
//! The old primary first binds itself to a successor, durably, and only then tells it to take over,
//! so that no moment has two primaries; what follows is a task.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key::{KeyState, MultiRegion, Transition};
use crate::kms::{Checks, UsableKey, internal};
use crate::multi_region::{RegionCommand, RegionReply};
use crate::name::RegionName;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, RegionText};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::Disabled,
        ErrorCode::InvalidArn,
        ErrorCode::KmsInvalidState,
        ErrorCode::KmsInternal,
        ErrorCode::NotFound,
        ErrorCode::UnsupportedOperation,
    ],
};

crate::shape! {
    /// Which key, and which Region.
    pub struct Request {
        /// The primary, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The Region whose replica becomes the primary.
        primary_region: RegionText = "PrimaryRegion",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let mut context = checks.context(Action::UpdatePrimaryRegion);
    context.primary_region = Some(request.primary_region.as_str());
    let key = checks.key_by_name(&request.key_id, context)?;
    let region = successor(&key, request)?;
    let id = key.id();
    let effects = checks.pass(false)?;
    effects.ask_region(region, RegionCommand::CheckSuccessor { id }, move |reply, mut effects| {
        let RegionReply::MayBePrimary = reply else { return Err(internal()) };
        let mut record = key.to_record();
        if let Some(MultiRegion::Primary(primary)) = &mut record.multi_region {
            primary.successor = Some(region);
        }
        record.transition = Some(Transition::Updating { until: effects.call().now });
        effects.record(Change::PutKey(Arc::new(record)));
        effects.done(Response {})
    })
}

/// The Region of a replica. Which error a missing one is, AWS does not document; `NotFound` is the
/// one of the model's list that says what is wrong.
fn successor(key: &UsableKey, request: &Request) -> Result<RegionName> {
    let Some(primary) = key.as_primary() else {
        return Err(ErrorCode::UnsupportedOperation
            .says(format!("{} is not a multi-Region primary key.", key.arn)));
    };
    if key.state() != KeyState::Enabled {
        return Err(ErrorCode::KmsInvalidState.says(format!("{} is updating.", key.arn)));
    }
    RegionName::parse(request.primary_region.as_str())
        .filter(|region| primary.replicas.get(*region).is_some())
        .ok_or_else(|| {
            ErrorCode::NotFound
                .says(format!("{} has no replica in {}.", key.arn, request.primary_region))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{
        Response as Any, create_key, disable_key_rotation, enable_key_rotation, replicate_key,
        rotate_key_on_demand,
    };
    use std::time::Duration;

    fn set(local: &mut Local, regions: &[&str]) -> KeyArn {
        let request = create_key::Request { multi_region: true, ..Default::default() };
        let Any::CreateKey(made) = local.call(request).unwrap() else { panic!() };
        let key = made.key_metadata.arn;
        for region in regions {
            let region = RegionName::parse(region).unwrap();
            local.call(replicate_key::Request::new(key, region)).unwrap();
        }
        local.advance(Duration::from_secs(5));
        key
    }

    fn update(local: &mut Local, key: KeyArn, to: &str) -> Result<()> {
        let request = Request { key_id: key.into(), primary_region: to.into() };
        local.call_in(key.region, request).map(|_| ())
    }

    #[test]
    fn the_role_moves_and_the_other_replicas_follow() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
        let key = set(&mut local, &["eu-west-1", "ap-northeast-1"]);
        update(&mut local, key, "eu-west-1").unwrap();
        let there = KeyArn { region: RegionName::parse("eu-west-1").unwrap(), ..key };
        assert_eq!(local.key(key).state(), KeyState::Updating);
        local.advance(Duration::from_millis(500));
        assert_eq!(local.key(key).state(), KeyState::Updating, "so is the old primary");
        assert_eq!(local.key(there).state(), KeyState::Updating);
        local.advance(Duration::from_secs(10));
        assert_eq!(local.key(key).state(), KeyState::Enabled);
        assert!(local.key(key).is_replica());
        let primary = local.key(there).as_primary().unwrap().clone();
        assert_eq!(primary.replicas.iter().count(), 2);
        let third = KeyArn { region: RegionName::parse("ap-northeast-1").unwrap(), ..key };
        let Some(MultiRegion::Replica { primary, .. }) = local.key(third).multi_region else {
            panic!()
        };
        assert_eq!(primary, there.region);
        let here = rotate_key_on_demand::Request { key_id: key.into() };
        assert_eq!(local.call(here).unwrap_err().code, ErrorCode::UnsupportedOperation);
        let there = rotate_key_on_demand::Request { key_id: there.into() };
        local.call_in(RegionName::parse("eu-west-1").unwrap(), there).unwrap();
    }

    #[test]
    fn what_the_set_shares_is_not_changed_while_the_role_is_on_its_way() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let key = set(&mut local, &["eu-west-1"]);
        local.call(enable_key_rotation::Request::new(key)).unwrap();
        local.advance(Duration::from_secs(10));
        update(&mut local, key, "eu-west-1").unwrap();
        let disable = |arn: KeyArn| disable_key_rotation::Request { key_id: arn.into() };
        let error = local.call(disable(key)).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation, "it would be lost on the way");
        local.advance(Duration::from_secs(10));
        let there = KeyArn { region: RegionName::parse("eu-west-1").unwrap(), ..key };
        assert!(local.key(there).rotation.is_some());
        local.call_in(there.region, disable(there)).unwrap();
        local.advance(Duration::from_secs(10));
        assert!(local.key(key).rotation.is_none() && local.key(there).rotation.is_none());
    }

    #[test]
    fn the_new_primary_must_have_a_replica() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let key = set(&mut local, &[]);
        assert_eq!(update(&mut local, key, "eu-west-1").unwrap_err().code, ErrorCode::NotFound);
        let single = local.create_key();
        let error = update(&mut local, single, "eu-west-1").unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
    }
}
