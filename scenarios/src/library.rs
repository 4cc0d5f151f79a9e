//! The library: the scenario files below a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::ScenarioError;

/// Folders nested deeper than this are not a library.
const DEPTH: usize = 8;

/// Folders that hold code rather than scenarios.
const NOT_SCENARIOS: [&str; 2] = ["src", "target"];

/// Every scenario file below a folder, sorted by path.
///
/// `Cargo.toml` is not one, nor is anything below `src` or `target`: the library lives beside the
/// code of this crate.
///
/// # Errors
/// When the folder, or one below it, cannot be read, or they nest deeper than eight.
pub fn library(folder: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    let failed = |reason: String| ScenarioError::whole_file(&folder.display().to_string(), reason);
    if depth == 0 {
        return Err(failed(format!("folders of scenarios nest at most {DEPTH} deep")));
    }
    let unreadable = |error: io::Error| failed(format!("cannot list this folder: {error}"));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if !NOT_SCENARIOS.iter().any(|other| name == *other) {
                collect(&path, depth - 1, found)?;
            }
        } else if name != "Cargo.toml" && path.extension().is_some_and(|end| end == "toml") {
            found.push(path);
        }
    }
    Ok(())
}
