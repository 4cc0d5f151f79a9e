//! The one error of the scenario language: where it is, what is wrong and what would be right.
//!
//! An error is a value that can be compared, so tests hold whole messages and a shrinker can tell
//! two failures apart. It carries the offending line: the file may be gone when it is shown.

use std::fmt;

/// A problem in a scenario file or in a `--set` override.
///
/// `Display` prints `file:line:column: message`, then the line with a caret under the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file as it was named, or `--set` for an override.
    pub file: String,
    /// Line, counted from 1; 0 when the file could not be read at all.
    pub line: usize,
    /// Column in characters, counted from 1; 0 when the file could not be read at all.
    pub column: usize,
    /// One sentence: what is wrong, and what would be right.
    pub message: String,
    /// The line the error is in, without its line end.
    pub source_line: String,
    /// How many characters the caret underlines, at least 1.
    pub width: usize,
}

impl ScenarioError {
    /// An error about a whole file, such as one that cannot be read.
    pub(crate) fn whole_file(file: &str, message: String) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            message,
            source_line: String::new(),
            width: 1,
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, "  {}", self.source_line)?;
        write!(f, "  {}{}", self.indent(), "^".repeat(self.width))
    }
}

impl ScenarioError {
    /// The blanks before the caret; tabs stay tabs so that the caret stays under its place.
    fn indent(&self) -> String {
        let before = self.source_line.chars().take(self.column.saturating_sub(1));
        before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect()
    }
}

impl std::error::Error for ScenarioError {}
