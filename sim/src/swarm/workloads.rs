//! What a run does: which kinds of load there are, and which of their operations are left out.

use super::dice::{Dice, short, table, text, whole};
use crate::random::Seed;
use kms_core::integration::Integration;
use std::time::Duration;
use toml::{Table, Value};

/// A kind of load and the calls that it mixes.
struct Kind {
    name: &'static str,
    mix: &'static [&'static str],
    chooses: bool,
}

const fn mixed(name: &'static str, mix: &'static [&'static str]) -> Kind {
    Kind { name, mix, chooses: false }
}

const fn choosing(name: &'static str) -> Kind {
    Kind { name, mix: &[], chooses: true }
}

impl Kind {
    /// How much likelier than at random it is drawn. What a mix of calls gets depends on the calls
    /// before them, so that there is more to go wrong in it than in calls that leave nothing behind;
    /// most of all where keys are in several Regions.
    fn favour(&self, regions: usize) -> f64 {
        match self.name {
            "multi-region" if regions == 1 => 0.6,
            "multi-region" => 3.0,
            _ if self.mix.is_empty() => 0.6,
            _ => 1.4,
        }
    }
}

/// Every kind of load.
const KINDS: [Kind; 14] = [
    mixed("aliases", &["create", "update", "delete", "list", "use_alias"]),
    mixed("aws-service", &[]),
    mixed(
        "deletion-race",
        &[
            "encrypt",
            "decrypt",
            "describe",
            "schedule_deletion",
            "cancel_deletion",
            "enable",
            "create",
        ],
    ),
    choosing("encrypt-decrypt"),
    choosing("envelope-encryption"),
    mixed("grants", &["create", "use_grant", "list", "retire", "revoke"]),
    mixed(
        "imports",
        &["create", "import", "delete", "rotate", "describe", "list", "encrypt", "decrypt"],
    ),
    mixed("key-creation", &[]),
    mixed(
        "key-lifecycle",
        &[
            "create",
            "list",
            "describe",
            "disable",
            "enable",
            "schedule_deletion",
            "cancel_deletion",
        ],
    ),
    mixed(
        "multi-region",
        &[
            "create",
            "replicate",
            "update_primary",
            "delete_replica",
            "delete_primary",
            "describe",
            "encrypt",
            "decrypt",
            "rotate",
        ],
    ),
    mixed("policies", &["put", "get", "use_key"]),
    choosing("random"),
    mixed("rotation", &["on_demand", "enable", "disable", "status", "list", "encrypt", "decrypt"]),
    mixed("sign-verify", &[]),
];

/// What the run of a seed does, and what it never does.
pub(super) struct Alphabet {
    dice: Dice,
    /// Decides about dry runs alone.
    dry: Dice,
    /// The loads of this run.
    kinds: Vec<usize>,
    /// How likely it is that an operation of a mix is left out.
    left_out: f64,
    regions: Vec<String>,
}

impl Alphabet {
    pub(super) fn draw(seed: Seed, regions: &[String]) -> Alphabet {
        let mut dice = Dice::of(seed, "swarm workloads");
        let all: Vec<usize> = (0..KINDS.len()).collect();
        let share = *dice.one(&[0.1, 0.3, 0.6]);
        let mut kinds = all.clone();
        kinds.retain(|kind| dice.chance(share * KINDS[*kind].favour(regions.len())));
        if kinds.is_empty() {
            kinds.push(*dice.one(&all));
        }
        // A bug in what one call does often shows in another: in half of the runs all are made.
        let left_out = if dice.chance(0.5) { 0.0 } else { dice.number(0.0, 0.6) };
        let dry = Dice::of(seed, "swarm dry runs");
        Alphabet { dice, dry, kinds, left_out, regions: regions.to_vec() }
    }

    /// The loads of one phase, which share its requests.
    pub(super) fn phase(&mut self, requests: u64, duration: Duration) -> Vec<Value> {
        let kinds = self.kinds.clone();
        let now = self.dice.some(&kinds, 0.7);
        let share = requests / now.len() as u64;
        now.into_iter().map(|kind| self.load(&KINDS[kind], share, duration)).collect()
    }

    fn load(&mut self, kind: &Kind, requests: u64, duration: Duration) -> Value {
        let dice = &mut self.dice;
        let mut load = table([
            ("kind", kind.name.into()),
            ("clients", whole(dice.between(1, 24))),
            ("arrivals", arrivals(dice, requests, duration)),
        ]);
        if !kind.mix.is_empty() {
            load.insert("mix".into(), Value::Table(mix(dice, kind.mix, self.left_out)));
        }
        if kind.chooses && dice.chance(0.4) {
            let zipf = table([("kind", "zipf".into()), ("exponent", short(dice.number(0.5, 2.0)))]);
            load.insert("choice".into(), Value::Table(zipf));
        }
        if dice.chance(0.2) {
            load.insert("region".into(), dice.one(&self.regions).as_str().into());
        }
        for (name, value) in details(dice, kind.name) {
            load.insert(name.into(), value);
        }
        if self.dry.chance(0.3) {
            load.insert("dry_runs".into(), short(self.dry.number(0.02, 0.3)));
        }
        Value::Table(load)
    }
}

/// The weights of a mix. What is left out has none.
fn mix(dice: &mut Dice, calls: &[&str], left_out: f64) -> Table {
    let kept = dice.some(calls, 1.0 - left_out);
    let weight = |call: &&str| match kept.contains(call) {
        true => whole(dice.between(1, 8)),
        false => whole(0),
    };
    let weights: Vec<Value> = calls.iter().map(weight).collect();
    calls.iter().map(|call| (*call).to_owned()).zip(weights).collect()
}

fn arrivals(dice: &mut Dice, requests: u64, duration: Duration) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let per_second = (requests as f64 / duration.as_secs_f64()).max(1e-4);
    Value::Table(match dice.between(0, 5) {
        0 => table([("kind", "constant".into()), ("per_second", short(per_second))]),
        1 | 2 => table([
            ("kind", "bursts".into()),
            ("per_second", short(per_second / 2.0)),
            ("burst", whole((requests / 20).max(1))),
            ("every", text(duration / 10)),
        ]),
        _ => table([("kind", "poisson".into()), ("per_second", short(per_second))]),
    })
}

