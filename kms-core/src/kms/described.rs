//! What conditions may ask about a key, told to a context in one way: of a key that is there, and of
//! one that is about to be made.

use super::{Checks, internal};
use crate::error::Result;
use crate::key::{Key, KeySpec, KeyUsage, Origin};
use crate::name::{AliasName, KeyArn};
use crate::policy::{Pairs, RequestContext};
use crate::state::SeenKey;

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyKind {
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    pub(crate) origin: Origin,
    /// Its part in a set of multi-Region keys, if it is in one.
    pub(crate) part: Option<Part>,
}

/// The part of a key in a set of multi-Region keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The one key that the others follow.
    Primary,
    /// A key that follows the primary.
    Replica,
}

impl KeyKind {
    /// The kind of a key that is there.
    fn of(key: &Key) -> KeyKind {
        let part = if key.is_replica() { Part::Replica } else { Part::Primary };
        KeyKind {
            spec: key.spec,
            usage: key.usage,
            origin: key.origin,
            part: key.multi_region.as_ref().map(|_| part),
        }
    }

    /// Tells a context the kind.
    pub(crate) fn describe(self, context: &mut RequestContext<'_>) {
        context.key_spec = Some(self.spec.as_str());
        context.key_usage = Some(self.usage.as_str());
        context.key_origin = Some(self.origin.as_str());
        context.multi_region = Some(self.part.is_some());
        context.multi_region_key_type = self.part.map(|part| match part {
            Part::Primary => "PRIMARY",
            Part::Replica => "REPLICA",
        });
    }
}

/// A key as conditions see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described<'k> {
    pub(crate) arn: KeyArn,
    pub(crate) kind: KeyKind,
    pub(crate) tags: &'k Pairs,
    pub(crate) aliases: &'k [AliasName],
}

impl<'k> Described<'k> {
    /// A key that is to be made. It has no alias yet.
    pub(crate) fn unborn(arn: KeyArn, kind: KeyKind, tags: &'k Pairs) -> Described<'k> {
        Described { arn, kind, tags, aliases: &[] }
    }

    /// Tells a context everything about the key.
    pub(crate) fn describe(&self, context: &mut RequestContext<'k>) {
        self.kind.describe(context);
        context.key = Some(self.arn);
        context.resource_tags = Some(self.tags);
        context.resource_aliases = self.aliases;
    }
}

impl<'k> From<&SeenKey<'k>> for Described<'k> {
    fn from(seen: &SeenKey<'k>) -> Described<'k> {
        let SeenKey { key, tags, aliases, .. } = *seen;
        Described { arn: key.arn, kind: KeyKind::of(key), tags, aliases }
    }
}

impl<'a> Checks<'_, 'a> {
    /// A key that is there, with the tags and aliases that this host sees.
    ///
    /// # Errors
    /// `KMSInternal` when it is gone after all.
    pub(crate) fn described(&self, key: &Key) -> Result<Described<'a>> {
        let seen = self.state().seen_key(key.id(), &self.sees()).ok_or_else(internal)?;
        Ok(Described::from(&seen))
    }
}
