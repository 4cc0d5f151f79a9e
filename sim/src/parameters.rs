//! Every figure of the model that AWS does not document, by name: one table, which scenarios
//! override, `keyquake sim parameters` lists and the report shows.

use crate::disk::DiskParameters;
use crate::net::NetworkParameters;
use crate::node::{Limits, Patience};
use kms_core::hsm::FleetParameters;
use scenarios::{Parameter, ParameterInfo, ParameterKind, ParameterValue};
use std::time::Duration;

const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A type a parameter can have.
trait Typed: Copy {
    const KIND: ParameterKind;
    fn of(value: &ParameterValue) -> Option<Self>;
}

impl Typed for Duration {
    const KIND: ParameterKind =
        ParameterKind::Duration { min: Duration::ZERO, max: s(30 * 86_400) };
    fn of(value: &ParameterValue) -> Option<Duration> {
        match value {
            ParameterValue::Duration(value) => Some(*value),
            _ => None,
        }
    }
}

impl Typed for u32 {
    const KIND: ParameterKind = ParameterKind::Count { min: 1, max: 1_000_000 };
    fn of(value: &ParameterValue) -> Option<u32> {
        match value {
            ParameterValue::Count(value) => Some(*value),
            _ => None,
        }
    }
}

impl Typed for f64 {
    const KIND: ParameterKind = ParameterKind::Probability;
    fn of(value: &ParameterValue) -> Option<f64> {
        match value {
            ParameterValue::Probability(value) => Some(value.get()),
            _ => None,
        }
    }
}

macro_rules! parameters {
    ($($field:ident $name:literal: $type:ty = $value:expr, $text:literal, $doc:literal;)*) => {
        /// The parameters of a run.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Parameters { $(#[doc = $doc] pub $field: $type,)* }

        impl Default for Parameters {
            fn default() -> Parameters {
                Parameters { $($field: $value,)* }
            }
        }

        impl Parameters {
            /// What scenarios may override.
            pub fn table() -> Vec<ParameterInfo> {
                vec![$(ParameterInfo {
                    name: $name,
                    kind: <$type as Typed>::KIND,
                    default: $text,
                    doc: $doc,
                },)*]
            }

            /// The defaults with a scenario's overrides.
            pub fn with(overrides: &[Parameter]) -> Parameters {
                let mut parameters = Parameters::default();
                for Parameter { name, value } in overrides {
                    match *name {
                        $($name => {
                            if let Some(value) = <$type as Typed>::of(value) {
                                parameters.$field = value;
                            }
                        })*
                        _ => {}
                    }
                }
                parameters
            }

            /// Every parameter with its value, for reports.
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$(($name, shown(&self.$field)),)*]
            }
        }
    };
}

parameters! {
    audit_window "audit.window": Duration = s(5), "5s",
        "How long a host keeps the audit records of what changed nothing; a crash loses so much.";
    client_in_flight "client.in_flight": u32 = 1_000, "1000",
        "Calls a client has under way at most; further starts wait.";
    deletion_grace "deletion.grace": Duration = s(3_600), "1h",
        "How long after its waiting period a key is erased; AWS allows itself a day.";
    disk_sync "disk.sync": Duration = ms(1), "1ms",
        "How long a journal takes to make what it wrote durable.";
    disk_torn "disk.torn": f64 = 0.5, "0.5",
        "The chance that a crash leaves a part of what was not synced.";
    disk_write "disk.write": Duration = us(40), "40us",
        "How long a journal takes to write a record.";
    host_decisions "host.decisions": u32 = 5, "5",
        "How often a request is decided when the journal refuses what was stale.";
    host_in_flight "host.in_flight": u32 = 10_000, "10000",
        "Operations an API host has under way at most; more are refused.";
    hsm_attempts "hsm.attempts": u32 = 3, "3",
        "How many HSMs a host asks, one after another.";
    hsm_failures "hsm.failures": u32 = 3, "3",
        "After how many failures in a row a host leaves an HSM alone.";
    hsm_hedge_after "hsm.hedge_after": Duration = ms(50), "50ms",
        "How long a host waits for an HSM before it asks one more beside it.";
    hsm_outstanding "hsm.outstanding": u32 = 512, "512",
        "How many commands of one host an HSM may have before it at once.";
    hsm_pair_timeout "hsm.pair_timeout": Duration = s(5), "5s",
        "How long a host waits for an HSM that makes a key pair.";
    hsm_quarantine "hsm.quarantine": Duration = s(1), "1s",
        "How long a host leaves a sick HSM alone at first; each further failure doubles it.";
    hsm_quarantine_at_most "hsm.quarantine_at_most": Duration = s(30), "30s",
        "How long it leaves it alone at most.";
    hsm_retry_ratio "hsm.retry_ratio": f64 = 0.1, "0.1",
        "How much of a second asking one ordinary command earns a host.";
    hsm_retry_savings "hsm.retry_savings": u32 = 100, "100",
        "How many second askings a host may save up.";
    hsm_timeout "hsm.timeout": Duration = ms(250), "250ms",
        "How long a host waits for an HSM before it asks another one.";
    journal_append_attempts "journal.append_attempts": u32 = 4, "4",
        "How often a host sends an append before it gives up.";
    journal_append_timeout "journal.append_timeout": Duration = ms(500), "500ms",
        "How long a host waits for the journal before it sends the append again.";
    journal_catch_up_timeout "journal.catch_up_timeout": Duration = ms(500), "500ms",
        "How long a host that is behind waits before it asks the journal again.";
    journal_resend_after "journal.resend_after": Duration = ms(200), "200ms",
        "How long the journal waits for an acknowledgement at first.";
    journal_resend_at_most "journal.resend_at_most": Duration = s(30), "30s",
        "How long it waits at most.";
    key_store_attempts "key_store.attempts": u32 = 2, "2",
        "How often the backend of a custom key store is asked before it counts as silent.";
    key_store_connect "key_store.connect_time": Duration = s(300), "5m",
        "How long an external key store takes to connect.";
    key_store_disconnect "key_store.disconnect_time": Duration = s(300), "5m",
        "How long a custom key store takes to disconnect.";
    key_store_service "key_store.service_time": Duration = ms(5), "5ms",
        "How long a proxy with its key manager takes for a request.";
    key_store_timeout "key_store.timeout": Duration = ms(250), "250ms",
        "How long a host waits for the backend of a custom key store; AWS documents 250 ms.";
    network_cross_zone "network.cross_zone": Duration = us(500), "500us",
        "The one-way delay between two zones of a Region.";
    network_duplication "network.duplication": f64 = 0.0001, "0.0001",
        "The chance that a message arrives twice.";
    network_loss "network.loss": f64 = 0.00001, "0.00001",
        "The chance that a message is lost without any fault.";
    network_same_zone "network.same_zone": Duration = us(100), "100us",
        "The one-way delay within a zone.";
    primary_updating "primary.updating_time": Duration = s(2), "2s",
        "How long a new primary stays in Updating at least.";
    region_attempts "region.attempts": u32 = 2, "2",
        "How many hosts of another Region are asked, one after another.";
    region_timeout "region.timeout": Duration = ms(1_500), "1500ms",
        "How long a host waits for another Region before it asks another host there.";
    replica_creating "replica.creating_time": Duration = s(1), "1s",
        "How long a new replica stays in Creating at least.";
    worker_pause "worker.pause": Duration = ms(500), "500ms",
        "How long a worker waits after a task that failed, at first.";
    worker_pause_at_most "worker.pause_at_most": Duration = s(30), "30s",
        "How long it waits at most.";
}