/// What is particular to a kind of load.
fn details(dice: &mut Dice, kind: &str) -> Vec<(&'static str, Value)> {
    if kind == "aws-service" {
        let service = dice.one(Integration::all()).name.as_str();
        let shares = ["new_share", "detach_share"].map(|name| (name, short(dice.number(0.1, 0.9))));
        return [("service", service.into())].into_iter().chain(shares).collect();
    }
    if kind == "imports" {
        let life = dice.spread(Duration::from_secs(1), Duration::from_hours(9 * 24));
        let shares = [("expiry_share", 1.0), ("wrong_share", 0.4)];
        let shares = shares.map(|(name, most)| (name, short(dice.number(0.0, most))));
        return [("life", text(life))].into_iter().chain(shares).collect();
    }
    let mut share = |name: &'static str, most: f64| (name, short(dice.number(0.0, most)));
    match kind {
        "encrypt-decrypt" => vec![share("decrypt_share", 0.9), share("re_encrypt_share", 0.6)],
        "envelope-encryption" => {
            let shares = [("decrypt_share", 0.9), ("other_region_share", 1.0), ("pair_share", 0.5)];
            shares.map(|(name, most)| share(name, most)).into()
        }
        "grants" => vec![
            share("token_share", 1.0),
            share("constraint_share", 1.0),
            share("overreach_share", 0.8),
        ],
        "key-creation" => vec![share("multi_region_share", 1.0)],
        "policies" => vec![share("deny_share", 0.7)],
        "random" => vec![share("invalid_share", 0.3)],
        "sign-verify" => {
            vec![share("check_share", 0.9), share("tampered_share", 0.4), share("state_share", 0.3)]
        }
        _ => Vec::new(),
    }
}
