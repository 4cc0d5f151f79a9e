//! Bugs in the audit trail.

use crate::history::Audited;

pub(super) fn dropped(_: &Audited) -> Vec<Audited> {
    Vec::new()
}

pub(super) fn twice(audit: &Audited) -> Vec<Audited> {
    vec![audit.clone(), audit.clone()]
}

pub(super) fn as_success(audit: &Audited) -> Vec<Audited> {
    vec![Audited { error: None, ..audit.clone() }]
}

pub(super) fn unbilled(audit: &Audited) -> Vec<Audited> {
    vec![Audited { billed: None, ..audit.clone() }]
}
