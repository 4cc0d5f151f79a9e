//! Instructions a call, counted by callgrind, against limits.
//!
//! A count is the same on a busy machine as on an idle one. It says nothing of two different programs,
//! and is no time; but of two builds of one it tells a thousandth apart. A program is run twice with
//! different numbers of calls, so that what it takes to start and to get ready drops out.

use super::machine::{Build, different};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};

/// The form of the file of limits.
const SCHEMA_VERSION: u32 = 1;
/// Calls of a short run, of a longer one, and of the longest, which is only for calls that are cheap.
const CALLS: [u32; 3] = [16, 272, 4_112];
/// A call of fewer instructions is cheap. What it takes to get ready differs by half a million of them from
/// one run to the next, and is a hundredth of so few calls of a longer run, or more.
const CHEAP: f64 = 100_000.0;

/// Operations whose every call takes the same path: no blinding, no drawn nonce, no search for primes.
pub const STEADY: [&str; 9] = [
    "encrypt/SYMMETRIC_DEFAULT/*",
    "decrypt/SYMMETRIC_DEFAULT/*",
    "mac/*",
    "verify/ECC_*/RAW",
    "sign/ECC_NIST_EDWARDS25519/ED25519_SHA_512/*",
    "decapsulate/*",
    "request/encrypt/SYMMETRIC_DEFAULT/*",
    "request/decrypt/SYMMETRIC_DEFAULT/*",
    "request/mac/*",
];

/// Counts of one build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The form of this document.
    pub schema_version: u32,
    /// The counter.
    pub valgrind: String,
    /// What the processor offers that libraries choose their code by. Beyond it, callgrind shows every
    /// program the same processor.
    pub features: Vec<String>,
    /// The build.
    pub build: Build,
    /// The counts.
    pub counts: Vec<Count>,
}

/// Instructions of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The operation.
    pub operation: String,
    /// The backend.
    pub backend: String,
    /// Instructions a call.
    pub instructions: f64,
}

/// A count against its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// What was counted.
    #[serde(flatten)]
    pub count: Count,
    /// What was counted for the limits; none when that is new.
    pub limit: Option<f64>,
    /// Whether there are more than the limit and the tolerance allow.
    pub over: bool,
}

impl Counts {
    /// No counts yet.
    ///
    /// # Errors
    /// When there is no valgrind.
    pub fn new(build: Build) -> Result<Counts, String> {
        let output = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output();
        let version = output.ok().filter(|output| output.status.success());
        let version = version.ok_or("valgrind, which counts instructions, is not installed")?;
        Ok(Counts {
            schema_version: SCHEMA_VERSION,
            valgrind: String::from_utf8_lossy(&version.stdout).trim().to_owned(),
            features: features(),
            build,
            counts: Vec::new(),
        })
    }

    /// Reads limits.
    ///
    /// # Errors
    /// When they are none, or of another form.
    pub fn parse(text: &str) -> Result<Counts, String> {
        let wrong = |error| format!("this is no file of `keyquake bench instructions`: {error}");
        let counts: Counts = serde_json::from_str(text).map_err(wrong)?;
        match counts.schema_version {
            SCHEMA_VERSION => Ok(counts),
            other => Err(format!("it has schema version {other}, not {SCHEMA_VERSION}")),
        }
    }

    /// Every count against the limits.
    ///
    /// # Errors
    /// When both were not counted alike: in what they differ.
    pub fn against(&self, limits: &Counts, tolerance: f64) -> Result<Vec<Held>, String> {
        let text = |features: &[String]| features.join(",");
        let mut differences = self.build.differences(&limits.build);
        differences.extend(
            [
                ("compiler", self.build.rustc.clone(), limits.build.rustc.clone()),
                ("valgrind", self.valgrind.clone(), limits.valgrind.clone()),
                ("processor features", text(&self.features), text(&limits.features)),
            ]
            .into_iter()
            .filter_map(different),
        );
        if !differences.is_empty() {
            return Err(format!("the limits do not apply here: {}", differences.join("; ")));
        }
        let same = |count: &Count, other: &&Count| {
            (&count.operation, &count.backend) == (&other.operation, &other.backend)
        };
        let held = |count: &Count| {
            let limit = limits.counts.iter().find(|other| same(count, other));
            let limit = limit.map(|limit| limit.instructions);
            let over = limit.is_some_and(|limit| count.instructions > limit * (1.0 + tolerance));
            Held { count: count.clone(), limit, over }
        };
        Ok(self.counts.iter().map(held).collect())
    }
}

