//! Which failure is looked into, and how it is known again in another scenario.
//!
//! That the same oracle objects is not enough: a scenario that is cut down soon fails it for another
//! reason. A planted bug is what its failure needs, so that the same run without it is the measure:
//! there that oracle must be silent. It holds whatever operation the bug strikes in the smaller
//! scenario. A failure that needs no planted bug is known by what the oracle says, without names and
//! numbers.

use super::failing::{Deadline, Failing, Objection, Trial, attempt};
use crate::exit::Failure;
use scenarios::Document;

/// A failure that is known again.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    /// Who objects.
    pub(super) oracle: String,
    /// What the oracle says, when the failure needs no planted bug.
    signature: Option<String>,
    deadline: Deadline,
}

/// What became of a failure in another scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is there.
    Same,
    /// Something else is wrong.
    Other,
    /// Nothing is wrong.
    Nothing,
    /// There is no such run.
    Impossible,
    /// The run was broken off.
    Stopped,
}

impl Charge {
    /// The failure that this oracle objects to, or else the one that is objected to first.
    pub(super) fn of(failing: &Failing, oracle: Option<&str>) -> Result<Charge, Failure> {
        let Failing { document, seed, objections, deadline } = failing;
        let chosen = match oracle {
            None => objections.first(),
            Some(oracle) => objections.iter().find(|one| one.oracle == oracle),
        };
        let Some(Objection { oracle, signature }) = chosen else {
            return Err(Failure::found(silent(oracle.unwrap_or_default(), objections)));
        };
        let (oracle, deadline) = (oracle.clone(), *deadline);
        let by_bug = Charge { oracle, signature: None, deadline };
        Ok(match by_bug.needs_a_bug(document, *seed) {
            Some(false) => Charge { signature: Some(signature.clone()), ..by_bug },
            _ => by_bug,
        })
    }

    /// Whether the failure is there in a scenario with a seed.
    pub(super) fn holds(&self, document: &Document, seed: u64) -> bool {
        self.judge(document, seed) == Finding::Same
    }

    /// What became of the failure in a scenario with a seed.
    pub(super) fn judge(&self, document: &Document, seed: u64) -> Finding {
        match attempt(document, seed, self.deadline) {
            Trial::Stopped => Finding::Stopped,
            Trial::Impossible(_) => Finding::Impossible,
            Trial::Passes(_) => Finding::Nothing,
            Trial::Fails(objections) if !objections.iter().any(|one| self.fits(one)) => {
                Finding::Other
            }
            Trial::Fails(_) if self.signature.is_some() => Finding::Same,
            Trial::Fails(_) => match self.needs_a_bug(document, seed) {
                Some(true) => Finding::Same,
                Some(false) => Finding::Other,
                None => Finding::Stopped,
            },
        }
    }

    fn fits(&self, objection: &Objection) -> bool {
        objection.oracle == self.oracle
            && self.signature.as_ref().is_none_or(|wanted| objection.signature == *wanted)
    }

    /// Whether the oracle is silent without what is planted; nothing when that could not be seen.
    fn needs_a_bug(&self, document: &Document, seed: u64) -> Option<bool> {
        let mut sound = document.clone();
        if sound.0.remove("sabotage").is_none() {
            return Some(false);
        }
        match attempt(&sound, seed, self.deadline) {
            Trial::Passes(_) => Some(true),
            Trial::Fails(objections) => Some(!objections.iter().any(|one| self.fits(one))),
            Trial::Impossible(_) | Trial::Stopped => None,
        }
    }
}

/// What is said when the oracle that must object does not.
fn silent(oracle: &str, objections: &[Objection]) -> String {
    let mut who: Vec<&str> = Vec::new();
    for Objection { oracle, .. } in objections {
        if !who.contains(&oracle.as_str()) {
            who.push(oracle);
        }
    }
    match who.as_slice() {
        [only] => format!("{oracle} does not object; {only} does"),
        [rest @ .., last] => {
            format!("{oracle} does not object; {} and {last} do", rest.join(", "))
        }
        [] => format!("{oracle} does not object, and nobody else does"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_objects_instead_is_told_once_each() {
        let objection = |oracle: &str, signature: &str| Objection {
            oracle: oracle.to_owned(),
            signature: signature.to_owned(),
        };
        let mut all = vec![objection("audit", "a")];
        assert_eq!(silent("nonce", &all), "nonce does not object; audit does");
        all.extend([objection("audit", "b"), objection("price", "c"), objection("quota", "d")]);
        let expected = "nonce does not object; audit, price and quota do";
        assert_eq!(silent("nonce", &all), expected);
    }
}
