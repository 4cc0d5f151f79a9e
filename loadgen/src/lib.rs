//! Real load: the clients of a scenario, on the machine's own clock.
//!
//! The schedule is the simulator's: the same scenario and seed mean the same starts. Latency is counted
//! from the intended start, so a slow service cannot hide its queue; no start is skipped and no sample
//! is invented.
//!
//! | module | what it holds |
//! |---|---|
//! | `run` | [`run`]: threads, intervals, and what it all came to |
//! | `pools` | the request quotas that a load is held against |
//! | `drive` | the loop of one thread: wait, send, record |
//! | `rota` | whose call is next, and when it is meant to start |
//! | `pacer` | waiting for a moment as exactly as the machine can |
//! | `gather` | what threads measured, added up second by second |
//! | [`http`] | a KMS behind HTTP as a target |
//! | `in_process` | the core in this process as a target, one a thread |
//! | `recorder` | three histograms and the counts of one thread |
//! | `shape` | a scenario at another rate, for another time, or as a closed loop |
//! | `oracles` | what the oracles say of a load |
//! | `outcome` | what is kept of a run, as data |
//! | `page` | the same as a page |
//! | `goal`, `search` | what a load has to hold, and which rates are tried |
//! | `trace` | intended starts from a file |
//! | `trials` | loads at several rates, as data |
//! | `series` | a run over time in bounded memory |
//! | `processor` | how long a thread has been on a processor |
//! | [`bench`] | libraries of cryptography against each other |
//! | `upkeep` | what clients made and do not remember any more |
//! | `text` | percentiles, CSV and interval logs |

pub mod bench;
mod drive;
mod gather;
mod goal;
pub mod http;
mod in_process;
mod oracles;
mod outcome;
mod pacer;
mod page;
mod pools;
mod processor;
mod recorder;
mod rota;
mod run;
mod search;
mod series;
mod shape;
mod text;
mod trace;
mod trials;
mod upkeep;

pub use drive::{Driven, Pace, Target, Told, drive};
pub use gather::{Gathered, Moment};
pub use goal::Goal;
pub use http::found;
pub use in_process::InProcess;
pub use oracles::{Finding, Word};
pub use outcome::{Cause, Configuration, Counts, Distribution, Outcome, Quota, Sample, Tool};
pub use pacer::Pacer;
pub use pools::Pools;
pub use recorder::{LATE, Recorder};
pub use rota::{Rota, Start};
pub use run::{Order, Ran, Service, Watch, run};
pub use search::{Bracket, Search, Steps, rate};
pub use shape::{Shape, clients};
pub use text::{IntervalLog, LogSerializer, csv, percentiles};
pub use trace::Trace;
pub use trials::{Trial, Trials, schema, unmet};
