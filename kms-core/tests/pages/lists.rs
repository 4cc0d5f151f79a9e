//! The lists: how each gets an item more or less, and how a page of it is read.

use kms_core::Result;
use kms_core::key::DAY;
use kms_core::local::Local;
use kms_core::name::{KeyArn, KeyId};
use kms_core::ops::{Request, Response};
use kms_core::wire::{TARGET_PREFIX, decode_request, encode_response};
use serde_json::{Value, json};

/// A list operation.
pub(crate) struct List {
    pub(crate) name: &'static str,
    /// Makes one more item, and says how the list shows it.
    pub(crate) add: fn(&mut World) -> String,
    /// Takes an item away, where one can be.
    pub(crate) remove: Option<fn(&mut World, &str)>,
    pub(crate) page: fn(&mut World, Option<u32>, Option<String>) -> Result<Page>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<String>,
    pub(crate) next: Option<String>,
    pub(crate) truncated: bool,
}

/// A key that has what lists are about.
pub(crate) struct World {
    local: Local,
    key: KeyArn,
    made: u32,
}

const CAROL: &str = "arn:aws:iam::111122223333:user/carol";

impl World {
    pub(crate) fn new() -> World {
        let mut local = Local::single_region();
        local.settings_mut().limits.on_demand_rotations = 100;
        let key = local.create_key();
        World { local, key, made: 0 }
    }

    fn ask(&mut self, operation: &str, body: &Value) -> Result<Value> {
        let target = format!("{TARGET_PREFIX}{operation}");
        let request: Request = decode_request(&target, body.to_string().as_bytes())?;
        let response: Response = self.local.call(request)?;
        let body = encode_response(&response);
        Ok(if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).expect("JSON") })
    }

    fn done(&mut self, operation: &str, body: &Value) -> Value {
        self.ask(operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn page(
        &mut self,
        (operation, items, item): (&str, &str, &str),
        mut body: Value,
        limit: Option<u32>,
        marker: Option<String>,
    ) -> Result<Page> {
        body["Limit"] = json!(limit);
        body["Marker"] = marker.map_or(Value::Null, Value::from);
        let page = self.ask(operation, &body)?;
        let text = |value: &Value| value[item].as_str().expect("a text").to_owned();
        Ok(Page {
            items: page[items].as_array().expect("a list").iter().map(text).collect(),
            next: page["NextMarker"].as_str().map(str::to_owned),
            truncated: page["Truncated"] == true,
        })
    }

    /// A number that does not grow with time, so that items come in any order.
    fn next(&mut self) -> u32 {
        self.made += 1;
        self.made.wrapping_mul(0x9e37_79b9)
    }

    fn grant(&mut self) -> String {
        let body = json!({ "KeyId": self.key.to_string(), "Operations": ["Decrypt"],
            "GranteePrincipal": "arn:aws:iam::111122223333:user/alice",
            "RetiringPrincipal": CAROL });
        self.done("CreateGrant", &body)["GrantId"].as_str().expect("an id").to_owned()
    }

    fn revoke(&mut self, grant: &str) {
        let body = json!({ "KeyId": self.key.to_string(), "GrantId": grant });
        self.done("RevokeGrant", &body);
    }
}

/// Every list with pages that more than one item can be on.
pub(crate) const LISTS: &[List] = &[
    List {
        name: "ListAliases",
        add: |world| {
            let name = format!("alias/{:08x}", world.next());
            let body = json!({ "AliasName": name, "TargetKeyId": world.key.to_string() });
            world.done("CreateAlias", &body);
            name
        },
        remove: Some(|world, name| drop(world.done("DeleteAlias", &json!({ "AliasName": name })))),
        page: |world, limit, marker| {
            world.page(("ListAliases", "Aliases", "AliasName"), json!({}), limit, marker)
        },
    },
    List {
        name: "ListGrants",
        add: World::grant,
        remove: Some(World::revoke),
        page: |world, limit, marker| {
            let body = json!({ "KeyId": world.key.to_string() });
            world.page(("ListGrants", "Grants", "GrantId"), body, limit, marker)
        },
    },
    List {
        name: "ListKeyRotations",
        add: |world| {
            world.done("RotateKeyOnDemand", &json!({ "KeyId": world.key.to_string() }));
            let key = world.local.key(world.key);
            key.current_material().expect("a material").id.to_string()
        },
        remove: None,
        page: |world, limit, marker| {
            let body = json!({ "KeyId": world.key.to_string() });
            world.page(("ListKeyRotations", "Rotations", "KeyMaterialId"), body, limit, marker)
        },
    },
    List {
        name: "ListKeys",
        add: |world| world.local.create_key().id.to_string(),
        remove: Some(|world, id| {
            let key = KeyArn { id: KeyId::parse(id).expect("an id"), ..world.key };
            let body = json!({ "KeyId": key.to_string(), "PendingWindowInDays": 7 });
            world.done("ScheduleKeyDeletion", &body);
            world.local.advance(9 * DAY);
        }),
        page: |world, limit, marker| {
            world.page(("ListKeys", "Keys", "KeyId"), json!({}), limit, marker)
        },
    },
    List {
        name: "ListResourceTags",
        add: |world| {
            let tag = format!("{:08x}", world.next());
            let body = json!({ "KeyId": world.key.to_string(),
                "Tags": [{ "TagKey": tag, "TagValue": "" }] });
            world.done("TagResource", &body);
            tag
        },
        remove: Some(|world, tag| {
            let body = json!({ "KeyId": world.key.to_string(), "TagKeys": [tag] });
            world.done("UntagResource", &body);
        }),
        page: |world, limit, marker| {
            let body = json!({ "KeyId": world.key.to_string() });
            world.page(("ListResourceTags", "Tags", "TagKey"), body, limit, marker)
        },
    },
    List {
        name: "ListRetirableGrants",
        add: World::grant,
        remove: Some(World::revoke),
        page: |world, limit, marker| {
            let body = json!({ "RetiringPrincipal": CAROL });
            world.page(("ListRetirableGrants", "Grants", "GrantId"), body, limit, marker)
        },
    },
];
