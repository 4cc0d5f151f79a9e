//! What A and B are: two backends, two saved runs, or two commits.

use super::measuring::Measuring;
use super::{build, commit, read};
use crate::exit::Failure;
use kms_core::crypto::{BACKENDS, CryptoBackend};
use loadgen::bench::statistics::Rule;
use loadgen::bench::{Backend, Judged, Saved, Side, Worker, apart, in_turn};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The running program, in the place of a commit.
const THIS: &str = "this";

type Library = &'static dyn CryptoBackend;

/// Two of a kind.
pub(super) enum Pair {
    Backends(Library, Library),
    Files(Box<Saved>, Box<Saved>),
    Programs(Program, Program),
}

/// A program to run: a commit of the repository, or this one.
pub(super) struct Program {
    label: String,
    /// None is the running program.
    commit: Option<String>,
}

enum Named {
    Backend(Library),
    File(PathBuf),
    Program(Program),
}

impl Pair {
    pub(super) fn of(a: &str, b: &str) -> Result<Pair, Failure> {
        match (named(a)?, named(b)?) {
            (Named::Backend(a), Named::Backend(b)) => Ok(Pair::Backends(a, b)),
            (Named::File(a), Named::File(b)) => {
                Ok(Pair::Files(Box::new(read(&a)?), Box::new(read(&b)?)))
            }
            (Named::Program(a), Named::Program(b)) => Ok(Pair::Programs(a, b)),
            (one, other) => Err(Failure::usage(format!(
                "{a} is {} and {b} is {}: only two of a kind are comparable",
                one.kind(),
                other.kind()
            ))),
        }
    }

    /// Measures what is to be measured, and judges.
    pub(super) fn judged(
        self,
        measuring: &Measuring,
        backend: &str,
        rule: Rule,
    ) -> Result<Judged, Failure> {
        let judged = match self {
            Pair::Files(a, b) => apart(&a, &b, rule),
            Pair::Backends(a, b) => {
                let keys = std::cell::RefCell::default();
                let side = |(backend, label): (Library, &str)| {
                    Box::new(Backend::new(backend, &keys).called(label)) as Box<dyn Side>
                };
                let labels = distinct(a.name(), b.name());
                let sides = [(a, labels[0].as_str()), (b, labels[1].as_str())].map(side);
                let saved = measuring.measure(sides.into(), build())?;
                in_turn(&saved, &labels[0], &labels[1], rule)
            }
            Pair::Programs(a, b) => {
                let labels = distinct(&a.label, &b.label);
                let start = |program: &Program, label: &str| program.start(label, backend);
                let (a, b) = (start(&a, &labels[0])?, start(&b, &labels[1])?);
                let differences = a.build().differences(b.build());
                if !differences.is_empty() {
                    let text = differences.join("; ");
                    return Err(Failure::usage(format!("they are not comparable: {text}")));
                }
                let build = a.build().clone();
                let sides: Vec<Box<dyn Side>> = vec![Box::new(a), Box::new(b)];
                let saved = measuring.measure(sides, build)?;
                in_turn(&saved, &labels[0], &labels[1], rule)
            }
        };
        judged.map_err(Failure::usage)
    }
}

/// Two names, told apart when they are the same.
fn distinct(a: &str, b: &str) -> [String; 2] {
    match a == b {
        true => [format!("{a} (A)"), format!("{b} (B)")],
        false => [a.to_owned(), b.to_owned()],
    }
}

impl Named {
    fn kind(&self) -> &'static str {
        match self {
            Named::Backend(_) => "a backend",
            Named::File(_) => "a saved run",
            Named::Program(_) => "a commit",
        }
    }
}

fn named(text: &str) -> Result<Named, Failure> {
    if let Some(backend) = BACKENDS.iter().find(|backend| backend.name() == text) {
        return Ok(Named::Backend(*backend));
    }
    if Path::new(text).is_file() {
        return Ok(Named::File(text.into()));
    }
    if text == THIS {
        return Ok(Named::Program(Program { label: text.to_owned(), commit: None }));
    }
    match commit::named(text) {
        Some(commit) => {
            Ok(Named::Program(Program { label: text.to_owned(), commit: Some(commit) }))
        }
        None => {
            let names: Vec<&str> = BACKENDS.iter().map(|backend| backend.name()).collect();
            Err(Failure::usage(format!(
                "{text} is neither a backend ({}), nor a file, nor a commit of the repository here",
                names.join(", ")
            )))
        }
    }
}

impl Program {
    fn start(&self, label: &str, backend: &str) -> Result<Worker, Failure> {
        let program = match &self.commit {
            Some(commit) => commit::built(commit)?,
            None => std::env::current_exe().map_err(Failure::usage)?,
        };
        let mut command = Command::new(program);
        command.args(["bench", "worker", "--backend", backend]);
        Worker::start(label, &mut command).map_err(Failure::usage)
    }
}
