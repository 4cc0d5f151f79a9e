//! Explicit calls: a test case written out, or what a shrunk scenario is left with.

use std::time::Duration;

use super::keys::{KeyName, KeyNameKind};
use crate::kind::{ANY_DURATION, Complaint, Count, Named, REGION, RegionName, TEXT};
use crate::reader::Reader;
use crate::source::Place;
use crate::units::duration_text;
use crate::value::{Data, Value};
use crate::vocabulary::{Argument, Arguments};
use crate::workload::{WORKERS, is_made};

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
    if let Some(given) = given {
        unmade(given, reader);
    }
    let checked = (reader.session.vocabulary.check_arguments)(call, &arguments);
    if let (Err(problem), None) = (checked, &reader.session.listing) {
        let place = given.zip(problem.argument.as_deref()).and_then(|(with, name)| key(with, name));
        match place {
            Some(place) => {
                reader.session.complain(Complaint { place, message: problem.message });
            }
            None => reader.complain("with", problem.message),
        }
    }
    arguments
}

/// Where a table has a key.
fn key(with: &Value, name: &str) -> Option<Place> {
    match &with.data {
        Data::Table(table) => table.get(name).map(|entry| entry.key),
        _ => None,
    }
}

/// Complains about names of answers that no earlier operation creates: they would go out as they are.
fn unmade(value: &Value, reader: &mut Reader<'_, '_>) {
    match &value.data {
        Data::Text(text) if is_made(text) && !reader.session.created_keys.contains(text) => {
            let message = format!("no earlier operation creates {text:?}");
            reader.session.complain(Complaint::about(value, message));
        }
        Data::List(items) => items.iter().for_each(|item| unmade(item, reader)),
        Data::Table(table) => table.values().for_each(|entry| unmade(&entry.value, reader)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{Scenario, Vocabulary};

    fn problem(with: &str) -> Option<String> {
        let text = format!(
            "schema = 1\ndescription = 'x'\n[[phase]]\nname = 'x'\nduration = '1m'\n\
             [[operation]]\nat = '1s'\ncall = 'CreateKey'\ncreates = 'made-3'\n\
             [[operation]]\nat = '2s'\ncall = 'PutKeyPolicy'\nwith = {with}\n"
        );
        let check_arguments = crate::workload::check_arguments;
        let vocabulary = Vocabulary { check_arguments, ..Vocabulary::open() };
        let scenario = Scenario::parse("x.toml", &text, &[], &vocabulary);
        scenario.err().map(|error| error.to_string())
    }

    /// A scenario that was shrunk sent the name of an answer that it no longer had as a policy, which
    /// failed for a reason of its own.
    #[test]
    fn what_no_earlier_operation_creates_is_refused_among_the_arguments() {
        assert_eq!(problem("{ KeyId = 'made-3', Policy = 'made-by-hand' }"), None);
        let said = problem("{ KeyId = 'made-3', Policy = 'made-10' }").unwrap();
        assert!(said.contains("no earlier operation creates \"made-10\""), "{said}");
    }

    #[test]
    fn an_unknown_argument_is_pointed_at_by_its_name() {
        let said = problem("{ Polcy = 'x' }").unwrap();
        assert!(said.contains("did you mean \"Policy\"?"), "{said}");
        assert!(said.ends_with("  with = { Polcy = 'x' }\n           ^^^^^"), "{said}");
    }
}
