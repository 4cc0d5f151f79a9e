//! `keyquake serve`: the KMS over the AWS KMS wire protocol.

use crate::exit::{Exit, Failure, reason};
use crate::store::{self, StoreArguments};
use crate::terminal::{self, BOLD};
use clap::{Args, ValueEnum};
use kms_core::attestation::Fingerprint;
use kms_core::history::Propagation;
use kms_core::kms::Settings;
use kms_core::name::{AWS_REGIONS, AccountId, RegionName};
use serde_json::json;
use server::{Configuration, Engine, Identities, Server, StoreError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake serve
  keyquake serve --listen 127.0.0.1:0 --regions us-east-1,eu-west-1
  keyquake serve --data kms                      # keys are there again after a restart
  keyquake serve --data kms --root-key ~/keys/kms.key
  KEYQUAKE_ROOT_KEY=$(openssl rand -hex 32) keyquake serve --data kms
  keyquake serve --listen 127.0.0.1:0 --json | head -1 | jq -r .endpoint

  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  aws kms create-key --endpoint-url http://127.0.0.1:4599

Every Region is behind the one address: the signature of a request says which one it is for. \
With --data nothing is answered before it is on disk. The folder holds keyquake.db, which one \
server at a time can open, and root.key, which opens it: keep copies of the two apart. Ctrl-C \
and SIGTERM let requests end and leave one file that can be copied.

Identities (--identities) are a TOML file:
  [[identity]]
  access_key = \"AKIDALICE\"
  secret_key = \"…\"
  principal = \"arn:aws:iam::111122223333:user/alice\"
  policies = ['{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"kms:*\", \"Resource\": \"*\"}}']
  tags = { team = \"blue\" }
where tags are those of the principal, which policies read as aws:PrincipalTag/team. Temporary \
credentials have a session_token and, if they end, session_ends = \"2026-12-01T00:00:00Z\".")]
pub(crate) struct Arguments {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4599")]
    listen: SocketAddr,
    /// More access keys than `test`, from a TOML file
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    /// Say where it listens and what is set as one line of JSON
    #[arg(long)]
    json: bool,
    /// The Regions there are [default: those in the store, or every Region of AWS]
    #[arg(long, value_name = "REGION,…", value_delimiter = ',', value_parser = region)]
    regions: Vec<RegionName>,
    /// The roots that vouch for enclaves, by SHA-256 fingerprint [default: the one AWS publishes]
    #[arg(long, value_name = "FINGERPRINT,…", value_delimiter = ',', value_parser = fingerprint)]
    attestation_roots: Vec<Fingerprint>,
    /// The account of access key `test`
    #[arg(long, value_name = "ID", default_value = "111122223333", value_parser = account)]
    account: AccountId,
    /// When policies, grants, aliases and tags take effect: at once, or as late as AWS has them
    #[arg(long, value_enum, default_value_t = Consistency::Immediate)]
    consistency: Consistency,
}

/// How late changes reach whoever decides.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Consistency {
    /// At once
    Immediate,
    /// After three seconds; tags and aliases reach conditions after a minute
    Aws,
}

impl Consistency {
    fn propagation(self) -> Propagation {
        match self {
            Consistency::Immediate => Propagation::default(),
            Consistency::Aws => Propagation::AWS,
        }
    }
}

fn region(text: &str) -> Result<RegionName, String> {
    RegionName::parse(text).ok_or_else(|| "a Region looks like eu-west-1".to_owned())
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    Fingerprint::parse(text).ok_or_else(|| "a fingerprint has 64 hexadecimal digits".to_owned())
}

fn account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account has 12 digits".to_owned())
}

fn settings(arguments: &Arguments) -> Settings {
    let propagation = arguments.consistency.propagation();
    let mut settings = Settings { propagation, ..Settings::default() };
    if !arguments.attestation_roots.is_empty() {
        settings.attestation_roots.clone_from(&arguments.attestation_roots);
    }
    settings
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let identities = identities(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(reason(&error)))?;
    let (regions, settings) = (arguments.regions.clone(), settings(arguments));
    let configuration = Configuration { regions, settings, ..Configuration::default() };
    let engine = Arc::new(engine(arguments, configuration)?);
    let about = About::new(arguments, &engine, &identities);
    runtime.block_on(async {
        let bound = Server::bind(arguments.listen, engine, identities).await;
        let server = bound.map_err(|error| cannot_listen(arguments, &error))?;
        let address = server.address().map_err(|error| cannot_listen(arguments, &error))?;
        let interrupted = interrupted().map_err(|error| Failure::usage(reason(&error)))?;
        match arguments.json {
            true => terminal::print_json(&about.json(address))?,
            false => terminal::print(&about.text(address))?,
        }
        let ended = server.run(interrupted).await;
        ended.map_err(|error: StoreError| Failure::usage(error))?;
        Ok(Exit::Fine)
    })
}

