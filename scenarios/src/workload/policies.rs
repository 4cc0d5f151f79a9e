//! Key policies: replaced while calls depend on them.

use std::fmt::Write;

use kms_core::name::AccountId;
use kms_core::ops::{Response, get_key_policy, put_key_policy};
use kms_core::policy::Policy;
use kms_core::wire::{KeyRef, PolicyText};

use super::WorkloadKind;
use super::generator::{Generator, Moment, Planned, WORKERS, Who};
use super::seat::{NewKey, Seat};
use super::weights::mix;
use super::weights::pick;
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Replace key policies, read them, and make calls that they allow or deny.
#[derive(Debug, Clone, PartialEq)]
pub struct Policies {
    /// Weight: putKeyPolicy.
    pub put: u32,
    /// Weight: getKeyPolicy.
    pub get: u32,
    /// Weight: a cryptographic call.
    pub use_key: u32,
    /// The share of new policies that leave the caller out; the others name it.
    pub deny_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "policies",
    doc: "Replace key policies, read them, and make calls that they allow or deny.",
    read: |reader| WorkloadKind::Policies(Policies::read(reader)),
};

impl Policies {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [put, get, use_key] = mix(
            reader,
            [
                ("put", 1, "PutKeyPolicy."),
                ("get", 2, "GetKeyPolicy."),
                ("use_key", 6, "A cryptographic call."),
            ],
        );
        Self {
            put,
            get,
            use_key,
            deny_share: reader.or(
                "deny_share",
                &PROBABILITY,
                0.25,
                "The share of new policies that leave the caller out; the others name it.",
            ),
        }
    }
}

/// One client. Its calls are a worker's, whom only the key policy can allow them.
pub(super) struct Client {
    parameters: Policies,
    seat: Seat,
    worker: u32,
    /// The default policy, which says nothing of the worker.
    silent: PolicyText,
    /// A policy that names the worker beside.
    naming: PolicyText,
}

impl Client {
    pub(super) fn new(parameters: &Policies, seat: Seat) -> Client {
        let worker = seat.number % WORKERS;
        Client {
            parameters: parameters.clone(),
            worker,
            silent: Policy::default_for(seat.account, seat.region.partition()).text().into(),
            naming: naming(seat.account, Who::Worker(worker)).into(),
            seat,
        }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let (seat, p) = (&self.seat, &self.parameters);
        let Some(key_id) = seat.key(moment.draw).map(KeyRef::from) else {
            return seat.create_key(NewKey::SingleRegion);
        };
        match pick([p.put, p.get, p.use_key], moment.draw) {
            0 => {
                let denies = moment.draw.chance(p.deny_share.get());
                seat.admin(put_key_policy::Request {
                    key_id,
                    policy_name: None,
                    policy: if denies { self.silent.clone() } else { self.naming.clone() },
                    bypass_policy_lockout_safety_check: None,
                })
            }
            1 => seat.admin(get_key_policy::Request { key_id, policy_name: None }),
            _ => seat.worker(self.worker, seat.data_key(key_id, moment.draw)),
        }
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
    }
}

/// The account may do everything, the worker may use the key.
fn naming(account: AccountId, worker: Who) -> String {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    let root = format!("arn:aws:iam::{account}:root");
    for (principal, actions, separator) in [
        (root, r#""kms:*""#, ","),
        (worker.arn(account), r#"["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"]"#, "]}"),
    ] {
        let _ = write!(
            text,
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":{actions},"Resource":"*"}}{separator}"#
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use super::*;
    use kms_core::ErrorCode;
    use kms_core::ops::Operation;

    #[test]
    fn a_worker_may_call_while_a_policy_names_it() {
        let run = Run::of("policies", "", 300);
        run.uses(&["GenerateDataKey", "GetKeyPolicy", "PutKeyPolicy"]);
        let denied = |(planned, result): &(Planned, kms_core::Result<Response>)| {
            let code = result.as_ref().err().map(|error| error.code);
            let uses = planned.request.operation() == Operation::GenerateDataKey;
            uses && code == Some(ErrorCode::AccessDenied)
        };
        assert!(run.calls.iter().any(denied), "the default policy denies the worker");
    }
}
