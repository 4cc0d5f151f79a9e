//! The corpus: a scenario file for each seed that showed something no seed before it had.

use super::record::Record;
use super::worker::Target;
use crate::exit::Failure;
use crate::sim::NAMED_SEED;
use reports::data::EXPECTATION;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a file says whose run only misses an expectation.
const NOBODY_OBJECTS: &str = "# No oracle objects: there is nothing to shrink.\n";

/// What has been seen, and where it is kept.
pub(crate) struct Corpus {
    folder: Option<PathBuf>,
    signatures: BTreeSet<String>,
    probes: BTreeSet<String>,
}

impl Corpus {
    /// A corpus in a folder, if any.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Corpus, Failure> {
        if let Some(path) = folder {
            fs::create_dir_all(path).map_err(|error| Failure::file("make", path, &error))?;
        }
        let folder = folder.map(Path::to_owned);
        Ok(Corpus { folder, signatures: BTreeSet::new(), probes: BTreeSet::new() })
    }

    /// How many signatures and how many probes there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.signatures.len(), self.probes.len())
    }

    /// Keeps a run that shows something new; what that is.
    pub(crate) fn hear(
        &mut self,
        record: &Record,
        target: &Target,
    ) -> Result<Option<String>, Failure> {
        let news = self.news(record);
        if let (Some(news), Some(folder)) = (&news, &self.folder) {
            let name = format!("{}-seed-{}.toml", target.name(), record.seed);
            let path = folder.join(name);
            let text = target.document(record.seed)?.text();
            let (seed, replay) = (record.seed, &record.replay);
            let nothing = match &record.message {
                Some(message) if message.starts_with(&format!("{EXPECTATION}: ")) => NOBODY_OBJECTS,
                _ => "",
            };
            let text = format!("# {news}\n# Found {NAMED_SEED}{seed}: {replay}\n{nothing}\n{text}");
            fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))?;
        }
        Ok(news)
    }

    fn news(&mut self, record: &Record) -> Option<String> {
        let new = record.signature.iter().filter(|one| self.signatures.insert((*one).clone()));
        let failure = new.map(|signature| format!("New failure: {signature}")).next();
        let hit = record.probes.iter().filter(|(_, hits)| **hits > 0).map(|(name, _)| name);
        let new: Vec<&String> = hit.filter(|name| self.probes.insert((*name).clone())).collect();
        let probe = new.first().map(|name| format!("New probe: {name}"));
        failure.or(probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_when_only_an_expectation_is_not_met() {
        let name = format!("corpus-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let mut corpus = Corpus::open(Some(&folder)).unwrap();
        let kept = |corpus: &mut Corpus, seed: u64, oracle: &str| {
            let line = format!(
                r#"{{"scenario":"x","seed":{seed},"verdict":"violations","replay":"r",
                "violations":[{{"oracle":"{oracle}","message":"m"}}]}}"#
            );
            corpus.hear(&Record::of_line(&line).unwrap(), &Target::Swarm).unwrap();
            fs::read_to_string(folder.join(format!("swarm-seed-{seed}.toml"))).unwrap()
        };
        let unmet = kept(&mut corpus, 1, EXPECTATION);
        assert!(unmet.starts_with("# New failure: expectation: m\n# Found with seed 1: r\n"));
        assert!(unmet.contains(NOBODY_OBJECTS), "{unmet}");
        assert!(!kept(&mut corpus, 2, "quota").contains(NOBODY_OBJECTS));
        fs::remove_dir_all(&folder).unwrap();
    }
}
