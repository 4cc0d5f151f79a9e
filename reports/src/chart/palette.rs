//! Every colour of the charts, once: its light value, its dark value and its CSS variable.
//!
//! plotters writes plain colours. Each ink has a light value that no other ink has, so the finished SVG
//! can be turned into one that asks the page: `#5B8FC7` becomes `var(--admitted,#5B8FC7)`.

use std::fmt::Write as _;

use plotters::style::RGBColor;

/// A colour with a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink {
    name: &'static str,
    light: u32,
    dark: u32,
}

impl Ink {
    /// The light value, as plotters draws it.
    pub(super) fn color(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

const fn ink(name: &'static str, light: u32, dark: u32) -> Ink {
    Ink { name, light, dark }
}

/// What charts and cards are drawn on.
pub(super) const SURFACE: Ink = ink("surface", 0x00FF_FFFF, 0x0015_1A21);
/// Labels that carry data.
pub(super) const TEXT: Ink = ink("text", 0x001D_2430, 0x00E4_E8EE);
/// Axis labels and units.
pub(super) const MUTED: Ink = ink("muted", 0x0059_6475, 0x009A_A6B6);
/// Grid lines.
pub(super) const GRID: Ink = ink("grid", 0x00E6_E9EE, 0x0028_2F3A);
/// Axis lines.
pub(super) const AXIS: Ink = ink("axis", 0x00B4_BDC9, 0x0048_5362);
/// Requests that the quota let through.
pub(super) const ADMITTED: Ink = ink("admitted", 0x005B_8FC7, 0x004F_86C0);
/// Requests that the quota refused.
pub(super) const THROTTLED: Ink = ink("throttled", 0x00E0_A63A, 0x00DD_AA4A);
/// Requests that failed otherwise.
pub(super) const ERRORS: Ink = ink("errors", 0x00C2_463D, 0x00E0_6F66);
/// A documented limit.
pub(super) const LIMIT: Ink = ink("limit", 0x0020_2733, 0x00F2_F4F7);
/// A fault while it lasts.
pub(super) const FAULT: Ink = ink("fault", 0x00B8_5C38, 0x00DB_8660);
/// The strip that names phases.
pub(super) const PHASE: Ink = ink("phase", 0x00EE_F1F5, 0x0022_2933);
/// Lines and marks that need telling apart, in the order they are used.
pub(super) const SERIES: [Ink; 8] = [
    ink("series-1", 0x002F_6FB7, 0x006F_A8E8),
    ink("series-2", 0x00B8_416A, 0x00EC_86A6),
    ink("series-3", 0x001B_8A7A, 0x004C_C2AE),
    ink("series-4", 0x00B1_731B, 0x00E0_AE4F),
    ink("series-5", 0x006B_52B5, 0x00A8_92EC),
    ink("series-6", 0x005A_8A2A, 0x0098_C95C),
    ink("series-7", 0x008D_5A3B, 0x00CF_9A76),
    ink("series-8", 0x005C_6B80, 0x009F_B0C6),
];

fn inks() -> impl Iterator<Item = Ink> {
    [SURFACE, TEXT, MUTED, GRID, AXIS, ADMITTED, THROTTLED, ERRORS, LIMIT, FAULT, PHASE]
        .into_iter()
        .chain(SERIES)
}

/// The CSS declarations of all inks for a light page.
pub(crate) fn light_variables() -> String {
    variables(|ink| ink.light)
}

/// The CSS declarations of all inks for a dark page.
pub(crate) fn dark_variables() -> String {
    variables(|ink| ink.dark)
}

/// Turns the colours of an SVG into CSS variables that fall back to the same colours.
pub(super) fn follow_page(svg: &str) -> String {
    inks().fold(svg.to_owned(), |svg, ink| {
        let plain = format!("\"#{:06X}\"", ink.light);
        svg.replace(&plain, &format!("\"var(--{},#{:06X})\"", ink.name, ink.light))
    })
}

fn variables(value: impl Fn(Ink) -> u32) -> String {
    inks().fold(String::new(), |mut css, ink| {
        let written = write!(css, "--{}:#{:06x};", ink.name, value(ink));
        written.expect("writing to a string cannot fail");
        css
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_ink_is_told_apart_by_name_and_light_value() {
        let names: BTreeSet<&str> = inks().map(|ink| ink.name).collect();
        let values: BTreeSet<u32> = inks().map(|ink| ink.light).collect();
        assert_eq!((names.len(), values.len()), (inks().count(), inks().count()));
    }

    #[test]
    fn text_reads_well_on_both_surfaces() {
        for ink in [TEXT, MUTED, LIMIT].into_iter().chain(SERIES) {
            let least = if SERIES.contains(&ink) { 3.0 } else { 4.5 };
            let (light, dark) =
                (contrast(ink.light, SURFACE.light), contrast(ink.dark, SURFACE.dark));
            assert!(light >= least && dark >= least, "{}: {light:.1}, {dark:.1}", ink.name);
        }
    }

    #[test]
    fn a_colour_asks_the_page_and_falls_back() {
        assert_eq!(
            follow_page("<line stroke=\"#5B8FC7\"/>"),
            "<line stroke=\"var(--admitted,#5B8FC7)\"/>"
        );
    }

    /// The contrast ratio of WCAG 2.2, from 1 to 21.
    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(color: u32) -> f64 {
        let linear = |byte: u8| match f64::from(byte) / 255.0 {
            c if c <= 0.04045 => c / 12.92,
            c => ((c + 0.055) / 1.055).powf(2.4),
        };
        let [_, red, green, blue] = color.to_be_bytes().map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}
