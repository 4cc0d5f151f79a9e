//! Where a load goes: the core in this process, or an endpoint with the keys of the scenario on it.

use super::live::Live;
use crate::exit::Failure;
use crate::sim::{Backend, interrupt_flag};
use crate::terminal;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use kms_core::crypto::Production;
use kms_core::name::{AWS_REGIONS, RegionName};
use loadgen::http::{Credential, Credentials, Endpoint, Ledger, Roots};
use loadgen::{Service, Watch};
use scenarios::{KeyBook, Scenario};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct Over {
    /// Drive the KMS at this URL, ours or another, instead of the core in this process
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Access keys by principal, in the form of `keyquake serve --identities`
    /// [default: AWS_ACCESS_KEY_ID and its like for everybody, or `test`]
    #[arg(long, value_name = "FILE", requires = "url")]
    identities: Option<PathBuf>,
    /// Root certificates in PEM for an endpoint of https, instead of those that the system trusts
    #[arg(long, value_name = "FILE", requires = "url")]
    ca_file: Option<PathBuf>,
    /// Leave the keys and grants that the load made; else each key is scheduled for deletion in seven days
    #[arg(long, requires = "url")]
    keep_keys: bool,
    /// Keep-alive connections a thread: so many calls may be under way
    #[arg(long, value_name = "N", default_value = "32", requires = "url", value_parser = super::several::<NonZeroUsize>)]
    connections: NonZeroUsize,
    /// The only Region of the load, instead of those of the scenario
    #[arg(long, value_name = "REGION", hide_possible_values = true, value_parser = regions())]
    pub(super) region: Option<RegionName>,
    /// The library that does the cryptography in process
    #[arg(long, value_enum, default_value_t, conflicts_with = "url")]
    backend: Backend,
    /// Put the scenario's request quotas in force; over HTTP, only hold the load against them
    #[arg(long)]
    pub(super) quota: bool,
    /// Have the oracles of the simulator judge what really happened, in process
    #[arg(long, conflicts_with_all = ["url", "quota"])]
    oracles: bool,
}

/// The Regions that a scenario may name.
fn regions() -> impl TypedValueParser<Value = RegionName> {
    let region = |text: String| RegionName::parse(&text).ok_or("a Region looks like eu-west-1");
    PossibleValuesParser::new(AWS_REGIONS).try_map(region)
}

/// Where a load goes, ready to be driven.
pub(super) enum Ready {
    InProcess(Production, Backend, Watch),
    Http(Box<Endpoint>, Arc<KeyBook>, Ledger),
}

impl Over {
    /// Finds out where the load goes, and makes the keys there.
    pub(super) fn ready(&self, scenario: &Scenario, live: &mut Live<'_>) -> Result<Ready, Failure> {
        let Some(url) = &self.url else {
            let backend = self.backend;
            let production = Production::named(backend.name())
                .ok_or_else(|| Failure::usage("no backend has that name"))?;
            let watch = match (self.quota, self.oracles) {
                (true, _) => Watch::Quotas,
                (_, true) => Watch::Oracles,
                _ => Watch::Nothing,
            };
            return Ok(Ready::InProcess(production, backend, watch));
        };
        let mut endpoint = self.endpoint(url)?;
        endpoint.connections = self.connections.get();
        endpoint.timeout = scenario.client.timeout;
        let ledger = if self.keep_keys { Ledger::of_what_stays() } else { Ledger::default() };
        let founded =
            loadgen::found(scenario, (&endpoint, &ledger), interrupt_flag(), &mut |asked| {
                live.founding(asked);
            });
        match founded {
            Ok(book) => Ok(Ready::Http(Box::new(endpoint), Arc::new(book), ledger)),
            Err(why) => {
                self.part(&endpoint, &ledger, live);
                Err(Failure::usage(why))
            }
        }
    }

    fn endpoint(&self, url: &str) -> Result<Endpoint, Failure> {
        let Some(path) = &self.ca_file else {
            return Endpoint::new(url, self.credentials()?, Roots::System).map_err(Failure::usage);
        };
        let text = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
        let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
        Endpoint::new(url, self.credentials()?, Roots::Pem(&text)).map_err(wrong)
    }

    /// Parts with the keys that were made on an endpoint, after a load that was broken off too.
    pub(super) fn part(&self, endpoint: &Endpoint, ledger: &Ledger, live: &mut Live<'_>) {
        if self.keep_keys {
            return;
        }
        let cleaned = ledger.clean(endpoint, &mut |keys| live.parting(keys));
        live.end();
        let left = match cleaned {
            Ok(cleaned) => cleaned.left,
            Err(why) => {
                return terminal::say(&format!("keys that were made are left there: {why}"));
            }
        };
        if let Some((key, why)) = left.first() {
            terminal::say(&format!("{} keys are left there, as {key}: {why}", left.len()));
        }
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let usual = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(key), Some(secret)) => {
                Credential::new(&key, &secret, variable("AWS_SESSION_TOKEN").as_deref())
            }
            (None, None) => Credential::new("test", "test", None),
            _ => {
                return Err(Failure::usage(
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together; one of them is not set",
                ));
            }
        };
        let mut credentials = Credentials::of(usual);
        if let Some(path) = &self.identities {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Failure::file("read", path, &error))?;
            let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
            credentials.add(&text).map_err(wrong)?;
        }
        Ok(credentials)
    }
}

impl Ready {
    /// Who answers.
    pub(super) fn service(&self) -> Service<'_> {
        match self {
            Ready::InProcess(backend, _, watch) => {
                Service::InProcess { backend: *backend, watch: *watch }
            }
            Ready::Http(endpoint, book, ledger) => Service::Http { endpoint, book, ledger },
        }
    }

    /// Connections of each thread, over HTTP.
    pub(super) fn connections(&self) -> Option<usize> {
        match self {
            Ready::InProcess(..) => None,
            Ready::Http(endpoint, ..) => Some(endpoint.connections),
        }
    }

    /// Who answers, for run.json: where, with which library, and whether quotas are in force.
    pub(super) fn about(&self) -> (String, Option<String>, bool) {
        match self {
            Ready::InProcess(_, backend, watch) => {
                let quota = *watch == Watch::Quotas;
                ("in process".to_owned(), Some(backend.name().to_owned()), quota)
            }
            Ready::Http(endpoint, ..) => (endpoint.to_string(), None, false),
        }
    }
}
