//! The command that runs exactly this again.

use super::failing::Subject;
use super::job::Backend;
use std::path::Path;

/// What a run was made of, apart from the program.
pub(crate) struct Replay<'a> {
    /// The scenario file, as it was named; none when the seed drew the scenario.
    pub(crate) path: Option<&'a Path>,
    /// The seed.
    pub(crate) seed: u64,
    /// The overrides, as they were written.
    pub(crate) overrides: &'a [String],
    /// The library that did the cryptography.
    pub(crate) backend: Backend,
}

impl Replay<'_> {
    /// The command, started like this program: through cargo inside its repository, else by name.
    pub(crate) fn command(&self) -> String {
        self.after(program())
    }

    /// The arguments, each as a shell takes it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut words = match self.path {
            Some(path) => vec!["sim".to_owned(), "run".to_owned(), path.display().to_string()],
            None => vec!["sim".to_owned(), "swarm".to_owned()],
        };
        words.extend(["--seed".to_owned(), self.seed.to_string()]);
        for one in self.overrides {
            words.extend(["--set".to_owned(), one.clone()]);
        }
        if self.backend != Backend::default() {
            words.extend(["--backend".to_owned(), self.backend.name().to_owned()]);
        }
        words
    }

    fn after(&self, program: &str) -> String {
        command_line(program, &self.arguments())
    }
}

/// A trace that can be made again.
pub(super) struct Traced<'a> {
    /// What was traced.
    pub(super) subject: &'a Subject,
    /// The seed.
    pub(super) seed: u64,
    /// The library that did the cryptography.
    pub(super) backend: Backend,
}

impl Traced<'_> {
    /// The command, started like this program.
    pub(super) fn command(&self) -> String {
        command_line(program(), &self.arguments())
    }

    fn arguments(&self) -> Vec<String> {
        let Subject { scenario, sabotage, overrides, .. } = self.subject;
        let (path, seed, backend) = (scenario.as_deref(), self.seed, self.backend);
        let mut words = Replay { path, seed, overrides, backend }.arguments();
        let subject = path.map_or("--swarm".to_owned(), |path| path.display().to_string());
        let head = if path.is_some() { 3 } else { 2 };
        words.splice(..head, ["sim".to_owned(), "trace".to_owned(), subject]);
        if let Some(sabotage) = sabotage {
            words.extend(["--sabotage".to_owned(), sabotage.clone()]);
        }
        words
    }
}

/// How this program is started here.
fn program() -> &'static str {
    let inside = std::env::current_dir().is_ok_and(|folder| is_in_repository(&folder));
    if inside { "cargo run --release --" } else { "keyquake" }
}

/// A command as a shell takes it.
pub(crate) fn command_line(program: &str, arguments: &[String]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    format!("{program} {}", arguments.join(" "))
}

fn is_in_repository(folder: &Path) -> bool {
    let is_root = |folder: &&Path| folder.join("kms-core/Cargo.toml").is_file();
    folder.ancestors().any(|folder| is_root(&folder))
}

/// A word that a POSIX shell reads back as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(overrides: &[String], backend: Backend) -> String {
        let path = Some(Path::new("scenarios/quickstart.toml"));
        Replay { path, seed: 7, overrides, backend }.after("keyquake")
    }

    #[test]
    fn what_is_not_said_is_not_repeated() {
        let expected = "keyquake sim run scenarios/quickstart.toml --seed 7";
        assert_eq!(replay(&[], Backend::default()), expected);
    }

    #[test]
    fn what_a_seed_drew_is_drawn_again() {
        let replay = Replay { path: None, seed: 7, overrides: &[], backend: Backend::default() };
        assert_eq!(replay.after("keyquake"), "keyquake sim swarm --seed 7");
    }

    #[test]
    fn overrides_and_backend_are_part_of_it() {
        let overrides = ["topology.api_hosts=3".to_owned(), "hsm.x='a b'".to_owned()];
        let rust = clap::ValueEnum::from_str("rust-crypto", false).expect("a backend");
        let expected = r"keyquake sim run scenarios/quickstart.toml --seed 7 --set topology.api_hosts=3 --set 'hsm.x='\''a b'\''' --backend rust-crypto";
        assert_eq!(replay(&overrides, rust), expected);
    }

    #[test]
    fn shells_read_words_back() {
        for (word, expected) in [("a=1.5", "a=1.5"), ("a b", "'a b'"), ("$x", "'$x'"), ("", "''")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
