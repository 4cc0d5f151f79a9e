//! Final errors by name: one bar for each, the most frequent first.

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::canvas::{Canvas, Drawn, Type, fill};
use super::palette::{self, Ink};
use super::{Chart, WIDTH};
use crate::data::Counts;
use crate::format::{approximate, share, thousands};

const MOST_BARS: usize = 12;
const ROW: f64 = 26.0;
const TOP: f64 = 24.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 150.0;

/// The errors that ended requests.
#[derive(Clone, Debug)]
pub struct ErrorsChart {
    bars: Vec<(String, u64, Ink)>,
    answered: u64,
}

impl ErrorsChart {
    /// The chart of a run's errors; the rarest are summed where there are more than twelve.
    #[must_use]
    pub fn new(counts: &Counts) -> Self {
        let throttled = ("ThrottlingException".to_owned(), counts.throttled, palette::THROTTLED);
        let failed = counts.failed.iter().map(|(name, n)| (name.clone(), *n, palette::ERRORS));
        let mut bars: Vec<_> =
            std::iter::once(throttled).chain(failed).filter(|(_, n, _)| *n > 0).collect();
        bars.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if bars.len() > MOST_BARS {
            let rest = bars.split_off(MOST_BARS - 1);
            let sum = rest.iter().fold(0u64, |sum, (_, n, _)| sum.saturating_add(*n));
            bars.push((format!("{} others", rest.len()), sum, palette::MUTED));
        }
        Self { bars, answered: counts.answered }
    }

    /// Whether no request ended with an error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }
}

impl Chart for ErrorsChart {
    fn title(&self) -> String {
        let bars: Vec<String> =
            self.bars.iter().map(|(name, n, _)| format!("{name} {n}")).collect();
        format!("Requests that ended with an error, by name: {}", bars.join(", "))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 13 rows")]
    fn height(&self) -> u32 {
        (TOP + ROW * approximate(self.bars.len().max(1) as u64) + 4.0) as u32
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let unit = Type::new(11.0, palette::MUTED);
        canvas.text("requests · share of answered requests", (LEFT, 11.0), unit)?;
        if self.is_empty() {
            return canvas.text("no request ended with an error", (LEFT, TOP + ROW / 2.0), unit);
        }
        let most = self.bars.iter().map(|(_, n, _)| *n).max().unwrap_or(1).max(1);
        let room = f64::from(WIDTH) - LEFT - RIGHT;
        for (i, (name, count, ink)) in self.bars.iter().enumerate() {
            let y = TOP + ROW * (approximate(i as u64) + 0.5);
            let end = LEFT + (room * approximate(*count) / approximate(most)).max(1.5);
            self.bar(canvas, (name, *count, *ink), (y, end))?;
        }
        Ok(())
    }
}

impl ErrorsChart {
    fn bar<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        (name, count, ink): (&str, u64, Ink),
        (y, end): (f64, f64),
    ) -> Drawn<DB> {
        let label = Type::new(12.0, palette::TEXT).aligned(HPos::Right);
        if let Some(name) = label.fitted(name, LEFT - 16.0) {
            canvas.text(&name, (LEFT - 10.0, y), label)?;
        }
        canvas.rect((LEFT, y - 8.0), (end, y + 8.0), fill(ink, 1.0))?;
        let words = format!("{} · {}", thousands(count), share(count, self.answered));
        canvas.text(&words, (end + 8.0, y), Type::new(12.0, palette::TEXT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_errors_become_a_few_bars_that_lose_nothing() {
        let failed = (1..=30).map(|i| (format!("Error{i}"), i)).collect();
        let counts = Counts { answered: 1_000, throttled: 3, failed, ..Counts::default() };
        let chart = ErrorsChart::new(&counts);
        assert_eq!(chart.bars.len(), MOST_BARS);
        assert_eq!(chart.bars.iter().map(|(_, n, _)| n).sum::<u64>(), 465 + 3);
        assert_eq!(chart.bars[0].0, "Error30");
        assert_eq!(chart.bars[11].0, "20 others");
    }

    #[test]
    fn no_error_is_said_in_words() {
        let chart = ErrorsChart::new(&Counts::default());
        assert!(chart.is_empty());
        assert!(chart.svg().unwrap().contains("no request ended with an error"));
    }
}
