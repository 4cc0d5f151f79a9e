//! Overrides.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_override);
}

const CASES: &[Case] = &[
    Case {
        name: "a key that is unknown",
        input: "topology.api_host=3",
        error: r#"
--set:1:10: unknown key "api_host" in [topology]; did you mean "api_hosts"?
  topology.api_host=3
           ^^^^^^^^"#,
    },
    Case {
        name: "a phase that is unknown",
        input: "phase.outag.duration=2m",
        error: r#"
--set:1:7: there is no "outag" here; did you mean "outage"?
  phase.outag.duration=2m
        ^^^^^"#,
    },
    Case {
        name: "a value of the wrong type",
        input: "topology.zones=many",
        error: r#"
--set:1:16: expected a whole number, found the string "many"
  topology.zones=many
                 ^^^^"#,
    },
    Case {
        name: "a value without unit",
        input: "phase.outage.duration=2",
        error: r#"
--set:1:23: a duration needs a unit, as in "2s"; found the integer 2
  phase.outage.duration=2
                        ^"#,
    },
    Case {
        name: "a value out of range",
        input: "quota.scale=0",
        error: r#"
--set:1:13: 0 is out of range; it must be 0.000001 to 1000000
  quota.scale=0
              ^"#,
    },
    Case {
        name: "nothing to set",
        input: "quota.scale",
        error: r#"
--set:1:1: an override is key=value, as in topology.api_hosts=3
  quota.scale
  ^^^^^^^^^^^"#,
    },
    Case {
        name: "an empty part",
        input: "quota..scale=1",
        error: r#"
--set:1:7: this part of the key is empty
  quota..scale=1
        ^"#,
    },
    Case {
        name: "something below a value",
        input: "schema.version=2",
        error: r#"
--set:1:8: there is nothing below this: it is the integer 1
  schema.version=2
         ^^^^^^^"#,
    },
    Case {
        name: "a parameter that is unknown",
        input: "parameters.hsm.servicetime=1ms",
        error: r#"
--set:1:12: unknown parameter "hsm.servicetime"; did you mean "hsm.service_time"?
  parameters.hsm.servicetime=1ms
             ^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "a base",
        input: "extends=base.toml",
        error: r#"
--set:1:1: a base is named in the file, not by an override
  extends=base.toml
  ^^^^^^^"#,
    },
    Case {
        name: "a path too deep",
        input: "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
        error: r#"
--set:1:33: no key of a scenario is this deep
  a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1
                                  ^"#,
    },
];
