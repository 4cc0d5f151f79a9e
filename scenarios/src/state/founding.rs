//! A world that has what a file declares: the requests by which an administrator makes it so.
//!
//! Whoever begins with a file (`keyquake sim`, `keyquake serve`) says how a request is asked and how
//! long replicas need; the order of requests is here alone. Each key begins with the default policy
//! and is given its own last, because that may forbid what comes before.

use super::inventory::{DeclaredKey, Inventory};
use super::node::At;
use super::problem::Problem;
use kms_core::key::Origin;
use kms_core::name::{AliasArn, KeyArn, KeyIdentifier, RegionName};
use kms_core::ops::{self, Request, Response};
use kms_core::wire::{KeyRef, RotationPeriodInDays, Tag};
use std::collections::BTreeMap;

/// Asks a Region as an administrator of the account.
pub type Asks<'w> = dyn FnMut(RegionName, Request) -> kms_core::Result<Response> + 'w;

/// What a file declares, on its way into a world.
pub struct Founding<'i> {
    inventory: &'i Inventory,
    made: BTreeMap<&'i str, KeyArn>,
}

impl<'i> Founding<'i> {
    /// Makes the keys, replicas with their primaries; `regions` are those there are. Before the
    /// [`finish`](Founding::finish) every replica has to be ready.
    ///
    /// # Errors
    /// What the service refuses, at the place of the key.
    pub fn begin(
        inventory: &'i Inventory,
        regions: &[RegionName],
        ask: &mut Asks<'_>,
    ) -> Result<Founding<'i>, Problem> {
        let mut founding = Founding { inventory, made: BTreeMap::new() };
        let (primaries, replicas): (Vec<_>, Vec<_>) =
            inventory.keys.iter().partition(|key| key.primary.is_none());
        for key in primaries {
            let arn = create(key, inventory.home.region, ask)?;
            founding.made.insert(&key.name, arn);
        }
        for key in replicas {
            let arn = founding.replicate(key, regions, ask)?;
            founding.made.insert(&key.name, arn);
        }
        Ok(founding)
    }

    /// The keys, by their names in the file.
    pub fn keys(&self) -> &BTreeMap<&'i str, KeyArn> {
        &self.made
    }

    /// Gives the keys rotation, grants, aliases, state and policy; answers with the aliases.
    ///
    /// # Errors
    /// What the service refuses, at the place of what asks for it.
    pub fn finish(&self, ask: &mut Asks<'_>) -> Result<Vec<AliasArn>, Problem> {
        for key in &self.inventory.keys {
            if let (Some((days, at)), Some(arn)) = (key.rotation, self.made.get(&*key.name)) {
                rotate(*arn, days, at, ask)?;
            }
        }
        for grant in &self.inventory.grants {
            let Some(arn) = self.made.get(&*grant.key) else { continue };
            let request =
                ops::create_grant::Request { key_id: (*arn).into(), ..grant.request.clone() };
            asked(arn.region, request, grant.at, ask)?;
        }
        let aliases = self.aliases(ask)?;
        for key in &self.inventory.keys {
            if let Some(arn) = self.made.get(&*key.name) {
                close(key, *arn, ask)?;
            }
        }
        Ok(aliases)
    }

    fn aliases(&self, ask: &mut Asks<'_>) -> Result<Vec<AliasArn>, Problem> {
        let mut aliases = Vec::new();
        for alias in &self.inventory.aliases {
            let Some(arn) = self.made.get(&*alias.key) else { continue };
            let request = ops::create_alias::Request::new(alias.name.as_str(), *arn);
            asked(arn.region, request, alias.at, ask)?;
            let KeyArn { region, account, .. } = *arn;
            aliases.push(AliasArn { region, account, name: alias.name.clone() });
        }
        Ok(aliases)
    }

    /// A replica of a key of the file goes to another Region; one of a key elsewhere comes here, and
    /// its primary is made where its ARN says.
    fn replicate(
        &self,
        key: &DeclaredKey,
        regions: &[RegionName],
        ask: &mut Asks<'_>,
    ) -> Result<KeyArn, Problem> {
        let home = self.inventory.home.region;
        let named = key.primary.as_deref().unwrap_or_default();
        let other = || regions.iter().copied().find(|region| *region != home);
        let (primary, region) = match (self.made.get(named), KeyIdentifier::parse(named)) {
            (Some(primary), _) => (*primary, other()),
            (None, Ok(KeyIdentifier::Arn(arn))) if arn.region != home => {
                (create_plain(key, arn.region, ask)?, Some(home))
            }
            (None, _) => {
                let why = format!(
                    "{} is a replica of {named}, which is neither in this file nor the ARN of a key in another Region",
                    key.name
                );
                return Err(Problem::at(key.at, why));
            }
        };
        let region = region.ok_or_else(|| {
            Problem::at(key.at, format!("{} needs a Region beside {home}", key.name))
        })?;
        let request = ops::replicate_key::Request {
            description: Some(key.description.as_str().into()),
            tags: tags(key),
            ..ops::replicate_key::Request::new(primary, region)
        };
        asked(primary.region, request, key.at, ask)?;
        Ok(KeyArn { region, ..primary })
    }
}

