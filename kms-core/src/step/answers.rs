//! What peers have answered already, for work that is decided again.

use super::{Ask, Reply};
use crate::token::DomainEpoch;

/// The answers that work has had from peers. Whoever decides it again asks nobody twice, so that no HSM
/// makes a key in vain and no other Region is troubled more than once.
#[derive(Debug, Default)]
pub struct Answers(Vec<(Ask, Reply)>);

impl Answers {
    /// Keeps an answer.
    pub fn keep(&mut self, question: Ask, reply: Reply) {
        self.0.push((question, reply));
    }

    /// The newest answer to a question, if it is one still, now that this domain key is active. Key
    /// tokens under an older one are not: they are not in the log yet, so that the re-encryption that
    /// follows each rotation cannot find them, and they would be lost with their domain key.
    pub fn to(&self, question: &Ask, active: DomainEpoch) -> Option<&Reply> {
        let (_, reply) = self.0.iter().rev().find(|(asked, _)| asked.same_question(question))?;
        let good = match (question, reply) {
            (Ask::Hsm { command, .. }, Reply::Hsm(reply)) => command.is_answered_by(reply, active),
            _ => true,
        };
        good.then_some(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm;
    use crate::key::KeySpec;
    use crate::name::KeyId;
    use crate::token::tests::token;
    use std::sync::Arc;

    #[test]
    fn a_key_token_is_an_answer_until_the_domain_key_is_rotated() {
        let made = |epoch| hsm::Reply::BackingKey { token: token(epoch), public_key: None };
        let question = |key| {
            let command = hsm::Command::GenerateBackingKey { key, spec: KeySpec::SymmetricDefault };
            Ask::Hsm { command: Arc::new(command), tokens: vec![] }
        };
        let question_now = question(token(1).key);
        let epoch = |answers: &Answers, active| match answers.to(&question_now, DomainEpoch(active))
        {
            Some(Reply::Hsm(hsm::Reply::BackingKey { token, .. })) => Some(token.epoch.0),
            _ => None,
        };
        let mut answers = Answers::default();
        assert_eq!(epoch(&answers, 1), None);
        answers.keep(question(token(1).key), Reply::Hsm(made(1)));
        assert_eq!((epoch(&answers, 1), epoch(&answers, 2)), (Some(1), None));
        answers.keep(question(token(1).key), Reply::Hsm(made(2)));
        assert_eq!((epoch(&answers, 2), epoch(&answers, 3)), (Some(2), None));
        let other = question(KeyId::single_region([9; 16]));
        assert!(answers.to(&other, DomainEpoch(2)).is_none());
    }

    #[test]
    fn what_another_region_said_stays_said() {
        let region = crate::name::RegionName::parse("eu-west-1").unwrap();
        let key = KeyId::single_region([9; 16]);
        let command = crate::multi_region::RegionCommand::CheckSuccessor { id: key };
        let question = Ask::Region { region, command: Arc::new(command) };
        let mut answers = Answers::default();
        answers.keep(question.clone(), Reply::TimedOut);
        assert!(matches!(answers.to(&question, DomainEpoch(9)), Some(Reply::TimedOut)));
    }
}
