//! Bugs in the audit trail.

use crate::history::Audited;
use kms_core::name::KeyId;

pub(super) fn dropped(_: &Audited) -> Vec<Audited> {
    Vec::new()
}

pub(super) fn of_another_key(audit: &Audited) -> Vec<Audited> {
    let other = audit.key.map(|_| KeyId::single_region([0x5A; 16]));
    vec![Audited { key: other, ..audit.clone() }]
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
