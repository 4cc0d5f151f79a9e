//! The keys, aliases and grants that a scenario begins with, made by whoever answers: the smallest
//! shell of the core, or a service over the network.

use kms_core::Result;
use kms_core::key::{KeySpec, Origin};
use kms_core::name::{AccountId, AliasArn, AliasName, KeyArn, RegionName};
use kms_core::ops::{self, Request, Response};
use kms_core::policy::{Action, GrantOperation};
use kms_core::wire::RotationPeriodInDays;
use scenarios::state::{DeclaredKey, Founding, Home, Problem};
use scenarios::{KeyBook, KeyGroup, Scenario, Who};

/// Whoever answers the requests of the set-up.
pub trait Service {
    /// A request of the administrator of an account.
    ///
    /// # Errors
    /// What the service answers.
    fn call(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<Response>;

    /// Waits until replicas are there and synchronised.
    fn settle(&mut self);
}

/// Makes keys, and writes them down in a book.
pub struct KeyMaker<S> {
    /// Whoever answers.
    pub service: S,
    /// What was made.
    pub book: KeyBook,
    /// The first request that was refused, and why.
    refused: Option<String>,
}

impl<S: Service> KeyMaker<S> {
    /// A maker who has made nothing yet.
    pub fn new(service: S, book: KeyBook) -> KeyMaker<S> {
        KeyMaker { service, book, refused: None }
    }

    /// Whoever answered, and the book.
    ///
    /// # Errors
    /// When a request was refused: the scenario wants what the service does not allow.
    pub fn made(self) -> std::result::Result<(S, KeyBook), String> {
        match self.refused {
            Some(refused) => Err(refused),
            None => Ok((self.service, self.book)),
        }
    }

    /// Symmetric and multi-Region keys, with their rotation, grants and replicas.
    pub fn plain(&mut self, scenario: &Scenario, regions: &[RegionName]) {
        for number in 0..scenario.keys.count(KeyGroup::Symmetric) {
            for region in regions {
                if let Some(key) = self.create(*region, number, false) {
                    self.book.add_key(KeyGroup::Symmetric, number, key);
                    self.equip(scenario, key, number);
                }
            }
        }
        for number in 0..scenario.keys.count(KeyGroup::MultiRegion) {
            let home = regions[number as usize % regions.len()];
            if let Some(key) = self.create(home, number, true) {
                self.book.add_key(KeyGroup::MultiRegion, number, key);
                self.equip(scenario, key, number);
                self.replicate(key, regions, number);
            }
        }
    }

    /// The keys of a template or plan and, when everything has settled, the aliases.
    pub fn declared_and_aliases(&mut self, scenario: &Scenario, regions: &[RegionName]) {
        if self.refused.is_some() {
            return;
        }
        if let Err(problem) = self.declare(scenario, regions) {
            let file = scenario.keys.declared.as_ref().map_or("", |declared| &declared.file);
            self.refused.get_or_insert_with(|| problem.in_file(file));
        }
        self.service.settle();
        self.aliases(scenario, regions);
    }

    fn create(&mut self, region: RegionName, number: u32, multi_region: bool) -> Option<KeyArn> {
        let request = ops::create_key::Request { multi_region, ..Default::default() };
        match self.call(region, number, request)? {
            Response::CreateKey(response) => Some(response.key_metadata.arn),
            _ => None,
        }
    }

    /// Rotation and grants, where the scenario wants them.
    fn equip(&mut self, scenario: &Scenario, key: KeyArn, number: u32) {
        if let Some(days) = scenario.keys.rotation.map(|period| period.as_secs() / 86_400) {
            let days = u32::try_from(days).ok().map(RotationPeriodInDays);
            let request = ops::enable_key_rotation::Request {
                rotation_period_in_days: days,
                ..ops::enable_key_rotation::Request::new(key)
            };
            self.call(key.region, number, request);
        }
        for grant in 0..scenario.keys.grants_per_key {
            let grantee = Who::Worker(grant).arn(key.account);
            let may = [Action::Encrypt, Action::Decrypt, Action::GenerateDataKey];
            let may = may.into_iter().filter_map(GrantOperation::of);
            let request = ops::create_grant::Request::new(key, &grantee, may);
            self.call(key.region, number, request);
        }
    }

    /// The keys of a template or plan, with all that hangs on them, in every Region. A workload may
    /// use those for symmetric encryption; the others are merely there.
    fn declare(
        &mut self,
        scenario: &Scenario,
        regions: &[RegionName],
    ) -> std::result::Result<(), Problem> {
        let Some(declared) = &scenario.keys.declared else { return Ok(()) };
        let account = self.book.owner(0);
        for region in regions {
            let inventory = declared.inventory(Home { account, region: *region })?;
            let service = &mut self.service;
            let mut ask = |at, request: Request| service.call(at, account, &request);
            let founding = Founding::begin(&inventory, regions, &mut ask)?;
            self.service.settle();
            let service = &mut self.service;
            let mut ask = |at, request: Request| service.call(at, account, &request);
            let aliases = founding.finish(&mut ask)?;
            aliases.into_iter().for_each(|alias| self.book.add_alias(alias));
            for (number, key) in (0..).zip(&inventory.keys) {
                let arn = founding.keys().get(&*key.name);
                if let Some(arn) = arn.filter(|_| is_for_encryption(key)) {
                    self.book.add_key(KeyGroup::Declared, number, *arn);
                }
            }
        }
        Ok(())
    }

    fn replicate(&mut self, key: KeyArn, regions: &[RegionName], number: u32) {
        for region in regions.iter().filter(|region| **region != key.region) {
            let request = ops::replicate_key::Request::new(key, *region);
            if self.call(key.region, number, request).is_some() {
                let replica = KeyArn { region: *region, ..key };
                self.book.add_key(KeyGroup::MultiRegion, number, replica);
            }
        }
    }

    /// Aliases, over the symmetric keys of each Region in turn.
    fn aliases(&mut self, scenario: &Scenario, regions: &[RegionName]) {
        let keys = scenario.keys.count(KeyGroup::Symmetric);
        for (number, region) in
            (0..scenario.keys.aliases).flat_map(|number| regions.iter().map(move |r| (number, *r)))
        {
            let target = number % keys.max(1);
            let Some(key) = self.book.key(KeyGroup::Symmetric, target, region) else { continue };
            let text = format!("alias/start-{number}");
            let Some(name) = AliasName::parse(&text) else { continue };
            let request = ops::create_alias::Request::new(&text, key);
            if self.call(region, target, request).is_some() {
                self.book.add_alias(AliasArn { region, account: key.account, name });
            }
        }
    }

    /// A request of the administrator who owns the keys of that number. The first one that is refused
    /// is kept, and nothing is asked after it.
    pub fn call(
        &mut self,
        region: RegionName,
        number: u32,
        request: impl Into<Request>,
    ) -> Option<Response> {
        if self.refused.is_some() {
            return None;
        }
        let account = self.book.owner(number);
        let request = request.into();
        let result = self.service.call(region, account, &request);
        if let Err(error) = &result {
            let operation = request.operation();
            self.refused.get_or_insert_with(|| {
                format!("the set-up asks {region} for {operation}, and it says {error}")
            });
        }
        result.ok()
    }
}

fn is_for_encryption(key: &DeclaredKey) -> bool {
    key.spec == KeySpec::SymmetricDefault && key.origin == Origin::AwsKms && key.enabled
}
