//! Requests over time against the documented limit: what was asked for, let through and refused.

use plotters::element::Polygon;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, Context, LABEL, Margins, frame};
use super::canvas::{Canvas, Drawn, Type, css, fill, stroke};
use super::palette::{self, Ink};
use super::tracks::{self, RIGHT, STRIP, TimeScale};
use super::{Chart, WIDTH};
use crate::data::{Bucket, Fault, Limit, Micros, Phase, RunReport, Series};
use crate::format::{approximate, decimal};

/// More buckets than this are merged: each should stay wider than a pixel.
const MOST_BUCKETS: usize = 300;
/// A limit beyond this multiple of the highest bucket is named but not drawn: the line would press
/// the requests flat.
const LIMIT_IN_SIGHT: f64 = 3.0;
/// The most rows of fault labels above a plot; every fault is still shaded.
const MOST_ROWS: usize = 3;

const LEFT: f64 = 56.0;
const LEGEND: f64 = 30.0;
const PLOT: f64 = 190.0;

/// The chart of one Region and quota pool.
#[derive(Clone, Debug)]
pub struct RequestsChart<'a> {
    series: &'a Series,
    phases: &'a [Phase],
    rows: Vec<Vec<&'a Fault>>,
    scale: TimeScale,
}

impl<'a> RequestsChart<'a> {
    /// The chart of one series, with the phases of the run and the faults that touch its Region.
    #[must_use]
    pub fn new(series: &'a Series, report: &'a RunReport) -> Self {
        let touching = |fault: &&Fault| fault.touches(&series.region);
        let rows = tracks::rows(report.faults.iter().filter(touching));
        let buckets = series.width.0.saturating_mul(series.buckets.len() as u64);
        let scale = TimeScale { left: LEFT, until: report.end().max(Micros(buckets)) };
        Self { series, phases: &report.phases, rows, scale }
    }

    /// The height of the strips above the plot.
    fn strips(&self) -> f64 {
        let phases = usize::from(!self.phases.is_empty());
        STRIP * approximate((phases + self.rows.len().min(MOST_ROWS)) as u64)
    }
}

impl Chart for RequestsChart<'_> {
    fn title(&self) -> String {
        let Series { region, pool, .. } = self.series;
        let Bucket { offered, admitted, throttled, errors } = self.series.total();
        format!(
            "Requests over simulated time in {region}, pool {pool}: {offered} offered, \
             {admitted} admitted, {throttled} throttled, {errors} errors"
        )
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
    fn height(&self) -> u32 {
        (LEGEND + self.strips() + PLOT + 26.0) as u32
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let series = self.series.coarsened(MOST_BUCKETS);
        let highest = highest_rate(&series);
        let limit = series.limit.as_ref();
        let in_sight = |rate: &f64| highest == 0.0 || *rate <= highest * LIMIT_IN_SIGHT;
        let drawn = limit.map(Limit::effective).filter(in_sight);
        let x = Axis::time(self.scale.until, 9);
        let y = Axis::linear(highest.max(drawn.unwrap_or(0.0)) * 1.06);
        legend(canvas, &series, drawn.is_some())?;
        self.shade(canvas)?;
        let margins = Margins { top: LEGEND + self.strips(), left: LEFT, right: RIGHT };
        let mut context = frame(canvas, &margins, x, y)?;
        layers(&mut context, &series)?;
        if series.total().offered == 0 {
            let middle = (f64::from(WIDTH) / 2.0, margins.top + PLOT / 2.0);
            let style = Type::new(13.0, palette::MUTED).aligned(HPos::Center);
            canvas.text(&format!("no requests in {}", series.region), middle, style)?;
        }
        if let Some(rate) = drawn {
            let (_, y) = css(context.plotting_area().map_coordinate(&(0.0, rate)));
            canvas.dashes(LEFT, TimeScale::right(), y, stroke(palette::LIMIT, 1.5))?;
        }
        Ok(())
    }
}

impl RequestsChart<'_> {
    /// The strips above the plot that name phases and faults, and the faults' shades behind it.
    fn shade<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let plot = LEGEND + self.strips();
        for fault in self.rows.iter().flatten() {
            let (from, to) = (self.scale.x(fault.from), self.scale.x(fault.until));
            let style = fill(palette::FAULT, 0.09);
            canvas.rect((from, plot), (to.max(from + 1.0), plot + PLOT), style)?;
        }
        tracks::phases(canvas, self.scale, self.phases, (LEGEND, plot + PLOT))?;
        let mut y = plot - STRIP / 2.0 - STRIP * approximate(self.rows.len().min(MOST_ROWS) as u64);
        for row in self.rows.iter().take(MOST_ROWS) {
            y += STRIP;
            tracks::row(canvas, self.scale, row, y)?;
        }
        Ok(())
    }
}