fn create(key: &DeclaredKey, region: RegionName, ask: &mut Asks<'_>) -> Result<KeyArn, Problem> {
    if let Origin::AwsCloudHsm | Origin::ExternalKeyStore = key.origin {
        let why = format!(
            "{} is in a custom key store, which only CreateCustomKeyStore can make",
            key.name
        );
        return Err(Problem::at(key.at, why));
    }
    let request = ops::create_key::Request {
        description: Some(key.description.as_str().into()),
        key_spec: Some(key.spec),
        key_usage: Some(key.usage),
        origin: Some(key.origin),
        multi_region: key.multi_region,
        tags: tags(key),
        ..Default::default()
    };
    created(asked(region, request, key.at, ask)?, key)
}

/// The primary of a replica, of which the file tells nothing.
fn create_plain(
    key: &DeclaredKey,
    region: RegionName,
    ask: &mut Asks<'_>,
) -> Result<KeyArn, Problem> {
    let request = ops::create_key::Request { multi_region: true, ..Default::default() };
    created(asked(region, request, key.at, ask)?, key)
}

fn created(response: Response, key: &DeclaredKey) -> Result<KeyArn, Problem> {
    match response {
        Response::CreateKey(made) => Ok(made.key_metadata.arn),
        _ => Err(Problem::at(key.at, "CreateKey was answered by something else")),
    }
}

fn tags(key: &DeclaredKey) -> Vec<Tag> {
    let tag = |(name, value): (&String, &String)| Tag {
        key: name.as_str().into(),
        value: value.as_str().into(),
    };
    key.tags.iter().map(tag).collect()
}

fn rotate(arn: KeyArn, days: u32, at: At, ask: &mut Asks<'_>) -> Result<(), Problem> {
    let request = ops::enable_key_rotation::Request {
        rotation_period_in_days: Some(RotationPeriodInDays(days)),
        ..ops::enable_key_rotation::Request::new(arn)
    };
    asked(arn.region, request, at, ask).map(drop)
}

/// State and policy, after which nothing more may be possible.
fn close(key: &DeclaredKey, arn: KeyArn, ask: &mut Asks<'_>) -> Result<(), Problem> {
    if !key.enabled {
        let request = ops::disable_key::Request { key_id: KeyRef::from(arn) };
        asked(arn.region, request, key.at, ask)?;
    }
    if key.policy.is_default() {
        return Ok(());
    }
    let request = ops::put_key_policy::Request {
        bypass_policy_lockout_safety_check: Some(true),
        ..ops::put_key_policy::Request::new(arn, key.policy.policy.text())
    };
    asked(arn.region, request, key.policy.at, ask).map(drop)
}

