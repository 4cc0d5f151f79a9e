//! Libraries of cryptography compared beyond noise.
//!
//! [`Case`] is what can be timed, [`Side`] who does it, [`measure`] the taking of turns, [`Saved`] what
//! is kept of it, [`capacities`] what it means for request quotas, [`history`] what changed over many. [`statistics`] says what two rows of timings prove: that one is slower, that both are
//! as fast as each other within a tolerance, or neither yet, and then how long to go on.

mod case;
mod change;
mod compare;
mod history;
mod instructions;
mod library;
mod machine;
mod quota;
mod request;
mod resample;
mod rounds;
mod saved;
mod side;
pub mod statistics;
mod worker;

pub use case::{Case, Deed, Layer};
pub use change::{Change, changes};
pub use compare::{Compared, Judged, Of, Unmatched, apart, in_turn};
pub use history::{Changed, Entry, Series, history, lines};
pub use instructions::{Count, Counts, Held, STEADY, count};
pub use machine::{Build, Machine};
pub use quota::{Capacity, Limit, capacities};
pub use rounds::{Measured, Plan, Progress, Row, measure};
pub use saved::{Parameters, Saved, Timings};
pub use side::{Backend, Keys, Side};
pub use worker::{Worker, serve};

#[cfg(test)]
mod noise;
