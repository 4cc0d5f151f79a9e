//! What one core does, in multiples of what a Region admits: one bar a pool and backend, from the line
//! at one.

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::canvas::{Canvas, Drawn, Type, fill, stroke};
use super::palette::{self, Ink, SERIES};
use super::{Chart, WIDTH};
use crate::data::Capacity;
use crate::format::{approximate, decimal};

const ROW: f64 = 22.0;
const TOP: f64 = 30.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 270.0;
/// A page may have wider letters than those that text is measured with.
const SPARE: f64 = 50.0;

/// Capacities in one class of Regions.
#[derive(Clone, Debug)]
pub struct CapacityChart<'a> {
    class: &'a str,
    capacities: Vec<&'a Capacity>,
}

impl<'a> CapacityChart<'a> {
    /// The chart of a class.
    #[must_use]
    pub fn new(class: &'a str, capacities: &'a [Capacity]) -> Self {
        let sound = |one: &&Capacity| one.times().is_finite() && one.times() > 0.0;
        let of_class = capacities.iter().filter(|one| one.class == class);
        Self { class, capacities: of_class.filter(sound).collect() }
    }

    /// The decades that the axis covers.
    fn decades(&self) -> (f64, f64) {
        let logs = self.capacities.iter().map(|one| one.times().log10());
        let reach = |(low, high): (f64, f64), log: f64| (low.min(log), high.max(log));
        let (low, high) = logs.fold((0.0, 1.0), reach);
        (low.floor(), high.ceil())
    }

    /// Each backend has a colour of its own, in the order of their names.
    fn ink(&self, name: &str) -> Ink {
        let mut names: Vec<&str> = self.capacities.iter().map(|one| one.backend.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let position = names.iter().position(|other| *other == name).unwrap_or(0);
        SERIES[position % SERIES.len()]
    }
}

impl Chart for CapacityChart<'_> {
    fn title(&self) -> String {
        let bars = self
            .capacities
            .iter()
            .map(|one| format!("{} on {} {}×", one.pool, one.backend, decimal(one.times(), 2)));
        let bars: Vec<String> = bars.collect();
        format!("One core against the quotas of {} Regions: {}", self.class, bars.join(", "))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some 100 rows")]
    fn height(&self) -> u32 {
        (TOP + ROW * approximate(self.capacities.len().max(1) as u64) + 6.0) as u32
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let unit = Type::new(11.0, palette::MUTED).aligned(HPos::Center);
        let (low, high) = self.decades();
        let bottom = f64::from(self.height()) - 6.0;
        let room = f64::from(WIDTH) - LEFT - RIGHT;
        let place = |log: f64| LEFT + room * (log - low) / (high - low);
        let mut decade = low;
        while decade <= high {
            let x = place(decade);
            let (ink, width) =
                if decade == 0.0 { (palette::LIMIT, 1.5) } else { (palette::GRID, 1.0) };
            canvas.line((x, TOP - 8.0), (x, bottom), stroke(ink, width))?;
            canvas.text(&format!("{}×", decimal(10f64.powf(decade), 6)), (x, 12.0), unit)?;
            decade += 1.0;
        }
        let mut before = "";
        for (row, one) in self.capacities.iter().enumerate() {
            let y = TOP + ROW * (approximate(row as u64) + 0.5);
            let named = if one.pool == before { "" } else { &one.pool };
            before = &one.pool;
            self.bar(canvas, (one, named), (y, place(0.0), place(one.times().log10())))?;
        }
        Ok(())
    }
}

impl CapacityChart<'_> {
    fn bar<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        (one, named): (&Capacity, &str),
        (y, from, to): (f64, f64, f64),
    ) -> Drawn<DB> {
        let label = Type::new(12.0, palette::TEXT).aligned(HPos::Right);
        if !named.is_empty() {
            let name = format!("{named} · {}/s", decimal(one.limit, 2));
            if let Some(name) = label.fitted(&name, LEFT - SPARE) {
                canvas.text(&name, (LEFT - 10.0, y), label)?;
            }
        }
        let (left, right) = (from.min(to), from.max(to).max(from.min(to) + 1.5));
        canvas.rect((left, y - 7.0), (right, y + 7.0), fill(self.ink(&one.backend), 1.0))?;
        let places = match one.times() {
            ..0.1 => 4,
            0.1..10.0 => 2,
            _ => 0,
        };
        let words = format!("{}× · {}, {}", decimal(one.times(), places), one.backend, one.layer);
        canvas.text(&words, (right.max(from) + 8.0, y), Type::new(12.0, palette::TEXT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(backend: &str, per_second: f64) -> Capacity {
        Capacity {
            pool: "symmetric".to_owned(),
            class: "medium".to_owned(),
            limit: 20_000.0,
            assumed: false,
            backend: backend.to_owned(),
            layer: "library".to_owned(),
            operation: "encrypt".to_owned(),
            per_second,
        }
    }

    #[test]
    fn bars_start_at_one_and_say_how_many_times() {
        let all = [capacity("a", 2e6), capacity("b", 2e3), capacity("c", f64::NAN)];
        let chart = CapacityChart::new("medium", &all);
        assert_eq!(chart.decades(), (-1.0, 2.0));
        let svg = chart.svg().unwrap();
        assert!(svg.contains("100× · a, library") && svg.contains("0.1× · b, library"), "{svg}");
        assert!(svg.contains("symmetric · 20,000/s"));
        assert!(!svg.contains("· c,"));
        assert_ne!(chart.ink("a"), chart.ink("b"));
        assert!(CapacityChart::new("small", &all).svg().is_ok());
    }
}
