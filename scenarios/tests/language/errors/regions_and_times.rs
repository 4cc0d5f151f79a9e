//! Regions, names and times that do not fit the rest of the scenario.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_body);
}

const CASES: &[Case] = &[
    Case {
        name: "half a day of a waiting period",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "deletion-race"
arrivals = { kind = "poisson", per_second = 1 }
window = "8.5d"
"#,
        error: r#"
x.toml:9:10: "8.5d" is no number of whole days; a request names days, as in "8d"
  window = "8.5d"
           ^^^^^^"#,
    },
    Case {
        name: "a Region outside the topology",
        input: r#"
[topology]
regions = ["us-east-1", "eu-west-1"]
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "region-partition"
region = "us-east-2"
"#,
        error: r#"
x.toml:10:10: the Region "us-east-2" is not in topology.regions; did you mean "us-east-1"?
  region = "us-east-2"
           ^^^^^^^^^^^"#,
    },
    Case {
        name: "a Region outside the topology, before the topology",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
regions = ["us-east-1", "ap-south-1"]
[topology]
regions = ["us-east-1", "eu-west-1"]
"#,
        error: r#"
x.toml:9:25: the Region "ap-south-1" is not in topology.regions; valid: us-east-1, eu-west-1
  regions = ["us-east-1", "ap-south-1"]
                          ^^^^^^^^^^^^"#,
    },
    Case {
        name: "a Region that is no name",
        input: r#"
[topology]
regions = ["Frankfurt"]
"#,
        error: r#"
x.toml:4:12: "Frankfurt" is not the name of a Region; one looks like "eu-west-1"
  regions = ["Frankfurt"]
             ^^^^^^^^^^^"#,
    },
    Case {
        name: "a Region twice",
        input: r#"
[topology]
regions = ["us-east-1", "us-east-1"]
"#,
        error: r#"
x.toml:4:25: "us-east-1" is in this list twice
  regions = ["us-east-1", "us-east-1"]
                          ^^^^^^^^^^^"#,
    },
    Case {
        name: "no Region",
        input: r#"
[topology]
regions = []
"#,
        error: r#"
x.toml:4:11: this list has 0 items; it must have 1 to 16
  regions = []
            ^^"#,
    },
    Case {
        name: "a Region instead of a list",
        input: r#"
[topology]
regions = "us-east-1"
"#,
        error: r#"
x.toml:4:11: expected a list in square brackets, found the string "us-east-1"
  regions = "us-east-1"
            ^^^^^^^^^^^"#,
    },
    Case {
        name: "region and regions",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
region = "us-east-1"
regions = ["us-east-1"]
"#,
        error: r#"
x.toml:10:11: a workload has either region or regions, not both
  regions = ["us-east-1"]
            ^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a link of one Region",
        input: r#"
[topology]
regions = ["us-east-1", "eu-west-1"]
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "latency"
between = ["us-east-1"]
"#,
        error: r#"
x.toml:10:11: between needs two Regions
  between = ["us-east-1"]
            ^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a clock offset without unit",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "clock-skew"
offset = -250
"#,
        error: r#"
x.toml:8:10: a clock offset needs a unit, as in "-250s"; found the integer -250
  offset = -250
           ^^^^"#,
    },
    Case {
        name: "two phases of one name",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase]]
name = "a"
duration = "1m"
"#,
        error: r#"
x.toml:7:8: there are two phases named "a"
  name = "a"
         ^^^"#,
    },
    Case {
        name: "a fault after its phase",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "clock-skew"
at = "2m"
"#,
        error: r#"
x.toml:8:6: the phase ends at "1m", before this fault begins
  at = "2m"
       ^^^^"#,
    },
    Case {
        name: "a fault longer than its phase",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.fault]]
kind = "clock-skew"
at = "50s"
for = "20s"
"#,
        error: r#"
x.toml:9:7: the phase ends before this fault; at most "10s" are left
  for = "20s"
        ^^^^^"#,
    },
    Case {
        name: "an operation after the phases",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "2m"
call = "CreateKey"
"#,
        error: r#"
x.toml:7:6: the phases end at "1m", before this operation
  at = "2m"
       ^^^^"#,
    },
];
