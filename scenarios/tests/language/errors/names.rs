//! Names that the vocabulary, the keys or the expectations do not know.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_body);
}

const CASES: &[Case] = &[
    Case {
        name: "an unknown operation",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "SheduleKeyDeletion"
"#,
        error: r#"
x.toml:8:8: unknown operation "SheduleKeyDeletion"; did you mean "ScheduleKeyDeletion"?
  call = "SheduleKeyDeletion"
         ^^^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown argument",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "CreateKey"
with = { Known = 1, Other = 2 }
"#,
        error: r#"
x.toml:9:21: unknown argument "Other"
  with = { Known = 1, Other = 2 }
                      ^^^^^"#,
    },
    Case {
        name: "the only account has number 0",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "CreateKey"
account = 500
"#,
        error: r#"
x.toml:9:11: there is one account, number 0; `[accounts] count` makes more
  account = 500
            ^^^"#,
    },
    Case {
        name: "an account beyond the last",
        input: r#"
[accounts]
count = 3
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "CreateKey"
account = 3
"#,
        error: r#"
x.toml:11:11: there are 3 accounts, numbers 0 to 2
  account = 3
            ^"#,
    },
    Case {
        name: "a key that does not exist",
        input: r#"
[keys]
symmetric = 4
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "Decrypt"
key = "symmetric-4"
"#,
        error: r#"
x.toml:11:7: there are 4 symmetric keys, "symmetric-0" to "symmetric-3"
  key = "symmetric-4"
        ^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a mistyped key",
        input: r#"
[keys]
symmetric = 4
[[phase]]
name = "a"
duration = "1m"
[[operation]]
at = "1s"
call = "Decrypt"
key = "symetric-0"
"#,
        error: r#"
x.toml:11:7: unknown key "symetric-0"; did you mean "symmetric-0"?
  key = "symetric-0"
        ^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown group of keys",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
keys = ["symmetrical"]
"#,
        error: r#"
x.toml:9:9: unknown group of keys "symmetrical"; did you mean "symmetric"?
  keys = ["symmetrical"]
          ^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a group without keys",
        input: r#"
[[phase]]
name = "a"
duration = "1m"
[[phase.workload]]
kind = "grants"
arrivals = { kind = "poisson", per_second = 1 }
keys = ["multi-region"]
"#,
        error: r#"
x.toml:9:9: there are no multi-region keys; [keys] would have to make some
  keys = ["multi-region"]
          ^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown error",
        input: r#"
[expect]
allowed_errors = ["ThrotlingException"]
"#,
        error: r#"
x.toml:4:19: unknown API error "ThrotlingException"; did you mean "ThrottlingException"?
  allowed_errors = ["ThrotlingException"]
                    ^^^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a violation without oracle",
        input: r#"
[expect]
verdict = "violation"
"#,
        error: r#"
x.toml:4:11: a violation needs the oracle that must object, as in oracle = "deletion"
  verdict = "violation"
            ^^^^^^^^^^^"#,
    },
    Case {
        name: "an oracle without violation",
        input: r#"
[expect]
oracle = "durability"
"#,
        error: r#"
x.toml:4:10: an oracle is named only with verdict = "violation"
  oracle = "durability"
           ^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown oracle",
        input: r#"
[expect]
verdict = "violation"
oracle = "durabilty"
"#,
        error: r#"
x.toml:5:10: unknown oracle "durabilty"; did you mean "durability"?
  oracle = "durabilty"
           ^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown quota pool",
        input: r#"
[expect]
throttled_min = { symetric = 5 }
"#,
        error: r#"
x.toml:4:19: unknown quota pool "symetric"; did you mean "symmetric"?
  throttled_min = { symetric = 5 }
                    ^^^^^^^^"#,
    },
    Case {
        name: "bounds that exclude each other",
        input: r#"
[expect]
throttled_min = { symmetric = 5 }
throttled_max = { symmetric = 4 }
"#,
        error: r#"
x.toml:5:17: the maximum of "symmetric" is below its minimum
  throttled_max = { symmetric = 4 }
                  ^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown quota profile",
        input: r#"
[quota]
profile = "aws-2027"
"#,
        error: r#"
x.toml:4:11: unknown quota profile "aws-2027"; did you mean "aws-2026"?
  profile = "aws-2027"
            ^^^^^^^^^^"#,
    },
    Case {
        name: "a sabotage too frequent",
        input: r#"
[[sabotage]]
kind = "stale-follower"
rate = 0.5
"#,
        error: r#"
x.toml:5:8: 0.5 is out of range; it must be 0 to 0.01
  rate = 0.5
         ^^^"#,
    },
    Case {
        name: "an unknown sabotage",
        input: r#"
[[sabotage]]
kind = "stale-folower"
"#,
        error: r#"
x.toml:4:8: unknown sabotage "stale-folower"; did you mean "stale-follower"?
  kind = "stale-folower"
         ^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "an unknown parameter",
        input: r#"
[parameters]
hsm.servicetime = "80us"
"#,
        error: r#"
x.toml:4:5: unknown parameter "hsm.servicetime"; did you mean "hsm.service_time"?
  hsm.servicetime = "80us"
      ^^^^^^^^^^^"#,
    },
    Case {
        name: "a parameter twice",
        input: r#"
[parameters]
hsm.service_time = "80us"
"hsm.service_time" = "80us"
"#,
        error: r#"
x.toml:5:1: the parameter "hsm.service_time" is there twice
  "hsm.service_time" = "80us"
  ^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a parameter without unit",
        input: r#"
[parameters]
"hsm.service_time" = 80
"#,
        error: r#"
x.toml:4:22: a duration needs a unit, as in "80s"; found the integer 80
  "hsm.service_time" = 80
                       ^^"#,
    },
    Case {
        name: "a parameter out of range",
        input: r#"
[parameters]
"hsm.service_time" = "2s"
"#,
        error: r#"
x.toml:4:22: "2s" is out of range; it must be "0s" to "1s"
  "hsm.service_time" = "2s"
                       ^^^^"#,
    },
    Case {
        name: "the front of a parameter name",
        input: r#"
[parameters]
hsm = 5
"#,
        error: r#"
x.toml:4:1: unknown parameter "hsm"; valid: hsm.service_time
  hsm = 5
  ^^^"#,
    },
    Case {
        name: "empty text",
        input: r#"
[quota]
profile = " "
"#,
        error: r#"
x.toml:4:11: expected the name of a known quota profile, found empty text
  profile = " "
            ^^^"#,
    },
    Case {
        name: "the first of several problems",
        input: r#"
[[phase]]
name = 5
duration = 5
[calm]
duration = 5
[topology]
regions = 5
"#,
        error: r#"
x.toml:4:8: expected text in quotes, found the integer 5
  name = 5
         ^"#,
    },
    Case {
        name: "letters of several bytes before the place",
        input: "\"größe\" = 1\n",
        error: r#"
x.toml:3:1: unknown key "größe"; valid: schema, extends, description, topology, hsm, keys, accounts, quota, points, client, phase, operation, sabotage, calm, expect, parameters
  "größe" = 1
  ^^^^^^^"#,
    },
];
