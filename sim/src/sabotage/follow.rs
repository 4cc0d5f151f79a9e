//! Bugs in how hosts and workers follow, and in what the journal keeps.

use kms_core::state::Change;
use kms_core::task::Task;
use kms_core::token::TokenChange;

pub(super) fn key(change: &Change) -> bool {
    matches!(change, Change::PutKey(_))
}

pub(super) fn grant_end(change: &Change) -> bool {
    matches!(change, Change::RemoveGrant(_))
}

pub(super) fn grant(change: &Change) -> bool {
    matches!(change, Change::PutGrant(_))
}

pub(super) fn alias(change: &Change) -> bool {
    matches!(change, Change::PutAlias(..) | Change::RemoveAlias(..))
}

pub(super) fn new_token(change: &TokenChange) -> bool {
    matches!(change, TokenChange::Put(_))
}

pub(super) fn passage(task: &Task) -> bool {
    matches!(task, Task::FinishReplica(_) | Task::FinishUpdate(_) | Task::PromoteMaterial(_))
}

pub(super) fn deletion(task: &Task) -> bool {
    matches!(task, Task::DeleteKey(_))
}
