//! `keyquake completions`: what a shell needs to complete the commands.

use crate::command::Cli;
use crate::exit::{Exit, Failure};
use crate::terminal;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyquake completions bash > ~/.local/share/bash-completion/completions/keyquake"
)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "keyquake", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
