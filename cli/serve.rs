//! `keyquake serve`: the KMS over the AWS KMS wire protocol.

use crate::exit::{Exit, Failure, reason};
use crate::terminal::{self, BOLD};
use clap::Args;
use kms_core::attestation::Fingerprint;
use kms_core::kms::Settings;
use kms_core::name::{AWS_REGIONS, AccountId, RegionName};
use server::{Configuration, Engine, Identities, Server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake serve
  keyquake serve --listen 127.0.0.1:0 --regions us-east-1,eu-west-1

  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  aws kms create-key --endpoint-url http://127.0.0.1:4599

Every Region is behind the one address: the signature of a request says which one it is for.
Identities (--identities) are a TOML file:
  [[identity]]
  access_key = \"AKIDALICE\"
  secret_key = \"…\"
  principal = \"arn:aws:iam::111122223333:user/alice\"
  policies = ['{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"kms:*\", \"Resource\": \"*\"}}']")]
pub(crate) struct Arguments {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4599")]
    listen: SocketAddr,
    /// More access keys than `test`, from a TOML file
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// The Regions there are [default: every Region of AWS]
    #[arg(long, value_name = "REGION,…", value_delimiter = ',', value_parser = region)]
    regions: Vec<RegionName>,
    /// The roots that vouch for enclaves, by SHA-256 fingerprint [default: the one AWS publishes]
    #[arg(long, value_name = "FINGERPRINT,…", value_delimiter = ',', value_parser = fingerprint)]
    attestation_roots: Vec<Fingerprint>,
    /// The account of access key `test`
    #[arg(long, value_name = "ID", default_value = "111122223333", value_parser = account)]
    account: AccountId,
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

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let identities = identities(arguments)?;
    let regions = match &arguments.regions[..] {
        [] => AWS_REGIONS.iter().filter_map(|name| RegionName::parse(name)).collect(),
        named => named.to_vec(),
    };
    let mut settings = Settings::default();
    if !arguments.attestation_roots.is_empty() {
        settings.attestation_roots.clone_from(&arguments.attestation_roots);
    }
    let configuration = Configuration { regions, settings };
    let about = about(arguments, &configuration, &identities);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(reason(&error)))?;
    runtime.block_on(async {
        let engine = Arc::new(Engine::new(configuration));
        let bound = Server::bind(arguments.listen, engine, identities).await;
        let address = bound.as_ref().map_err(|error| cannot_listen(arguments, error))?.address();
        let address = address.map_err(|error| cannot_listen(arguments, &error))?;
        terminal::print(&format!(
            "{BOLD}keyquake{BOLD:#} serves KMS on http://{address}\n{about}"
        ))?;
        let server = bound.map_err(|error| cannot_listen(arguments, &error))?;
        server.run(interrupted()).await;
        Ok(Exit::Fine)
    })
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
fn about(arguments: &Arguments, configuration: &Configuration, who: &Identities) -> String {
    let regions = match arguments.regions.is_empty() {
        true => format!("all {} of AWS", configuration.regions.len()),
        false => {
            let names = configuration.regions.iter().map(RegionName::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
    };
    let identities = who.iter().map(|(key, principal)| format!("{key} ({principal})"));
    let settings = &configuration.settings;
    let seconds = |span: std::time::Duration| format!("{} s", span.as_secs_f64());
    let rows = [
        ["store", "memory; nothing is left when the server stops"].map(str::to_owned),
        ["regions".to_owned(), regions],
        ["access keys".to_owned(), identities.collect::<Vec<_>>().join(", ")],
        ["resource quotas".to_owned(), format!("on, {} keys", settings.limits.keys)],
        ["request quotas".to_owned(), "off".to_owned()],
        ["propagation".to_owned(), seconds(settings.propagation.policy)],
        ["Creating".to_owned(), seconds(settings.creating_time)],
        ["deletion grace".to_owned(), seconds(settings.deletion_grace)],
    ];
    terminal::table(&rows)
}

/// Ctrl-C, or the signal that ends services.
async fn interrupted() {
    let control_c = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = control_c => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = control_c.await;
}
