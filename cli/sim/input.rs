//! Scenario files by name: read, checked, and the nearest one offered for a name that is none.

use crate::exit::Failure;
use ::sim::random::Seed;
use ::sim::swarm;
use ::sim::vocabulary::vocabulary;
use scenarios::{Override, Scenario, printable};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the library is, seen from the root of the repository.
pub(crate) const LIBRARY: &str = "scenarios";

/// A scenario and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// The file, as it was named; none when a seed drew the scenario.
    pub(crate) path: Option<PathBuf>,
    /// What it says, overrides applied.
    pub(crate) scenario: Arc<Scenario>,
}

/// Reads scenario files, and all those below folders; a file that is named twice counts once.
pub(crate) fn read(paths: &[PathBuf], overrides: &[String]) -> Result<Vec<Input>, Failure> {
    let parse = |text: &String| text.parse::<Override>().map_err(Failure::usage);
    let overrides: Vec<Override> = overrides.iter().map(parse).collect::<Result<_, _>>()?;
    let vocabulary = vocabulary();
    let mut seen = BTreeSet::new();
    let mut inputs = Vec::new();
    for path in files(paths)? {
        if seen.insert(path.clone()) {
            let scenario = Scenario::load(&path, &overrides, &vocabulary);
            let scenario = Arc::new(scenario.map_err(Failure::usage)?);
            if scenario.is_idle() {
                return Err(Failure::usage(format!(
                    "{}: no phase has a workload and there is no operation, so nobody calls \
                     anything; add a [[phase.workload]] or an [[operation]]",
                    printable(&path.display().to_string())
                )));
            }
            inputs.push(Input { path: Some(path), scenario });
        }
    }
    Ok(inputs)
}

/// The seed that a scenario file says it fails with, as what `sim shrink` and a corpus write does.
pub(super) fn named_seed(path: &Path) -> Result<Option<u64>, Failure> {
    let text = scenarios::read(path).map_err(|why| {
        Failure::usage(format!("{}: {why}", printable(&path.display().to_string())))
    })?;
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    let mut said = comments.filter_map(|line| line.split_once(NAMED_SEED));
    Ok(said.find_map(|(_, rest)| {
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    }))
}

/// What stands before the seed that a file names.
pub(crate) const NAMED_SEED: &str = "with seed ";

impl Input {
    /// The scenario that a seed of the swarm draws.
    pub(crate) fn swarm(seed: u64) -> Input {
        Input { path: None, scenario: Arc::new(swarm::draw(Seed(seed)).scenario) }
    }

    /// What a person would call it.
    pub(crate) fn label(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        path.unwrap_or_else(|| self.scenario.name.clone())
    }
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(folder(path)?);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(missing(path));
        }
    }
    Ok(files)
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = scenarios::library(path).map_err(Failure::usage)?;
    match found.is_empty() {
        true => Err(Failure::usage(format!("{}: no scenario file is below it", path.display()))),
        false => Ok(found),
    }
}

fn missing(path: &Path) -> Failure {
    let library = scenarios::library(Path::new(LIBRARY)).unwrap_or_default();
    let hint = match nearest(path, &library) {
        Some(near) => format!("did you mean {}?", near.display()),
        None => "`keyquake sim list scenarios` names those of the library".to_owned(),
    };
    Failure::usage(format!("{}: no such scenario file; {hint}", path.display()))
}

/// The file of the library whose name takes the fewest edits, if they are few enough to be a slip.
fn nearest<'l>(path: &Path, library: &'l [PathBuf]) -> Option<&'l PathBuf> {
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let wanted = stem(path)?;
    let scored = library.iter().filter_map(|candidate| {
        let known = stem(candidate)?;
        let edits = strsim::osa_distance(&wanted, &known);
        (edits <= (wanted.chars().count().max(known.chars().count()) / 3).max(1))
            .then_some((edits, candidate))
    });
    scored.min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_file() {
        let library = ["scenarios/quickstart.toml", "scenarios/regions/region-outage.toml"];
        let library = library.map(PathBuf::from);
        let near = |text: &str| nearest(Path::new(text), &library).map(PathBuf::as_path);
        assert_eq!(near("scenarios/quikstart.toml"), Some(library[0].as_path()));
        assert_eq!(near("region-outage"), Some(library[1].as_path()));
        assert_eq!(near("something-else.toml"), None);
    }
}
