//! What was done to the run, and when: one lane a target, a bar for each fault that lasted, a dot for
//! each event.

use std::collections::BTreeSet;

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, LABEL, Margins, frame};
use super::canvas::{Canvas, Drawn, Type, fill, stroke};
use super::palette::{self, Ink};
use super::tracks::{self, RIGHT, STRIP, TimeScale};
use super::{Chart, WIDTH};
use crate::data::{Fault, Micros, Phase, PointEvent, RunReport};
use crate::format::{approximate, counted};

const LEFT: f64 = 190.0;
const LEGEND: f64 = 28.0;
const ROW: f64 = 24.0;
const MOST_LANES: usize = 24;

/// The timeline of faults and events.
#[derive(Clone, Debug)]
pub struct TimelineChart<'a> {
    lanes: Vec<Lane<'a>>,
    left_out: usize,
    kinds: Vec<&'a str>,
    phases: &'a [Phase],
    scale: TimeScale,
}

/// Everything that happened to one target; overlapping faults take several rows.
#[derive(Clone, Debug)]
struct Lane<'a> {
    target: &'a str,
    rows: Vec<Vec<&'a Fault>>,
    events: Vec<&'a PointEvent>,
}

impl<'a> TimelineChart<'a> {
    /// The timeline of a run; targets beyond twenty-four are counted, not drawn.
    #[must_use]
    pub fn new(report: &'a RunReport) -> Self {
        let mut lanes = lanes(report);
        let left_out = lanes.len().saturating_sub(MOST_LANES);
        lanes.truncate(MOST_LANES);
        let mut kinds: Vec<&str> = report.events.iter().map(|event| event.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let scale = TimeScale { left: LEFT, until: report.end() };
        Self { lanes, left_out, kinds, phases: &report.phases, scale }
    }

    /// Whether nothing happened that could be drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    fn top(&self) -> f64 {
        LEGEND + if self.phases.is_empty() { 0.0 } else { STRIP }
    }

    fn rows(&self) -> usize {
        self.lanes.iter().map(Lane::height).sum::<usize>().max(1)
    }

    fn ink_of(&self, kind: &str) -> Ink {
        let place = self.kinds.iter().position(|known| *known == kind).unwrap_or(0);
        palette::SERIES[place % palette::SERIES.len()]
    }
}

impl Chart for TimelineChart<'_> {
    fn title(&self) -> String {
        let faults: usize = self.lanes.iter().flat_map(|lane| &lane.rows).map(Vec::len).sum();
        let events: usize = self.lanes.iter().map(|lane| lane.events.len()).sum();
        format!(
            "Timeline of {} and {} on {}",
            counted(faults as u64, "fault"),
            counted(events as u64, "event"),
            counted(self.lanes.len() as u64, "target")
        )
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few rows")]
    fn height(&self) -> u32 {
        (self.top() + ROW * approximate(self.rows() as u64) + 30.0) as u32
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        self.legend(canvas)?;
        let bottom = f64::from(self.height()) - 26.0;
        tracks::phases(canvas, self.scale, self.phases, (LEGEND, bottom))?;
        let margins = Margins { top: self.top(), left: LEFT, right: RIGHT };
        let y = Axis { from: 0.0, to: 1.0, ticks: Vec::new() };
        frame(canvas, &margins, Axis::time(self.scale.until, 9), y)?;
        let mut top = self.top();
        for lane in &self.lanes {
            let height = ROW * approximate(lane.height() as u64);
            self.lane(canvas, lane, (top, top + height))?;
            top += height;
            if top < bottom - 1.0 {
                let ends = ((8.0, top), (TimeScale::right(), top));
                canvas.line(ends.0, ends.1, stroke(palette::GRID, 1.0))?;
            }
        }
        Ok(())
    }
}

impl TimelineChart<'_> {
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let text = Type::new(11.0, palette::TEXT);
        let mut x = LEFT;
        canvas.rect((x, 6.0), (x + 18.0, 16.0), fill(palette::FAULT, 0.35))?;
        canvas.text("fault", (x + 24.0, 11.0), text)?;
        x += 24.0 + text.width("fault") + 20.0;
        for kind in &self.kinds {
            let width = text.width(kind);
            if x + width > f64::from(WIDTH) - 140.0 {
                break;
            }
            canvas.dot((x + 5.0, 11.0), 4.5, fill(self.ink_of(kind), 1.0))?;
            canvas.text(kind, (x + 15.0, 11.0), text)?;
            x += 15.0 + width + 18.0;
        }
        if self.left_out > 0 {
            let more = format!("{} not drawn", counted(self.left_out as u64, "target"));
            canvas.text(&more, (TimeScale::right(), 11.0), LABEL.aligned(HPos::Right))?;
        }
        Ok(())
    }

    fn lane<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        lane: &Lane<'_>,
        (top, bottom): (f64, f64),
    ) -> Drawn<DB> {
        let label = Type::new(11.5, palette::TEXT).aligned(HPos::Right);
        if let Some(target) = label.fitted(lane.target, LEFT - 22.0) {
            canvas.text(&target, (LEFT - 12.0, f64::midpoint(top, bottom)), label)?;
        }
        for (i, row) in lane.rows.iter().enumerate() {
            let y = top + ROW * (approximate(i as u64) + 0.5);
            tracks::row(canvas, self.scale, row, y)?;
        }
        for event in &lane.events {
            let at = (self.scale.x(event.at), bottom - ROW / 2.0);
            canvas.dot(at, 6.0, fill(palette::SURFACE, 1.0))?;
            canvas.dot(at, 4.5, fill(self.ink_of(&event.kind), 1.0))?;
        }
        Ok(())
    }
}

/// The lanes in the order in which their targets first matter.
fn lanes(report: &RunReport) -> Vec<Lane<'_>> {
    let faults = report.faults.iter().map(|fault| (fault.from, fault.target.as_str()));
    let events = report.events.iter().map(|event| (event.at, event.target.as_str()));
    let mut mentions: Vec<(Micros, &str)> = faults.chain(events).collect();
    mentions.sort_by_key(|(at, _)| *at);
    let mut seen = BTreeSet::new();
    mentions.retain(|(_, target)| seen.insert(*target));
    mentions.into_iter().map(|(_, target)| Lane::new(target, report)).collect()
}

impl<'a> Lane<'a> {
    fn new(target: &'a str, report: &'a RunReport) -> Self {
        let faults = report.faults.iter().filter(|fault| fault.target == target);
        let events = report.events.iter().filter(|event| event.target == target);
        Self { target, rows: tracks::rows(faults), events: events.collect() }
    }

    /// Rows of faults, and one more for events so that no dot covers a label.
    fn height(&self) -> usize {
        self.rows.len() + usize::from(!self.events.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, Tool, Verdict};

    #[test]
    fn targets_beyond_the_last_lane_are_counted() {
        let tool = Tool { version: String::new(), commit: String::new() };
        let scenario = Scenario { name: String::new(), description: String::new() };
        let mut report = RunReport::new(tool, scenario, 1, Verdict::Pass);
        let event = |i: u64| PointEvent {
            label: String::new(),
            kind: "crash".into(),
            target: format!("host-{}", i % 30),
            at: Micros::seconds(i),
        };
        report.events = (0..60).map(event).collect();
        let chart = TimelineChart::new(&report);
        assert_eq!((chart.lanes.len(), chart.left_out), (MOST_LANES, 6));
        assert_eq!(chart.lanes[0].events.len(), 2);
        assert!(chart.svg().unwrap().contains("6 targets not drawn"));
    }
}