fn asked(
    region: RegionName,
    request: impl Into<Request>,
    at: At,
    ask: &mut Asks<'_>,
) -> Result<Response, Problem> {
    let request = request.into();
    let operation = request.operation();
    ask(region, request)
        .map_err(|error| Problem::at(at, format!("{operation} in {region} is refused: {error}")))
}

#[cfg(test)]
mod tests {
    use super::super::Home;
    use super::*;
    use kms_core::key::KeyState;
    use kms_core::local::Local;
    use kms_core::name::AccountId;
    use std::time::Duration;

    const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

    fn regions() -> Vec<RegionName> {
        REGIONS.iter().filter_map(|name| RegionName::parse(name)).collect()
    }

    fn inventory(text: &str) -> Inventory {
        let home = Home { account: AccountId::new(111_122_223_333), region: regions()[0] };
        Inventory::read(text, home).unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Brings a world of two Regions to that state.
    fn found(text: &str) -> Result<(Local, BTreeMap<String, KeyArn>), Problem> {
        let inventory = inventory(text);
        let mut local = Local::regions(&REGIONS);
        let founding = {
            let mut ask = |region, request| local.call_in(region, request);
            Founding::begin(&inventory, &regions(), &mut ask)?
        };
        local.advance(Duration::from_secs(60));
        founding.finish(&mut |region, request| local.call_in(region, request))?;
        let keys = founding.keys().iter().map(|(name, arn)| ((*name).to_owned(), *arn));
        let keys = keys.collect();
        Ok((local, keys))
    }

    #[test]
    fn a_template_becomes_keys_aliases_and_policies() {
        let text = include_str!("../../state/orders.yaml");
        let (local, keys) = found(text).unwrap();
        let arn = keys["OrdersKey"];
        let key = local.key(arn);
        assert_eq!(&*key.description, "Orders, production");
        assert_eq!((key.state(), key.rotation.is_some()), (KeyState::Enabled, true));
        assert_eq!(key.tags.get("team").map(String::as_str), Some("orders"));
        assert_eq!(key.policy, inventory(text).keys[0].policy.policy);
        let state = local.journal_of(arn.region).state();
        let aliases: Vec<_> = state.aliases_after(arn.account, None).collect();
        assert_eq!(aliases[0].0.as_str(), "alias/orders");
    }

    #[test]
    fn a_plan_brings_its_grants() {
        let (local, keys) = found(include_str!("../../state/orders.plan.json")).unwrap();
        let arn = keys["aws_kms_key.orders"];
        let state = local.journal_of(arn.region).state();
        assert_eq!(state.grants_after(arn.id, None).count(), 1);
    }

    #[test]
    fn a_replica_is_where_its_primary_is_not() {
        let (local, keys) = found(
            "Resources:\n  Copy:\n    Type: AWS::KMS::ReplicaKey\n    Properties:\n      \
             PrimaryKeyArn: arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab\n      \
             Enabled: false\n",
        )
        .unwrap();
        let arn = keys["Copy"];
        assert_eq!(arn.region.as_str(), "us-east-1");
        let key = local.key(arn);
        assert_eq!((key.is_replica(), key.state()), (true, KeyState::Disabled));
    }

    #[test]
    fn what_no_world_can_begin_with_is_said_with_its_place() {
        let refused = |text: &str| found(text).err().map(|problem| problem.to_string());
        let replica = "Resources:\n  Copy:\n    Type: AWS::KMS::ReplicaKey\n    Properties: {PrimaryKeyArn: elsewhere}\n";
        let said = refused(replica).unwrap();
        assert!(said.starts_with("2:3: Copy is a replica of elsewhere"), "{said}");
        let spec = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties: {KeySpec: HMAC_256, KeyUsage: SIGN_VERIFY}\n";
        let said = refused(spec).unwrap();
        assert!(said.contains("CreateKey in us-east-1 is refused"), "{said}");
    }
}
