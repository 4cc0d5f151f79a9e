//! What is wrong in a file: where, and what would be right.

use super::node::At;
use std::fmt;

/// A problem at a place; whoever knows the file adds its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: At,
    /// One sentence.
    pub message: String,
}

impl Problem {
    pub(crate) fn at(at: At, message: impl Into<String>) -> Problem {
        Problem { at, message: message.into() }
    }

    /// The problem with the name of its file, as compilers print it.
    pub fn in_file(&self, file: &str) -> String {
        match self.at.line {
            0 => format!("{file}: {}", self.message),
            _ => format!("{file}:{self}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.at.line, self.at.column, self.message)
    }
}

impl std::error::Error for Problem {}
