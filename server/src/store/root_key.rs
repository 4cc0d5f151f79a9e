//! Where the root key comes from: a file that only its owner can read, or a text from elsewhere.

use super::{ROOT_KEY, StoreError};
use crate::random::random;
use kms_core::crypto::{CryptoBackend, SecretBytes, SecretKey};
use kms_core::env::{Site, draw};
use kms_core::hsm::RootKey;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Where the root key is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RootKeySource {
    /// In the folder of the store, where it is made when the store is.
    #[default]
    Beside,
    /// In this file, which is made when the store is, if it is not there.
    File(PathBuf),
    /// These hexadecimal digits, which come from what is named so.
    Digits(&'static str, SecretBytes),
}

/// A root key that was read and has not been compared with the store.
#[derive(Debug)]
pub(super) struct Candidate(RootKey);

impl Candidate {
    /// The root key, if it is the one of that fingerprint.
    pub(super) fn is(
        self,
        fingerprint: [u8; 16],
        backend: &dyn CryptoBackend,
        store: &Path,
    ) -> Result<RootKey, StoreError> {
        match self.0.fingerprint(backend) == fingerprint {
            true => Ok(self.0),
            false => Err(StoreError::WrongRootKey(store.to_owned())),
        }
    }
}

impl RootKeySource {
    /// The root key of a store that there is.
    pub(super) fn read(&self, folder: &Path) -> Result<Candidate, StoreError> {
        match self {
            RootKeySource::Digits(name, digits) => parse(digits.as_bytes(), name),
            RootKeySource::Beside | RootKeySource::File(_) => read_file(&self.path(folder)),
        }
        .map(Candidate)
    }

    /// The root key of a store to be made; a file that is not there is made as well.
    pub(super) fn read_or_make(&self, folder: &Path) -> Result<RootKey, StoreError> {
        match self.read(folder) {
            Ok(Candidate(key)) => Ok(key),
            Err(StoreError::NoRootKey(path)) => {
                make_file(&path).map_err(|error| StoreError::file(&path, &error))
            }
            Err(error) => Err(error),
        }
    }

    fn path(&self, folder: &Path) -> PathBuf {
        match self {
            RootKeySource::File(path) => path.clone(),
            _ => folder.join(ROOT_KEY),
        }
    }
}

fn read_file(path: &Path) -> Result<RootKey, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(StoreError::NoRootKey(path.to_owned()));
        }
        Err(error) => return Err(StoreError::file(path, &error)),
    };
    refuse_open_file(&file, path)?;
    // One byte more than a line of digits shows that there is more.
    let mut text = Vec::with_capacity(LINE + 1);
    let read = file.take(LINE as u64 + 1).read_to_end(&mut text);
    let text = SecretBytes::from(text);
    read.map_err(|error| StoreError::file(path, &error))?;
    parse(text.as_bytes(), &path.display().to_string())
}

/// The digits and an end of line, in either fashion.
const LINE: usize = 2 * SecretKey::LENGTH + 2;

#[cfg(unix)]
fn refuse_open_file(file: &File, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|error| StoreError::file(path, &error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(StoreError::OpenRootKey { path: path.to_owned(), mode }),
    }
}

#[cfg(not(unix))]
fn refuse_open_file(_: &File, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn parse(text: &[u8], place: &str) -> Result<RootKey, StoreError> {
    let malformed = || StoreError::MalformedRootKey(place.to_owned());
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    if digits.len() != 2 * SecretKey::LENGTH {
        return Err(malformed());
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| {
        let value = value(pair[0])? << 4 | value(pair[1])?;
        u8::try_from(value).ok()
    };
    let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(SecretBytes::from);
    let key = bytes.and_then(|bytes| SecretKey::from_slice(bytes.as_bytes()));
    key.map(RootKey::new).ok_or_else(malformed)
}

/// A new root key, in a file that was not there before and that nobody else can read.
fn make_file(path: &Path) -> std::io::Result<RootKey> {
    let key = SecretKey::new(draw(&mut random(), Site::BackingKey));
    let mut text = Vec::with_capacity(LINE);
    for byte in key.as_bytes() {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    text.push(b'\n');
    let text = SecretBytes::from(text);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    super::database::synchronise_folder(path)?;
    Ok(RootKey::new(key))
}

fn digit(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value)]
}