/// The engine, in memory or as its store has it.
fn engine(arguments: &Arguments, configuration: Configuration) -> Result<Engine, Failure> {
    let all = || AWS_REGIONS.iter().filter_map(|name| RegionName::parse(name)).collect();
    let store = store::open(&arguments.store)?;
    let begins = store.as_ref().is_none_or(|store| store.regions().is_empty());
    let regions = match configuration.regions.is_empty() && begins {
        true => all(),
        false => configuration.regions,
    };
    let configuration = Configuration { regions, ..configuration };
    match store {
        Some(store) => Engine::open(configuration, store, &mut store::progress()),
        None => Ok(Engine::new(configuration)),
    }
    .map_err(Failure::usage)
}

fn identities(arguments: &Arguments) -> Result<Identities, Failure> {
    let mut identities = Identities::of_account(arguments.account);
    if let Some(path) = &arguments.identities {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
        let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
        identities.add(&text).map_err(wrong)?;
    }
    Ok(identities)
}

fn cannot_listen(arguments: &Arguments, error: &std::io::Error) -> Failure {
    let (address, reason) = (arguments.listen, reason(error));
    Failure::usage(format!("cannot listen on {address}: {reason}; --listen takes another address"))
}

/// Everything that is set, so that nobody has to guess.
struct About {
    store: String,
    regions: Vec<RegionName>,
    access_keys: Vec<(String, String)>,
    settings: Settings,
}

impl About {
    fn new(arguments: &Arguments, engine: &Engine, who: &Identities) -> About {
        let access_keys =
            who.iter().map(|(key, principal)| (key.to_string(), principal.to_string()));
        About {
            store: store::about(&arguments.store),
            regions: engine.regions().collect(),
            access_keys: access_keys.collect(),
            settings: settings(arguments),
        }
    }

    fn text(&self, address: SocketAddr) -> String {
        let names = || self.regions.iter().map(RegionName::as_str).collect::<Vec<_>>().join(", ");
        let regions = match self.regions.len() == AWS_REGIONS.len() {
            true => format!("all {} of AWS", self.regions.len()),
            false => names(),
        };
        let keys = self.access_keys.iter().map(|(key, principal)| format!("{key} ({principal})"));
        let settings = &self.settings;
        let seconds = |span: std::time::Duration| format!("{} s", span.as_secs_f64());
        let rows = [
            ["store".to_owned(), self.store.clone()],
            ["regions".to_owned(), regions],
            ["access keys".to_owned(), keys.collect::<Vec<_>>().join(", ")],
            ["resource quotas".to_owned(), format!("on, {} keys", settings.limits.keys)],
            ["request quotas".to_owned(), "off".to_owned()],
            ["propagation".to_owned(), propagation(&settings.propagation)],
            ["Creating".to_owned(), seconds(settings.creating_time)],
            ["deletion grace".to_owned(), seconds(settings.deletion_grace)],
        ];
        let title = format!("{BOLD}keyquake{BOLD:#} serves KMS on http://{address}\n");
        title + &terminal::table(&rows)
    }

    fn json(&self, address: SocketAddr) -> serde_json::Value {
        let regions: Vec<_> = self.regions.iter().map(RegionName::as_str).collect();
        let keys = self.access_keys.iter();
        let keys: serde_json::Map<_, _> =
            keys.map(|(key, principal)| (key.clone(), json!(principal))).collect();
        json!({
            "endpoint": format!("http://{address}"),
            "store": self.store,
            "regions": regions,
            "access_keys": keys,
            "resource_quotas": { "keys": self.settings.limits.keys },
            "request_quotas": null,
            "propagation_seconds": propagation_seconds(&self.settings.propagation),
            "creating_seconds": self.settings.creating_time.as_secs_f64(),
            "deletion_grace_seconds": self.settings.deletion_grace.as_secs_f64(),
        })
    }
}

fn propagation(delays: &Propagation) -> String {
    let Propagation { policy, grant, alias, tag } = delays;
    match [policy, grant, alias, tag].iter().all(|delay| delay.is_zero()) {
        true => "at once".into(),
        false => format!(
            "policies {policy:?}, grants {grant:?}, aliases {alias:?}, conditions on tags and aliases {tag:?}"
        ),
    }
}

fn propagation_seconds(delays: &Propagation) -> serde_json::Value {
    let Propagation { policy, grant, alias, tag } = delays;
    json!({
        "policy": policy.as_secs_f64(),
        "grant": grant.as_secs_f64(),
        "alias": alias.as_secs_f64(),
        "tag": tag.as_secs_f64(),
    })
}

/// Ctrl-C, or the signal that ends services. Both are heard from now on and not only once they are
/// waited for: whoever has read the address may end the server at once.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut control_c = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = control_c.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_delays_are_said() {
        let shown = |consistency: Consistency| propagation_seconds(&consistency.propagation());
        let aws = json!({ "policy": 3.0, "grant": 3.0, "alias": 3.0, "tag": 60.0 });
        assert_eq!(shown(Consistency::Aws), aws);
        let at_once = json!({ "policy": 0.0, "grant": 0.0, "alias": 0.0, "tag": 0.0 });
        assert_eq!(shown(Consistency::Immediate), at_once);
    }
}
