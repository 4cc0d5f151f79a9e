//! What every page is made of: the document, sections, tables and framed charts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::{Chart, palette};

const STYLE: &str = include_str!("style.css");

/// A complete document around a body.
pub(super) fn document(title: &str, body: &Markup) -> String {
    let style = format!(
        ":root{{{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n{STYLE}",
        palette::light_variables(),
        palette::dark_variables()
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    document.into_string()
}

/// A part of the page with a heading that can be linked to.
pub(super) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) { (title) }
            (content)
        }
    }
}

/// A chart, or the reason why there is none.
pub(super) fn figure(chart: &impl Chart) -> Markup {
    match chart.svg() {
        Ok(svg) => html! { figure { (PreEscaped(svg)) } },
        Err(error) => html! { p.note { (error) } },
    }
}

/// A table with a caption; columns whose name begins with `#` hold numbers.
pub(super) struct Table<'a> {
    pub(super) caption: &'a str,
    pub(super) columns: &'a [&'a str],
}

impl Table<'_> {
    /// The table of some rows, or a remark if there are none.
    pub(super) fn of(&self, rows: impl ExactSizeIterator<Item = Markup>) -> Markup {
        if rows.len() == 0 {
            return html! { p.note { "None recorded." } };
        }
        html! {
            div.scroll {
                table {
                    caption { (self.caption) }
                    thead { tr { @for column in self.columns { (heading(column)) } } }
                    tbody { @for row in rows { (row) } }
                }
            }
        }
    }
}

fn heading(column: &str) -> Markup {
    match column.strip_prefix('#') {
        Some(name) => html! { th.number scope="col" { (name) } },
        None => html! { th scope="col" { (column) } },
    }
}
