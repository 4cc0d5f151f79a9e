//! The texts a scenario was read from, and places in them.
//!
//! A scenario may come from a file, the bases it extends and several `--set` overrides. Every key
//! and value remembers which text it came from, so that an error names the right one.

use crate::error::ScenarioError;

/// A range of bytes in one of the texts.
///
/// Places order as a reader meets them: the file first, then its bases, then the overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    source: usize,
    start: usize,
    end: usize,
}

impl Place {
    /// The place of values that come from no text, such as defaults. No error ever points here.
    pub(crate) const NOWHERE: Self = Self { source: usize::MAX, start: 0, end: 0 };
}

/// Every text, in the order in which they were opened.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

#[derive(Debug)]
struct Source {
    name: String,
    text: String,
}

/// Names one text of [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceId(usize);

impl SourceId {
    /// The place of a byte range in this text.
    pub(crate) fn place(self, range: std::ops::Range<usize>) -> Place {
        Place { source: self.0, start: range.start, end: range.end }
    }
}

impl Sources {
    /// Keeps a text and names it.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> SourceId {
        self.0.push(Source { name: name.into(), text: text.into() });
        SourceId(self.0.len() - 1)
    }

    /// The very beginning of the first text.
    pub(crate) fn start(&self) -> Place {
        SourceId(0).place(0..0)
    }

    /// The error that says `message` about a place.
    pub(crate) fn error(&self, place: Place, message: &str) -> ScenarioError {
        match self.0.get(place.source) {
            Some(source) => source.error(place, message),
            None => ScenarioError::whole_file("scenario", message.into()),
        }
    }
}

impl Source {
    fn error(&self, place: Place, message: &str) -> ScenarioError {
        let start = self.boundary(place.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let end = self.boundary(place.end).clamp(start, (line_start + line.len()).max(start));
        ScenarioError {
            file: self.name.clone(),
            line: self.text[..start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            message: message.into(),
            source_line: line.into(),
            width: self.text[start..end].chars().count().max(1),
        }
    }

    /// The nearest character boundary at or before a byte offset.
    fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_at(text: &str, range: std::ops::Range<usize>) -> ScenarioError {
        let mut sources = Sources::default();
        let id = sources.add("x.toml", text);
        sources.error(id.place(range), "wrong")
    }

    #[test]
    fn points_at_a_range_of_characters() {
        let error = error_at("a = 1\nö = \"käse\"\n", 11..18);
        assert_eq!(error.to_string(), "x.toml:2:5: wrong\n  ö = \"käse\"\n      ^^^^^^");
    }

    #[test]
    fn keeps_tabs_under_tabs() {
        assert_eq!(error_at("\tb = 1", 1..2).to_string(), "x.toml:1:2: wrong\n  \tb = 1\n  \t^");
    }

    #[test]
    fn underlines_no_further_than_its_line() {
        assert_eq!(error_at("ab\ncd", 1..5).width, 1);
        assert_eq!(error_at("ab\n", 3..3).line, 2);
    }
}
