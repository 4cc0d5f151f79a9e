//! Who may do what: policy documents, grants and their evaluation, as pure functions.
//!
//! `(policies, grants, context) → decision with its reason`. Text is compiled once, when it is
//! stored; a decision afterwards compares bits, numbers and borrowed strings and allocates nothing.
//!
//! - [`document`] reads a policy strictly (`json`) and compiles it (`compile`) into statements
//!   (`statement`).
//! - `principal`, `resource` and `condition` (with `operator`, `network`, `value`) are the parts of a
//!   statement; `pattern` and `arn_pattern` match its texts.
//! - [`condition_key`] lists every condition key; [`context`] holds the facts of one
//!   request, and `answer` gives them out.
//! - [`grant`] is the other way to a permission, and [`evaluate`] puts all of it together;
//!   [`explain`] says how it came about.

pub mod action;
mod answer;
mod arn_pattern;
mod compile;
mod condition;
pub mod condition_key;
pub mod context;
#[cfg(test)]
mod decisions;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod grant;
mod json;
pub mod kind;
mod network;
mod operator;
mod pattern;
pub mod principal;
pub mod reason;
pub(crate) mod refusal;
mod resource;
mod retire;
mod statement;
mod value;

pub use crate::key::KeyManager;
pub use action::{Action, ActionSet};
pub use condition_key::ConditionKey;
pub use context::{Context, ContextValue, GrantRequest, Pairs, RequestContext};
pub use document::{MAX_POLICY_BYTES, MalformedPolicy, Policy};
pub use evaluate::{CROSS_ACCOUNT_ACTIONS, Decision, Question, Resource, evaluate, lockout_check};
pub use grant::{
    ContextConstraint, Grant, GrantMiss, GrantOperation, GrantOperations, GrantTerms, Party,
};
pub use kind::{PolicyKind, Restriction};
pub use principal::Fit;
pub use reason::{Allowed, Denied, Layer, StatementRef};
