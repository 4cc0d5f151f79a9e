//! A drawing area in CSS pixels, with the few strokes that annotations need.
//!
//! plotters places everything on whole pixels. Drawing at twice the size halves that error and gives
//! sharp PNG files; this is the only place that knows about it.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontStyle, ShapeStyle, TextStyle};

use super::font::FAMILY;
use super::palette::Ink;
use crate::format::printable;

/// Backend pixels in one CSS pixel.
pub(super) const SCALE: u32 = 2;

/// plotters divides a font's size by this when it writes SVG.
const EM: f64 = 1.24;

/// plotters measures text about a tenth narrower than the same font is shown in an SVG.
const SPARE: f64 = 1.1;

/// What drawing on a backend returns.
pub type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A drawing area measured in CSS pixels from its top left corner.
pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) ink: Ink,
    pub(super) bold: Weight,
    pub(super) align: HPos,
}

/// The weight of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

impl Type {
    pub(super) const fn new(size: f64, ink: Ink) -> Self {
        Self { size, ink, bold: Weight::Regular, align: HPos::Left }
    }

    pub(super) const fn aligned(self, align: HPos) -> Self {
        Self { align, ..self }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: Weight::Bold, ..self }
    }

    /// The style in plotters' terms, centred on the line it is drawn at.
    pub(super) fn style(self) -> TextStyle<'static> {
        TextStyle {
            font: self.font(),
            color: self.ink.color().to_backend_color(),
            pos: Pos::new(self.align, VPos::Center),
        }
    }

    /// The width of a text in CSS pixels.
    pub(super) fn width(self, text: &str) -> f64 {
        let width = self.font().layout_box(text).map_or(0, |((left, _), (right, _))| right - left);
        f64::from(width) / f64::from(SCALE) * SPARE
    }

    /// The text, shortened with an ellipsis until it fits; nothing if not even two letters do.
    pub(super) fn fitted(self, text: &str, room: f64) -> Option<String> {
        let text = printable(text);
        if self.width(&text) <= room {
            return Some(text);
        }
        let letters: Vec<char> = text.chars().collect();
        (2..letters.len()).rev().find_map(|kept| {
            let short: String = letters[..kept].iter().collect();
            let short = format!("{}…", short.trim_end());
            (self.width(&short) <= room).then_some(short)
        })
    }

    fn font(self) -> FontDesc<'static> {
        let style = if self.bold == Weight::Bold { FontStyle::Bold } else { FontStyle::Normal };
        (FAMILY, self.size * EM * f64::from(SCALE), style).into()
    }
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    pub(super) const fn new(area: &'a DrawingArea<DB, Shift>) -> Self {
        Self { area }
    }

    pub(super) const fn area(&self) -> &'a DrawingArea<DB, Shift> {
        self.area
    }

    pub(super) fn text(&self, text: &str, at: (f64, f64), style: Type) -> Drawn<DB> {
        self.area.draw(&Text::new(printable(text), pixels(at), style.style()))
    }

    pub(super) fn rect(&self, from: (f64, f64), to: (f64, f64), style: ShapeStyle) -> Drawn<DB> {
        self.area.draw(&Rectangle::new([pixels(from), pixels(to)], style))
    }

    pub(super) fn line(&self, from: (f64, f64), to: (f64, f64), style: ShapeStyle) -> Drawn<DB> {
        self.area.draw(&PathElement::new(vec![pixels(from), pixels(to)], style))
    }

    /// A horizontal line of short strokes.
    pub(super) fn dashes(&self, from: f64, to: f64, y: f64, style: ShapeStyle) -> Drawn<DB> {
        let (stroke, gap) = (6.0, 4.0);
        let mut x = from;
        while x < to {
            self.line((x, y), ((x + stroke).min(to), y), style)?;
            x += stroke + gap;
        }
        Ok(())
    }

    pub(super) fn dot(&self, at: (f64, f64), radius: f64, style: ShapeStyle) -> Drawn<DB> {
        self.area.draw(&Circle::new(pixels(at), units(radius), style))
    }
}

/// An ink as a surface.
pub(super) fn fill(ink: Ink, opacity: f64) -> ShapeStyle {
    ink.color().mix(opacity).filled()
}

/// An ink as a line of a width in CSS pixels.
pub(super) fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ink.color().stroke_width(units(width).unsigned_abs())
}

/// CSS pixels as backend pixels.
#[expect(clippy::cast_possible_truncation, reason = "charts are a few thousand pixels wide")]
pub(super) fn units(css: f64) -> i32 {
    (css * f64::from(SCALE)).round() as i32
}

/// Backend pixels as CSS pixels.
pub(super) fn css((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x) / f64::from(SCALE), f64::from(y) / f64::from(SCALE))
}

fn pixels((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{font, palette};

    #[test]
    fn text_is_shortened_until_it_fits() {
        font::register().unwrap();
        let style = Type::new(11.0, palette::TEXT);
        let name = "us-east-1/external-key-store-proxy";
        assert_eq!(style.fitted(name, 1000.0).as_deref(), Some(name));
        let short = style.fitted(name, 80.0).unwrap();
        assert!(short.ends_with('…') && style.width(&short) <= 80.0, "{short}");
        assert_eq!(style.fitted(name, 5.0), None);
    }
}
