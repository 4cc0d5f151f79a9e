//! Every caller under every policy, as a page to be read: callers against what IAM says to them, one
//! table a key policy, and callers against requests, one table a grant.

use super::decide;
use std::fmt::Write;

const CALLERS: [&str; 9] =
    ["root", "alice", "carol", "app", "app2", "role-app", "bob", "bob-root", "logs"];

const KEY_POLICIES: [&str; 12] = [
    "allow root *",
    "allow alice *",
    "allow role-app Encrypt",
    "allow app Encrypt",
    "allow logs Encrypt",
    "allow * *",
    "allow bob *",
    "allow bob-root Encrypt",
    "allow root Decrypt",
    "allow root *; deny bob-root *",
    "allow * *; deny !role-app *",
    "allow * * if StringEquals kms:CallerAccount 111122223333",
];

/// What the caller's own account says.
const IAM: [&str; 3] = ["", "allow Encrypt", "deny Encrypt"];

const GRANTS: [&str; 9] = [
    "to alice Decrypt",
    "to role-app Decrypt equals a=1",
    "to app Decrypt subset a=1",
    "to root Decrypt",
    "to bob Decrypt equals a=1",
    "to bob-root Decrypt",
    "to logs Decrypt source arn:aws:logs:::g",
    "to alice Encrypt,CreateGrant",
    "to carol Decrypt source arn:aws:logs:::g",
];

/// What the request says.
const REQUESTS: [&str; 4] = ["", "ec a=1", "ec a=1,b=2", "source arn:aws:logs:::g"];

/// The callers of the tables of grants: with these, a table tells all there is to tell.
const GRANTEES: [&str; 5] = ["alice", "app", "bob", "bob-root", "logs"];

fn table(title: &str, columns: &[&str], rows: &[(&str, Vec<String>)]) -> String {
    let mut text = format!("{title}\n");
    let line = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("  {cell:<30}")).collect();
        format!("    {name:<9}{}\n", cells.trim_end())
    };
    let heads: Vec<String> = columns
        .iter()
        .map(|head| if head.is_empty() { "-".into() } else { (*head).into() })
        .collect();
    text += &line("", &heads);
    rows.iter().for_each(|(name, cells)| text += &line(name, cells));
    text
}

fn page() -> String {
    let mut page = String::new();
    for key_policy in KEY_POLICIES {
        let row = |caller: &'static str| {
            let cell = |iam| decide(&[caller, "Encrypt", key_policy, iam, "", "", ""]);
            (caller, IAM.map(cell).to_vec())
        };
        let title = format!("Encrypt, key policy: {key_policy}; columns: the caller's IAM policy");
        let _ = writeln!(page, "{}", table(&title, &IAM, &CALLERS.map(row)));
    }
    for grant in GRANTS {
        let row = |caller: &'static str| {
            let cell =
                |request| decide(&[caller, "Decrypt", "allow root *", "", grant, request, ""]);
            (caller, REQUESTS.map(cell).to_vec())
        };
        let title = format!("Decrypt, grant: {grant}; columns: the request");
        let _ = writeln!(page, "{}", table(&title, &REQUESTS, &GRANTEES.map(row)));
    }
    page
}

#[test]
fn the_page_is_the_one_that_was_reviewed() {
    let decisions = KEY_POLICIES.len() * CALLERS.len() * IAM.len()
        + GRANTS.len() * GRANTEES.len() * REQUESTS.len();
    assert!(decisions >= 250, "the page shows {decisions} decisions");
    let (reviewed, page) = (include_str!("matrix.txt"), page());
    let differ = |(one, other): &(&str, &str)| one != other;
    let first = reviewed.lines().zip(page.lines()).find(differ);
    assert_eq!(reviewed, page, "they first differ here: {first:?}\nthe page is now:\n{page}");
}
