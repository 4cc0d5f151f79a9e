//! Campaigns: thousands of seeds over a pool of processes, and what is left of them.
//!
//! ```text
//! sweep ─┬─ worker process: sim run|swarm --json ── a line a run ─┐
//!        └─ worker process …                                     ─┴─> results.ndjson, corpus/, summary
//! ```
//! A worker is this very program on a handful of seeds, so that nothing one run leaves in its process
//! reaches the next handful, and a worker that dies takes nothing along that it has reported.
//! `kubernetes.yaml` and `ci-matrix.yaml` in the same folder spread one campaign over many machines.

mod corpus;
pub(crate) mod leash;
pub(crate) mod merge;
mod record;
mod results;
mod shard;
mod summary;
pub(crate) mod sweep;
mod watch;
mod worker;
