//! `keyquake sim schema` and `keyquake sim parameters`: what a scenario file may say.

use crate::exit::{Exit, Failure};
use crate::terminal::{self, table};
use ::sim::parameters::Parameters;
use ::sim::vocabulary::vocabulary;
use clap::Args;
use scenarios::{Field, FieldDefault, Listing, schema_listing};
use serde::Serialize;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyquake sim parameters\n\nA scenario sets them in [parameters], a run with \
                  --set parameters.hsm.timeout=100ms."
)]
pub(crate) struct Arguments {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Prints every key of a scenario file as Markdown.
pub(crate) fn schema() -> Result<Exit, Failure> {
    terminal::print(&schema_listing(&vocabulary()).markdown())?;
    Ok(Exit::Fine)
}

#[derive(Serialize)]
struct Figure {
    name: &'static str,
    kind: String,
    default: &'static str,
    doc: &'static str,
}

/// Prints the figures of the model.
pub(crate) fn parameters(arguments: &Arguments) -> Result<Exit, Failure> {
    let listing = schema_listing(&vocabulary());
    let figures = Parameters::table().into_iter().map(|info| Figure {
        name: info.name,
        kind: kind(&listing, info.name),
        default: info.default,
        doc: info.doc,
    });
    let figures: Vec<Figure> = figures.collect();
    if arguments.json {
        terminal::print_json(&figures)?;
    } else {
        terminal::print(&page(&figures))?;
    }
    Ok(Exit::Fine)
}

fn page(figures: &[Figure]) -> String {
    let head = ["name", "default", "type and range", "meaning"].map(str::to_owned);
    let row = |figure: &Figure| {
        let Figure { name, kind, default, doc } = figure;
        [(*name).to_owned(), (*default).to_owned(), kind.clone(), (*doc).to_owned()]
    };
    let rows: Vec<[String; 4]> = [head].into_iter().chain(figures.iter().map(row)).collect();
    table(&rows)
}

/// The type and range, in the words of the schema.
fn kind(listing: &Listing, name: &str) -> String {
    let fields = listing.sections.iter().flat_map(|section| &section.fields);
    let known = |field: &&Field| field.key == name && field.default != FieldDefault::Unset;
    fields.filter(known).map(|field| field.kind.clone()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_type_and_a_range() {
        let listing = schema_listing(&vocabulary());
        for info in Parameters::table() {
            assert!(!kind(&listing, info.name).is_empty(), "{}", info.name);
        }
    }
}
