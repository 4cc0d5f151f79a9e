//! Whether a reply is the answer to a command: the last check before a host believes an HSM.
//!
//! The channel says who spoke and that nothing was changed on the way. It does not say that the HSM is
//! in its right mind: one that has missed a rotation of the domain key wraps under a key that the
//! domain may have dropped, and what it wraps nobody could ever unwrap.

use super::command::Command;
use super::reply::Reply;
use crate::token::{DomainEpoch, KeyToken};
use std::sync::Arc;

impl Command {
    /// Whether a reply is of the kind that answers this command, about the same things, and sealed
    /// under no domain key older than `domain`, the one the asker knew to be active.
    pub fn is_answered_by(&self, reply: &Reply, domain: DomainEpoch) -> bool {
        match (self, reply) {
            (Command::GenerateBackingKey { key, .. }, Reply::BackingKey { token, .. }) => {
                token.key == *key && token.epoch >= domain
            }
            (Command::ImportMaterial { .. }, Reply::BackingKey { token, .. }) => {
                token.epoch >= domain
            }
            (Command::ReencryptTokens { tokens: ids, under }, Reply::Tokens { tokens }) => {
                let asked = |token: &Arc<KeyToken>| ids.contains(&(token.key, token.id));
                tokens.iter().all(asked) && are_under(tokens, *under)
            }
            (Command::ImportBackingKeys { key, .. }, Reply::Tokens { tokens }) => {
                tokens.iter().all(|token| token.key == *key) && are_under(tokens, domain)
            }
            (Command::OfferTransfer { .. }, Reply::Offer(offer)) => offer.sealed.epoch >= domain,
            (Command::RotateDomainKey { from }, Reply::Domain { token }) => token.active > *from,
            (Command::GenerateRandom { bytes: wanted }, Reply::Random { bytes }) => {
                bytes.len() == *wanted
            }
            (Command::ExportBackingKeys { keys, .. }, Reply::Transferred(transferred)) => {
                keys.len() == transferred.len()
            }
            (Command::ForRecipient { command, .. }, Reply::ForRecipient { reply, .. }) => {
                command.is_of_a_kind_with(reply)
            }
            _ => self.is_of_a_kind_with(reply),
        }
    }

    /// Whether the kind fits, for answers about which nothing else can be said.
    fn is_of_a_kind_with(&self, reply: &Reply) -> bool {
        matches!(
            (self, reply),
            (Command::GenerateWrappingKey { .. }, Reply::ImportParameters { .. })
                | (
                    Command::Encrypt { .. } | Command::ReEncrypt { .. } | Command::Envelop { .. },
                    Reply::Ciphertext { .. }
                )
                | (Command::Decrypt { .. }, Reply::Plaintext { .. })
                | (Command::GenerateDataKey { .. }, Reply::DataKey { .. })
                | (Command::GenerateDataKeyPair { .. }, Reply::DataKeyPair { .. })
                | (Command::GenerateRandom { .. }, Reply::Random { .. })
                | (Command::Sign { .. }, Reply::Signature { .. })
                | (Command::GenerateMac { .. }, Reply::Mac { .. })
                | (Command::Verify { .. } | Command::VerifyMac { .. }, Reply::Genuine)
                | (Command::Encapsulate { .. }, Reply::Encapsulated { .. })
                | (
                    Command::Decapsulate { .. } | Command::DeriveSharedSecret { .. },
                    Reply::SharedSecret { .. }
                )
                | (Command::ChangeDomain { .. }, Reply::Domain { .. })
                | (Command::Join { .. }, Reply::Joined)
                | (Command::Leave, Reply::Left)
                | (Command::OpenSession { .. }, Reply::Session(_))
        )
    }
}

fn are_under(tokens: &[Arc<KeyToken>], domain: DomainEpoch) -> bool {
    tokens.iter().all(|token| token.epoch >= domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::PublicKey;
    use crate::key::KeySpec;
    use crate::name::{KeyId, MaterialId, TokenId};
    use crate::token::TokenKind;

    fn own() -> KeyId {
        KeyId::single_region([1; 16])
    }

    fn token(key: KeyId, epoch: u32) -> Arc<KeyToken> {
        Arc::new(KeyToken {
            id: TokenId([3; 16]),
            epoch: DomainEpoch(epoch),
            key,
            material: MaterialId([2; 32]),
            kind: TokenKind::BackingKey(KeySpec::SymmetricDefault),
            iv: [0; 12],
            sealed: vec![0; 48].into(),
        })
    }

    fn backing_key(key: KeyId, epoch: u32) -> Reply {
        Reply::BackingKey { token: token(key, epoch), public_key: None }
    }

    #[test]
    fn a_new_backing_key_is_of_the_key_asked_for_and_under_no_older_domain_key() {
        let command = Command::GenerateBackingKey { key: own(), spec: KeySpec::SymmetricDefault };
        let fits = |reply| command.is_answered_by(&reply, DomainEpoch(5));
        assert!(fits(backing_key(own(), 5)) && fits(backing_key(own(), 6)));
        assert!(!fits(backing_key(own(), 4)), "an older domain key");
        assert!(!fits(backing_key(KeyId::single_region([9; 16]), 5)), "another key");
        assert!(!fits(Reply::Genuine), "another kind");
    }

    #[test]
    fn a_batch_holds_nothing_that_was_not_asked_for() {
        let command =
            |id| Command::ReencryptTokens { tokens: vec![(own(), id)], under: DomainEpoch(5) };
        let reply = |epoch| Reply::Tokens { tokens: vec![token(own(), epoch)] };
        let (own, other) = (command(TokenId([3; 16])), command(TokenId([4; 16])));
        assert!(own.is_answered_by(&reply(5), DomainEpoch(5)));
        assert!(!own.is_answered_by(&reply(4), DomainEpoch(1)));
        assert!(!other.is_answered_by(&reply(5), DomainEpoch(5)));
    }

    #[test]
    fn what_is_for_a_recipient_comes_in_an_envelope_beside_the_rest_of_the_answer() {
        let recipient = PublicKey { spec: KeySpec::Rsa2048, encoded: Arc::from([1]) };
        let command = Box::new(Command::GenerateRandom { bytes: 32 });
        let command = Command::ForRecipient { recipient: recipient.clone(), command };
        let beside =
            |reply| Reply::ForRecipient { envelope: Arc::from([2]), reply: Box::new(reply) };
        let fits = |reply| command.is_answered_by(&reply, DomainEpoch(0));
        let bytes = || Reply::Random { bytes: Vec::new().into() };
        assert!(fits(beside(bytes())));
        assert!(!fits(bytes()) && !fits(beside(Reply::Genuine)));
        let envelop = Command::Envelop { recipient, plaintext: vec![3].into() };
        let envelope = Reply::Ciphertext { blob: Arc::from([2]) };
        assert!(envelop.is_answered_by(&envelope, DomainEpoch(0)));
        assert!(!envelop.is_answered_by(&bytes(), DomainEpoch(0)));
    }

    #[test]
    fn random_bytes_are_as_many_as_asked_for() {
        let command = Command::GenerateRandom { bytes: 32 };
        let reply = |count: usize| Reply::Random { bytes: vec![0; count].into() };
        let fits = |count| command.is_answered_by(&reply(count), DomainEpoch(0));
        assert!(fits(32) && !fits(31) && !fits(33));
    }
}
