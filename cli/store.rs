//! What `keyquake serve` keeps on disk, and where its root key comes from.

use crate::exit::Failure;
use crate::terminal;
use clap::Args;
use kms_core::crypto::{Production, SecretBytes};
use server::{DATABASE, RootKeySource, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The variable that may hold the root key.
const VARIABLE: &str = "KEYQUAKE_ROOT_KEY";

/// How long reading is quiet, and then between two lines.
const QUIET: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// Keep everything in this folder; without it nothing is left when the server stops
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The file of the root key, 64 hexadecimal digits that only its owner can read; made when the
    /// store is. KEYQUAKE_ROOT_KEY may hold the digits instead [default: root.key in the folder]
    #[arg(long, value_name = "FILE", requires = "data")]
    root_key: Option<PathBuf>,
}

/// The store, if there is to be one.
pub(crate) fn open(arguments: &StoreArguments) -> Result<Option<Store>, Failure> {
    let Some(folder) = &arguments.data else { return Ok(None) };
    let source = root_key(arguments)?;
    let opened = Store::open(folder, &source, Arc::new(Production::default()));
    opened.map(Some).map_err(Failure::usage)
}

fn root_key(arguments: &StoreArguments) -> Result<RootKeySource, Failure> {
    let digits = std::env::var_os(VARIABLE);
    match (&arguments.root_key, digits) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "both --root-key and {VARIABLE} name a root key; one of them is enough"
        ))),
        (Some(file), None) => Ok(RootKeySource::File(file.clone())),
        (None, Some(digits)) => {
            let digits = SecretBytes::from(digits.into_encoded_bytes());
            Ok(RootKeySource::Digits(VARIABLE, digits))
        }
        (None, None) => Ok(RootKeySource::Beside),
    }
}

/// Where everything is kept, in a few words.
pub(crate) fn about(arguments: &StoreArguments) -> String {
    let file = |folder: &Path| folder.join(DATABASE).display().to_string();
    let memory = || "memory; nothing is left when the server stops".to_owned();
    arguments.data.as_deref().map_or_else(memory, file)
}

/// Says how far reading is, when it takes long.
pub(crate) fn progress() -> impl FnMut(u64, u64) {
    let mut said = Instant::now();
    move |done, total| {
        if done == total || said.elapsed() < QUIET {
            return;
        }
        said = Instant::now();
        terminal::say(&format!("reading the store: {done} of {total} entries"));
    }
}