/// What the axis counts, what the colours mean, and the limit in words.
fn legend<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    series: &Series,
    in_sight: bool,
) -> Drawn<DB> {
    let text = Type::new(11.0, palette::TEXT);
    let mut x = LEFT;
    canvas.text("attempts per second", (x, 11.0), LABEL)?;
    x += LABEL.width("attempts per second") + 26.0;
    for (label, ink, _) in LAYERS {
        canvas.rect((x, 6.0), (x + 10.0, 16.0), fill(ink, 1.0))?;
        canvas.text(label, (x + 15.0, 11.0), text)?;
        x += 15.0 + text.width(label) + 20.0;
    }
    if in_sight {
        canvas.dashes(x, x + 26.0, 11.0, stroke(palette::LIMIT, 1.5))?;
        x += 32.0;
    }
    canvas.text(&limit_in_words(series.limit.as_ref(), in_sight), (x, 11.0), text)
}

fn limit_in_words(limit: Option<&Limit>, in_sight: bool) -> String {
    let Some(limit) = limit else {
        return "no documented limit".into();
    };
    let number = |rate| decimal(rate, 3);
    let mut words = format!("limit {}/s", number(limit.effective()));
    if (limit.scale - 1.0).abs() > f64::EPSILON {
        words += &format!(" ({}/s × {})", number(limit.per_second), number(limit.scale));
    }
    words += if limit.assumed { ", assumed" } else { ", documented" };
    words += if in_sight { "" } else { ", above this chart" };
    words
}

/// A layer of the stack: its name, its ink and what it counts.
type Layer = (&'static str, Ink, fn(&Bucket) -> u64);

/// From the bottom up.
const LAYERS: [Layer; 3] = [
    ("admitted", palette::ADMITTED, |bucket| bucket.admitted),
    ("throttled", palette::THROTTLED, |bucket| bucket.throttled),
    ("errors", palette::ERRORS, |bucket| bucket.errors),
];

fn layers<DB: DrawingBackend>(context: &mut Context<'_, DB>, series: &Series) -> Drawn<DB> {
    let width = series.width.as_seconds();
    let mut base = vec![0.0; series.buckets.len()];
    for (_, ink, count) in LAYERS {
        let rate = |bucket| approximate(count(bucket)) / width;
        let top: Vec<f64> =
            base.iter().zip(&series.buckets).map(|(base, bucket)| base + rate(bucket)).collect();
        for outline in outlines(&base, &top, width) {
            context.draw_series([Polygon::new(outline, fill(ink, 1.0))])?;
        }
        base = top;
    }
    Ok(())
}

/// The outline of each unbroken run of buckets in which a layer has any height.
fn outlines(base: &[f64], top: &[f64], width: f64) -> Vec<Vec<(f64, f64)>> {
    let edges = |i: usize| (approximate(i as u64) * width, approximate(i as u64 + 1) * width);
    let filled: Vec<usize> = (0..top.len()).filter(|i| top[*i] > base[*i]).collect();
    let outline = |run: &[usize]| {
        let above = run.iter().map(|i| (edges(*i), top[*i]));
        let below = run.iter().rev().map(|i| (edges(*i), base[*i]));
        let forward = above.flat_map(|((from, to), y)| [(from, y), (to, y)]);
        let back = below.flat_map(|((from, to), y)| [(to, y), (from, y)]);
        forward.chain(back).collect()
    };
    filled.chunk_by(|one, next| one + 1 == *next).map(outline).collect()
}

fn highest_rate(series: &Series) -> f64 {
    let stacked =
        |bucket: &Bucket| LAYERS.iter().map(|(.., count)| approximate(count(bucket))).sum();
    let counts = series.buckets.iter().map(stacked);
    counts.fold(0.0, f64::max) / series.width.max(Micros(1)).as_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_outlined_only_where_it_has_height() {
        let outlines = outlines(&[1.0, 1.0, 1.0, 1.0], &[1.0, 3.0, 1.0, 2.0], 10.0);
        assert_eq!(outlines[0], [(10.0, 3.0), (20.0, 3.0), (20.0, 1.0), (10.0, 1.0)]);
        assert_eq!(outlines.len(), 2);
    }

    #[test]
    fn a_limit_says_where_it_comes_from() {
        let limit =
            Limit { per_second: 5_500.0, scale: 0.01, source: String::new(), assumed: true };
        assert_eq!(limit_in_words(Some(&limit), true), "limit 55/s (5,500/s × 0.01), assumed");
        assert_eq!(limit_in_words(None, false), "no documented limit");
    }
}
