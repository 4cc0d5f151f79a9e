//! Who may import what: the permissions, and the conditions about wrapping and expiry.

use super::world::{FIRST, code, empty_key};
use kms_core::ErrorCode;
use kms_core::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use kms_core::env::Caller;
use kms_core::key::DAY;
use kms_core::local::Local;
use kms_core::name::PrincipalArn;
use kms_core::ops::{
    Request, delete_imported_key_material, get_parameters_for_import, import_key_material,
};
use kms_core::policy::{Policy, PolicyKind};
use std::sync::Arc;

fn caller(statement: &str) -> Arc<Caller> {
    let principal =
        PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").expect("no refusal");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Resource":"*",{statement}}}}}"#
    );
    let policy = Policy::parse(&policy, PolicyKind::Identity).expect("no refusal");
    Arc::new(Caller::new(principal).with_policy(Arc::new(policy)))
}

#[test]
fn each_of_the_three_has_its_own_permission() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters: Request = get_parameters_for_import::Request::new(key).into();
    let import: Request = local.parameters(key).unwrap().wrap(&FIRST).into();
    let delete: Request = delete_imported_key_material::Request::new(key).into();
    for (action, at) in
        [("GetParametersForImport", 0), ("ImportKeyMaterial", 1), ("DeleteImportedKeyMaterial", 2)]
    {
        let caller = caller(&format!(r#""Action":"kms:{action}""#));
        for (other, request) in [&parameters, &import, &delete].into_iter().enumerate() {
            match local.call_as(&caller, request.clone()) {
                Ok(_) => assert_eq!(other, at, "{action}"),
                refused => {
                    assert_eq!(code(refused), ErrorCode::AccessDenied);
                    assert_ne!(other, at, "{action}");
                }
            }
        }
    }
}

#[test]
fn a_policy_may_ask_for_a_wrapping() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let caller = caller(
        r#""Action":"kms:*","Condition":{"StringEquals":{
            "kms:WrappingAlgorithm":"RSAES_OAEP_SHA_256","kms:WrappingKeySpec":"RSA_3072"}}"#,
    );
    let usual = get_parameters_for_import::Request::new(key);
    let sha1 = WrappingAlgorithm::RsaesOaepSha1;
    let other = get_parameters_for_import::Request { wrapping_algorithm: sha1, ..usual.clone() };
    for refused in [usual.clone(), other] {
        assert_eq!(code(local.call_as(&caller, refused)), ErrorCode::AccessDenied);
    }
    let longer = WrappingKeySpec::Rsa3072;
    let wanted = get_parameters_for_import::Request { wrapping_key_spec: longer, ..usual };
    local.call_as(&caller, wanted).unwrap();
}

#[test]
fn a_policy_may_ask_for_an_expiry() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let for_ever = local.parameters(key).unwrap().wrap(&FIRST);
    let until = |days: u32| import_key_material::Request {
        expiration_model: None,
        valid_to: Some(local.now().after(DAY * days)),
        ..for_ever.clone()
    };
    let (soon, late) = (until(30), until(90));
    let caller = caller(
        r#""Action":"kms:*","Condition":{
            "StringEquals":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"},
            "DateLessThan":{"kms:ValidTo":"2026-03-01T00:00:00Z"}}"#,
    );
    for refused in [for_ever, late] {
        assert_eq!(code(local.call_as(&caller, refused)), ErrorCode::AccessDenied);
    }
    local.call_as(&caller, soon).unwrap();
}
