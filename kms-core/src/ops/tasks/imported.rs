//! The tasks about imported key material: its end, and what a primary has to hear of it.

use super::done;
use crate::error::Result;
use crate::key::{Holding, MultiRegion};
use crate::kms::{Checks, internal};
use crate::multi_region::{RegionCommand, RegionReply};
use crate::name::KeyId;
use crate::ops::Response;
use crate::state::Change;
use crate::step::Next;
use crate::token::TokenChange;
use std::sync::Arc;

/// Every material that has reached its end by now, however late that is noticed.
pub(super) fn expire_material(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let now = checks.call().now;
    let Some(key) = checks.own_key(id) else { return done(checks) };
    let mut record = key.to_record();
    let expired = record.expire(now);
    if expired.is_empty() {
        return done(checks);
    }
    let mut effects = checks.pass(false)?;
    effects.record(Change::PutKey(Arc::new(record)));
    for token in expired {
        effects.record_token(TokenChange::Erase(token));
    }
    effects.done(Response::TaskDone)
}

/// Tells the primary what this replica has of the material that awaits rotation, until it has heard
/// of the newest.
pub(super) fn report_holding(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let Some(key) = checks.own_key(id) else { return done(checks) };
    let Some((_, as_of)) = checks.state().key(id) else { return done(checks) };
    let Some(MultiRegion::Replica { primary, shared_version, owes_report: true, .. }) =
        key.multi_region
    else {
        return done(checks);
    };
    let material = key.awaiting_here().map(|material| material.id);
    let told = Holding { created: key.created, as_of, shared_version, material };
    let command = RegionCommand::ReportHolding { id, region: checks.region(), told };
    checks.pass(false)?.ask_region(primary, command, move |reply, mut effects| {
        let now_at = effects.state().key(id).map(|(_, version)| version);
        let Some(mut record) = effects.newest(id) else {
            return effects.done(Response::TaskDone);
        };
        let Some(MultiRegion::Replica { owes_report, .. }) = &mut record.multi_region else {
            return effects.done(Response::TaskDone);
        };
        match reply {
            RegionReply::Heard if now_at != Some(as_of) => {
                return effects.done(Response::TaskDone);
            }
            RegionReply::Heard => *owes_report = false,
            RegionReply::NotPrimary(region) if record.follow(region) => {}
            RegionReply::NotPrimary(_) => return effects.done(Response::TaskDone),
            _ => return Err(internal()),
        }
        effects.record(Change::PutKey(Arc::new(record)));
        effects.done(Response::TaskDone)
    })
}
