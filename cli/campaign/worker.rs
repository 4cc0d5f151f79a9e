//! A worker: this program in a process of its own, on a few seeds of one scenario.

use super::leash::Leash;
use super::record::{Origin, Record};
use crate::exit::Failure;
use crate::sim::command_line;
use ::sim::random::Seed;
use ::sim::swarm;
use scenarios::{Document, Override};
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is run with many seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Whatever each seed draws.
    Swarm,
    /// A scenario file, with its name and the overrides as they were written.
    File {
        /// What it says, overrides applied.
        origin: Origin,
        /// The file.
        path: PathBuf,
        /// The scenario's name.
        name: String,
        /// The overrides.
        overrides: Vec<String>,
    },
}

impl Target {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Swarm => "swarm",
            Target::File { name, .. } => name,
        }
    }

    /// What the run of a seed is called.
    pub(crate) fn run_name(&self, seed: u64) -> String {
        match self {
            Target::Swarm => swarm::name(Seed(seed)),
            Target::File { name, .. } => name.clone(),
        }
    }

    /// What its runs are made of.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Target::Swarm => Origin::of(None),
            Target::File { origin, .. } => origin.clone(),
        }
    }

    /// The scenario of a seed, as a file.
    pub(crate) fn document(&self, seed: u64) -> Result<Document, Failure> {
        let Target::File { path, overrides, .. } = self else {
            return Ok(swarm::draw(Seed(seed)).document);
        };
        let parse = |text: &String| text.parse::<Override>().map_err(Failure::usage);
        let overrides: Vec<Override> = overrides.iter().map(parse).collect::<Result<_, _>>()?;
        Document::open(path, &overrides).map_err(Failure::usage)
    }

    /// The words that run it.
    fn words(&self) -> Vec<String> {
        match self {
            Target::Swarm => vec!["sim".to_owned(), "swarm".to_owned()],
            Target::File { path, overrides, .. } => {
                let path = path.display().to_string();
                let mut words = vec!["sim".to_owned(), "run".to_owned(), path];
                words.extend(overrides.iter().flat_map(|one| ["--set".to_owned(), one.clone()]));
                words
            }
        }
    }

    /// The command that runs one seed again.
    pub(crate) fn replay(&self, seed: u64) -> String {
        let mut words = self.words();
        words.extend(["--seed".to_owned(), seed.to_string()]);
        command_line("keyquake", &words)
    }
}

/// A few seeds of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// What is run.
    pub(crate) target: Target,
    /// With which seeds.
    pub(crate) seeds: Range<u64>,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did everything, or was told to stop.
    Orderly,
    /// It was killed or gave up; the last thing it said.
    Died(String),
}

impl Chunk {
    /// Runs it in a process, which ends early when the leash is cut, and hands on every record as soon
    /// as it is there.
    pub(crate) fn run(&self, leash: &Leash, mut hear: impl FnMut(Record)) -> Result<End, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::usage(format!("cannot find this program: {error}")))?;
        let Range { start, end } = self.seeds;
        let mut child = Command::new(&program)
            .args(self.target.words())
            .args(["--json", "--no-report", "--leashed", "--seeds", &format!("{start}..{end}")])
            .stdin(leash.end()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::file("start", &program, &error))?;
        let errors =
            child.stderr.take().map(|stream| std::thread::spawn(move || last_line(stream)));
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let record = line.ok().and_then(|line| Record::of_line(&line));
            record.into_iter().for_each(&mut hear);
        }
        let status = child.wait().map_err(|error| Failure::file("wait for", &program, &error))?;
        let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
        // 1 is a finding, 130 an interruption: both have said what there was to say.
        Ok(match status.code() {
            Some(0 | 1 | 130) => End::Orderly,
            Some(code) => End::Died(format!("a worker ended with exit code {code}: {said}")),
            None => End::Died("a worker was killed".to_owned()),
        })
    }
}

/// Reads everything, so that nobody waits, and keeps the end of it.
fn last_line(stream: impl Read) -> String {
    BufReader::new(stream).lines().map_while(Result::ok).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_run_can_be_repeated_by_its_command() {
        assert_eq!(Target::Swarm.replay(7), "keyquake sim swarm --seed 7");
        let (path, name) = ("a/b.toml".into(), "b".to_owned());
        let (origin, overrides) = (Origin::of(None), vec!["topology.zones=1".to_owned()]);
        let file = Target::File { origin, path, name, overrides };
        let spaced = Target::File {
            origin: Origin::of(None),
            path: "a b.toml".into(),
            name: "b".to_owned(),
            overrides: vec!["description=a b".to_owned()],
        };
        let expected = "keyquake sim run 'a b.toml' --set 'description=a b' --seed 3";
        assert_eq!(spaced.replay(3), expected);
        let expected = "keyquake sim run a/b.toml --set topology.zones=1 --seed 3";
        assert_eq!(file.replay(3), expected);
        assert_eq!((file.run_name(3), Target::Swarm.run_name(3)), ("b".into(), "swarm-3".into()));
    }
}
