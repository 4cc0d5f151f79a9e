//! Aliases: made, moved and removed while calls go through them.

use super::WorkloadKind;
use super::weights::mix;
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
                &Count {
                    min: 1,
                    max: 10_000,
                },
                20,
                "How many alias names there are in each Region; fewer names make more conflicts.",
            ),
        }
    }
}
