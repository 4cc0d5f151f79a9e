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

/// The longest line that is shown whole, in characters.
const LONGEST_LINE: usize = 160;
/// Of a longer one, so much before the place.
const BEFORE: usize = 60;
/// The longest message that is shown whole; of a longer one, the two ends.
const LONGEST_MESSAGE: usize = 600;

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (printable(&self.file), shortened(&printable(&self.message)));
        if self.line == 0 {
            return write!(f, "{file}: {message}");
        }
        let Excerpt { text, before, width } = self.excerpt();
        writeln!(f, "{file}:{}:{}: {message}", self.line, self.column)?;
        writeln!(f, "  {text}")?;
        write!(f, "  {before}{}", "^".repeat(width))
    }
}

/// What is shown of the line of an error.
struct Excerpt {
    text: String,
    /// The blanks before the caret; tabs stay tabs so that the caret stays under its place.
    before: String,
    width: usize,
}

impl ScenarioError {
    fn excerpt(&self) -> Excerpt {
        let line: Vec<char> = printable(&self.source_line).chars().collect();
        let at = self.column.saturating_sub(1).min(line.len());
        let from = if line.len() > LONGEST_LINE { at.saturating_sub(BEFORE) } else { 0 };
        let until = line.len().min(from + LONGEST_LINE);
        let [front, back] = [from > 0, until < line.len()].map(|cut| if cut { "…" } else { "" });
        let text: String = line[from..until].iter().collect();
        let blank = |c: &char| if *c == '\t' { '\t' } else { ' ' };
        let before: String =
            front.chars().map(|_| ' ').chain(line[from..at].iter().map(blank)).collect();
        let width = self.width.min(until.saturating_sub(at)).max(1);
        Excerpt { text: format!("{front}{text}{back}"), before, width }
    }
}

fn shortened(message: &str) -> String {
    let letters: Vec<char> = message.chars().collect();
    if letters.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let half = LONGEST_MESSAGE / 2;
    let [front, back] = [&letters[..half], &letters[letters.len() - half..]];
    front.iter().chain(&['…']).chain(back).collect()
}

/// Text of a scenario as a terminal may have it: control characters other than tabs, and those that
/// turn the direction of writing, are replaced.
pub fn printable(text: &str) -> String {
    let hostile = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source_line: &str, column: usize, width: usize) -> ScenarioError {
        let (file, message) = ("x.toml".to_owned(), "wrong".to_owned());
        ScenarioError { file, line: 1, column, message, source_line: source_line.to_owned(), width }
    }

    #[test]
    fn no_text_of_a_file_steers_a_terminal() {
        let mut error = error("a = \"\u{1b}]0;x\u{7}\u{202e}\"", 5, 6);
        error.message = "unknown \u{1b}[2J".to_owned();
        error.file = "x\u{9b}.toml".to_owned();
        let said = error.to_string();
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
        assert!(!said.contains('\u{202e}'), "{said:?}");
        assert!(said.contains("unknown \u{fffd}[2J"), "{said:?}");
    }

    #[test]
    fn a_long_line_is_cut_around_its_place() {
        let line = format!("{}here{}", "a".repeat(5_000), "b".repeat(5_000));
        let said = error(&line, 5_001, 4).to_string();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert!(lines[1].starts_with("  …aaa") && lines[1].ends_with("bbb…"), "{said}");
        let shown: String = lines[1].chars().skip(lines[2].chars().count() - 4).take(4).collect();
        assert_eq!((shown.as_str(), lines[2].trim_start()), ("here", "^^^^"), "{said}");
        let said = error(&line, 1, 10_004).to_string();
        assert!(said.chars().count() < 500, "{said}");
    }

    #[test]
    fn a_long_message_keeps_its_ends() {
        let mut error = error("a", 1, 1);
        error.message = format!("unknown {}; did you mean b?", "a".repeat(10_000));
        let said = error.to_string();
        assert!(said.contains("unknown aaa") && said.contains("did you mean b?"), "{said}");
        assert!(said.chars().count() < 700, "{said}");
    }
}
