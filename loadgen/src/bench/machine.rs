//! On what a measurement was made: the machine, and the build of the program.

use serde::{Deserialize, Serialize};

/// A machine, as far as timings depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The model of the processor.
    pub cpu: String,
    /// How many of its threads this process may use.
    pub cores: usize,
    /// The operating system.
    pub os: String,
    /// The instruction set.
    pub arch: String,
    /// Who chooses the frequency, where the system tells.
    pub governor: Option<String>,
}

/// A build, as far as timings depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The version of the program.
    pub version: String,
    /// The commit.
    pub commit: String,
    /// `debug` or `release`.
    pub profile: String,
    /// The compiler's level of optimization.
    pub opt_level: String,
    /// The compiler.
    pub rustc: String,
    /// What it compiled for.
    pub target: String,
    /// Instructions that the compiler took for granted; what libraries find out at run time is not here.
    pub target_features: Vec<String>,
}

impl Machine {
    /// This machine.
    pub fn this() -> Machine {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let governor = text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        Machine {
            cpu: model(&text("/proc/cpuinfo")).unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            governor: Some(governor.trim().to_owned()).filter(|governor| !governor.is_empty()),
        }
    }

    /// In what another machine differs, by what it is called and both values.
    pub(super) fn differences(&self, other: &Machine) -> Vec<String> {
        let governor = |machine: &Machine| machine.governor.clone().unwrap_or_default();
        [
            ("processor", self.cpu.clone(), other.cpu.clone()),
            ("number of cores", self.cores.to_string(), other.cores.to_string()),
            ("operating system", self.os.clone(), other.os.clone()),
            ("instruction set", self.arch.clone(), other.arch.clone()),
            ("frequency governor", governor(self), governor(other)),
        ]
        .into_iter()
        .filter_map(different)
        .collect()
    }
}

impl Build {
    /// In what another build differs that makes timings incomparable. The commit and the compiler are
    /// what one may want to compare.
    pub fn differences(&self, other: &Build) -> Vec<String> {
        let features = |build: &Build| build.target_features.join(",");
        [
            ("profile", self.profile.clone(), other.profile.clone()),
            ("optimization level", self.opt_level.clone(), other.opt_level.clone()),
            ("target", self.target.clone(), other.target.clone()),
            ("target features", features(self), features(other)),
        ]
        .into_iter()
        .filter_map(different)
        .collect()
    }
}

/// The words for something that differs.
pub(super) fn different((what, a, b): (&str, String, String)) -> Option<String> {
    let shown = |value: String| if value.is_empty() { "unknown".to_owned() } else { value };
    (a != b).then(|| format!("{what}: {} and {}", shown(a), shown(b)))
}

/// The model that Linux tells: x86 names it, ARM numbers its maker and its part.
fn model(cpuinfo: &str) -> Option<String> {
    let value = |name: &str| {
        let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    let numbered = || {
        let (maker, part) = (value("CPU implementer")?, value("CPU part")?);
        Some(format!("implementer {maker}, part {part}"))
    };
    value("model name").or_else(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_have_names() {
        let x86 = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nmodel name\t: Other\n";
        assert_eq!(model(x86).as_deref(), Some("Some CPU @ 2.0GHz"));
        let arm = "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(model(arm).as_deref(), Some("implementer 0x41, part 0xd0c"));
        assert_eq!(model(""), None);
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let machine = Machine { cpu: "A".to_owned(), cores: 2, ..Machine::default() };
        let other = Machine { cpu: "B".to_owned(), cores: 2, ..Machine::default() };
        assert_eq!(machine.differences(&other), ["processor: A and B"]);
        assert!(machine.differences(&machine).is_empty());
        let (a, b) = (Build::default(), Build { profile: "debug".to_owned(), ..Build::default() });
        assert_eq!(a.differences(&b), ["profile: unknown and debug"]);
        let newer = Build { commit: "abc".to_owned(), ..a.clone() };
        assert!(a.differences(&newer).is_empty());
    }
}
