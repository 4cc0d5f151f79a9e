//! The commands, as clap reads them. Each subcommand's own arguments stand in its own file.

use clap::{Parser, Subcommand};

/// A reference KMS that you can shake.
#[derive(Debug, Parser)]
#[command(
    name = "keyquake",
    version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("KEYQUAKE_COMMIT"), ")"),
    max_term_width = 100,
    after_help = AFTER_HELP
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(feature = "sim")]
const AFTER_HELP: &str = "\
Examples:
  keyquake sim run scenarios/quickstart.toml
  keyquake sim list scenarios
  keyquake serve
  keyquake quota show aws-2026 --region eu-west-1";

#[cfg(not(feature = "sim"))]
const AFTER_HELP: &str = "\
Examples:
  keyquake serve
  keyquake quota show aws-2026 --region eu-west-1

This binary was built without the simulator (cargo feature `sim`).";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios on a simulated multi-Region KMS, replayable from a seed
    #[cfg(feature = "sim")]
    Sim(crate::sim::Arguments),
    /// Drive real load by the schedule of a scenario, and measure it
    #[cfg(feature = "sim")]
    Load(crate::load::Arguments),
    /// Time the libraries of cryptography, and compare them beyond noise
    #[cfg(feature = "sim")]
    Bench(crate::bench::Arguments),
    /// Draw the pages of finished runs again
    #[cfg(feature = "sim")]
    Report(crate::report::Arguments),
    /// Explain and check the key policies of a template or plan
    #[cfg(feature = "sim")]
    Policy(crate::policy::Arguments),
    /// Serve the KMS over HTTP, for the official SDKs and command lines
    Serve(crate::serve::Arguments),
    /// Show the request quotas that a run can be held to
    Quota(crate::quota::Arguments),
    /// Print a completion script for a shell
    Completions(crate::completions::Arguments),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_that_does_something_has_an_example() {
        fn check(command: &clap::Command) {
            let inner: Vec<_> = command.get_subcommands().collect();
            if inner.is_empty() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("keyquake "), "{}: {help}", command.get_name());
            }
            inner.into_iter().for_each(check);
        }
        check(&Cli::command());
    }

    /// Paragraphs that were cut into lines by hand were cut again where the terminal is narrower.
    #[test]
    fn help_is_wrapped_once() {
        fn check(command: &mut clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = after.lines().collect();
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
            for pair in lines.windows(2) {
                let cut = is_prose(pair[0]) && is_prose(pair[1]);
                assert!(!cut, "{path}: one paragraph is one line:\n{}\n{}", pair[0], pair[1]);
            }
            let long = lines.iter().find(|line| !is_prose(line) && line.chars().count() > 100);
            assert_eq!(long, None, "{path}: an example is longer than a line");
            command.get_subcommands_mut().for_each(|inner| check(inner, &path));
        }
        check(&mut Cli::command(), "");
    }
}
