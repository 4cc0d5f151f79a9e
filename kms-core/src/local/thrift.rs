//! How a long run gets by with the memory of a short one: what is forgotten, and what is ended early.

use super::{Local, Work};
use crate::env::Caller;
use crate::key::Status;
use crate::name::{KeyArn, RegionName};
use crate::ops::Request;
use crate::quota::Meter;
use crate::step::Answers;
use crate::step::Outcome;
use crate::task::Task;
use std::sync::Arc;

impl Local {
    /// Forgets how the state came about, so that a long run needs memory for the state alone.
    pub fn forget_history(&mut self) {
        self.entries.clear();
        for region in self.regions.values_mut() {
            region.journal.forget(region.journal.head());
            region.meter.take_admitted();
        }
    }

    /// Keeps superseded policies, grants, aliases and tags for as long as the one host of each Region
    /// may see them, and not for as long as any host might.
    pub fn remember_what_is_seen(&mut self) {
        for region in self.regions.values_mut() {
            let longest = region.kms.settings().propagation.longest();
            region.kms.remember(longest);
            region.journal.remember(longest);
        }
    }

    /// As [`Local::outcome`], and no quota counts it.
    ///
    /// # Panics
    /// When there is no such Region.
    pub fn unmetered(
        &mut self,
        region: RegionName,
        caller: &Arc<Caller>,
        request: &Request,
    ) -> Outcome {
        let meter = std::mem::replace(&mut self.region_mut(region).meter, Meter::off());
        let outcome = self.outcome(region, caller, request);
        self.region_mut(region).meter = meter;
        outcome
    }

    /// Erases a key that is pending deletion, as if its waiting period were over; nothing else is any
    /// later for that. Whether the key is gone.
    pub fn end_waiting_period(&mut self, key: KeyArn) -> bool {
        let region = self.regions.get(&key.region);
        let record = region.and_then(|region| region.kms.state().key(key.id));
        let Some((record, _)) = record else { return true };
        let Status::PendingDeletion { erase, .. } = record.status else { return false };
        let (now, mut call) = (self.now, self.new_call(self.service.clone()));
        call.now = erase;
        let task = Work::Task(&Task::DeleteKey(key.id));
        let outcome = self.decide(key.region, &mut call, &task, &mut Answers::default());
        call.now = now;
        let Some(append) = outcome.append else { return false };
        let erased = self.append(key.region, &call, &append).is_ok();
        if erased {
            self.entries.push((key.region, self.journal_of(key.region).head()));
        }
        erased
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::LONGEST_PROPAGATION;
    use crate::ops::{
        Response, create_alias, create_grant, create_key, delete_alias, describe_key, encrypt,
        replicate_key, revoke_grant, schedule_key_deletion,
    };
    use crate::policy::GrantOperation;
    use crate::quota::{Profile, Share};
    use crate::wire::{GrantTokens, PendingWindowInDays};
    use crate::{ErrorCode, Result};
    use std::time::Duration;

    fn schedule(local: &mut Local, key: KeyArn) -> Result<Response> {
        let pending_window_in_days = Some(PendingWindowInDays(7));
        let request = schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call_in(key.region, request)
    }

    #[test]
    fn a_key_is_erased_before_its_time_only_when_it_is_pending_deletion() {
        let mut local = Local::single_region();
        let (key, other) = (local.create_key(), local.create_key());
        assert!(!local.end_waiting_period(key));
        schedule(&mut local, key).unwrap();
        let before = local.now();
        assert!(local.end_waiting_period(key) && local.end_waiting_period(key));
        assert_eq!(local.now(), before);
        let gone = local.call(encrypt::Request::new(key, *b"x")).unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
        local.call(encrypt::Request::new(other, *b"x")).unwrap();
        assert_eq!(local.journal().tokens().len(), 1, "the token of the other key");
        let last = local.journal().entries_after(local.journal().head() - 1);
        assert_eq!(last[0].committed, before, "nothing happened in the future");
    }

    #[test]
    fn a_primary_goes_when_its_replicas_are_gone() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let request = create_key::Request { multi_region: true, ..create_key::Request::default() };
        let Ok(Response::CreateKey(made)) = local.call(request) else { panic!() };
        let primary = made.key_metadata.arn;
        let there = RegionName::parse("eu-west-1").unwrap();
        local.call(replicate_key::Request::new(primary, there)).unwrap();
        local.advance(Duration::from_secs(2));
        let replica = KeyArn { region: there, ..primary };
        schedule(&mut local, primary).unwrap();
        assert!(!local.end_waiting_period(primary), "it waits for its replica");
        schedule(&mut local, replica).unwrap();
        assert!(local.end_waiting_period(replica));
        local.advance(Duration::from_secs(1));
        assert!(local.end_waiting_period(primary));
    }

    #[test]
    fn upkeep_draws_from_no_quota() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let home = key.region;
        let profile = Profile::named("aws-2026").unwrap();
        local.set_meter(home, Meter::new(profile, home, 1e-6, Share::ALL));
        let grant_tokens = GrantTokens::default();
        let request = Request::from(describe_key::Request { key_id: key.into(), grant_tokens });
        let owner = local.owner();
        for _ in 0..50 {
            assert!(local.unmetered(home, &owner, &request).result.is_ok());
        }
        let throttled = (0..50).map(|_| local.outcome(home, &owner, &request).result);
        let throttled = throttled.filter_map(std::result::Result::err).next().unwrap();
        assert_eq!(throttled.code, ErrorCode::Throttling);
    }

    /// Grants and aliases that come and go, once a second for an hour; how many records are kept.
    fn kept(mut local: Local) -> usize {
        let key = local.create_key();
        let operations = || GrantOperation::parse("Encrypt").into_iter();
        for _ in 0..3_600 {
            let request =
                create_grant::Request::new(key, "arn:aws:iam::111122223333:role/x", operations());
            let Ok(Response::CreateGrant(made)) = local.call(request) else { panic!() };
            local.call(revoke_grant::Request::new(key, made.grant_id)).unwrap();
            local.call(create_alias::Request::new("alias/x", key)).unwrap();
            local.call(delete_alias::Request { alias_name: "alias/x".into() }).unwrap();
            local.advance(Duration::from_secs(1));
        }
        local.journal().state().superseded()
    }

    #[test]
    fn what_no_host_sees_any_more_is_not_kept() {
        let all = kept(Local::single_region());
        let longest = usize::try_from(LONGEST_PROPAGATION.as_secs()).unwrap();
        assert!(all >= longest, "{all}");
        let mut thrifty = Local::single_region();
        thrifty.remember_what_is_seen();
        let few = kept(thrifty);
        assert!(few <= 10, "{few}");
    }
}
