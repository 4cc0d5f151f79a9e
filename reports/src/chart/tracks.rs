//! What runs alongside simulated time on several charts: phases, and faults as labelled bars.

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::WIDTH;
use super::canvas::{Canvas, Drawn, Type, fill, stroke};
use super::palette;
use crate::data::{Fault, Micros, Phase};

/// The space right of the plot on charts over time, wide enough for half a tick label.
pub(super) const RIGHT: f64 = 30.0;
/// The height of the strip that names the phases.
pub(super) const STRIP: f64 = 20.0;

const LABEL: Type = Type::new(10.5, palette::TEXT);

/// Simulated time across the width of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeScale {
    pub(super) left: f64,
    pub(super) until: Micros,
}

impl TimeScale {
    /// The horizontal place of a point in time, in CSS pixels.
    pub(super) fn x(self, at: Micros) -> f64 {
        let share = at.as_seconds() / self.until.max(Micros(1)).as_seconds();
        self.left + share * (Self::right() - self.left)
    }

    /// The right end of the plot.
    pub(super) fn right() -> f64 {
        f64::from(WIDTH) - RIGHT
    }
}

/// Names the phases in a strip at `top` and separates them down to `bottom`.
pub(super) fn phases<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    scale: TimeScale,
    phases: &[Phase],
    (top, bottom): (f64, f64),
) -> Drawn<DB> {
    for (i, phase) in phases.iter().enumerate() {
        let (from, to) = (scale.x(phase.from), scale.x(phase.until));
        let style = fill(palette::PHASE, 1.0);
        canvas.rect((from, top + 1.0), (to, top + STRIP - 2.0), style)?;
        if i > 0 {
            canvas.line((from, top + 1.0), (from, bottom), stroke(palette::AXIS, 1.0))?;
        }
        if let Some(name) = LABEL.fitted(&phase.name, to - from - 10.0) {
            canvas.text(&name, (from + 6.0, top + STRIP / 2.0 - 0.5), LABEL)?;
        }
    }
    Ok(())
}

/// Faults in rows, so that no two of a row overlap; each goes into the first row that is free.
pub(super) fn rows<'a>(faults: impl Iterator<Item = &'a Fault>) -> Vec<Vec<&'a Fault>> {
    let mut sorted: Vec<&Fault> = faults.collect();
    sorted.sort_by_key(|fault| fault.from);
    let mut rows: Vec<Vec<&Fault>> = Vec::new();
    for fault in sorted {
        let free = |row: &&mut Vec<&Fault>| row.last().is_none_or(|last| last.until <= fault.from);
        match rows.iter_mut().find(free) {
            Some(row) => row.push(fault),
            None => rows.push(vec![fault]),
        }
    }
    rows
}

/// One row of faults as bars around the line `y`, each with its label where there is room for it.
pub(super) fn row<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    scale: TimeScale,
    faults: &[&Fault],
    y: f64,
) -> Drawn<DB> {
    let mut free_from = scale.left;
    for (i, fault) in faults.iter().enumerate() {
        let (from, to) = (scale.x(fault.from), scale.x(fault.until));
        let to = to.max(from + 2.0);
        canvas.rect((from, y - 8.0), (to, y + 8.0), fill(palette::FAULT, 0.28))?;
        bar(canvas, (from, to), y)?;
        let free_to = faults.get(i + 1).map_or(TimeScale::right(), |next| scale.x(next.from));
        let place = place(&fault.label, (from, to), (free_from, free_to));
        free_from = to;
        if let Some((label, x, style)) = place {
            let width = style.width(&label);
            let ends = if x < from { (x - width, x + 2.0) } else { (x - 2.0, x + width) };
            if x < from || x > to {
                let clear = fill(palette::SURFACE, 1.0);
                canvas.rect((ends.0, y - 7.0), (ends.1, y + 7.0), clear)?;
                free_from = free_from.max(ends.1);
            }
            canvas.text(&label, (x, y), style)?;
        }
    }
    Ok(())
}

/// A bar that hides what lies behind it, with a firm edge where the fault begins.
fn bar<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, (from, to): (f64, f64), y: f64) -> Drawn<DB> {
    let (top, bottom) = (y - 8.0, y + 8.0);
    canvas.rect((from, top), (to, bottom), fill(palette::SURFACE, 1.0))?;
    canvas.rect((from, top), (to, bottom), fill(palette::FAULT, 0.28))?;
    canvas.rect((from, top), (from + 2.0, bottom), fill(palette::FAULT, 1.0))
}

/// Where a label goes: inside its bar, behind it, before it, or shortened where most room is.
fn place(
    label: &str,
    (from, to): (f64, f64),
    (free_from, free_to): (f64, f64),
) -> Option<(String, f64, Type)> {
    let inside = (to - from - 14.0, from + 8.0, LABEL);
    let behind = (free_to - to - 14.0, to + 7.0, LABEL);
    let before = (from - free_from - 14.0, from - 7.0, LABEL.aligned(HPos::Right));
    let places = [inside, behind, before];
    let whole = places.iter().find(|(room, ..)| LABEL.width(label) <= *room);
    let widest = places.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let (room, x, style) = *whole.or(widest)?;
    Some((style.fitted(label, room)?, x, style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::font;

    fn fault(from: u64, until: u64) -> Fault {
        Fault {
            label: String::new(),
            kind: String::new(),
            target: String::new(),
            regions: Vec::new(),
            from: Micros::seconds(from),
            until: Micros::seconds(until),
        }
    }

    #[test]
    fn overlapping_faults_get_rows_of_their_own() {
        let faults = [fault(40, 60), fault(10, 50), fault(60, 80), fault(20, 30)];
        let rows = rows(faults.iter());
        let starts: Vec<Vec<u64>> =
            rows.iter().map(|row| row.iter().map(|f| f.from.0 / 1_000_000).collect()).collect();
        assert_eq!(starts, [vec![10, 60], vec![20, 40]]);
    }

    #[test]
    fn a_label_goes_where_there_is_room() {
        font::register().unwrap();
        let x = |bar, free| place("host down", bar, free).map(|(_, x, _)| x);
        assert_eq!(x((100.0, 300.0), (50.0, 900.0)), Some(108.0));
        assert_eq!(x((100.0, 110.0), (50.0, 900.0)), Some(117.0));
        assert_eq!(x((800.0, 810.0), (50.0, 820.0)), Some(793.0));
        assert_eq!(x((100.0, 110.0), (95.0, 115.0)), None);
    }
}
