//! The part of a host or worker that follows its Region's journal: a strict prefix, and late.

use super::Out;
use crate::driver::Now;
use crate::message::{Feed, Follow, Message, TokenFeed, TokenPosition};
use crate::place::NodeId;
use crate::sabotage::Sabotages;
use kms_core::Kms;
use kms_core::token::TokenChange;

/// What an acknowledgement weighs on a wire.
const FOLLOW_SIZE: u32 = 32;

/// How far a follower is with the key tokens; the log position is the state's.
#[derive(Debug, Default)]
pub(super) struct Follower {
    tokens: TokenPosition,
    /// How many questions were asked, in all lives.
    asked: u64,
}

impl Follower {
    /// Takes over what follows without a gap, and tells the journal how far that is.
    /// Planted bugs make it deaf to some of it.
    pub(super) fn take(
        &mut self,
        now: Now,
        kms: &mut Kms,
        (feed, sabotages): (&Feed, &Sabotages),
        journal: NodeId,
        out: &mut Out,
    ) {
        let position = kms.state().position();
        let first = feed.entries.first().map_or(feed.head, |first| first.position - 1);
        let connects = first <= position;
        if !connects || !self.take_tokens(kms, &feed.tokens) {
            self.ask(kms, journal, out);
            return;
        }
        for entry in feed.entries.iter().filter(|entry| entry.position > position) {
            match sabotages.heard(now, entry, out) {
                None => kms.apply(entry),
                Some(heard) => kms.apply(&heard),
            }
        }
        self.say(kms, journal, Follow::Acknowledge, out);
    }

    /// Asks the journal for what this follower lacks, and for where the journal is.
    /// The number of the question, which its answer carries.
    pub(super) fn ask(&mut self, kms: &Kms, journal: NodeId, out: &mut Out) -> u64 {
        self.asked += 1;
        self.say(kms, journal, Follow::Ask(self.asked), out);
        self.asked
    }

    fn say(&self, kms: &Kms, journal: NodeId, purpose: Follow, out: &mut Out) {
        let position = kms.state().position();
        out.send(journal, Message::Follow { position, tokens: self.tokens, purpose }, FOLLOW_SIZE);
    }

    fn is_news(&self, at: TokenPosition) -> bool {
        (at.life, at.count) > (self.tokens.life, self.tokens.count)
    }

    /// Whether the token changes connect to those this follower has.
    fn take_tokens(&mut self, kms: &mut Kms, feed: &TokenFeed) -> bool {
        match feed {
            TokenFeed::Changes { after, changes } => {
                if after.life != self.tokens.life || after.count > self.tokens.count {
                    return false;
                }
                let known = self.tokens.count - after.count;
                let skip = usize::try_from(known).unwrap_or(usize::MAX);
                for change in changes.iter().skip(skip) {
                    kms.apply_token(change);
                    self.tokens.count += 1;
                }
            }
            // Feeds may overtake each other; an older one must not bring an erased token back.
            TokenFeed::Snapshot { at, .. } if !self.is_news(*at) => {}
            TokenFeed::Snapshot { at, tokens } => {
                let stale =
                    kms.tokens().iter().filter(|token| tokens.get(token.key, token.id).is_none());
                let stale: Vec<_> = stale.map(|token| token.id).collect();
                for id in stale {
                    kms.apply_token(&TokenChange::Erase(id));
                }
                for token in tokens.iter() {
                    kms.apply_token(&TokenChange::Put(token.clone()));
                }
                self.tokens = *at;
            }
        }
        true
    }
}
