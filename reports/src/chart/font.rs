//! The one font of the charts, embedded so that layout is the same on every machine.

use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

use super::ChartError;

/// The generic family: an SVG viewer uses its own sans-serif font, which is rarely wider than Noto.
pub(super) const FAMILY: &str = "sans-serif";

/// Makes the font known to plotters; only the first call does anything.
pub(super) fn register() -> Result<(), ChartError> {
    static REGISTERED: OnceLock<Result<(), ChartError>> = OnceLock::new();
    REGISTERED.get_or_init(load).clone()
}

fn load() -> Result<(), ChartError> {
    let faces =
        [(FontStyle::Normal, ttf_noto_sans::REGULAR), (FontStyle::Bold, ttf_noto_sans::BOLD)];
    for (style, bytes) in faces {
        register_font(FAMILY, style, bytes)
            .map_err(|_| ChartError::new("the embedded font is not a font"))?;
    }
    Ok(())
}
