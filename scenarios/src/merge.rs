//! Lays a file over the base it extends.

use crate::value::{Data, Entry, Table};

/// `over` on top of `base`: tables are merged key by key, everything else is replaced.
pub(crate) fn merge(base: Table, over: Table) -> Table {
    let mut merged = base;
    for (name, entry) in over {
        let entry = match merged.remove(&name) {
            Some(below) => lay(below, entry),
            None => entry,
        };
        merged.insert(name, entry);
    }
    merged
}

fn lay(below: Entry, mut over: Entry) -> Entry {
    // A table with a kind is one choice: half of one kind and half of another would mean nothing.
    if let (Data::Table(below), Data::Table(above)) = (below.value.data, &mut over.value.data) {
        let chosen_anew = above.contains_key("kind");
        if !chosen_anew {
            *above = merge(below, std::mem::take(above));
        }
    }
    over
}
