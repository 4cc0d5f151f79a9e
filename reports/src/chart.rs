//! Charts, each drawn once and read two ways: as SVG for the page, as PNG for everything else.
//!
//! A chart is a struct with its data and a `draw`; everything common (canvas, palette, axes, fonts)
//! sits below. Colours are drawn from [`palette`] and become CSS variables with a fallback in the SVG,
//! so that one picture follows the light or dark mode of the page around it and still stands alone.

mod axis;
mod canvas;
mod capacity;
mod errors;
mod font;
mod latency;
pub(crate) mod lines;
pub(crate) mod palette;
mod requests;
mod timeline;
mod tracks;

use std::fmt;

use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};

use canvas::SCALE;
pub use canvas::{Canvas, Drawn};
pub use capacity::CapacityChart;
pub use errors::ErrorsChart;
pub use latency::LatencyChart;
pub use lines::{Line, LinesChart, Scale};
pub use requests::RequestsChart;
pub use timeline::TimelineChart;

use crate::format::printable;

/// The width of every chart in CSS pixels; a page scales it down where there is less room.
pub const WIDTH: u32 = 1000;

/// A picture of a part of a report.
pub trait Chart {
    /// What the picture shows, as one sentence: the text that stands in for it.
    fn title(&self) -> String;

    /// The height in CSS pixels.
    fn height(&self) -> u32;

    /// Draws on a canvas of [`WIDTH`] by [`Chart::height`].
    ///
    /// # Errors
    /// Whatever the backend reports.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB>;

    /// The chart as an SVG element, without a background of its own.
    ///
    /// # Errors
    /// When the embedded font cannot be used.
    fn svg(&self) -> Result<String, ChartError> {
        font::register()?;
        let mut svg = String::new();
        {
            let size = (WIDTH * SCALE, self.height() * SCALE);
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            self.draw(&Canvas::new(&area)).map_err(ChartError::new)?;
            area.present().map_err(ChartError::new)?;
        }
        Ok(accessible(&palette::follow_page(&svg), &self.title()))
    }

    /// The chart as a PNG file in the light palette, at twice its size in CSS pixels.
    ///
    /// # Errors
    /// When the embedded font cannot be used.
    fn png(&self) -> Result<Vec<u8>, ChartError> {
        font::register()?;
        let (width, height) = (WIDTH * SCALE, self.height() * SCALE);
        let mut pixels = vec![0; width as usize * height as usize * 3];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            area.fill(&palette::SURFACE.color()).map_err(ChartError::new)?;
            self.draw(&Canvas::new(&area)).map_err(ChartError::new)?;
            area.present().map_err(ChartError::new)?;
        }
        encode(&pixels, width, height).map_err(ChartError::new)
    }
}

/// A chart could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError(String);

impl ChartError {
    fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the chart could not be drawn: {}", self.0)
    }
}

impl std::error::Error for ChartError {}

/// Gives the root element a role and a name that a screen reader speaks.
fn accessible(svg: &str, title: &str) -> String {
    let title = printable(title)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let root = format!("<svg role=\"img\" aria-label=\"{title}\" ");
    let named = svg.replacen("<svg ", &root, 1);
    named.replacen(">\n", &format!(">\n<title>{title}</title>\n"), 1)
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
