//! Words, kinds, and the keys that belong to them.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_body);
}

const CASES: &[Case] = &[
    Case {
        name: "a word that is unknown",
        input: r#"
[client]
retry = "standart"
"#,
        error: r#"
x.toml:4:9: unknown retry mode "standart"; did you mean "standard"?
  retry = "standart"
          ^^^^^^^^^^"#,
    },
    Case {
        name: "a word of the wrong type",
        input: r#"
[client]
retry = 3
"#,
        error: r#"
x.toml:4:9: expected a retry mode in quotes, found the integer 3
  retry = 3
          ^"#,
    },
    Case {
        name: "a latency matrix that is unknown",
        input: r#"
[topology]
latency = "moon"
"#,
        error: r#"
x.toml:4:11: unknown latency matrix "moon"; valid: aws-2026-approx
  latency = "moon"
            ^^^^^^"#,
    },
    Case {
        name: "a mistyped kind of fault",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "region-partion"
region = "us-east-1"
"#,
        error: r#"
x.toml:7:8: unknown fault kind "region-partion"; did you mean "region-partition"?
  kind = "region-partion"
         ^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a kind of nothing near",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "earthquake"
"#,
        error: r#"
x.toml:7:8: unknown fault kind "earthquake"; the nearest of the 30 that are valid: hsm-hang, latency, node-pause, surge, bandwidth
  kind = "earthquake"
         ^^^^^^^^^^^^"#,
    },
    Case {
        name: "no kind",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
at = "1s"
"#,
        error: r#"
x.toml:6:1: missing key "kind" in [[phase.fault]], as in kind = "bandwidth"
  [[phase.fault]]
  ^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a zone that no Region has",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "zone-loss"
zone = 3
"#,
        error: r#"
x.toml:8:8: 3 is out of range; it must be 0 to 2
  zone = 3
         ^"#,
    },
    Case {
        name: "a kind of the wrong type",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = 5
"#,
        error: r#"
x.toml:7:8: expected the name of a fault in quotes, found the integer 5
  kind = 5
         ^"#,
    },
    Case {
        name: "a key of another kind",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "hsm-loss"
role = "hsm"
"#,
        error: r#"
x.toml:8:1: unknown key "role" in [[phase.fault]] of kind "hsm-loss"; valid: kind, region, every, down, whole_region, at, for
  role = "hsm"
  ^^^^"#,
    },
    Case {
        name: "a mistyped kind of workload",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "rotations"
arrivals = { kind = "poisson", per_second = 1 }
"#,
        error: r#"
x.toml:7:8: unknown workload kind "rotations"; did you mean "rotation"?
  kind = "rotations"
         ^^^^^^^^^^^"#,
    },
    Case {
        name: "a mistyped kind of arrivals",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poison", per_second = 1 }
"#,
        error: r#"
x.toml:8:21: unknown arrivals kind "poison"; did you mean "poisson"?
  arrivals = { kind = "poison", per_second = 1 }
                      ^^^^^^^^"#,
    },
    Case {
        name: "no arrivals",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
"#,
        error: r#"
x.toml:6:1: missing key "arrivals" in [[phase.workload]] of kind "grants", as in arrivals = { kind = "poisson", per_second = 80 }
  [[phase.workload]]
  ^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a key of another choice",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "envelope-encryption"
arrivals = { kind = "poisson", per_second = 1 }
choice = { kind = "uniform", exponent = 2 }
"#,
        error: r#"
x.toml:9:30: unknown key "exponent" in [phase.workload.choice] of kind "uniform"; valid: kind
  choice = { kind = "uniform", exponent = 2 }
                               ^^^^^^^^"#,
    },
    Case {
        name: "a mix that never calls",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
mix = { create = 0, use_grant = 0, list = 0, retire = 0, revoke = 0 }
"#,
        error: r#"
x.toml:9:7: every weight of this mix is 0; at least one must be above
  mix = { create = 0, use_grant = 0, list = 0, retire = 0, revoke = 0 }
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a weight below zero",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
mix = { create = -1 }
"#,
        error: r#"
x.toml:9:18: -1 is out of range; it must be 0 to 1000000
  mix = { create = -1 }
                   ^^"#,
    },
];
