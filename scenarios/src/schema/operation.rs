//! Explicit calls: a test case written out, or what a shrunk scenario is left with.

use std::time::Duration;

use super::keys::{KeyName, KeyNameKind};
use crate::kind::{ANY_DURATION, Complaint, Count, Named, REGION, RegionName, TEXT};
use crate::reader::Reader;
use crate::units::duration_text;
use crate::value::{Data, Value};
use crate::vocabulary::{Argument, Arguments};
use crate::workload::WORKERS;

/// One call at a stated time.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// When it is sent, from the start of the storm.
    pub at: Duration,
    /// The KMS operation.
    pub call: String,
    /// Where it is sent; the first Region when not said.
    pub region: RegionName,
    /// The client that sends it.
    pub client: u32,
    /// The number of the caller's account; that of the key when not said.
    pub account: Option<u32>,
    /// The number of the worker that calls; the administrator when not said.
    pub worker: Option<u32>,
    /// The key it is about.
    pub key: Option<KeyName>,
    /// The name later operations use for the key this one creates.
    pub creates: Option<String>,
    /// Further arguments, by their names on the wire.
    pub arguments: Arguments,
}

const CALL: Named = Named { what: "operation", among: |vocabulary| &vocabulary.operations };

pub(crate) fn read_all(reader: &mut Reader<'_, '_>, storm: Duration) -> Vec<Operation> {
    let doc = "A call at a stated time, as shrunk scenarios have them.";
    reader.each("operation", doc, |reader| Operation::read(reader, storm))
}

impl Operation {
    fn read(reader: &mut Reader<'_, '_>, storm: Duration) -> Self {
        let at = reader.required(
            "at",
            &ANY_DURATION,
            "3m",
            "When it is sent, from the start of the storm.",
        );
        if at > storm && reader.raw("at").is_some() {
            let message =
                format!("the phases end at \"{}\", before this operation", duration_text(storm));
            reader.complain("at", message);
        }
        let call = reader.required("call", &CALL, "ScheduleKeyDeletion", "The KMS operation.");
        let region =
            reader.optional("region", &REGION, "Where it is sent; the first Region when not said.");
        let client = reader.or(
            "client",
            &Count { min: 0, max: 1_000_000 },
            0,
            "The number of the client that sends it.",
        );
        let account = reader.optional(
            "account",
            &Count { min: 0, max: 999 },
            "The number of the caller's account; that of the key when not said.",
        );
        let accounts = reader.session.accounts;
        if account.is_some_and(|account| account >= accounts) {
            let message = match accounts {
                1 => "there is one account, number 0; `[accounts] count` makes more".to_owned(),
                many => format!("there are {many} accounts, numbers 0 to {}", many - 1),
            };
            reader.complain("account", message);
        }
        let worker = reader.optional(
            "worker",
            &Count { min: 0, max: WORKERS - 1 },
            "The number of the worker that calls; the administrator when not said.",
        );
        let key = reader.optional("key", &KeyNameKind, "The key it is about.");
        let creates = reader.optional(
            "creates",
            &TEXT,
            "The name later operations use for the key this one creates.",
        );
        reader.session.created_keys.extend(creates.clone());
        let arguments = arguments(reader, &call);
        let region = region.unwrap_or_else(|| home(reader));
        Self { at, call, region, client, account, worker, key, creates, arguments }
    }
}

/// The first Region of the topology; a scenario always has one.
fn home(reader: &Reader<'_, '_>) -> RegionName {
    reader.session.regions.first().cloned().expect("a list of Regions has at least one")
}

fn arguments(reader: &mut Reader<'_, '_>, call: &str) -> Arguments {
    let given = reader.raw("with");
    let doc = "Further arguments, by their names on the wire.";
    let arguments: Arguments = reader.table("with", doc, |reader| {
        reader.entries().map(|(name, entry)| (name.into(), Argument::from(&entry.value))).collect()
    });
    let checked = (reader.session.vocabulary.check_arguments)(call, &arguments);
    if let (Err(problem), None) = (checked, &reader.session.listing) {
        let argument =
            given.zip(problem.argument.as_deref()).and_then(|(v, name)| argument(v, name));
        match argument {
            Some(value) => reader.session.complain(Complaint::about(value, problem.message)),
            None => reader.complain("with", problem.message),
        }
    }
    arguments
}

fn argument<'v>(with: &'v Value, name: &str) -> Option<&'v Value> {
    match &with.data {
        Data::Table(table) => table.get(name).map(|entry| &entry.value),
        _ => None,
    }
}
