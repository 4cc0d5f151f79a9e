//! Real throughput against the real core: a target in process, a closed loop, a histogram.
//!
//! The same `kms-core` that the simulator shakes runs here on the machine's own clock. A target is
//! anything that answers requests; how fast, and with which errors, a [`Measurement`] says.

mod closed_loop;
mod measure;

pub use closed_loop::{InProcess, Target, closed_loop};
pub use measure::Measurement;
