//! Clients of the service: applications with an SDK, which call, wait, retry and learn.
//!
//! A [`Client`] is a state machine without a clock or a network. It starts calls at their intended
//! times however slow the service is, sends every attempt to a host of the Region it is for, and
//! tells the history what it asked and what came of it. It never acts on what it could not know.

mod cast;
mod draw;
mod flight;
mod id;
mod node;
mod principals;
mod retry;
mod share;

pub use cast::{Part, cast};
pub use id::{AttemptId, request_id};
pub use node::{Client, ClientPlan};
pub use principals::{Principal, Principals};
pub use retry::{Failure, Retry};
pub use share::{Clock, Share, Starts, call_draw};
