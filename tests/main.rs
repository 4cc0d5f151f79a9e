//! Tests of the workspace as a whole, one binary: scenarios over seeds, determinism across processes,
//! properties against the reference model, the command line, planted bugs, and the repository itself.

mod bench;
mod bench_commits;
mod campaign;
mod cli;
mod conformance;
mod detect;
mod determinism;
mod key_stores;
mod late_grants;
mod load;
mod load_http;
mod load_rates;
mod odd_calls;
mod policy;
mod properties;
mod recovery;
mod sabotage;
mod scenarios;
mod secrecy;
mod served;
mod shrink;
mod support;
mod tidy;
mod trace;
mod usage;
mod verdicts;
mod why;
