//! Data in, pictures out: one run becomes one page that a person can judge at a glance.
//!
//! | module   | what it holds                                                                       |
//! |----------|-------------------------------------------------------------------------------------|
//! | `data`   | [`RunReport`]: everything a report shows, and the JSON form it is kept in            |
//! | `chart`  | [`chart::Chart`]: drawn once with plotters, read as SVG (light and dark) or as PNG   |
//! | `page`   | [`page::page`] and [`page::index`]: self-contained HTML without network              |
//! | `text`   | [`text::summary`]: the same verdict for a terminal                                   |
//! | `csv`    | [`csv::series`]: the time series for a spreadsheet                                   |
//!
//! The crate knows no other crate of the workspace. It decides nothing: whoever ran the scenario has
//! judged it, and the report repeats that verdict first, with the command that replays the run.

pub mod chart;
pub mod csv;
pub mod data;
mod format;
pub mod page;
pub mod text;
mod verdict;

pub use data::{LoadReport, ReportError, RunReport, Verdict};
pub use format::{Nanos, measured, span, thousands};
