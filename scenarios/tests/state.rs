//! State files: the same key in three formats, exact errors, and what is found to hurt.

use kms_core::integration::Integration;
use kms_core::name::{AccountId, RegionName};
use scenarios::state::{Finding, FindingKind, Home, Inventory, check};

const ORDERS_YAML: &str = include_str!("../state/orders.yaml");
const ORDERS_JSON: &str = include_str!("../state/orders.json");
const ORDERS_PLAN: &str = include_str!("../state/orders.plan.json");
const BROKEN: &str = include_str!("../state/broken.yaml");
const VPC_ONLY: &str = include_str!("../state/vpc-only.yaml");

fn home() -> Home {
    let region = RegionName::parse("us-east-1").expect("a Region");
    Home { account: AccountId::new(111_122_223_333), region }
}

fn read(text: &str) -> Inventory {
    Inventory::read(text, home()).unwrap_or_else(|problem| panic!("{problem}"))
}

fn refuse(text: &str) -> String {
    Inventory::read(text, home()).expect_err("a refusal").to_string()
}

/// A template of one key with these properties.
fn template(properties: &str) -> String {
    format!("Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n{properties}\n")
}

fn policy_of(text: &str) -> serde_json::Value {
    serde_json::from_str(read(text).keys[0].policy.policy.text()).expect("a policy")
}

#[test]
fn the_same_key_comes_out_of_every_format() {
    let all = [ORDERS_YAML, ORDERS_JSON, ORDERS_PLAN].map(read);
    for inventory in &all {
        let key = inventory.key("alias/orders").unwrap();
        assert_eq!(key.description, "Orders, production");
        assert_eq!(key.rotation.map(|(days, _)| days), Some(180));
        assert_eq!(key.tags.get("team").map(String::as_str), Some("orders"));
        assert!(key.enabled && !key.multi_region && inventory.warnings.is_empty());
        let arn = key.arn.to_string();
        assert_eq!(inventory.key(&arn).map(|key| &key.name), Ok(&key.name));
    }
    assert_eq!(policy_of(ORDERS_YAML), policy_of(ORDERS_JSON));
    assert_eq!(policy_of(ORDERS_YAML), policy_of(ORDERS_PLAN));
    let grants = all[2].grants_on(&all[2].keys[0]).unwrap();
    assert_eq!(grants[0].grantee.principal(), Some("arn:aws:iam::111122223333:role/shipping"));
    let places: Vec<usize> = all[0].keys[0].policy.statements.iter().map(|at| at.line).collect();
    assert_eq!(places, [29, 35, 47], "statements know their lines");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, message) in [
        (template("      EnableRotation: true"), "5:7: Key of type AWS::KMS::Key has no property EnableRotation"),
        (template("      RotationPeriodInDays: 10"), "5:29: RotationPeriodInDays has to be a whole number from 90 to 2560"),
        (template("      KeySpec: AES_256"), "5:16: there is no KeySpec AES_256"),
        (template("      Enabled: 2"), "5:16: Enabled has to be true or false"),
        (template("      Description: !Ref Stage"), "Stage is neither a parameter nor a resource"),
        (template("      Description: !ImportValue x"), "the output of another stack"),
        (template("      Description: !Sub '${Key'"), "without \"}\""),
        (template("      KeyPolicy: {Statement: {Effect: Maybe, Principal: '*'}}"), "the key policy is malformed: statement 0, Effect"),
        ("Parameters: {Stage: {Type: String}}\nResources: {}\n".into(), "the parameter Stage has no Default"),
        ("Resources: {K: {Type: AWS::KMS::Grant}}".into(), "there is no resource type AWS::KMS::Grant"),
        ("Resources: {A: {Type: AWS::KMS::Alias, Properties: {AliasName: orders, TargetKeyId: k}}}".into(), "is no alias name"),
        ("Resources: {A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/orders, TargetKeyId: k}}}".into(), "which this template does not declare"),
        ("a: 1".into(), "neither a CloudFormation template"),
    ] {
        let said = refuse(&text);
        assert!(said.contains(message), "{said}\n{text}");
    }
    let near = refuse(&template("      EnableKeyRotatoin: true"));
    assert!(near.contains("EnableKeyRotation"), "{near}");
}

#[test]
fn functions_are_evaluated() {
    let text = r"
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'a, b'}
Mappings:
  Words: {eu: {long: europe}, us: {long: america}}
Conditions:
  Never: !Not [!Or [!Equals [a, a], !Equals [a, b]]]
  Also: !And [!Condition Never, !Equals [a, a]]
