//! A decision as a tree: every policy with each of its statements and every grant, and why it
//! applies or does not. For whoever asks why; deciding itself stops at the first thing that counts.

use super::context::Context;
use super::document::Policy;
use super::evaluate::{Decision, Question, Resource, evaluate, on_stage};
use super::grant::Grant;
use super::kind::PolicyKind;
use super::principal::Fit;
use super::statement::{Effect, Scene, Statement};
use serde::Serialize;
use std::fmt::Write;

/// What a part of the tree contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It allows the request.
    Allows,
    /// It lets the account of the caller decide.
    Delegates,
    /// It denies the request.
    Denies,
    /// It does not speak of the request.
    Silent,
}

/// A part of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// What it is.
    pub label: String,
    /// What it contributes.
    pub verdict: Verdict,
    /// Why; empty when there is nothing to add.
    pub because: String,
    /// Its parts.
    pub branches: Vec<Branch>,
}

/// A decision and all that went into it.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The decision.
    pub decision: Decision<'a>,
    /// Key policy, identity policies, restricting policies, grants.
    pub branches: Vec<Branch>,
}

/// Decides a request and explains it.
pub fn explain<'a>(
    question: &Question<'a>,
    context: &dyn Context,
    grants: &'a [Grant],
) -> Explanation<'a> {
    let decision = evaluate(question, context, &mut grants.iter());
    let branches = on_stage(question, context, |scene| branches(question, scene, grants));
    Explanation { decision, branches }
}

fn branches(question: &Question<'_>, scene: &Scene<'_, '_>, grants: &[Grant]) -> Vec<Branch> {
    let mut all = Vec::new();
    if let Resource::Key { policy, .. } = question.resource {
        all.push(policy_branch("key policy".into(), policy, scene));
    }
    for (index, policy) in question.caller.identity_policies.iter().enumerate() {
        all.push(policy_branch(format!("identity policy {index}"), policy, scene));
    }
    for (index, policy) in question.caller.restricting_policies.iter().enumerate() {
        let label = match policy.kind() {
            PolicyKind::Restricting(layer) => format!("{layer} {index}"),
            _ => format!("restricting policy {index}"),
        };
        all.push(policy_branch(label, policy, scene));
    }
    if !grants.is_empty() {
        let branches: Vec<Branch> = grants.iter().map(|grant| grant_branch(grant, scene)).collect();
        all.push(Branch {
            label: "grants".into(),
            verdict: strongest(&branches),
            because: String::new(),
            branches,
        });
    }
    all
}

fn policy_branch(label: String, policy: &Policy, scene: &Scene<'_, '_>) -> Branch {
    let statements = policy.statements().iter().enumerate();
    let branches: Vec<Branch> =
        statements.map(|(index, statement)| statement_branch(index, statement, scene)).collect();
    Branch { label, verdict: strongest(&branches), because: String::new(), branches }
}

/// A denial outweighs everything, an allowance outweighs silence.
fn strongest(branches: &[Branch]) -> Verdict {
    let has = |verdict| branches.iter().any(|branch| branch.verdict == verdict);
    let order = [Verdict::Denies, Verdict::Allows, Verdict::Delegates];
    order.into_iter().find(|verdict| has(*verdict)).unwrap_or(Verdict::Silent)
}

fn statement_branch(index: usize, statement: &Statement, scene: &Scene<'_, '_>) -> Branch {
    let mut label = format!("statement {index}");
    if let Some(sid) = &statement.sid {
        let _ = write!(label, " \"{sid}\"");
    }
    let (verdict, because) = match why_not(statement, scene) {
        Some(why) => (Verdict::Silent, why),
        None => match (statement.effect, statement.applies(scene)) {
            (Effect::Deny, _) => (Verdict::Denies, String::new()),
            (Effect::Allow, Some(Fit::Account)) => {
                (Verdict::Delegates, "names the account of the caller".into())
            }
            (Effect::Allow, _) => (Verdict::Allows, String::new()),
        },
    };
    Branch { label, verdict, because, branches: Vec::new() }
}

/// The first thing by which a statement does not apply.
fn why_not(statement: &Statement, scene: &Scene<'_, '_>) -> Option<String> {
    if !statement.actions.contains(scene.action) {
        return Some(format!("is not about {}", scene.action));
    }
    if statement.principals.fit(&scene.caller.principal).is_none() {
        return Some(format!("does not speak of {}", scene.caller.principal));
    }
    if !statement.resources.include(scene.target, scene.context) {
        return Some("is about another resource".into());
    }
    let failing = statement.conditions.iter().find(|one| !one.holds(scene.context))?;
    let found = match scene.context.value(failing.key()) {
        None => "the request does not carry it".to_owned(),
        Some(value) => match value.text() {
            Some(text) => format!("the request has \"{text}\""),
            None => format!("the request has {} values", value.count()),
        },
    };
    Some(format!("needs {}; {found}", failing.source()))
}

fn grant_branch(grant: &Grant, scene: &Scene<'_, '_>) -> Branch {
    let caller = &scene.caller.principal;
    let (verdict, because) = match grant.permits(caller, scene.action, scene.context) {
        Ok(Fit::Account) => (Verdict::Delegates, "names the account of the caller".to_owned()),
        Ok(_) => (Verdict::Allows, String::new()),
        Err(miss) => (Verdict::Silent, miss.to_string()),
    };
    let label = format!("grant to {}", grant.grantee);
    Branch { label, verdict, because, branches: Vec::new() }
}
