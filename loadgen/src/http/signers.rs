//! The signers of a thread: one for every access key that its callers have.

use super::credentials::{Credential, Credentials};
use super::sign::Signer;
use kms_core::name::AccountId;
use scenarios::Who;
use std::collections::BTreeMap;

/// The service in the scope of signatures.
const SERVICE: &str = "kms";

/// Signers by caller.
pub struct Signers {
    credentials: Credentials,
    by_caller: BTreeMap<(AccountId, Who), usize>,
    all: Vec<(Credential, Signer)>,
}

impl Signers {
    /// The signers of callers with these credentials; each is made when it is first needed.
    pub fn new(credentials: Credentials) -> Signers {
        Signers { credentials, by_caller: BTreeMap::new(), all: Vec::new() }
    }

    /// The signer of a caller: with the credential listed for it, else with that of its account's
    /// administrator, else with the usual one.
    pub fn of(&mut self, account: AccountId, who: Who) -> &mut Signer {
        let index = match self.by_caller.get(&(account, who)) {
            Some(index) => *index,
            None => {
                let index = self.position(account, who);
                self.by_caller.insert((account, who), index);
                index
            }
        };
        &mut self.all[index].1
    }

    fn position(&mut self, account: AccountId, who: Who) -> usize {
        let listed = |who: Who| self.credentials.listed(&who.arn(account));
        let credential = listed(who).or_else(|| listed(Who::Admin));
        let credential = credential.unwrap_or_else(|| self.credentials.usual()).clone();
        let known = self.all.iter().position(|(one, _)| *one == credential);
        known.unwrap_or_else(|| {
            let signer = Signer::new(credential.clone(), SERVICE);
            self.all.push((credential, signer));
            self.all.len() - 1
        })
    }
}
