//! What reaches other hosts late: every host has the whole log, and still acts on policies, grants,
//! aliases and tags only when their delay has passed; a grant token bridges the wait.

use kms_core::env::{Call, Caller, Timestamp};
use kms_core::history::Propagation;
use kms_core::kms::Settings;
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::{
    Request, Response, create_alias, create_grant, encrypt, put_key_policy, retire_grant,
    revoke_grant, tag_resource,
};
use kms_core::policy::{Action, GrantOperation, Policy, PolicyKind, RequestContext};
use kms_core::wire::KeyRef;
use kms_core::{ErrorCode, Kms};
use std::sync::Arc;
use std::time::Duration;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const INSTANT: Duration = Duration::from_micros(1);

fn alice() -> Arc<Caller> {
    Arc::new(Caller::new(PrincipalArn::parse(ALICE).expect("an ARN")))
}

/// Whom IAM allows Encrypt on keys under this condition.
fn alice_if(condition: &str) -> Arc<Caller> {
    let policy = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
            "Condition": {condition}}}}}"#
    );
    let policy = Policy::parse(&policy, PolicyKind::Identity).expect("a policy");
    Arc::new(Caller::clone(&alice()).with_policy(Arc::new(policy)))
}

/// A host of its own that has read the whole log.
fn host(local: &Local, key: KeyArn, propagation: Propagation) -> Kms {
    let mut kms = Kms::new(key.region, Settings { propagation, ..Settings::default() });
    local.journal().entries_after(0).iter().for_each(|entry| kms.apply(entry));
    assert_eq!(kms.state().position(), local.journal().state().position());
    kms
}

fn allows(kms: &Kms, key: KeyArn, caller: &Arc<Caller>, now: Timestamp) -> bool {
    let call = Call::by(caller.clone(), now);
    let context = RequestContext::new(&call, Action::Encrypt);
    kms.decision(key.id, context).expect("a key").is_allowed()
}

/// Checks that a change turns the answer of another host to `after`, one delay after its commit and
/// not an instant before, while a host without delays has it at once.
fn turns(
    local: &Local,
    key: KeyArn,
    caller: &Arc<Caller>,
    delay: Duration,
    after: bool,
    what: &str,
) {
    let committed = local.now();
    let prompt = host(local, key, Propagation::default());
    assert_eq!(allows(&prompt, key, caller, committed), after, "{what}, without delay");
    let late = host(local, key, Propagation::AWS);
    let moments = [
        (committed, !after),
        (committed.after(delay.saturating_sub(INSTANT)), !after),
        (committed.after(delay), after),
    ];
    for (now, expected) in moments {
        assert_eq!(allows(&late, key, caller, now), expected, "{what} at {now}");
    }
}

fn world() -> (Local, KeyArn) {
    let mut local = Local::single_region();
    let key = local.create_key();
    local.advance(Duration::from_secs(3600));
    (local, key)
}

fn grant(key: KeyArn) -> create_grant::Request {
    let operations = GrantOperation::parse("Encrypt");
    create_grant::Request::new(key, ALICE, operations)
}

fn granted(local: &mut Local, key: KeyArn) -> create_grant::Response {
    match local.call(grant(key)) {
        Ok(Response::CreateGrant(made)) => made,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_policy_reaches_other_hosts_late() {
    let (mut local, key) = world();
    let policy = format!(
        r#"{{"Statement": [
        {{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:root"}},
          "Action": "kms:*", "Resource": "*"}},
        {{"Effect": "Allow", "Principal": {{"AWS": "{ALICE}"}}, "Action": "kms:Encrypt",
          "Resource": "*"}}]}}"#
    );
    local.call(put_key_policy::Request::new(key, &policy)).expect("a policy");
    turns(&local, key, &alice(), Propagation::AWS.policy, true, "the policy that allows");
    local.advance(Duration::from_secs(3600));
    let old = Policy::default_for(key.account, key.region.partition());
    local.call(put_key_policy::Request::new(key, old.text())).expect("a policy");
    turns(&local, key, &alice(), Propagation::AWS.policy, false, "the policy that does not");
}

#[test]
fn a_grant_comes_and_goes_late() {
    let (mut local, key) = world();
    let made = granted(&mut local, key);
    turns(&local, key, &alice(), Propagation::AWS.grant, true, "the grant");
    local.advance(Duration::from_secs(3600));
    local.call(revoke_grant::Request::new(key, made.grant_id)).expect("a revocation");
    turns(&local, key, &alice(), Propagation::AWS.grant, false, "its revocation");
}

