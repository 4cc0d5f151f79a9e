//! The AWS managed key of an account: a look at it makes it, its service uses it, and the account
//! changes nothing.

use super::{SECRET, symmetric};
use crate::conformance::{World, through_ebs};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{GrantOperation, KeyManagerType, Tag};
use kms_core::ops::{Response, decrypt, describe_key, generate_data_key};
use kms_core::wire::{GrantTokens, KeyRef};

const ALIAS: &str = "alias/aws/ebs";

pub(super) async fn tell(world: &World) {
    let kms = &world.kms;
    let alias = || KeyRef::new(ALIAS);
    let described = must!(kms.describe_key().key_id(ALIAS)).key_metadata.expect("metadata");
    let first_use = describe_key::Request { key_id: alias(), grant_tokens: GrantTokens::default() };
    let Ok(Response::DescribeKey(seen)) = through_ebs(world, first_use) else { panic!() };
    assert_eq!(seen.key_metadata.key_id, described.key_id, "the account's look has made it");
    assert_eq!(described.key_manager(), Some(&KeyManagerType::Aws));
    let id = &described.key_id;

    let made = through_ebs(world, generate_data_key::Request::new(alias()));
    let Ok(Response::GenerateDataKey(made)) = made else { panic!("{made:?}") };
    through_ebs(world, decrypt::Request::new(made.ciphertext_blob.clone())).expect("its data key");

    must!(kms.get_key_policy().key_id(id));
    assert!(must!(kms.get_key_rotation_status().key_id(id)).key_rotation_enabled());
    assert!(
        must!(kms.list_aliases().key_id(id))
            .aliases()
            .iter()
            .any(|alias| alias.alias_name() == Some(ALIAS))
    );

    let blob = Blob::new(made.ciphertext_blob.0.to_vec());
    let own = symmetric(world).await;
    let tag = Tag::builder().tag_key("a").tag_value("b").build().expect("a tag");
    let user = "arn:aws:iam::111122223333:user/test";
    let grant = kms.create_grant().key_id(id).grantee_principal(user);
    for refused in [
        refused!(kms.encrypt().key_id(id).plaintext(Blob::new(SECRET))),
        refused!(kms.decrypt().ciphertext_blob(blob)),
        refused!(kms.put_key_policy().key_id(id).policy(r#"{"Statement": []}"#)),
        refused!(kms.disable_key().key_id(id)),
        refused!(kms.enable_key().key_id(id)),
        refused!(kms.enable_key_rotation().key_id(id)),
        refused!(kms.disable_key_rotation().key_id(id)),
        refused!(kms.rotate_key_on_demand().key_id(id)),
        refused!(kms.schedule_key_deletion().key_id(id)),
        refused!(kms.cancel_key_deletion().key_id(id)),
        refused!(kms.tag_resource().key_id(id).tags(tag)),
        refused!(kms.untag_resource().key_id(id).tag_keys("a")),
        refused!(kms.update_key_description().key_id(id).description("mine")),
        refused!(kms.replicate_key().key_id(id).replica_region("eu-west-1")),
        refused!(grant.operations(GrantOperation::Decrypt)),
        refused!(kms.create_alias().alias_name("alias/mine").target_key_id(id)),
        refused!(kms.update_alias().alias_name(ALIAS).target_key_id(&own)),
        refused!(kms.delete_alias().alias_name(ALIAS)),
    ] {
        assert_eq!(refused, "AccessDeniedException");
    }
    let after = must!(kms.describe_key().key_id(ALIAS)).key_metadata;
    assert_eq!(after.as_ref(), Some(&described), "it is as it was");
}
