//! `keyquake sim check`: is a run a function of its scenario and its seed?
//!
//! Two processes of this program run the same, so that nothing one process could share, such as the
//! state of a library or the place of its memory, can make two runs alike. Every record is compared,
//! not only the digest.

use super::folder::HISTORY;
use super::input;
use super::replay::Replay;
use super::run::Setup;
use crate::exit::{Exit, Failure};
use crate::terminal;
use clap::Args;
use serde::Deserialize;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Records shown before the first that differs.
const CONTEXT: usize = 6;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyquake sim check scenarios/quickstart.toml --seed 7")]
pub(crate) struct Arguments {
    /// The scenario file
    scenario: PathBuf,
    /// The seed
    #[arg(long)]
    seed: u64,
    #[command(flatten)]
    setup: Setup,
}

/// What a child says of its run.
#[derive(Deserialize)]
struct Ran {
    digest: String,
    folder: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    input::read(std::slice::from_ref(&arguments.scenario), &arguments.setup.overrides)?;
    let scratch = Scratch::new()?;
    let children = ["first", "second"].map(|name| start(arguments, &scratch.0.join(name)));
    let [first, second] = children.map(|child| child.and_then(end));
    let (first, second) = (first?, second?);
    let divergence = divergence(&open(&first)?, &open(&second)?)?;
    let same = divergence.is_none() && first.digest == second.digest;
    terminal::print(&match (divergence, same) {
        (Some(text), _) => text,
        (None, true) => format!("the same twice: digest {}\n", first.digest),
        (None, false) => format!(
            "every record is the same, and the digests are not:\n  {}\n  {}\n",
            first.digest, second.digest
        ),
    })?;
    Ok(if same { Exit::Fine } else { Exit::Found })
}

fn start(arguments: &Arguments, folder: &Path) -> Result<Child, Failure> {
    let Setup { overrides, backend } = &arguments.setup;
    let (path, seed) = (Some(arguments.scenario.as_path()), arguments.seed);
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("cannot find this program: {error}")))?;
    Command::new(&program)
        .args(Replay { path, seed, overrides, backend: *backend }.arguments())
        .args(["--json", "--history", "--output"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::file("start", &program, &error))
}

/// A run that finds a violation is as good as any other here; one that breaks is not.
fn end(child: Child) -> Result<Ran, Failure> {
    let output = child.wait_with_output();
    let output = output.map_err(|error| Failure::usage(format!("a run was lost: {error}")))?;
    serde_json::from_slice(&output.stdout).map_err(|_| Failure::found(complaint(&output)))
}

/// The last thing that a child said.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("a run ended without a word");
    last.trim_start_matches("keyquake: ").to_owned()
}

fn open(ran: &Ran) -> Result<PathBuf, Failure> {
    let path = ran.folder.join(HISTORY);
    match path.is_file() {
        true => Ok(path),
        false => Err(Failure::found(format!("{}: a run left no history", path.display()))),
    }
}

/// The first record that differs, after the last ones that do not.
fn divergence(first: &Path, second: &Path) -> Result<Option<String>, Failure> {
    let (mut ones, mut others) = (lines(first)?, lines(second)?);
    let mut common: VecDeque<String> = VecDeque::with_capacity(CONTEXT);
    for number in 1_u64.. {
        match (next(&mut ones, first)?, next(&mut others, second)?) {
            (None, None) => break,
            (Some(one), Some(other)) if one == other => {
                common.truncate(CONTEXT - 1);
                common.push_front(one);
            }
            (one, other) => return Ok(Some(described(number, &common, one, other))),
        }
    }
    Ok(None)
}

fn described(
    number: u64,
    common: &VecDeque<String>,
    one: Option<String>,
    other: Option<String>,
) -> String {
    let end = || "the end of the history".to_owned();
    let before: String = common.iter().rev().map(|line| format!("    {line}\n")).collect();
    let (one, other) = (one.unwrap_or_else(end), other.unwrap_or_else(end));
    format!("the runs part at record {number}:\n{before}  1 {one}\n  2 {other}\n")
}

fn lines(path: &Path) -> Result<Lines<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok(BufReader::new(file).lines())
}

fn next(lines: &mut Lines<BufReader<File>>, path: &Path) -> Result<Option<String>, Failure> {
    lines.next().transpose().map_err(|error| Failure::file("read", path, &error))
}

/// A folder that goes when the check is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        let path = std::env::temp_dir().join(format!("keyquake-check-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::file("make", &path, &error))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(name: &str, one: &str, other: &str) -> Option<String> {
        let folder = std::env::temp_dir();
        let path = |which: &str| folder.join(format!("{name}-{}-{which}", std::process::id()));
        let paths = [(path("1"), one), (path("2"), other)];
        for (path, text) in &paths {
            fs::write(path, text).unwrap();
        }
        let found = divergence(&paths[0].0, &paths[1].0).unwrap();
        paths.iter().for_each(|(path, _)| fs::remove_file(path).unwrap());
        found
    }

    #[test]
    fn histories_that_are_alike_do_not_part() {
        assert_eq!(compared("alike", "a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn the_first_difference_is_shown_with_what_went_before() {
        let found = compared("differ", "a\nb\nc\nd\n", "a\nb\nx\nd\n").unwrap();
        assert_eq!(found, "the runs part at record 3:\n    a\n    b\n  1 c\n  2 x\n");
        let found = compared("shorter", "a\n", "a\nb\n").unwrap();
        assert!(found.contains("  1 the end of the history\n  2 b\n"), "{found}");
    }
}
