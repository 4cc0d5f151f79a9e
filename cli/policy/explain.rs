//! `keyquake policy explain`: one decision with all that went into it.

use super::{Place, inventory};
use crate::exit::{Exit, Failure};
use crate::terminal::{self, BOLD, FAINT};
use clap::Args;
use kms_core::env::{Call, Caller, Timestamp};
use kms_core::integration::{Integration, Used};
use kms_core::name::{AliasName, PrincipalArn};
use kms_core::policy::context::Pairs;
use kms_core::policy::explain::{Branch, Explanation, Verdict, explain};
use kms_core::policy::{
    Action, Decision, KeyManager, Policy, PolicyKind, Question, RequestContext, Resource,
};
use scenarios::state::{DeclaredKey, Inventory};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyquake policy explain --state scenarios/state/orders.yaml \\\n    --principal arn:aws:iam::111122223333:role/orders --action kms:Decrypt --key alias/orders"
)]
pub(crate) struct Arguments {
    /// A CloudFormation template (YAML or JSON) or a Terraform plan as JSON
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Who asks: the ARN of a user, role, session or account, or the host name of a service
    #[arg(long, value_name = "ARN")]
    principal: String,
    /// For which permission, such as kms:Decrypt
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// On which key: its ARN, its id, an alias, or its name in the file
    #[arg(long, value_name = "KEY")]
    key: String,
    /// A pair of the encryption context
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// The AWS service that forwards the request, such as s3 or ebs
    #[arg(long, value_name = "SERVICE")]
    via: Option<String>,
    /// An identity policy of the principal, as JSON
    #[arg(long, value_name = "FILE")]
    identity_policy: Vec<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "a pair looks like KEY=VALUE".to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let inventory = inventory(&arguments.state, &arguments.place)?;
    let key = inventory.key(&arguments.key).map_err(Failure::usage)?;
    let action = action(&arguments.action)?;
    let call = call(arguments, key)?;
    let grants = inventory.grants_on(key).map_err(|problem| {
        Failure::usage(problem.in_file(&arguments.state.display().to_string()))
    })?;
    let pairs: Pairs = arguments.context.iter().cloned().collect();
    let alias = AliasName::parse(&arguments.key);
    let mut context = context(&call, action, key, &pairs, alias.as_ref());
    let aliases = aliases(&inventory, key);
    context.resource_aliases = &aliases;
    let policy: &Policy = &key.policy.policy;
    let resource = Resource::Key { arn: key.arn, policy, manager: KeyManager::Customer };
    let question = Question { caller: &call.caller, action, resource };
    let explanation = explain(&question, &context, &grants);
    match arguments.json {
        true => terminal::print_json(&shown(&explanation, &call, action, key))?,
        false => terminal::print(&page(&explanation, &call, action, key))?,
    }
    Ok(if explanation.decision.is_allowed() { Exit::Fine } else { Exit::Found })
}

fn action(text: &str) -> Result<Action, Failure> {
    let name = text.strip_prefix("kms:").unwrap_or(text);
    let known = Action::ALL.iter().find(|action| action.name().eq_ignore_ascii_case(name));
    known.copied().ok_or_else(|| {
        Failure::usage(format!("there is no action {text}; actions look like kms:Decrypt"))
    })
}

fn call(arguments: &Arguments, key: &DeclaredKey) -> Result<Call, Failure> {
    let used = Used { account: key.arn.account, region: key.arn.region, name: "resource" };
    let via = arguments.via.as_deref().map(|name| {
        Integration::named(name).ok_or_else(|| {
            let names: Vec<&str> = Integration::all().iter().map(|one| one.name.as_str()).collect();
            Failure::usage(format!("there is no service {name}; there are {}", names.join(", ")))
        })
    });
    let mut caller = Caller::new(principal(&arguments.principal, key)?);
    for path in &arguments.identity_policy {
        caller = caller.with_policy(Arc::new(identity_policy(path)?));
    }
    let service = via.transpose()?.map(|service| service.between(used));
    let now = Timestamp::from_seconds(1_767_225_600);
    Ok(Call { service, ..Call::by(Arc::new(caller), now) })
}

