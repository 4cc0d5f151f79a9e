//! How the program ends, and the one sentence it says when it cannot go on.

use std::fmt::Display;
use std::process::ExitCode;
use std::{io, path::Path};

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is as it should be.
    Fine,
    /// A violation or a divergence was found.
    #[cfg(feature = "sim")]
    Found,
    /// The user's input cannot be used.
    Usage,
    /// Something got worse by more than a gate allows.
    #[cfg(feature = "sim")]
    Regression,
    /// Ctrl-C.
    #[cfg(feature = "sim")]
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Fine => 0,
            #[cfg(feature = "sim")]
            Exit::Found => 1,
            Exit::Usage => 2,
            #[cfg(feature = "sim")]
            Exit::Regression => 3,
            #[cfg(feature = "sim")]
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to say on standard error.
    Said {
        /// The code to end with.
        exit: Exit,
        /// What is wrong, where, and what would be right.
        message: String,
    },
    /// Nobody reads standard output any more.
    Closed,
}

impl Failure {
    /// The user's input cannot be used.
    pub(crate) fn usage(message: impl Display) -> Failure {
        Failure::Said { exit: Exit::Usage, message: message.to_string() }
    }

    /// Something was found that ends the command.
    #[cfg(feature = "sim")]
    pub(crate) fn found(message: impl Display) -> Failure {
        Failure::Said { exit: Exit::Found, message: message.to_string() }
    }

    /// A file or folder cannot be read or written; `what` is a verb.
    pub(crate) fn file(what: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::usage(format!("cannot {what} {}: {}", path.display(), reason(error)))
    }
}

/// What the operating system says, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
