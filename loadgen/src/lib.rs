//! Real load: the clients of a scenario, on the machine's own clock.
//!
//! The schedule is the simulator's: the same scenario and seed mean the same starts. Latency is counted
//! from the intended start, so a slow service cannot hide its queue; no start is skipped and no sample
//! is invented.
//!
//! | module | what it holds |
//! |---|---|
//! | `run` | [`run`]: threads, intervals, and what it all came to |
//! | `drive` | the loop of one thread: wait, send, record |
//! | `rota` | whose call is next, and when it is meant to start |
//! | `pacer` | waiting for a moment as exactly as the machine can |
//! | `gather` | what threads measured, added up second by second |
//! | [`http`] | a KMS behind HTTP as a target |
//! | `in_process` | the core in this process as a target, one a thread |
//! | `recorder` | three histograms and the counts of one thread |
//! | `shape` | a scenario at another rate, for another time, or as a closed loop |
//! | `outcome` | what is kept of a run, as data |
//! | [`bench`] | what two rows of timings prove |
//! | `text` | percentiles, CSV and interval logs |

pub mod bench;
mod drive;
mod gather;
pub mod http;
mod in_process;
mod outcome;
mod pacer;
mod recorder;
mod rota;
mod run;
mod shape;
mod text;

pub use drive::{Driven, Pace, Target, Told, drive};
pub use gather::{Gathered, Moment};
pub use http::found;
pub use in_process::InProcess;
pub use outcome::{Configuration, Counts, Distribution, Outcome, Sample, Tool};
pub use pacer::Pacer;
pub use recorder::{LATE, Recorder};
pub use rota::{Rota, Start};
pub use run::{Order, Ran, Service, run};
pub use shape::Shape;
pub use text::{csv, log, percentiles};
