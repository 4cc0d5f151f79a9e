//! The model of each HSM: what it does at once, and how long commands wait and take.
//!
//! Defaults, meanings and sources are the core's data; a scenario overrides figures by the same names.

use kms_core::hsm::{Class, Figure, Figures, HsmModel};
use std::time::Duration;

use crate::kind::{Count, DurationIn, Number};
use crate::reader::Reader;
use crate::units::duration_text;

const LANES: Count = Count { min: 1, max: 64 };
const QUEUE: Count = Count { min: 1, max: 1_000_000 };
const SPREAD: Number = Number { min: 0.0, max: 2.0 };
/// Shorter than a command may take, a session would be over before it is of use.
const VALIDITY: DurationIn =
    DurationIn { min: Duration::from_secs(1), max: Duration::from_secs(30 * 86_400) };
const TIME: DurationIn = DurationIn { min: Duration::ZERO, max: Duration::from_secs(600) };

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> HsmModel {
    let figures = Figures::shipped();
    reader.table("hsm", "A model of each HSM; AWS documents no figure of its own.", |reader| {
        HsmModel {
            lanes: count(reader, "lanes", &LANES, &figures.lanes),
            queue: count(reader, "queue", &QUEUE, &figures.queue),
            spread: reader.or("spread", &SPREAD, figures.spread.value, &figures.spread.doc),
            warm_up: time(reader, "warm_up", &TIME, &figures.warm_up),
            session_validity: time(
                reader,
                "session_validity",
                &VALIDITY,
                &figures.session_validity,
            ),
            service: reader.table(
                "service",
                "The median time of each kind of command.",
                |reader| {
                    Class::ALL.map(|class| time(reader, class.name(), &TIME, figures.of(class)))
                },
            ),
        }
    })
}

fn count(
    reader: &mut Reader<'_, '_>,
    name: &'static str,
    kind: &Count,
    figure: &'static Figure<u32>,
) -> u32 {
    reader.or(name, kind, i64::from(figure.value), &figure.doc)
}

fn time(
    reader: &mut Reader<'_, '_>,
    name: &'static str,
    kind: &DurationIn,
    figure: &'static Figure<u64>,
) -> Duration {
    let default = duration_text(Duration::from_micros(figure.value));
    reader.or(name, kind, default.as_str(), &figure.doc)
}