Resources:
  Role: {Type: AWS::IAM::Role}
  Other: {Type: AWS::KMS::Key, Condition: Never}
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: !Join ['-', [!Select [1, !Ref Names], !FindInMap [Words, us, long], !Select [0, !Split ['-', !Ref 'AWS::Region']], !GetAtt Role.Arn]]
      KeyUsage: !If [Also, SIGN_VERIFY, !Ref 'AWS::NoValue']
      MultiRegion: true
";
    let inventory = read(text);
    let [key] = &inventory.keys[..] else { panic!("{:?}", inventory.keys) };
    assert_eq!(key.description, "b-america-us-arn:aws:iam::111122223333:role/Role");
    assert!(key.multi_region && key.arn.id.to_string().starts_with("mrk-"));
}

#[test]
fn a_plan_is_read_strictly_where_it_is_ours() {
    let plan = |resource: &str| {
        format!(r#"{{"planned_values": {{"root_module": {{"resources": [{resource}]}}}}}}"#)
    };
    let unknown =
        plan(r#"{"address": "aws_kms_key.a", "type": "aws_kms_key", "values": {"rotaton": 1}}"#);
    assert!(read(&unknown).warnings[0].message.contains("no argument rotaton"));
    let other = plan(
        r#"{"address": "aws_kms_external_key.a", "type": "aws_kms_external_key", "values": {}}"#,
    );
    assert!(read(&other).warnings[0].message.contains("left out of account"));
    for (resource, message) in [
        (
            r#"{"address": "aws_kms_alias.a", "type": "aws_kms_alias", "values": {"name": "alias/a"}}"#,
            "does not say its target_key_id",
        ),
        (
            r#"{"address": "aws_kms_grant.g", "type": "aws_kms_grant", "values": {"key_id": "k", "grantee_principal": "p", "operations": ["Fly"]}}"#,
            "there is no grant operation Fly",
        ),
        (
            r#"{"address": "aws_kms_key_policy.p", "type": "aws_kms_key_policy", "values": {"key_id": "k", "policy": "{}"}}"#,
            "the key policy is malformed",
        ),
        (
            r#"{"address": "aws_kms_key.a", "type": "aws_kms_key", "values": {"rotation_period_in_days": 7}}"#,
            "from 90 to 2560",
        ),
    ] {
        let said = refuse(&plan(resource));
        assert!(said.contains(message), "{said}");
    }
}

fn found(text: &str, services: &[&str]) -> Vec<(FindingKind, usize, String)> {
    let services: Vec<_> = services.iter().filter_map(|name| Integration::named(name)).collect();
    let line = |finding: Finding| (finding.kind, finding.at.line, finding.message);
    check(&read(text), &services).into_iter().map(line).collect()
}

#[test]
fn a_good_key_has_no_findings_in_any_format() {
    for text in [ORDERS_YAML, ORDERS_JSON, ORDERS_PLAN] {
        let all: Vec<&str> = Integration::all().iter().map(|one| one.name.as_str()).collect();
        assert_eq!(found(text, &all), []);
    }
}

#[test]
fn every_mistake_is_found_where_it_is() {
    let found = found(BROKEN, &[]);
    for (kind, line, part) in [
        (FindingKind::RotationOff, 10, "never rotated"),
        (FindingKind::LocksTheOwnerOut, 15, "nobody of account 111122223333"),
        (FindingKind::OpenToEveryone, 17, "every AWS account do kms:Encrypt"),
        (FindingKind::ConditionNeverMatches, 22, "kms:ViaService"),
        (FindingKind::GrantEscalation, 32, "can grant itself kms:Decrypt"),
        (FindingKind::BreaksAService, 15, "Amazon S3"),
    ] {
        let fits =
            |(k, l, m): &(FindingKind, usize, String)| (*k, *l) == (kind, line) && m.contains(part);
        assert!(found.iter().any(fits), "{kind} at {line}: {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn a_policy_that_breaks_a_service_is_found_for_the_services_one_names() {
    assert_eq!(found(VPC_ONLY, &[]), []);
    let found = found(VPC_ONLY, &["s3", "ebs"]);
    let kinds: Vec<_> = found.iter().map(|(kind, line, _)| (*kind, *line)).collect();
    assert_eq!(kinds, [(FindingKind::BreaksAService, 19), (FindingKind::BreaksAService, 19)]);
    assert!(found[0].2.contains("Amazon S3") || found[1].2.contains("Amazon S3"), "{found:?}");
}
