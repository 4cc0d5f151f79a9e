//! `keyquake sim check`: is a run a function of its scenario and its seed?
//!
//! Two processes of this program run the same, so that nothing one process could share, such as the
//! state of a library or the place of its memory, can make two runs alike. Every record is compared,
//! not only the digest.

use super::folder::HISTORY;
use super::input;
use super::replay::Replay;
use super::run::{Setup, interrupted, obey_interrupts};
use crate::exit::{Exit, Failure};
use crate::terminal;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Records shown before the first that differs.
const CONTEXT: usize = 6;
/// How often it is looked whether the runs are over.
const LOOK: Duration = Duration::from_millis(20);

const EXAMPLES: &str = "\
Examples:
  keyquake sim check scenarios/quickstart.toml --seed 7
  keyquake sim check scenarios/quickstart.toml --seed 7 --json

Exit codes: 0 the same twice, 1 two different runs or one that broke, 2 bad usage or input, 130 \
interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The scenario file
    scenario: PathBuf,
    /// The seed
    #[arg(long)]
    seed: u64,
    #[command(flatten)]
    setup: Setup,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a child says of its run.
#[derive(Deserialize)]
struct Ran {
    digest: String,
    folder: PathBuf,
}

/// What came of it, for programs.
#[derive(Serialize)]
struct Told<'a> {
    scenario: String,
    seed: u64,
    same: bool,
    digests: [&'a str; 2],
    divergence: Option<&'a Divergence>,
}

/// Where two histories part.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Divergence {
    /// The number of the first record that differs, from 1.
    record: u64,
    /// The last records before it.
    before: Vec<String>,
    /// The record of the first run; nothing when its history has ended.
    first: Option<String>,
    /// The record of the second run.
    second: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let path = &arguments.scenario;
    if path.is_dir() {
        let path = path.display();
        return Err(Failure::usage(format!("{path} is a folder; name one scenario file")));
    }
    input::read(std::slice::from_ref(path), &arguments.setup.overrides)?;
    obey_interrupts()?;
    let scratch = Scratch::new()?;
    let folders = ["first", "second"].map(|name| scratch.0.join(name));
    let children = folders.each_ref().map(|folder| start(arguments, folder));
    let mut running = Running(Vec::new());
    for child in children {
        running.0.push(child?);
    }
    if !running.wait()? {
        return Ok(Exit::Interrupted);
    }
    let [first, second] = folders.map(|folder| ended(&folder));
    let (first, second) = (first?, second?);
    let divergence = divergence(&open(&first)?, &open(&second)?)?;
    let same = divergence.is_none() && first.digest == second.digest;
    let digests = [first.digest.as_str(), second.digest.as_str()];
    match (arguments.json, &divergence) {
        (true, divergence) => terminal::print_json(&Told {
            scenario: path.display().to_string(),
            seed: arguments.seed,
            same,
            digests,
            divergence: divergence.as_ref(),
        })?,
        (false, Some(divergence)) => terminal::print(&divergence.text())?,
        (false, None) if same => {
            terminal::print(&format!("the same twice: digest {}\n", first.digest))?;
        }
        (false, None) => terminal::print(&format!(
            "every record is the same, and the digests are not:\n  {}\n  {}\n",
            digests[0], digests[1]
        ))?,
    }
    Ok(if same { Exit::Fine } else { Exit::Found })
}

/// What a child writes goes to files beside its folder: nobody has to read for it to go on.
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
        .stdout(made(&folder.with_extension(SAID))?)
        .stderr(made(&folder.with_extension(ERRORS))?)
        .spawn()
        .map_err(|error| Failure::file("start", &program, &error))
}

/// The endings of the files that standard output and standard error of a child go to.
const SAID: &str = "out";
const ERRORS: &str = "err";

fn made(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::file("write", path, &error))
}

/// Children at work, which end with their parent.
struct Running(Vec<Child>);

impl Running {
    /// Waits until all are over; whether nobody broke them off.
    fn wait(&mut self) -> Result<bool, Failure> {
        let lost = |error| Failure::usage(format!("a run was lost: {error}"));
        while !interrupted() {
            let mut open = false;
            for child in &mut self.0 {
                open |= child.try_wait().map_err(lost)?.is_none();
            }
            if !open {
                return Ok(!interrupted());
            }
            std::thread::sleep(LOOK);
        }
        Ok(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a child said in the end. A run that finds a violation is as good as any other here; one that
/// breaks is not.
fn ended(folder: &Path) -> Result<Ran, Failure> {
    let said = read(&folder.with_extension(SAID))?;
    let errors = || Ok(complaint(&read(&folder.with_extension(ERRORS))?));
    serde_json::from_str(&said).or_else(|_| Err(Failure::found(errors()?)))
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last thing that a child said.
fn complaint(said: &str) -> String {
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
fn divergence(first: &Path, second: &Path) -> Result<Option<Divergence>, Failure> {
    let (mut ones, mut others) = (lines(first)?, lines(second)?);
    let mut before: VecDeque<String> = VecDeque::with_capacity(CONTEXT);
    for record in 1_u64.. {
        match (next(&mut ones, first)?, next(&mut others, second)?) {
            (None, None) => break,
            (Some(one), Some(other)) if one == other => {
                if before.len() == CONTEXT {
                    before.pop_front();
                }
                before.push_back(one);
            }
            (first, second) => {
                let before = before.into();
                return Ok(Some(Divergence { record, before, first, second }));
            }
        }
    }
    Ok(None)
}

impl Divergence {
    fn text(&self) -> String {
        let Divergence { record, before, first, second } = self;
        let end = "the end of the history";
        let before: String = before.iter().map(|line| format!("    {line}\n")).collect();
        let [one, other] = [first, second].map(|line| line.as_deref().unwrap_or(end));
        format!("the runs part at record {record}:\n{before}  1 {one}\n  2 {other}\n")
    }
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
        found.map(|found| found.text())
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
