//! A fingerprint of a state, to find two hosts that hold different things at the same position.

use super::State;
use crate::key::Key;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

impl State {
    /// A fingerprint of everything durable, the same on every host at the same position.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut buffer = String::new();
        let mut add = |text: fmt::Arguments<'_>| {
            buffer.clear();
            // Writing to a string never fails.
            let _ = buffer.write_fmt(text);
            hash.update((buffer.len() as u64).to_be_bytes());
            hash.update(&buffer);
        };
        add(format_args!("{} {}", self.region, self.position));
        for (id, slot) in self.keys.iter() {
            add(format_args!("{id} {} {}", slot.version, Record(&slot.key)));
            // Long, and quicker as it is than with its quotes escaped.
            add(format_args!("{}", slot.key.policy.text()));
            add(format_args!("{:?}", slot.aliases.current()));
            if let Some(last) = &slot.last_use {
                add(format_args!("{last:?}"));
            }
        }
        for ((account, name), slot) in &self.aliases {
            add(format_args!("{account} {name} {} {:?}", slot.version, slot.alias.current()));
        }
        for (id, slot) in self.grants.iter() {
            add(format_args!("{id} {} {} {:?}", slot.version, slot.alive.current(), slot.grant));
        }
        add(format_args!("{:?}", self.domain));
        add(format_args!("{:?}", self.departures));
        for (store, version) in self.key_stores.iter() {
            add(format_args!("{version} {store:?}"));
        }
        hash.finalize().into()
    }
}

/// Every field of a key but its policy, by name, so that a new one cannot be forgotten here.
struct Record<'a>(&'a Key);

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            arn,
            created,
            description,
            spec,
            usage,
            origin,
            manager,
            status,
            transition,
            multi_region,
            policy: _,
            tags,
            materials,
            pending,
            awaiting,
            rotation,
            on_demand_rotations,
            stored_in,
        } = self.0;
        write!(f, "{arn} {created} {description:?} {spec} {usage} {origin} {manager} {status:?} ")?;
        write!(
            f,
            "{transition:?} {multi_region:?} {tags:?} {materials:?} {pending:?} {awaiting:?} "
        )?;
        write!(f, "{rotation:?} {on_demand_rotations} {stored_in:?}")
    }
}
