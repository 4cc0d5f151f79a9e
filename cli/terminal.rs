//! Standard output and standard error: results on the one, everything else on the other.
//!
//! Colours are written always and stripped where they are not wanted: when the stream is no terminal,
//! or `NO_COLOR` is set.

use crate::exit::Failure;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::io::{self, Write};

/// The style of headings in listings.
pub(crate) const BOLD: Style = Style::new().bold();
/// The style of what matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// The style of errors.
const RED: Style = AnsiColor::Red.on_default().bold();

/// Writes a result to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    written(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// Writes one value as one line of JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(Failure::usage)?;
    print(&format!("{line}\n"))
}

/// Says on standard error what is wrong.
pub(crate) fn complain(message: &str) {
    say(&format!("{RED}keyquake:{RED:#} {message}"));
}

/// Says something on standard error. That nobody hears it is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::usage(format!("cannot write to standard output: {error}")),
    })
}

/// Rows in aligned columns, two blanks apart; the last column is not padded.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a".into(), "long".into()], ["bcd".into(), "x".into()]];
        assert_eq!(table(&rows), "a    long\nbcd  x\n");
    }
}
