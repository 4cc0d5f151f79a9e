//! The repository keeps its own rules.

use crate::support::root;
use std::path::{Path, PathBuf};

fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(root(), extension, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let skipped = ["target", ".git", "runs"].iter().any(|skip| name == *skip);
        if path.is_dir() && !skipped {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = files("rs")
        .into_iter()
        .filter(|path| !std::fs::read_to_string(path).unwrap().starts_with("//!"))
        .map(|path| shown(&path))
        .collect();
    assert!(silent.is_empty(), "these do not open with //!: {silent:?}");
}

#[test]
fn no_file_is_a_drawer() {
    let long: Vec<_> = files("rs")
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 700)
        .map(|(lines, path)| format!("{} ({lines})", shown(&path)))
        .collect();
    assert!(long.is_empty(), "these are too long to be one idea: {long:?}");
}

#[test]
fn nothing_is_left_for_later() {
    let words =
        ["to".to_owned() + "do!(", "unimpl".to_owned() + "emented!(", "FIX".to_owned() + "ME"];
    for path in files("rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} contains {word}", shown(&path));
        }
    }
}

/// Every dependency has its reason directly above it, and the root manifest is the only place with
/// versions.
#[test]
fn every_dependency_has_a_reason() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("the section");
    let section = section.split("\n[").next().unwrap_or(section);
    let mut reason = false;
    for line in section.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('#') {
            reason = true;
        } else if line.contains(" = ") && !line.starts_with([' ', '"', ']', '}']) {
            let own = line.contains("path = ");
            assert!(reason || own, "no reason above: {line}");
            reason = false;
        }
    }
    for member in ["fuzz/decoders", "kms-core", "loadgen", "reports", "scenarios", "server", "sim"]
    {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let dependencies = text.split("dependencies]").skip(1).collect::<String>();
        let versioned = dependencies.lines().find(|line| line.contains("version ="));
        assert_eq!(versioned, None, "{member}: versions belong in the root manifest");
    }
}

#[test]
fn the_crates_point_inward() {
    let allowed: &[(&str, &[&str])] = &[
        ("kms-core", &[]),
        ("reports", &[]),
        ("scenarios", &["kms-core"]),
        ("fuzz/decoders", &["kms-core", "scenarios", "server"]),
        ("sim", &["kms-core", "scenarios", "reports"]),
        ("server", &["kms-core", "scenarios"]),
        ("loadgen", &["kms-core", "scenarios", "reports", "sim"]),
    ];
    for (member, may) in allowed {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let ours = ["kms-core", "reports", "scenarios", "sim", "server", "loadgen"];
        for other in ours.iter().filter(|other| text.contains(&format!("\n{other}.workspace"))) {
            assert!(may.contains(other), "{member} must not depend on {other}");
        }
    }
}

#[test]
fn what_the_readme_shows_is_there() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://")) {
        assert!(root().join(link).exists(), "README links to {link}");
    }
    for word in text.split(|c: char| c.is_whitespace() || c == '`') {
        if word.starts_with("scenarios/") && word.ends_with(".toml") && !word.contains(['*', '<']) {
            assert!(root().join(word).exists(), "README names {word}");
        }
    }
}

#[test]
fn the_readme_lists_every_bench() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut benches = 0;
    for manifest in files("toml").into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let folder = manifest.parent().and_then(Path::file_name).unwrap_or_default();
        for bench in text.split("[[bench]]\nname = \"").skip(1) {
            let name = bench.split('"').next().unwrap_or_default();
            let listed = format!("`-p {} --bench {name}`", folder.display());
            assert!(readme.contains(&listed), "README.md does not list {listed}");
            benches += 1;
        }
    }
    assert!(benches >= 9, "{benches}");
}
