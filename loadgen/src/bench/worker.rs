//! A backend in another process, which takes its turns by order.
//!
//! It is how two commits are compared: each builds its own program, and both run at once, one block
//! after the other. A line asks, a line answers:
//! ```text
//!                   keyquake-bench 1 {"version": …, "commit": …}
//! ready NAME        yes | no
//! block NAME CALLS  NANOSECONDS | failed WHY
//! ```

use super::case::Case;
use super::machine::Build;
use super::side::Side;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// What the first line begins with: the name and version of this protocol.
const GREETING: &str = "keyquake-bench 1 ";

/// Takes turns until nobody asks any more.
///
/// # Errors
/// When the other end cannot be read or written.
pub fn serve(
    side: &mut dyn Side,
    build: &Build,
    input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    writeln!(output, "{GREETING}{}", serde_json::to_string(build)?)?;
    output.flush()?;
    for line in input.lines() {
        let answer = answer(side, &line?).unwrap_or_else(|error| format!("failed {error}"));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(side: &mut dyn Side, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let case = |name: &str| Case::all().into_iter().find(|case| case.to_string() == name);
    match words[..] {
        // An operation that this commit does not know is one it cannot do.
        ["ready", name] => {
            let able = case(name).map(|case| side.ready(&case)).transpose()?.unwrap_or(false);
            Ok(if able { "yes" } else { "no" }.to_owned())
        }
        ["block", name, calls] => {
            let case = case(name).ok_or("no such operation")?;
            let calls = calls.parse().map_err(|_| "calls are a number")?;
            Ok(side.block(&case, calls)?.as_nanos().to_string())
        }
        _ => Err("not understood".to_owned()),
    }
}

/// The other process.
pub struct Worker {
    label: String,
    build: Build,
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a program that serves.
    ///
    /// # Errors
    /// When it cannot be started, or does not greet: it is older than this protocol.
    pub fn start(label: &str, command: &mut Command) -> Result<Worker, String> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn().map_err(|error| format!("{label} does not start: {error}"));
        let mut child = started?;
        let (asks, answers) = (child.stdin.take(), child.stdout.take());
        let answers = answers.ok_or_else(|| format!("{label} has no output"))?;
        let mut worker = Worker {
            label: label.to_owned(),
            build: Build::default(),
            child,
            asks,
            answers: BufReader::new(answers),
        };
        let greeting = worker.line()?;
        let build = greeting.strip_prefix(GREETING);
        worker.build =
            build.and_then(|build| serde_json::from_str(build).ok()).ok_or_else(|| {
                format!(
                    "{label} cannot be compared: it has no `keyquake bench`, or one of another form"
                )
            })?;
        Ok(worker)
    }

    /// What is running there.
    pub fn build(&self) -> &Build {
        &self.build
    }

    fn ask(&mut self, line: &str) -> Result<String, String> {
        let gone = |error| format!("{} does not listen any more: {error}", self.label);
        if let Some(asks) = &mut self.asks {
            writeln!(asks, "{line}").and_then(|()| asks.flush()).map_err(gone)?;
        }
        let answer = self.line()?;
        match answer.strip_prefix("failed ") {
            Some(why) => Err(format!("{}: {why}", self.label)),
            None => Ok(answer),
        }
    }

    /// The next line; nothing when there is none any more.
    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        read.map_err(|error| format!("{} does not answer: {error}", self.label))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Side for Worker {
    fn label(&self) -> &str {
        &self.label
    }

    fn ready(&mut self, case: &Case) -> Result<bool, String> {
        Ok(self.ask(&format!("ready {case}"))? == "yes")
    }

    fn block(&mut self, case: &Case, calls: u32) -> Result<Duration, String> {
        let answer = self.ask(&format!("block {case} {calls}"))?;
        let nanos = answer.parse().map_err(|_| format!("{} ended", self.label))?;
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when nobody can ask any more; one that is busy is not waited for.
        self.asks = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Side for Known {
        fn label(&self) -> &str {
            "known"
        }

        fn ready(&mut self, case: &Case) -> Result<bool, String> {
            Ok(case.to_string() == "random/32B")
        }

        fn block(&mut self, _: &Case, calls: u32) -> Result<Duration, String> {
            match calls {
                0 => Err("no call".to_owned()),
                calls => Ok(Duration::from_nanos(7) * calls),
            }
        }
    }

    #[test]
    fn a_line_asks_and_a_line_answers() {
        let asks = "ready random/32B\nready mac/HMAC_224\nready mac/NEW\nblock random/32B 3\n\
                    block random/32B 0\nblock x 1\nwhat\n";
        let mut said = Vec::new();
        serve(&mut Known, &Build::default(), asks.as_bytes(), &mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with(GREETING));
        let expected = ["yes", "no", "no", "21", "failed no call", "failed no such operation"];
        assert_eq!(lines[1..7], expected);
        assert_eq!(lines[7], "failed not understood");
    }

    #[test]
    fn what_is_no_such_program_is_refused() {
        let refused = |program: &str| {
            Worker::start("it", &mut Command::new(program)).map(|_| ()).unwrap_err()
        };
        assert!(refused("true").contains("no `keyquake bench`"));
        assert!(refused("/nowhere/keyquake").contains("does not start"));
    }
}