fn principal(text: &str, key: &DeclaredKey) -> Result<PrincipalArn, Failure> {
    let host = text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn");
    let service = host.then(|| PrincipalArn::service(text, key.arn.account));
    PrincipalArn::parse(text).or(service).ok_or_else(|| {
        Failure::usage(format!(
            "{text} is no principal: use an ARN of IAM or STS, or the host name of a service"
        ))
    })
}

fn identity_policy(path: &Path) -> Result<Policy, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    Policy::parse(&text, PolicyKind::Identity)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The request as far as the question tells it.
fn context<'a>(
    call: &'a Call,
    action: Action,
    key: &'a DeclaredKey,
    pairs: &'a Pairs,
    alias: Option<&'a AliasName>,
) -> RequestContext<'a> {
    let mut context = RequestContext::new(call, action);
    context.key = Some(key.arn);
    context.region = Some(key.arn.region);
    context.key_spec = Some(key.spec.as_str());
    context.key_usage = Some(key.usage.as_str());
    context.key_origin = Some(key.origin.as_str());
    context.multi_region = Some(key.multi_region);
    context.resource_tags = Some(&key.tags);
    context.encryption_context = Some(pairs);
    context.encryption_algorithm = Some("SYMMETRIC_DEFAULT");
    context.request_alias = alias;
    context.policy_name = Some("default");
    context
}

fn aliases(inventory: &Inventory, key: &DeclaredKey) -> Vec<AliasName> {
    let own = inventory.aliases.iter().filter(|alias| alias.key == key.name);
    own.map(|alias| alias.name.clone()).collect()
}

#[derive(Serialize)]
struct Shown<'e> {
    decision: &'static str,
    because: String,
    principal: String,
    action: String,
    key: String,
    tree: &'e [Branch],
}

fn shown<'e>(
    explanation: &'e Explanation<'_>,
    call: &Call,
    action: Action,
    key: &DeclaredKey,
) -> Shown<'e> {
    let (decision, because) = said(&explanation.decision);
    Shown {
        decision,
        because,
        principal: call.caller.principal.to_string(),
        action: action.to_string(),
        key: key.arn.to_string(),
        tree: &explanation.branches,
    }
}

fn said(decision: &Decision<'_>) -> (&'static str, String) {
    match decision {
        Decision::Allow(reason) => ("allowed", reason.to_string()),
        Decision::Deny(reason) => ("denied", reason.to_string()),
    }
}

fn page(explanation: &Explanation<'_>, call: &Call, action: Action, key: &DeclaredKey) -> String {
    let (decision, because) = said(&explanation.decision);
    let mut page = format!(
        "{BOLD}{decision}{BOLD:#}: {because}\n{} asks for {action} on {} ({})\n",
        call.caller.principal, key.name, key.arn
    );
    for (at, branch) in explanation.branches.iter().enumerate() {
        draw(&mut page, branch, "", at + 1 == explanation.branches.len());
    }
    page
}

fn draw(page: &mut String, branch: &Branch, indent: &str, last: bool) {
    let verdict = match branch.verdict {
        Verdict::Allows => "allows",
        Verdict::Delegates => "leaves it to the caller's account",
        Verdict::Denies => "denies",
        Verdict::Silent => "is silent",
    };
    let because = match branch.because.is_empty() {
        true => String::new(),
        false => format!("{FAINT}: {}{FAINT:#}", branch.because),
    };
    let (arm, next) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
    page.push_str(&format!("{indent}{arm}{} {verdict}{because}\n", branch.label));
    let indent = format!("{indent}{next}");
    for (at, inner) in branch.branches.iter().enumerate() {
        draw(page, inner, &indent, at + 1 == branch.branches.len());
    }
}
