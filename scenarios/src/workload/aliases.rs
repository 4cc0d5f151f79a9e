//! Aliases: made, moved and removed while calls go through them.

use kms_core::name::AliasName;
use kms_core::name::KeyIdentifier;
use kms_core::ops::{
    Response, create_alias, delete_alias, describe_key, list_aliases, update_alias,
};
use kms_core::wire::{GrantTokens, KeyRef};

use super::WorkloadKind;
use super::generator::{Draw, Generator, Moment, Planned};
use super::ring::index;
use super::seat::{NewKey, Seat};
use super::weights::mix;
use super::weights::pick;
use crate::kind::Count;
use crate::reader::{Entry, Reader};

/// Create, move and delete aliases, and call through them.
#[derive(Debug, Clone, PartialEq)]
pub struct Aliases {
    /// Weight: createAlias.
    pub create: u32,
    /// Weight: updateAlias, to another key.
    pub update: u32,
    /// Weight: deleteAlias.
    pub delete: u32,
    /// Weight: listAliases.
    pub list: u32,
    /// Weight: a cryptographic call through an alias.
    pub use_alias: u32,
    /// How many alias names there are in each Region.
    pub names: u32,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "aliases",
    doc: "Create, move and delete aliases, and call through them.",
    read: |reader| WorkloadKind::Aliases(Aliases::read(reader)),
};

impl Aliases {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [create, update, delete, list, use_alias] = mix(
            reader,
            [
                ("create", 1, "CreateAlias."),
                ("update", 2, "UpdateAlias, to another key."),
                ("delete", 1, "DeleteAlias."),
                ("list", 1, "ListAliases."),
                ("use_alias", 6, "A cryptographic call through an alias."),
            ],
        );
        Self {
            create,
            update,
            delete,
            list,
            use_alias,
            names: reader.or(
                "names",
                &Count { min: 1, max: 10_000 },
                20,
                "How many alias names there are in each Region; fewer names make more conflicts.",
            ),
        }
    }
}

/// The plaintexts are short: it is what the alias stands for that matters.
const PLAINTEXT: usize = 32;
/// The share of calls through an alias that only describe the key.
const DESCRIBES: f64 = 0.25;
/// The share of calls through an alias that use one from the start, if there is one.
const FROM_THE_START: f64 = 0.25;

/// One client. The names are shared with all other clients of its account and Region.
pub(super) struct Client {
    parameters: Aliases,
    seat: Seat,
}

impl Client {
    pub(super) fn new(parameters: &Aliases, seat: Seat) -> Client {
        Client { parameters: parameters.clone(), seat }
    }

    fn name(&self, draw: &mut dyn Draw) -> String {
        format!("alias/name-{}", draw.below(self.parameters.names.into()))
    }

    /// An alias to call through: one of the names, or one that was there from the start.
    fn alias(&self, moment: &mut Moment<'_>) -> KeyRef {
        let given = moment.book.aliases(self.seat.account, self.seat.region);
        if !given.is_empty() && moment.draw.chance(FROM_THE_START) {
            let name = given[index(given.len(), moment.draw)].clone();
            return KeyRef::Valid(KeyIdentifier::Alias(name));
        }
        let name = self.name(moment.draw);
        match AliasName::parse(&name) {
            Some(name) => KeyRef::Valid(KeyIdentifier::Alias(name)),
            None => KeyRef::new(&name),
        }
    }

    fn through(&self, moment: &mut Moment<'_>) -> Planned {
        let key_id = self.alias(moment);
        if moment.draw.chance(DESCRIBES) {
            let grant_tokens = GrantTokens::default();
            return self.seat.admin(describe_key::Request { key_id, grant_tokens });
        }
        self.seat.admin(self.seat.encrypt(key_id, PLAINTEXT, moment.draw))
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let (seat, p) = (&self.seat, &self.parameters);
        let Some(key) = seat.key(moment.draw) else {
            return seat.create_key(NewKey::SingleRegion);
        };
        let weights = [p.create, p.update, p.delete, p.list, p.use_alias];
        let action = pick(weights, moment.draw);
        match action {
            0 => seat.admin(create_alias::Request::new(&self.name(moment.draw), key)),
            1 => seat.admin(update_alias::Request::new(&self.name(moment.draw), key)),
            2 => {
                let alias_name = self.name(moment.draw).into();
                seat.admin(delete_alias::Request { alias_name })
            }
            3 => seat.admin(list_aliases::Request { key_id: None, limit: None, marker: None }),
            _ => self.through(moment),
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ops::Request;

    #[test]
    fn aliases_are_made_moved_used_and_removed() {
        let run = Run::of("aliases", "names = 3", 300);
        run.uses(&[
            "CreateAlias",
            "DeleteAlias",
            "DescribeKey",
            "Encrypt",
            "ListAliases",
            "UpdateAlias",
        ]);
        let given = run.count(|_, request| match request {
            Request::Encrypt(request) => request.key_id.to_string() == "alias/first",
            _ => false,
        });
        assert!(given > 0, "the alias from the start is used, too");
    }
}
