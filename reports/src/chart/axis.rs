//! Axes with ticks at round numbers and a frame that looks the same on every chart.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::DrawingBackend;
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::canvas::{Canvas, Type, stroke, units};
use super::palette;
use crate::data::Micros;
use crate::format::{approximate, decimal, span};

/// The coordinates of every chart with axes.
type Plane = Cartesian2d<Axis, Axis>;

/// A chart in the making.
pub(super) type Context<'a, DB> = ChartContext<'a, DB, Plane>;

type Framed<'a, DB> =
    Result<Context<'a, DB>, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// The style of tick labels and units.
pub(super) const LABEL: Type = Type::new(11.0, palette::MUTED);

/// Up to here all ticks are written in seconds.
const SECONDS_READ_WELL: Micros = Micros::seconds(300);

/// One axis: its range and the ticks on it.
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

/// The space around the plot, in CSS pixels.
pub(super) struct Margins {
    pub(super) top: f64,
    pub(super) left: f64,
    pub(super) right: f64,
}

/// Draws the frame: horizontal grid lines, the two axes and the tick labels.
pub(super) fn frame<'a, DB: DrawingBackend>(
    canvas: &Canvas<'a, DB>,
    margins: &Margins,
    x: Axis,
    y: Axis,
) -> Framed<'a, DB> {
    let mut context = ChartBuilder::on(canvas.area())
        .margin_top(units(margins.top))
        .margin_right(units(margins.right))
        .margin_bottom(units(4.0))
        .y_label_area_size(units(margins.left))
        .x_label_area_size(units(22.0))
        .build_cartesian_2d(x, y)?;
    context
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(stroke(palette::GRID, 1.0))
        .light_line_style(palette::GRID.color().mix(0.0))
        .axis_style(stroke(palette::AXIS, 1.0))
        .x_label_style(LABEL.aligned(HPos::Center).style())
        .y_label_style(LABEL.aligned(HPos::Right).style())
        .set_all_tick_mark_size(units(4.0))
        .draw()?;
    Ok(context)
}

impl Axis {
    /// Simulated time from zero, with about `wanted` ticks at round times.
    pub(super) fn time(until: Micros, wanted: u64) -> Self {
        let until = until.max(Micros(1));
        let step = time_step(until.0 / wanted.max(1));
        let ticks = (0..=until.0 / step).map(|i| Micros(i * step));
        let label = |at: Micros| {
            if until <= SECONDS_READ_WELL { seconds(at) } else { span(at) }
        };
        let ticks = ticks.map(|at| (at.as_seconds(), label(at))).collect();
        Self { from: 0.0, to: until.as_seconds(), ticks }
    }

    /// From zero to `most`, with about four round ticks.
    pub(super) fn linear(most: f64) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        Self::in_steps(most, round_step(most / 4.5))
    }

    /// From zero to `most` of something that is counted: between two of it there is no tick.
    pub(super) fn counts(most: f64) -> Self {
        let most = if most.is_finite() && most > 1.0 { most } else { 1.0 };
        let step = round_step(most / 4.5).max(1.0);
        Self::in_steps(most, if step.fract() > 0.0 { 2.0 * step } else { step })
    }

    fn in_steps(most: f64, step: f64) -> Self {
        let places = if step < 1.0 { 3 } else { 1 };
        let ticks = (0..=5).map(|i| f64::from(i) * step).filter(|tick| *tick <= most);
        Self { from: 0.0, to: most, ticks: ticks.map(|at| (at, decimal(at, places))).collect() }
    }

    /// A logarithmic axis of microseconds around `least` and `most`, with a tick at every decade, or
    /// at 1, 2 and 5 where there are few decades.
    pub(super) fn logarithmic(least: Micros, most: Micros) -> Self {
        let log = |micros: u64| approximate(micros.max(1)).log10();
        let from = log(least.0) - 0.15;
        let to = log(most.0).max(from + 0.75) + 0.15;
        let digits: &[u64] = if to - from < 2.5 { &[1, 2, 5] } else { &[1] };
        let values = (0..19).flat_map(|power| digits.iter().map(move |d| d * 10u64.pow(power)));
        let ticks = values.map(|micros| (log(micros), span(Micros(micros))));
        Self { from, to, ticks: ticks.filter(|(at, _)| (from..=to).contains(at)).collect() }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "the result lies between two pixels")]
    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let at = |tick: &&(f64, String)| (tick.0 - value).abs() < 1e-9;
        self.ticks.iter().find(at).map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// `80 s` compares better with its neighbours on an axis than `1 min 20 s`; sub-second ticks keep
/// the unit that suits them.
fn seconds(at: Micros) -> String {
    match at.0 % 1_000_000 {
        0 => format!("{} s", at.0 / 1_000_000),
        _ => span(at),
    }
}

/// The smallest round time that is at least `least` microseconds.
fn time_step(least: u64) -> u64 {
    const SECOND: u64 = 1_000_000;
    let clock = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600]
        .map(|seconds| seconds * SECOND);
    let long =
        [2, 3, 6, 12, 24, 48, 120, 240, 720, 2_400, 8_760].map(|hours| hours * 3_600 * SECOND);
    let below_a_second = (0..6).flat_map(|power| [1, 2, 5].map(|digit| digit * 10u64.pow(power)));
    let step = below_a_second.chain(clock).chain(long).find(|step| *step >= least);
    step.unwrap_or(least)
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let digits = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digit| digit * power >= least * 0.999);
    digits.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn time_ticks_are_round() {
        let axis = Axis::time(Micros::seconds(90), 9);
        assert_eq!(labels(&axis)[..4], ["0 s", "10 s", "20 s", "30 s"]);
        assert_eq!(axis.ticks.len(), 10);
        assert_eq!(labels(&Axis::time(Micros::seconds(600), 9))[..2], ["0 s", "2 min"]);
        assert_eq!(labels(&axis)[9], "90 s");
        assert_eq!(Axis::time(Micros(0), 9).ticks.len(), 2);
        assert!(Axis::time(Micros(u64::MAX), 9).ticks.len() < 20);
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&Axis::linear(55.0)), ["0", "20", "40"]);
        assert_eq!(labels(&Axis::linear(212.0)), ["0", "50", "100", "150", "200"]);
        assert_eq!(labels(&Axis::linear(9_800.0)), ["0", "2,500", "5,000", "7,500"]);
        assert_eq!(labels(&Axis::linear(0.0)), labels(&Axis::linear(f64::NAN)));
    }

    #[test]
    fn what_is_counted_has_whole_ticks() {
        assert_eq!(labels(&Axis::counts(2.1)), ["0", "1", "2"]);
        assert_eq!(labels(&Axis::counts(10.6)), ["0", "5", "10"]);
        assert_eq!(labels(&Axis::counts(0.0)), ["0", "1"]);
        assert_eq!(labels(&Axis::counts(33.9)), labels(&Axis::linear(33.9)));
    }

    #[test]
    fn a_logarithmic_axis_always_has_ticks() {
        let labels = |least, most| {
            let axis = Axis::logarithmic(Micros(least), Micros(most));
            axis.ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(labels(350, 410_000), ["1 ms", "10 ms", "100 ms"]);
        assert_eq!(labels(1_500, 9_000), ["2 ms", "5 ms", "10 ms"]);
        assert_eq!(labels(3_000, 3_000), ["5 ms", "10 ms"]);
        assert!(!labels(0, 0).is_empty() && !labels(1, u64::MAX).is_empty());
    }
}
