//! Keys and tables that are unknown, missing or misplaced, and values that do not fit.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_body);
}

const CASES: &[Case] = &[
    Case {
        name: "a mistyped table",
        input: r#"
[topologi]
zones = 3
"#,
        error: r#"
x.toml:3:2: unknown key "topologi"; did you mean "topology"?
  [topologi]
   ^^^^^^^^"#,
    },
    Case {
        name: "a mistyped required key",
        input: r#"
[[phase]]
name = "a"
durration = "1m"
"#,
        error: r#"
x.toml:5:1: unknown key "durration" in [[phase]]; did you mean "duration"?
  durration = "1m"
  ^^^^^^^^^"#,
    },
    Case {
        name: "a key of nothing near",
        input: r#"
[calm]
weather = 1
"#,
        error: r#"
x.toml:4:1: unknown key "weather" in [calm]; valid: duration
  weather = 1
  ^^^^^^^"#,
    },
    Case {
        name: "a missing key",
        input: r#"
[[phase]]
name = "a"
"#,
        error: r#"
x.toml:3:1: missing key "duration" in [[phase]], as in duration = "10m"
  [[phase]]
  ^^^^^^^^^"#,
    },
    Case {
        name: "a duration without unit",
        input: r#"
[calm]
duration = 5
"#,
        error: r#"
x.toml:4:12: a duration needs a unit, as in "5s"; found the integer 5
  duration = 5
             ^"#,
    },
    Case {
        name: "a duration without unit in quotes",
        input: r#"
[calm]
duration = "5"
"#,
        error: r#"
x.toml:4:12: "5" has no unit; units are ns, us, ms, s, m, h, d
  duration = "5"
             ^^^"#,
    },
    Case {
        name: "an unknown unit",
        input: r#"
[calm]
duration = "5min"
"#,
        error: r#"
x.toml:4:12: unknown unit "min" in "5min"; units are ns, us, ms, s, m, h, d
  duration = "5min"
             ^^^^^^"#,
    },
    Case {
        name: "a duration of the wrong type",
        input: r#"
[calm]
duration = true
"#,
        error: r#"
x.toml:4:12: expected a duration such as "5s", found the boolean true
  duration = true
             ^^^^"#,
    },
    Case {
        name: "a duration of zero",
        input: r#"
[calm]
duration = "0s"
"#,
        error: r#"
x.toml:4:12: "0s" is out of range; it must be "1ns" to "36500d"
  duration = "0s"
             ^^^^"#,
    },
    Case {
        name: "a count of the wrong type",
        input: r#"
[topology]
zones = "three"
"#,
        error: r#"
x.toml:4:9: expected a whole number, found the string "three"
  zones = "three"
          ^^^^^^^"#,
    },
    Case {
        name: "a count that is not whole",
        input: r#"
[topology]
zones = 2.5
"#,
        error: r#"
x.toml:4:9: expected a whole number, found the number 2.5
  zones = 2.5
          ^^^"#,
    },
    Case {
        name: "a count out of range",
        input: r#"
[topology]
zones = 0
"#,
        error: r#"
x.toml:4:9: 0 is out of range; it must be 1 to 6
  zones = 0
          ^"#,
    },
    Case {
        name: "a figure of an HSM out of range",
        input: r#"
[hsm]
lanes = 0
"#,
        error: r#"
x.toml:4:9: 0 is out of range; it must be 1 to 64
  lanes = 0
          ^"#,
    },
    Case {
        name: "a command that no HSM has a figure for",
        input: r#"
[hsm.service]
rsa-2047 = "4ms"
"#,
        error: r#"
x.toml:4:1: unknown key "rsa-2047" in [hsm.service]; did you mean "rsa-2048"?
  rsa-2047 = "4ms"
  ^^^^^^^^"#,
    },
    Case {
        name: "a percentile below the median",
        input: r#"
[expect]
latency_median_max = "2s"
latency_p99_max = "1s"
"#,
        error: r#"
x.toml:5:19: the 99th percentile is never below the median
  latency_p99_max = "1s"
                    ^^^^"#,
    },
    Case {
        name: "a probability out of range",
        input: r#"
[expect]
availability_min = 99
"#,
        error: r#"
x.toml:4:20: 99 is out of range; it must be 0 to 1
  availability_min = 99
                     ^^"#,
    },
    Case {
        name: "a rate out of range",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "constant", per_second = 0 }
"#,
        error: r#"
x.toml:8:46: 0 is out of range; it must be 0.000001 to 1000000
  arrivals = { kind = "constant", per_second = 0 }
                                               ^"#,
    },
    Case {
        name: "a number of the wrong type",
        input: r#"
[quota]
scale = "1%"
"#,
        error: r#"
x.toml:4:9: expected a number, found the string "1%"
  scale = "1%"
          ^^^^"#,
    },
    Case {
        name: "a size above what Encrypt takes",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "encrypt-decrypt"
plaintext = "5KiB"
arrivals = { kind = "poisson", per_second = 1 }
"#,
        error: r#"
x.toml:8:13: "5KiB" is out of range; it must be "1B" to "4096B"
  plaintext = "5KiB"
              ^^^^^^"#,
    },
    Case {
        name: "a table that is a value",
        input: "topology = \"one Region\"\n",
        error: r#"
x.toml:3:12: expected the table [topology], found the string "one Region"
  topology = "one Region"
             ^^^^^^^^^^^^"#,
    },
    Case {
        name: "a table that is an array",
        input: r#"
[[topology]]
zones = 3
"#,
        error: r#"
x.toml:3:1: expected the table [topology], found a list
  [[topology]]
  ^^^^^^^^^^^^"#,
    },
    Case {
        name: "an array that is a table",
        input: r#"
[phase]
name = "a"
"#,
        error: r#"
x.toml:3:1: expected an array of tables, written [[phase]], found a table
  [phase]
  ^^^^^^^"#,
    },
    Case {
        name: "a value that is a table",
        input: r#"
[calm]
duration = { minutes = 5 }
"#,
        error: r#"
x.toml:4:12: expected a duration such as "5s", found a table
  duration = { minutes = 5 }
             ^^^^^^^^^^^^^^^"#,
    },
];
