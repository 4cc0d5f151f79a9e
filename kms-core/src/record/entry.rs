//! What a log entry says: changes of records, grants among them, and uses of keys.

use super::bytes::{Reader, Record, Writer, list, lists, record, shared};
use crate::ops::Operation;
use crate::policy::{ContextConstraint, Grant, GrantOperation, GrantOperations, GrantTerms, Party};
use crate::state::{Change, Departure, DomainRecord};
use crate::usage::LastUse;
use std::sync::Arc;

record!(enum Change {
    0 = PutKey(key),
    1 = EraseKey(id),
    2 = PutAlias(account, name, target, created),
    3 = RemoveAlias(account, name),
    4 = PutGrant(grant),
    5 = RemoveGrant(id),
    6 = PutDomain(record),
    7 = PutDeparture(id, departure),
    8 = RemoveDeparture(id),
    9 = PutLastUses(uses),
    10 = PutKeyStore(store),
    11 = RemoveKeyStore(id),
});
lists!(Vec of Change);
record!(struct DomainRecord { token, rotated, tokens_since });
record!(struct Departure { primary, created });
record!(struct LastUse { key, operation, at, request, event });

impl Record for Arc<[LastUse]> {
    fn write(&self, out: &mut Writer) {
        self.len().write(out);
        self.iter().for_each(|one| one.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Option<Arc<[LastUse]>> {
        list(input)
    }
}

impl Record for Operation {
    fn write(&self, out: &mut Writer) {
        out.sized(self.name().as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<Operation> {
        Operation::parse(input.text()?)
    }
}

record!(struct Grant { id, key, grantee, retiring, terms, name, issuer, created });
shared!(Grant);
record!(struct GrantTerms { operations, context, source_arn });
record!(enum Party { 0 = Principal(arn), 1 = Service(host) });
record!(enum ContextConstraint { 0 = None, 1 = Equals(pairs), 2 = Subset(pairs) });

/// By name, so that the numbers of actions may change.
impl Record for GrantOperations {
    fn write(&self, out: &mut Writer) {
        self.iter().count().write(out);
        self.iter().for_each(|operation| operation.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Option<GrantOperations> {
        list::<GrantOperation, _>(input)
    }
}

impl Record for GrantOperation {
    fn write(&self, out: &mut Writer) {
        out.sized(self.name().as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<GrantOperation> {
        GrantOperation::parse(input.text()?)
    }
}
