//! Whatever any test of this crate puts in a log comes back from a store as it was: [`keeps`] is
//! called for every append of [`crate::local::Local`]. The tests below are about the bytes.

use super::*;
use crate::crypto::{Production, SecretKey};
use crate::local::{Local, SeededRandom};
use crate::ops::create_alias;
use crate::step::Append;
use crate::token::TokenChange;

fn root() -> RootKey {
    RootKey::new(SecretKey::new([7; 32]))
}

/// Whether an append survives its bytes.
pub(crate) fn keeps(region: RegionName, append: &Append) {
    let mut out = Writer::default();
    append.changes.write(&mut out);
    assert_eq!(read::<Vec<Change>>(out.bytes()).as_ref(), Some(&append.changes), "in {region}");
    for change in &append.tokens {
        let (TokenChange::Put(token) | TokenChange::Reencrypt(token)) = change else { continue };
        let mut out = Writer::default();
        token.as_ref().write(&mut out);
        assert_eq!(read::<KeyToken>(out.bytes()).as_ref(), Some(token.as_ref()));
    }
}

/// A Region with a few records, the newest of them an alias.
fn region() -> Local {
    let mut local = Local::single_region();
    let key = local.create_key();
    local.call(create_alias::Request::new("alias/name", key)).unwrap();
    local
}

#[test]
fn an_entry_opens_only_whole_in_its_place_and_under_its_key() {
    let (backend, random, local) = (Production::default(), &mut SeededRandom::new(1), region());
    let (region, root, other) = (local.journal().state().region(), root(), SecretKey::new([8; 32]));
    let scribe = Scribe { region, root: &root, backend: &backend };
    for entry in local.journal().entries_after(0) {
        let sealed = scribe.seal_entry(entry, random);
        assert_eq!(scribe.open_entry(entry.position, &sealed).as_ref(), Ok(entry.as_ref()));
        let altered = Err(Damage::Altered);
        assert_eq!(scribe.open_entry(entry.position + 1, &sealed), altered);
        let elsewhere = RegionName::parse("eu-west-1").unwrap();
        assert_eq!(
            Scribe { region: elsewhere, ..scribe }.open_entry(entry.position, &sealed),
            altered
        );
        let other = RootKey::new(other.clone());
        assert_eq!(Scribe { root: &other, ..scribe }.open_entry(entry.position, &sealed), altered);
        for length in [0, 15, 28, sealed.len() - 1] {
            assert_eq!(scribe.open_entry(entry.position, &sealed[..length]), altered);
        }
    }
}

#[test]
fn a_key_token_is_read_only_as_it_was_written() {
    let (backend, local, root) = (Production::default(), region(), root());
    let region = local.journal().state().region();
    let scribe = Scribe { region, root: &root, backend: &backend };
    let token = local.journal().tokens().iter().next().unwrap();
    let written = scribe.write_token(token);
    assert_eq!(scribe.read_token(&written).as_ref(), Ok(token.as_ref()));
    for at in 0..written.len() {
        let mut broken = written.clone();
        broken[at] ^= 1;
        assert_eq!(scribe.read_token(&broken), Err(Damage::Altered), "byte {at}");
        assert_eq!(scribe.read_token(&written[..at]), Err(Damage::Altered), "{at} bytes");
    }
}

#[test]
fn what_is_cut_longer_or_unknown_is_no_record() {
    for entry in region().journal().entries_after(0) {
        let mut out = Writer::default();
        entry.changes.write(&mut out);
        let bytes = out.bytes();
        for length in 0..bytes.len() {
            assert_eq!(read::<Vec<Change>>(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(read::<Vec<Change>>(&[bytes, &[0]].concat()), None);
        let mut unknown = bytes.to_vec();
        unknown[4] = 200;
        assert_eq!(read::<Vec<Change>>(&unknown), None);
    }
}

#[test]
fn a_count_that_lies_costs_no_memory() {
    assert_eq!(read::<Vec<Change>>(&[0xff; 4]), None);
    assert_eq!(read::<Vec<u8>>(&[0xff; 8]), None);
}

#[test]
fn an_entry_of_a_later_build_is_told_from_a_damaged_one() {
    let (backend, random, root) = (Production::default(), &mut SeededRandom::new(1), root());
    let region = RegionName::parse("us-east-1").unwrap();
    let scribe = Scribe { region, root: &root, backend: &backend };
    let sealed = root.seal(ENTRY, &scribe.place(1), &[9; 40], &backend, random);
    assert_eq!(scribe.open_entry(1, &sealed), Err(Damage::Unknown));
}