impl Parameters {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            fleet: self.fleet(),
            region_timeout: self.region_timeout,
            region_attempts: self.region_attempts,
            key_store_timeout: self.key_store_timeout,
            key_store_attempts: self.key_store_attempts,
            append_timeout: self.journal_append_timeout,
            append_attempts: self.journal_append_attempts,
            catch_up_timeout: self.journal_catch_up_timeout,
            audit_window: self.audit_window,
            decisions: u8::try_from(self.host_decisions).unwrap_or(u8::MAX),
            in_flight: self.host_in_flight as usize,
        }
    }

    fn fleet(&self) -> FleetParameters {
        FleetParameters {
            attempts: self.hsm_attempts,
            timeout: self.hsm_timeout,
            pair_timeout: self.hsm_pair_timeout,
            hedge_after: self.hsm_hedge_after,
            outstanding: self.hsm_outstanding,
            retry_ratio: self.hsm_retry_ratio,
            retry_savings: f64::from(self.hsm_retry_savings),
            failures: self.hsm_failures,
            quarantine: self.hsm_quarantine,
            quarantine_at_most: self.hsm_quarantine_at_most,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience { pause: self.worker_pause, at_most: self.worker_pause_at_most }
    }

    /// Ranges spread half a figure to either side.
    pub(crate) fn disk(&self) -> DiskParameters {
        let around = |figure: Duration| figure / 2..figure * 3 / 2;
        DiskParameters {
            write: around(self.disk_write),
            sync: around(self.disk_sync),
            torn: self.disk_torn,
            ..DiskParameters::default()
        }
    }

    pub(crate) fn network(&self) -> NetworkParameters {
        NetworkParameters {
            same_zone: self.network_same_zone,
            cross_zone: self.network_cross_zone,
            loss: self.network_loss,
            duplication: self.network_duplication,
            ..NetworkParameters::default()
        }
    }
}

/// A value as a scenario would write it.
fn shown<T: Shown>(value: &T) -> String {
    value.shown()
}

trait Shown {
    fn shown(&self) -> String;
}

impl Shown for Duration {
    fn shown(&self) -> String {
        scenarios::duration_text(*self)
    }
}

impl Shown for u32 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for f64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_table_says() {
        let values = Parameters::default().values();
        for (info, (name, value)) in Parameters::table().into_iter().zip(values) {
            assert_eq!((info.name, info.default), (name, value.as_str()));
        }
    }

    #[test]
    fn the_table_is_alphabetical() {
        assert!(Parameters::table().is_sorted_by_key(|info| info.name));
    }

    #[test]
    fn an_override_reaches_its_field() {
        let value = ParameterValue::Duration(ms(7));
        let parameters = Parameters::with(&[Parameter { name: "hsm.timeout", value }]);
        assert_eq!(parameters.limits().fleet.timeout, ms(7));
    }
}
