//! What is timed against one another: a backend in this process, or a process of another commit.

use super::case::{Case, Layer};
use super::{library, request};
use kms_core::crypto::CryptoBackend;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Something that can do cases.
pub trait Side {
    /// What it is called in results.
    fn label(&self) -> &str;

    /// Whether it can do a case, which it makes ready.
    ///
    /// # Errors
    /// When it does not answer any more.
    fn ready(&mut self, case: &Case) -> Result<bool, String>;

    /// How long so many calls of a case took that is ready.
    ///
    /// # Errors
    /// When a call failed.
    fn block(&mut self, case: &Case, calls: u32) -> Result<Duration, String>;
}

/// A backend in this process.
pub struct Backend<'k> {
    label: String,
    backend: &'static dyn CryptoBackend,
    keys: &'k RefCell<Keys>,
    services: request::Services,
    ready: BTreeMap<String, Option<library::Call>>,
}

/// The keys that several backends of a process share.
#[derive(Default)]
pub struct Keys(library::Keys);

impl<'k> Backend<'k> {
    /// A backend.
    pub fn new(backend: &'static dyn CryptoBackend, keys: &'k RefCell<Keys>) -> Backend<'k> {
        let services = request::Services::default();
        let label = backend.name().to_owned();
        Backend { label, backend, keys, services, ready: BTreeMap::new() }
    }

    /// The same under another name, for a backend that is compared with itself.
    #[must_use]
    pub fn called(self, label: &str) -> Backend<'k> {
        Backend { label: label.to_owned(), ..self }
    }
}

impl Side for Backend<'_> {
    fn label(&self) -> &str {
        &self.label
    }

    fn ready(&mut self, case: &Case) -> Result<bool, String> {
        let made = self.ready.entry(case.to_string()).or_insert_with(|| match case.layer {
            Layer::Library => library::call(case, self.backend, &mut self.keys.borrow_mut().0),
            Layer::Request => request::call(case, self.backend, &mut self.services),
        });
        Ok(made.is_some())
    }

    fn block(&mut self, case: &Case, calls: u32) -> Result<Duration, String> {
        let name = case.to_string();
        let failed = || format!("{} failed at {name}", self.backend.name());
        let call = self.ready.get_mut(&name).and_then(Option::as_mut).ok_or_else(failed)?;
        let mut fine = true;
        let began = Instant::now();
        for _ in 0..calls {
            fine &= call();
        }
        let took = began.elapsed();
        fine.then_some(took).ok_or_else(failed)
    }
}
