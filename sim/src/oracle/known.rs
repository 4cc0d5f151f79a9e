//! What several oracles want to know, kept once for all of them.

use super::Context;
use super::attempts::{Answer, Attempt, Attempts};
use super::key_log::KeyLog;
use crate::clock::SimTime;
use crate::history::{Changed, Event, Got, Record, Wanted};
use crate::model::{Ask, Commit, Model, Ruling, Told};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use std::time::Duration;

/// What a host said to somebody who may need a permission, and what the model knows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) ruling: Ruling,
    /// Or denied.
    pub(super) permitted: bool,
}

/// What follows from the records so far.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) attempts: Attempts,
    /// What the records before this one say of keys.
    pub(crate) keys: KeyLog,
    pub(crate) model: Model,
    /// What the model finds wrong with this record.
    pub(crate) problems: Vec<String>,
    /// The decision that this record shows, if it is one about a permission.
    pub(super) decision: Option<Decision>,
    /// When a fault point last fired.
    fired: Option<SimTime>,
}

/// How long after a fault point has fired it may still keep the service from answering.
const AFTERMATH: Duration = Duration::from_secs(10);

impl Known {
    pub(super) fn new(context: &Context<'_>) -> Known {
        Known {
            attempts: Attempts::new(context.rules.memory),
            keys: KeyLog::default(),
            model: Model::default(),
            problems: Vec::new(),
            decision: None,
            fired: None,
        }
    }

    /// Whether anything may have kept the service from answering an attempt well and in time until now.
    pub(super) fn is_hindered(
        &self,
        attempt: &Attempt,
        now: SimTime,
        context: &Context<'_>,
    ) -> bool {
        let here = [Some(attempt.region), context.region_of(attempt.call.0)];
        let here: Vec<RegionName> = here.into_iter().flatten().collect();
        let abroad = matches!(
            attempt.facts.wanted,
            Wanted::ReplicateKey { .. } | Wanted::UpdatePrimaryRegion { .. }
        );
        let regions = if abroad { &context.regions } else { &here };
        let fired = self.fired.is_some_and(|at| attempt.at < at.after(AFTERMATH));
        let contended = attempt.conflicts >= context.rules.decisions;
        attempt.crowded || contended || fired || context.is_hindered(regions, (attempt.at, now))
    }

    /// Takes note of a record before the oracles hear it.
    pub(super) fn before(&mut self, record: &Record, context: &Context<'_>) {
        self.problems.clear();
        self.decision = None;
        self.attempts.note(record);
        match &record.event {
            Event::Committed { region, position, id, changes } => {
                self.committed(record, (*region, *position), (*id, changes), context);
            }
            Event::Answered { request, .. } => self.decision = self.decided(*request, context),
            Event::Returned { request, got: Ok(got) } => self.returned(*request, got, context),
            Event::Fired(_) => self.fired = Some(record.at),
            _ => {}
        }
    }

    /// Takes note of a record after they have heard it.
    pub(super) fn after(&mut self, record: &Record) {
        self.keys.note(record);
    }

    fn committed(
        &mut self,
        record: &Record,
        (region, position): (RegionName, u64),
        (id, changes): (RequestId, &[Changed]),
        context: &Context<'_>,
    ) {
        let asked = self.attempts.get(id).filter(|attempt| attempt.region == region);
        let asked = asked.map(|attempt| (attempt.at, &attempt.facts));
        let at = record.at;
        let commit = Commit { region, position, at, id, changes, asked };
        self.problems = self.model.commit(&commit, context);
    }

    /// An administrator who is not denied anything asks for no permission.
    fn decided(&self, request: RequestId, context: &Context<'_>) -> Option<Decision> {
        let attempt = self.attempts.get(request)?;
        let answer = attempt.answers.last()?;
        let permitted = matches!(answer.error, None | Some(ErrorCode::DryRunOperation));
        let denied = answer.error == Some(ErrorCode::AccessDenied);
        let own = attempt.committed.is_some_and(|own| own <= answer.position);
        let usual = permitted && attempt.facts.administrator;
        if own || usual || !(permitted || denied) {
            return None;
        }
        let ruling = self.model.ruling(&attempt.ask(answer), context)?;
        Some(Decision { ruling, permitted })
    }

    fn returned(&mut self, request: RequestId, got: &Got, context: &Context<'_>) {
        let Some(attempt) = self.attempts.get(request) else { return };
        let good = attempt.answers.iter().filter(|answer| answer.error.is_none());
        let asks: Vec<Ask<'_>> = good.map(|answer| attempt.ask(answer)).collect();
        let told = Told { request, got, committed: attempt.committed, asks: &asks };
        self.problems.extend(self.model.told(&told, context).err());
    }
}

impl Attempt {
    /// The attempt as a host decided it.
    pub(super) fn ask(&self, answer: &Answer) -> Ask<'_> {
        Ask {
            facts: &self.facts,
            region: self.region,
            position: answer.position,
            now: answer.now,
            took: answer.at.since(self.at),
            again: self.conflicts > 0,
        }
    }

    /// What was asked, and by whom.
    pub(super) fn describe(&self) -> String {
        format!("{:?} by {}", self.facts.wanted, self.facts.principal)
    }
}
