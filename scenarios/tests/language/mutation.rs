//! Input that is nearly right: valid files with a few bytes changed give a scenario or an error,
//! never a panic, and the error points into its file.

use proptest::prelude::*;
use scenarios::{Scenario, ScenarioError};

use super::vocabulary;

const FILES: [&str; 4] = [
    include_str!("../../quickstart.toml"),
    include_str!("../../deletion/deletion-race.toml"),
    include_str!("../../quotas/quota-exhaustion.toml"),
    include_str!("../../regions/region-outage.toml"),
];

const OVERRIDE: &str =
    "(topology|phase|calm|quota)(\\.(shaken|workload|0|zones|fault|x)){0,3}=\\PC{0,8}";

/// One change to a text.
#[derive(Debug, Clone)]
enum Change {
    Remove,
    Insert(String),
    SwapLines,
}

fn change() -> impl Strategy<Value = Change> {
    const TOKENS: [&str; 14] =
        ["0", "-", "\"", "'", "[", "]]", "=", "\n", ".", "ö", "1e400", "kind", "\t", "{ }"];
    let token = prop::sample::select(&TOKENS[..]).prop_map(str::to_owned);
    prop_oneof![
        Just(Change::Remove),
        prop_oneof![token, "\\PC{1,3}"].prop_map(Change::Insert),
        Just(Change::SwapLines),
    ]
}

fn apply(text: &str, at: f64, change: &Change) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at is in [0, 1)")]
    let index = (at * characters.len() as f64) as usize;
    match change {
        Change::Remove => drop(characters.remove(index)),
        Change::Insert(token) => drop(characters.splice(index..index, token.chars())),
        Change::SwapLines => {
            let mut lines: Vec<&str> = text.lines().collect();
            let (line, last) = (text.lines().count() * index / characters.len(), lines.len() - 1);
            lines.swap(line.min(last), (line + 1).min(last));
            return lines.join("\n");
        }
    }
    characters.into_iter().collect()
}

/// An error about a text is on one of its lines and quotes it.
fn points_into(error: &ScenarioError, text: &str) -> bool {
    let line = text.split('\n').nth(error.line - 1);
    let quoted = line.is_some_and(|line| line.trim_end_matches('\r') == error.source_line);
    quoted && error.column <= error.source_line.chars().count() + 1 && !error.message.is_empty()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nearly_right_files_never_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((0.0..1.0f64, change()), 1..4),
    ) {
        let valid = FILES[file].to_owned();
        let changed = changes.iter().fold(valid, |text, (at, change)| apply(&text, *at, change));
        if let Err(error) = Scenario::parse("x.toml", &changed, &[], &vocabulary()) {
            prop_assert!(points_into(&error, &changed), "{error}");
        }
    }

    #[test]
    fn overrides_never_panic(text in OVERRIDE) {
        if let Ok(set) = text.parse()
            && let Err(error) = Scenario::parse("x.toml", FILES[0], &[set], &vocabulary())
        {
            prop_assert!(!error.message.is_empty());
        }
    }
}
