//! Lines over time: rates, counts or durations, and a limit where there is one.

use std::borrow::Cow;

use plotters::element::PathElement;
use plotters::prelude::DrawingBackend;

use super::axis::{Axis, LABEL, Margins, frame};
use super::canvas::{Canvas, Drawn, Type, css, fill, stroke};
use super::palette;
use super::tracks::{RIGHT, TimeScale};
use super::{Chart, WIDTH};
use crate::data::Micros;
use crate::format::approximate;

const LEFT: f64 = 64.0;
const TOP: f64 = 28.0;
const HEIGHT: u32 = 230;
/// A limit beyond this multiple of the highest value is named but not drawn.
const LIMIT_IN_SIGHT: f64 = 3.0;

/// What the values of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Numbers, from zero.
    Linear,
    /// Whole numbers, from zero.
    Counts,
    /// Microseconds, on a logarithmic axis.
    Durations,
}

/// A line: its name and its points, seconds and values.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The name.
    pub name: Cow<'static, str>,
    /// The points in order of time.
    pub points: Vec<(f64, f64)>,
}

/// Lines over the course of a load.
#[derive(Clone, Debug)]
pub struct LinesChart {
    words: &'static str,
    scale: Scale,
    until: f64,
    lines: Vec<Line>,
    limit: Option<(String, f64)>,
}

impl LinesChart {
    /// A chart of at most eight lines until so many seconds; `words` say what the values are.
    #[must_use]
    pub fn new(words: &'static str, scale: Scale, until: f64, mut lines: Vec<Line>) -> Self {
        lines.truncate(palette::SERIES.len());
        Self { words, scale, until, lines, limit: None }
    }

    /// The same with a limit, by its words and value.
    #[must_use]
    pub fn with_limit(self, limit: Option<(String, f64)>) -> Self {
        Self { limit, ..self }
    }

    fn highest(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        values.fold(0.0, f64::max)
    }

    fn axis(&self, limit: f64) -> Axis {
        let most = self.highest();
        match self.scale {
            Scale::Linear => Axis::linear(most.max(limit) * 1.06),
            Scale::Counts => Axis::counts(most.max(limit) * 1.06),
            Scale::Durations => {
                let values = self.lines.iter().flat_map(|line| &line.points);
                let least = values.map(|(_, value)| *value).filter(|value| *value > 0.0);
                Axis::logarithmic(micros(least.fold(most.max(1.0), f64::min)), micros(most))
            }
        }
    }

    fn height_of(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear | Scale::Counts => value,
            Scale::Durations => value.max(1.0).log10(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "above zero, and rounded"
)]
fn micros(value: f64) -> Micros {
    Micros(value.max(1.0) as u64)
}

impl Chart for LinesChart {
    fn title(&self) -> String {
        let names: Vec<&str> = self.lines.iter().map(|line| line.name.as_ref()).collect();
        format!("{} over time: {}", self.words, names.join(", "))
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let highest = self.highest();
        let in_sight = |(_, limit): &&(String, f64)| *limit <= highest * LIMIT_IN_SIGHT;
        let drawn = self.limit.as_ref().filter(in_sight).map(|(_, limit)| *limit);
        self.legend(canvas, drawn.is_some())?;
        let x = Axis::time(micros(self.until * 1e6), 9);
        let margins = Margins { top: TOP, left: LEFT, right: RIGHT };
        let mut context = frame(canvas, &margins, x, self.axis(drawn.unwrap_or(0.0)))?;
        for (line, ink) in self.lines.iter().zip(palette::SERIES) {
            let points: Vec<_> =
                line.points.iter().map(|(at, value)| (*at, self.height_of(*value))).collect();
            if let [only] = points[..] {
                let at = css(context.plotting_area().map_coordinate(&only));
                canvas.dot(at, 3.0, fill(ink, 1.0))?;
            }
            context.draw_series([PathElement::new(points, stroke(ink, 1.6))])?;
        }
        if let Some(limit) = drawn {
            let at = (0.0, self.height_of(limit));
            let (_, y) = css(context.plotting_area().map_coordinate(&at));
            canvas.dashes(LEFT, TimeScale::right(), y, stroke(palette::LIMIT, 1.5))?;
        }
        Ok(())
    }
}

impl LinesChart {
    /// What the axis counts, what the colours mean, and the limit in words.
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, in_sight: bool) -> Drawn<DB> {
        let text = Type::new(11.0, palette::TEXT);
        let mut x = LEFT;
        canvas.text(self.words, (x, 11.0), LABEL)?;
        x += LABEL.width(self.words) + 26.0;
        for (line, ink) in self.lines.iter().zip(palette::SERIES) {
            canvas.rect((x, 6.0), (x + 10.0, 16.0), fill(ink, 1.0))?;
            canvas.text(&line.name, (x + 15.0, 11.0), text)?;
            x += 15.0 + text.width(&line.name) + 20.0;
        }
        let Some((words, _)) = &self.limit else { return Ok(()) };
        if in_sight {
            canvas.dashes(x, x + 26.0, 11.0, stroke(palette::LIMIT, 1.5))?;
            x += 32.0;
        }
        let above = if in_sight { "" } else { ", above this chart" };
        let words = format!("{words}{above}");
        let room = f64::from(WIDTH) - x - 8.0;
        match text.fitted(&words, room) {
            Some(words) => canvas.text(&words, (x, 11.0), text),
            None => Ok(()),
        }
    }
}

/// A value in the middle of an interval, so that a line stands where its calls were.
pub(crate) fn middle(from: f64, seconds: f64) -> f64 {
    from + seconds / 2.0
}

/// Microseconds as the value of a line.
pub(crate) fn duration(micros: Micros) -> f64 {
    approximate(micros.0)
}
