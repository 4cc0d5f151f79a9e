//! `keyquake policy check`: what will hurt, with file and line.

use super::{Place, inventory};
use crate::exit::{Exit, Failure};
use crate::terminal::{self, BOLD, FAINT};
use clap::Args;
use kms_core::integration::Integration;
use scenarios::state::{Finding, Inventory, check};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyquake policy check scenarios/state/orders.yaml --service s3"
)]
pub(crate) struct Arguments {
    /// A CloudFormation template (YAML or JSON) or a Terraform plan as JSON
    file: PathBuf,
    /// A service that every symmetric key has to work with, such as s3 or logs
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    service: Vec<&'static Integration>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn service(name: &str) -> Result<&'static Integration, String> {
    Integration::named(name).ok_or_else(|| {
        let names: Vec<&str> = Integration::all().iter().map(|one| one.name.as_str()).collect();
        format!("there are {}", names.join(", "))
    })
}

#[derive(Serialize)]
struct Shown {
    file: String,
    keys: usize,
    findings: Vec<Line>,
    warnings: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    kind: String,
    key: Option<String>,
    line: usize,
    column: usize,
    message: String,
    right: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let inventory = inventory(&arguments.file, &arguments.place)?;
    let findings = check(&inventory, &arguments.service);
    let found = !findings.is_empty();
    let file = arguments.file.display().to_string();
    match arguments.json {
        true => terminal::print_json(&shown(file, &inventory, findings))?,
        false => terminal::print(&page(&file, &inventory, &findings))?,
    }
    Ok(if found { Exit::Found } else { Exit::Fine })
}

fn shown(file: String, inventory: &Inventory, findings: Vec<Finding>) -> Shown {
    let finding = |finding: Finding| Line {
        kind: finding.kind.to_string(),
        key: Some(finding.key),
        line: finding.at.line,
        column: finding.at.column,
        message: finding.message,
        right: Some(finding.right),
    };
    let warnings = inventory.warnings.iter().map(|problem| Line {
        kind: "warning".into(),
        key: None,
        line: problem.at.line,
        column: problem.at.column,
        message: problem.message.clone(),
        right: None,
    });
    Shown {
        file,
        keys: inventory.keys.len(),
        warnings: warnings.collect(),
        findings: findings.into_iter().map(finding).collect(),
    }
}

fn page(file: &str, inventory: &Inventory, findings: &[Finding]) -> String {
    let mut page = String::new();
    for problem in &inventory.warnings {
        page += &format!("{file}:{problem} {FAINT}[warning]{FAINT:#}\n");
    }
    for finding in findings {
        let (line, column) = (finding.at.line, finding.at.column);
        page += &format!(
            "{file}:{line}:{column}: {} {BOLD}[{}]{BOLD:#}\n  {FAINT}right would be:{FAINT:#} {}\n",
            finding.message, finding.kind, finding.right
        );
    }
    page + &format!(
        "{}, {}\n",
        counted(inventory.keys.len(), "key"),
        counted(findings.len(), "finding")
    )
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
