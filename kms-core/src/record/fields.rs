//! The words that records are made of: ids, names, times, policies.

use super::bytes::{Reader, Record, Writer, record, shared};
use crate::audit::EventId;
use crate::crypto::SecretBytes;
use crate::env::{RequestId, Timestamp};
use crate::name::{
    AccountId, AliasName, GrantId, KeyArn, KeyId, MaterialId, PrincipalArn, PrincipalKind,
    RegionName, TokenId,
};
use crate::policy::{Policy, PolicyKind};
use std::collections::BTreeMap;

record!(text RegionName, AliasName);
record!(tuple GrantId);
record!(tuple MaterialId);
record!(tuple TokenId);
record!(tuple RequestId);
record!(tuple EventId);
record!(struct KeyArn { region, account, id });
shared!(BTreeMap<String, String>);

impl Record for Timestamp {
    fn write(&self, out: &mut Writer) {
        self.as_micros().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<Timestamp> {
        u64::read(input).map(Timestamp::from_micros)
    }
}

impl Record for AccountId {
    fn write(&self, out: &mut Writer) {
        self.number().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<AccountId> {
        u64::read(input).map(AccountId::new)
    }
}

impl Record for KeyId {
    fn write(&self, out: &mut Writer) {
        self.to_bytes().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<KeyId> {
        KeyId::from_bytes(&Record::read(input)?)
    }
}

/// A service acts for an account that its name does not tell.
impl Record for PrincipalArn {
    fn write(&self, out: &mut Writer) {
        let service = (self.kind() == PrincipalKind::Service).then(|| self.account());
        service.write(out);
        out.sized(self.as_str().as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<PrincipalArn> {
        let service: Option<AccountId> = Record::read(input)?;
        let text = input.text()?;
        match service {
            Some(account) => Some(PrincipalArn::service(text, account)),
            None => PrincipalArn::parse(text),
        }
    }
}

/// Only key policies are in records.
impl Record for Policy {
    fn write(&self, out: &mut Writer) {
        out.sized(self.text().as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<Policy> {
        Policy::parse(input.text()?, PolicyKind::Key).ok()
    }
}
shared!(Policy);

impl Record for SecretBytes {
    fn write(&self, out: &mut Writer) {
        out.sized(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Option<SecretBytes> {
        input.sized().map(|bytes| SecretBytes::from(bytes.to_vec()))
    }
}
