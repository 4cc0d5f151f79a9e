//! A compiled statement: what it takes for it to apply to a request.

use super::action::{Action, ActionSet};
use super::condition::Condition;
use super::context::Context;
use super::principal::{Fit, Principals};
use super::resource::{Resources, Target};
use crate::env::Caller;

/// What a statement does when it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// One request, as statements see it.
pub(super) struct Scene<'a, 'c> {
    pub(super) caller: &'a Caller,
    pub(super) action: Action,
    pub(super) target: &'c Target<'a>,
    pub(super) context: &'c dyn Context,
}

/// One statement of a policy.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sid: Option<Box<str>>,
    pub(super) effect: Effect,
    pub(super) principals: Principals,
    pub(super) actions: ActionSet,
    pub(super) resources: Resources,
    pub(super) conditions: Vec<Condition>,
}

impl Statement {
    /// How closely the statement fits the caller, or nothing when it does not apply. The cheapest
    /// question goes first: most statements are about other actions.
    pub(super) fn applies(&self, scene: &Scene<'_, '_>) -> Option<Fit> {
        if !self.actions.contains(scene.action) {
            return None;
        }
        let fit = self.principals.fit(&scene.caller.principal)?;
        let about = self.resources.include(scene.target, scene.context);
        let holds = || self.conditions.iter().all(|condition| condition.holds(scene.context));
        (about && holds()).then_some(fit)
    }
}
