//! Files on disk: the library parses, bases merge, and their errors name the base.

use std::fs;
use std::path::{Path, PathBuf};

use scenarios::{FaultKind, KeyGroup, ParameterValue, Scenario, Verdict, WorkloadKind, library};

use super::vocabulary;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A folder of files that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        for (file, text) in files {
            let path = folder.join(file);
            let parent = path.parent().expect("a file is in a folder");
            fs::create_dir_all(parent).expect("the target folder can be written");
            fs::write(path, text).expect("the target folder can be written");
        }
        Self(folder)
    }

    fn load(&self, file: &str) -> Result<Scenario, String> {
        let loaded = Scenario::load(&self.0.join(file), &[], &vocabulary());
        let front = format!("{}/", self.0.display());
        loaded.map_err(|error| error.to_string().replace(&front, ""))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder was made by this test");
    }
}

const BASE: &str = "schema = 1
description = 'base'
[topology]
regions = ['us-east-1', 'eu-west-1']
zones = 2
[[phase]]
name = 'calm'
duration = '1m'
";

#[test]
fn the_library_parses() {
    let files = library(Path::new(HERE)).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.strip_prefix(HERE).unwrap()).collect();
    let expected = [
        "deletion/deletion-race.toml",
        "quickstart.toml",
        "quotas/quota-exhaustion.toml",
        "regions/region-outage.toml",
    ];
    for name in expected {
        assert!(names.contains(&Path::new(name)), "{name} is missing");
    }
    for file in &files {
        let mut open = vocabulary();
        open.sabotages = scenarios::Names::Any;
        open.oracles = scenarios::Names::Any;
        open.errors = scenarios::Names::Any;
        open.operations = scenarios::Names::Any;
        open.check_arguments = |_, _| Ok(());
        open.parameters = network_parameters();
        let scenario = Scenario::load(file, &[], &open).unwrap_or_else(|error| panic!("{error}"));
        assert!(!scenario.phases.is_empty(), "{} has no phase", file.display());
        let opening = fs::read_to_string(file).unwrap();
        assert!(opening.starts_with("# "), "{} opens with a comment", file.display());
    }
}

/// The parameters that files of the library override; their owner is the simulator.
fn network_parameters() -> Vec<scenarios::ParameterInfo> {
    let named = |name| scenarios::ParameterInfo {
        name,
        kind: scenarios::ParameterKind::Probability,
        default: "0",
        doc: "How often the network misbehaves.",
    };
    vec![named("network.duplication"), named("network.loss")]
}

#[test]
fn the_quickstart_says_what_it_is_meant_to() {
    let file = Path::new(HERE).join("quickstart.toml");
    let scenario = Scenario::load(&file, &[], &vocabulary()).unwrap();
    assert_eq!(scenario.name, "quickstart");
    assert_eq!(scenario.storm().as_secs(), 80);
    assert_eq!(scenario.keys.total(), 36);
    assert_eq!(scenario.keys.count(KeyGroup::MultiRegion), 6);
    assert_eq!(scenario.expect.verdict, Verdict::Pass);
    let shaken = &scenario.phases[1];
    assert_eq!((shaken.workloads.len(), shaken.faults.len()), (5, 4));
    assert!(matches!(shaken.workloads[0].kind, WorkloadKind::EnvelopeEncryption(_)));
    assert!(matches!(shaken.faults[1].kind, FaultKind::HsmLoss(_)));
    assert_eq!(shaken.workloads[0].regions.len(), 3);
}

#[test]
fn tables_of_a_base_merge_and_arrays_are_replaced() {
    let own = "schema = 1\nextends = '../base/base.toml'\ndescription = 'own'\n\
               [topology]\nzones = 4\n";
    let phase = "[[phase]]\nname = 'own'\nduration = '2m'\n";
    let with_phase = format!("{own}{phase}");
    let files =
        [("base/base.toml", BASE), ("sub/a.toml", own), ("sub/b.toml", with_phase.as_str())];
    let folder = Folder::with("merge", &files);
    let a = folder.load("sub/a.toml").unwrap();
    assert_eq!(a.description, "own");
    assert_eq!((a.topology.regions.len(), a.topology.zones), (2, 4));
    assert_eq!(a.phases[0].name, "calm");
    let b = folder.load("sub/b.toml").unwrap();
    let names: Vec<_> = b.phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["own"]);
}

#[test]
fn an_error_in_a_base_names_the_base() {
    let base = BASE.replace("zones", "zoness");
    let own = "schema = 1\nextends = 'base.toml'\n";
    let folder = Folder::with("base-error", &[("base.toml", &base), ("own.toml", own)]);
    let expected = "base.toml:5:1: unknown key \"zoness\" in [topology]; did you mean \"zones\"?\n\
                    \x20 zoness = 2\n  ^^^^^^";
    assert_eq!(folder.load("own.toml").unwrap_err(), expected);
}

#[test]
fn bases_form_no_circle() {
    let files = [
        ("a.toml", "schema = 1\nextends = 'b.toml'\n"),
        ("b.toml", "schema = 1\nextends = './a.toml'\n"),
    ];
    let error = Folder::with("circle", &files).load("a.toml").unwrap_err();
    let expected = "b.toml:2:11: these files extend each other in a circle: \
                    a.toml -> b.toml -> a.toml\n  extends = './a.toml'\n            ^^^^^^^^^^";
    assert_eq!(error, expected);
}

#[test]
fn a_missing_base_is_reported_where_it_is_named() {
    let folder = Folder::with("no-base", &[("a.toml", "schema = 1\nextends = 'b.toml'\n")]);
    let error = folder.load("a.toml").unwrap_err();
    assert!(error.starts_with("a.toml:2:11: cannot read the base b.toml: "), "{error}");
}

#[test]
fn a_missing_file_is_one_clear_line() {
    let error = Scenario::load(Path::new("no/such.toml"), &[], &vocabulary()).unwrap_err();
    assert!(error.to_string().starts_with("no/such.toml: cannot read this file: "), "{error}");
}

#[test]
fn parameters_are_read_dotted_or_quoted() {
    for parameter in ["hsm.service_time = '80us'", "\"hsm.service_time\" = '80us'"] {
        let text = format!("schema = 1\ndescription = 'x'\n[parameters]\n{parameter}\n");
        let scenario = Scenario::parse("x.toml", &text, &[], &vocabulary()).unwrap();
        assert_eq!(scenario.parameters[0].name, "hsm.service_time");
        let value = ParameterValue::Duration(std::time::Duration::from_micros(80));
        assert_eq!(scenario.parameters[0].value, value);
    }
}