/// Instructions a call of a program that is given a number of calls as its last argument.
///
/// # Errors
/// When the program fails, or callgrind does not say what it counted.
pub fn count(program: &[String]) -> Result<f64, String> {
    a_call(|calls| collected(program, calls))
}

/// Instructions a call, by what runs of so many calls take.
fn a_call(mut collected: impl FnMut(u32) -> Result<f64, String>) -> Result<f64, String> {
    let [few, many, most] = CALLS;
    let short = collected(few)?;
    let mut until =
        |calls: u32| collected(calls).map(|long| (long - short) / f64::from(calls - few));
    let roughly = until(many)?;
    if roughly < CHEAP { until(most) } else { Ok(roughly) }
}

fn collected(program: &[String], calls: u32) -> Result<f64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(program)
        .arg(calls.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(said.lines().last().unwrap_or("the program failed").to_owned());
    }
    total(&said).ok_or_else(|| "callgrind does not say what it counted".to_owned())
}

/// `==7== Collected : 1234`.
fn total(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let all = [
        ("aes", std::arch::is_x86_feature_detected!("aes")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
        ("pclmulqdq", std::arch::is_x86_feature_detected!("pclmulqdq")),
        ("rdrand", std::arch::is_x86_feature_detected!("rdrand")),
    ];
    all.into_iter().filter(|(_, offered)| *offered).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Case;

    fn counts(instructions: f64) -> Counts {
        let count = Count { operation: "x".to_owned(), backend: "a".to_owned(), instructions };
        Counts {
            schema_version: SCHEMA_VERSION,
            valgrind: "valgrind-3".to_owned(),
            features: vec!["aes".to_owned()],
            build: Build::default(),
            counts: vec![count],
        }
    }

    #[test]
    fn more_than_the_limit_and_the_tolerance_is_over() {
        let over = |instructions: f64| {
            counts(instructions).against(&counts(1_000.0), 0.01).unwrap()[0].over
        };
        assert_eq!([900.0, 1_000.0, 1_009.0, 1_011.0].map(over), [false, false, false, true]);
        let none = Counts { counts: Vec::new(), ..counts(1.0) };
        assert_eq!(counts(1.0).against(&none, 0.01).unwrap()[0].limit, None);
    }

    #[test]
    fn limits_of_another_counter_do_not_apply() {
        let newer = Counts { valgrind: "valgrind-4".to_owned(), ..counts(1.0) };
        let refused = counts(1.0).against(&newer, 0.01).unwrap_err();
        assert!(refused.contains("valgrind: valgrind-3 and valgrind-4"), "{refused}");
        let without = Counts { features: Vec::new(), ..counts(1.0) };
        assert!(counts(1.0).against(&without, 0.01).unwrap_err().contains("features"));
    }

    /// Counts of requests differed by up to 8 % between two runs of one program: getting ready takes
    /// half a million instructions more or less.
    #[test]
    fn getting_ready_is_no_part_of_a_call() {
        let counted = |cost: f64, ready: [f64; 3]| {
            let mut ready = ready.into_iter();
            a_call(|calls| Ok(ready.next().unwrap() + f64::from(calls) * cost)).unwrap()
        };
        for cost in [20_000.0, 5_000_000.0] {
            let count = counted(cost, [30e6, 30.5e6, 30.5e6]);
            assert!((count / cost - 1.0).abs() < 0.007, "{count} of {cost}");
        }
    }

    #[test]
    fn the_total_is_read_from_what_callgrind_says() {
        let said =
            "==7== Callgrind\n==7== \n==7== Events    : Ir\n==7== Collected : 12345\n==7== \n";
        assert_eq!(total(said), Some(12_345.0));
        assert_eq!(total("Collected : many"), None);
    }

    #[test]
    fn the_steady_operations_are_there() {
        assert!(Case::chosen(&STEADY.map(str::to_owned)).unwrap().len() > 20);
    }
}
