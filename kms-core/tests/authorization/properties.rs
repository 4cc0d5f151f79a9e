//! What holds of every decision, whatever the policies are.

use crate::case::{Case, Pairs};
use crate::{draw, product, runner};
use proptest::prelude::*;
use serde_json::{Value, json};

const CASES: u32 = 5_000;

/// Checks that a change of a case never turns a denial into an allowance.
fn never_helps<S: Strategy>(changes: S, change: impl Fn(&mut Case, S::Value))
where
    S::Value: Clone + std::fmt::Debug,
{
    let outcome = runner(CASES).run(&(draw::cases(), changes), |(case, how)| {
        let mut changed = case.clone();
        change(&mut changed, how);
        prop_assert!(product::allows(&case) || !product::allows(&changed), "{}\n{}", case, changed);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn statements(policy: &mut Value) -> &mut Vec<Value> {
    policy["Statement"].as_array_mut().expect("a list")
}

fn deny(action: &str, with_principal: bool) -> Value {
    let mut statement = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
    if with_principal {
        statement["Principal"] = json!("*");
    }
    statement
}

#[test]
fn a_deny_never_helps() {
    let actions = prop::sample::select(vec!["kms:*", "kms:Encrypt", "kms:*Grant", "s3:*"]);
    never_helps((actions, any::<bool>(), 0..4_usize), |case, (action, in_key_policy, at)| {
        let policy = match case.identity.first_mut() {
            Some(policy) if !in_key_policy => policy,
            _ => &mut case.key_policy,
        };
        let with_principal = statements(policy)[0].get("Effect").is_some()
            && statements(policy)
                .iter()
                .any(|s| s.get("Principal").or(s.get("NotPrincipal")).is_some());
        let statements = statements(policy);
        let at = at.min(statements.len());
        statements.insert(at, deny(action, with_principal));
    });
}

#[test]
fn removing_a_grant_never_allows_more() {
    never_helps(0..4_usize, |case, at| {
        if !case.grants.is_empty() {
            case.grants.remove(at % case.grants.len());
        }
    });
}

#[test]
fn a_stricter_constraint_never_allows_more() {
    never_helps((0..4_usize, 0..3_u8), |case, (at, how)| {
        let count = case.grants.len().max(1);
        let Some(grant) = case.grants.get_mut(at % count) else { return };
        let terms = &mut grant.terms;
        let pair = ("b".to_owned(), "1".to_owned());
        match (how, terms.equals.take(), terms.subset.take()) {
            // Beside a part of the context, all of it is demanded.
            (0, None, Some(pairs)) => terms.equals = Some(pairs),
            (_, None, Some(mut pairs)) => {
                pairs.insert(pair.0, pair.1);
                terms.subset = Some(pairs);
            }
            (_, None, None) => terms.subset = Some(Pairs::from([pair])),
            (1, equals, _) => {
                terms.equals = equals;
                terms.source = terms.source.take().or(Some("arn:aws:s3:::c".into()));
            }
            (_, equals, _) => {
                terms.equals = equals;
                terms.operations.truncate(1);
            }
        }
    });
}

#[test]
fn a_further_restricting_policy_never_allows_more() {
    let layer = prop::sample::select(vec!["boundary", "session", "scp"]);
    never_helps(layer, |case, layer| {
        let deny = json!({"Statement": [deny("kms:Decrypt", false)]});
        case.restricting.push((layer, deny));
    });
}

#[test]
fn the_order_of_statements_and_of_grants_never_matters() {
    let outcome = runner(CASES).run(&draw::cases(), |case| {
        let mut turned = case.clone();
        statements(&mut turned.key_policy).reverse();
        turned.identity.iter_mut().for_each(|policy| statements(policy).reverse());
        turned.restricting.iter_mut().for_each(|(_, policy)| statements(policy).reverse());
        turned.identity.reverse();
        turned.grants.reverse();
        prop_assert_eq!(product::allows(&case), product::allows(&turned), "{}", case);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
