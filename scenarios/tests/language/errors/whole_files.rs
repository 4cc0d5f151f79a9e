//! Files that are not TOML, not of schema 1, or extend what is not there.

use super::Case;

#[test]
fn have_exact_messages() {
    super::check(CASES, super::of_file);
}

const CASES: &[Case] = &[
    Case {
        name: "no schema",
        input: "description = \"x\"\n",
        error: r#"
x.toml:1:1: missing key "schema", as in schema = 1
  description = "x"
  ^"#,
    },
    Case {
        name: "another schema",
        input: r#"
# new
schema = 2
new_key = 1
"#,
        error: r#"
x.toml:2:10: this is schema 2; this version reads schema 1
  schema = 2
           ^"#,
    },
    Case {
        name: "schema of the wrong type",
        input: "schema = \"1\"\n",
        error: r#"
x.toml:1:10: expected schema = 1, found the string "1"
  schema = "1"
           ^^^"#,
    },
    Case {
        name: "no description",
        input: "schema = 1\n",
        error: r#"
x.toml:1:1: missing key "description", as in description = "A Region is cut off."
  schema = 1
  ^"#,
    },
    Case {
        name: "an empty file",
        input: "",
        error: r#"
x.toml:1:1: missing key "schema", as in schema = 1
  
  ^"#,
    },
    Case {
        name: "not TOML",
        input: r#"
schema = 1
name = us-east-1
"#,
        error: r#"
x.toml:2:8: not valid TOML: string values must be quoted, expected literal string
  name = us-east-1
         ^^^^^^^^^"#,
    },
    Case {
        name: "a key twice",
        input: r#"
schema = 1
a = 1
a = 2
"#,
        error: r#"
x.toml:3:1: the key "a" is there twice in this table
  a = 2
  ^"#,
    },
    Case {
        name: "text without an end",
        input: r#"
schema = 1
description = "x
"#,
        error: r#"
x.toml:2:17: not valid TOML: invalid basic string, expected `"`
  description = "x
                  ^"#,
    },
    Case {
        name: "a table without an end",
        input: r#"
schema = 1
[topology
"#,
        error: r#"
x.toml:2:10: not valid TOML: unclosed table, expected `]`
  [topology
           ^"#,
    },
    Case {
        name: "an integer beyond 64 bits",
        input: "schema = 99999999999999999999\n",
        error: r#"
x.toml:1:10: this integer is out of range
  schema = 99999999999999999999
           ^^^^^^^^^^^^^^^^^^^^"#,
    },
    Case {
        name: "infinity",
        input: r#"
schema = 1
x = inf
"#,
        error: r#"
x.toml:2:5: this number is out of range
  x = inf
      ^^^"#,
    },
    Case {
        name: "a base for what is no file",
        input: r#"
schema = 1
extends = "base.toml"
"#,
        error: r#"
x.toml:2:11: cannot read the base base.toml: a scenario that is not a file extends nothing
  extends = "base.toml"
            ^^^^^^^^^^^"#,
    },
];
