//! Latency by percentile: the horizontal axis gives every further nine the same room, so the tail
//! that a mean hides is most of the picture.

use plotters::element::PathElement;
use plotters::prelude::DrawingBackend;
use plotters::style::Color;

use super::axis::{Axis, LABEL, Margins, frame};
use super::canvas::{Canvas, Drawn, SCALE, Type, css, fill, stroke};
use super::palette::{self, Ink};
use super::{Chart, WIDTH};
use crate::data::{Latency, Micros};
use crate::format::approximate;

const LEFT: f64 = 64.0;
const RIGHT: f64 = 270.0;
const TOP: f64 = 26.0;
const HEIGHT: u32 = 320;
/// The distance between two labels at the ends of the lines.
const LEADING: f64 = 15.0;

/// The latency of the operations that were called most.
#[derive(Clone, Debug)]
pub struct LatencyChart<'a> {
    shown: Vec<&'a Latency>,
}

impl<'a> LatencyChart<'a> {
    /// The chart of at most eight operations, those with the most requests.
    #[must_use]
    pub fn new(latencies: &'a [Latency]) -> Self {
        let measured = latencies.iter().filter(|latency| latency.count > 0);
        let mut shown: Vec<&Latency> = measured.collect();
        shown.sort_by(|a, b| b.count.cmp(&a.count).then(a.operation.cmp(&b.operation)));
        shown.truncate(palette::SERIES.len());
        Self { shown }
    }
}

impl Chart for LatencyChart<'_> {
    fn title(&self) -> String {
        let names: Vec<&str> = self.shown.iter().map(|l| l.operation.as_str()).collect();
        format!("Latency by percentile on a logarithmic scale: {}", names.join(", "))
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let (x, y) = self.axes();
        let words = "latency as clients saw it, by percentile; the last point is the maximum";
        canvas.text(words, (LEFT, 11.0), LABEL)?;
        let margins = Margins { top: TOP, left: LEFT, right: RIGHT };
        let mut context = frame(canvas, &margins, x, y)?;
        let mut ends = Vec::new();
        for (latency, ink) in self.shown.iter().zip(palette::SERIES) {
            let line = points(latency);
            context.draw_series([PathElement::new(line.clone(), stroke(ink, 2.0))])?;
            if let Some(last) = line.last() {
                let end = css(context.plotting_area().map_coordinate(last));
                canvas.dot(end, 3.0, fill(ink, 1.0))?;
                ends.push(End { at: end, ink, operation: &latency.operation });
            }
        }
        label_ends(canvas, ends)
    }
}

impl LatencyChart<'_> {
    fn axes(&self) -> (Axis, Axis) {
        let all = || self.shown.iter().flat_map(|latency| &latency.quantiles);
        let drawn = all().filter(|q| q.quantile >= 0.5).map(|q| q.micros);
        let least = drawn.clone().min().unwrap_or(Micros(100));
        let most = drawn.max().unwrap_or(Micros(100_000));
        let last = self.shown.iter().map(|l| nines(1.0, l.count)).fold(1.0, f64::max);
        (percentiles(last), Axis::logarithmic(least, most))
    }
}

/// Ticks at 50, 90, 99, 99.9 … percent, from the median to just beyond the last point.
fn percentiles(last: f64) -> Axis {
    let median = nines(0.5, u64::MAX);
    let named = ["90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"];
    let rest = (1..).map(f64::from).zip(named).take_while(|(at, _)| *at <= last);
    let ticks = std::iter::once((median, "50 %")).chain(rest);
    Axis {
        from: median,
        to: last.max(1.0) + 0.05,
        ticks: ticks.map(|(at, label)| (at, label.to_owned())).collect(),
    }
}

/// A quantile as its number of nines. The maximum of `count` values is the quantile that one value
/// in `count` exceeds, so it stays on the axis.
fn nines(quantile: f64, count: u64) -> f64 {
    -(1.0 - quantile).max(1.0 / approximate(count.max(2))).log10()
}

/// The line of one operation, on logarithmic coordinates.
fn points(latency: &Latency) -> Vec<(f64, f64)> {
    let drawn = latency.quantiles.iter().filter(|q| q.quantile >= 0.5);
    let height = |micros: Micros| approximate(micros.0.max(1)).log10();
    drawn.map(|q| (nines(q.quantile, latency.count), height(q.micros))).collect()
}

/// The end of a line, where its label belongs.
struct End<'a> {
    at: (f64, f64),
    ink: Ink,
    operation: &'a str,
}

/// Names the lines on the right, moved apart where they would overlap.
fn label_ends<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, mut ends: Vec<End<'_>>) -> Drawn<DB> {
    ends.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
    let wanted: Vec<f64> = ends.iter().map(|end| end.at.1).collect();
    let x = f64::from(WIDTH) - RIGHT + 14.0;
    for (end, y) in ends.iter().zip(spread(&wanted, (TOP, f64::from(HEIGHT) - 34.0))) {
        let (from, to) = ((end.at.0 + 5.0, end.at.1), (x - 4.0, y));
        if from.0 < to.0 {
            canvas.line(from, to, end.ink.color().mix(0.35).stroke_width(SCALE))?;
        }
        let name = Type::new(11.0, end.ink).bold();
        if let Some(label) = name.fitted(end.operation, RIGHT - 16.0) {
            canvas.text(&label, (x, y), name)?;
        }
    }
    Ok(())
}

/// Positions in rising order, at least a line apart and inside the room; those that would overlap
/// form a block around their common middle.
fn spread(wanted: &[f64], (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let height = |count: usize| LEADING * approximate(count as u64);
    for y in wanted {
        let mut block = (*y, 1);
        while let Some((middle, count)) = blocks.last().copied()
            && middle + height(count) / 2.0 > block.0 - height(block.1) / 2.0
        {
            blocks.pop();
            let (here, before) = (approximate(block.1 as u64), approximate(count as u64));
            block = ((block.0 * here + middle * before) / (here + before), block.1 + count);
        }
        let most = (bottom - height(block.1) / 2.0).max(top);
        block.0 = block.0.clamp((top + height(block.1) / 2.0).min(most), most);
        blocks.push(block);
    }
    let lines = |(middle, count): (f64, usize)| {
        let first = middle - height(count) / 2.0 + LEADING / 2.0;
        (0..count).map(move |i| first + height(i))
    };
    blocks.into_iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_never_overlap() {
        let placed = spread(&[20.0, 21.0, 22.0, 290.0, 299.0], (0.0, 300.0));
        assert!(placed.is_sorted_by(|a, b| b - a >= LEADING), "{placed:?}");
        assert!(placed[0] >= 0.0 && placed[4] <= 300.0, "{placed:?}");
        assert_eq!(spread(&[100.0, 200.0], (0.0, 300.0)), [100.0, 200.0]);
        assert_eq!(spread(&[100.0, 100.0], (0.0, 300.0)), [92.5, 107.5]);
    }

    #[test]
    fn every_nine_takes_the_same_room() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(nines(0.9, 1_000_000), 1.0) && near(nines(0.999, 1_000_000), 3.0));
        assert!(near(nines(1.0, 1_000), 3.0));
    }
}