#[test]
fn tags_and_aliases_reach_conditions_last() {
    let (mut local, key) = world();
    let tagged = alice_if(r#"{"StringEquals": {"aws:ResourceTag/stage": "test"}}"#);
    local.call(tag_resource::Request::new(key, [("stage", "test")])).expect("a tag");
    turns(&local, key, &tagged, Propagation::AWS.tag, true, "the tag");
    let named = alice_if(r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}"#);
    local.call(create_alias::Request::new("alias/app", key)).expect("an alias");
    turns(&local, key, &named, Propagation::AWS.tag, true, "the alias");
}

/// Up to five minutes, the longest AWS speaks of: the token alone lets the grantee in at once, on a
/// host that does not see the grant; when it does, nobody needs the token any more; and the token of
/// a grant that is gone is worth nothing once its end has arrived.
#[test]
fn a_token_bridges_the_longest_delay() {
    let (mut local, key) = world();
    let delay = Duration::from_secs(300);
    local.settings_mut().propagation =
        Propagation { policy: delay, grant: delay, alias: delay, tag: delay };
    let made = granted(&mut local, key);
    let plain = || encrypt::Request::new(key, *b"x");
    let with_token = || {
        let mut request = plain();
        request.grant_tokens.0.push(made.grant_token.clone());
        request
    };
    let ask = |local: &mut Local, request: encrypt::Request| -> Option<ErrorCode> {
        local.call_as(&alice(), Request::from(request)).err().map(|error| error.code)
    };
    let denied = Some(ErrorCode::AccessDenied);
    assert_eq!(ask(&mut local, plain()), denied);
    assert_eq!(ask(&mut local, with_token()), None);
    local.advance(delay.saturating_sub(INSTANT));
    assert_eq!(ask(&mut local, plain()), denied);
    assert_eq!(ask(&mut local, with_token()), None);
    local.advance(INSTANT);
    assert_eq!(ask(&mut local, plain()), None);
    let revoke = revoke_grant::Request::new(key, made.grant_id.clone());
    local.call(revoke).expect("a revocation");
    assert_eq!(ask(&mut local, plain()), None, "its end is on the way");
    local.advance(delay);
    assert_eq!(ask(&mut local, plain()), denied);
    assert_eq!(ask(&mut local, with_token()), denied, "the grant decides, not its token");
}

/// A token supersedes what hosts see of its grant until all of them see the same. The end of a grant that
/// nobody had seen yet was there at once, while that of an older one takes as long as any change.
#[test]
fn a_token_counts_until_the_end_of_its_grant_arrives() {
    let (mut local, key) = world();
    let delay = Propagation::AWS.grant;
    local.settings_mut().propagation = Propagation::AWS;
    for ends in [delay / 3, delay * 2] {
        for by_token in [false, true] {
            let made = granted(&mut local, key);
            local.advance(ends);
            let mut with_token = encrypt::Request::new(key, *b"x");
            with_token.grant_tokens.0.push(made.grant_token.clone());
            let ask = |local: &mut Local| -> Option<ErrorCode> {
                let request = Request::from(with_token.clone());
                local.call_as(&alice(), request).err().map(|error| error.code)
            };
            let end: Request = match by_token {
                true => {
                    let grant_token = Some(made.grant_token.clone());
                    let (key_id, grant_id, dry_run) = (None, None, false);
                    retire_grant::Request { grant_token, key_id, grant_id, dry_run }.into()
                }
                false => revoke_grant::Request::new(key, made.grant_id).into(),
            };
            local.call(end.clone()).expect("its end");
            assert_eq!(ask(&mut local), None, "its end is on the way");
            let again = local.call(end).expect_err("it has ended for its owner");
            let gone = if by_token { ErrorCode::NotFound } else { ErrorCode::InvalidGrantId };
            assert_eq!(again.code, gone);
            local.advance(delay.saturating_sub(INSTANT));
            assert_eq!(ask(&mut local), None, "its end is on the way");
            local.advance(INSTANT);
            assert_eq!(ask(&mut local), Some(ErrorCode::AccessDenied));
        }
    }
}

#[test]
fn an_alias_names_its_key_late() {
    let (mut local, key) = world();
    local.settings_mut().propagation = Propagation::AWS;
    local.call(create_alias::Request::new("alias/app", key)).expect("an alias");
    let request = || encrypt::Request::new(KeyRef::new("alias/app"), *b"x");
    assert_eq!(local.call(request()).expect_err("too early").code, ErrorCode::NotFound);
    local.advance(Propagation::AWS.alias);
    local.call(request()).expect("the alias is there");
}
