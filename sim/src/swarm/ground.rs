//! What a run stands on: Regions and machines, keys, quotas, callers, and the figures of the model.

use super::dice::{Dice, short, table, text, whole};
use crate::parameters::Parameters;
use crate::random::Seed;
use scenarios::{ParameterKind, parse_duration};
use std::time::Duration;
use toml::{Table, Value};

/// The ground of a run.
pub(super) struct Ground {
    /// Every table but the phases.
    pub(super) tables: Table,
    /// The Regions by name.
    pub(super) regions: Vec<String>,
}

/// Near and far apart.
const REGIONS: [&str; 6] =
    ["us-east-1", "eu-west-1", "ap-northeast-1", "us-west-2", "eu-central-1", "sa-east-1"];

pub(super) fn draw(seed: Seed) -> Ground {
    let regions = regions(&mut Dice::of(seed, "swarm regions"));
    let mut tables = Table::new();
    let mut put = |name: &str, table: Table| {
        if !table.is_empty() {
            tables.insert(name.to_owned(), Value::Table(table));
        }
    };
    put("topology", topology(&mut Dice::of(seed, "swarm topology"), &regions));
    put("keys", keys(&mut Dice::of(seed, "swarm keys"), regions.len()));
    put("accounts", accounts(&mut Dice::of(seed, "swarm accounts")));
    put("quota", quota(&mut Dice::of(seed, "swarm quota")));
    put("hsm", hsm(&mut Dice::of(seed, "swarm hsm")));
    put("points", points(&mut Dice::of(seed, "swarm points")));
    put("client", client(&mut Dice::of(seed, "swarm client")));
    put("parameters", parameters(seed));
    Ground { tables, regions }
}

fn regions(dice: &mut Dice) -> Vec<String> {
    let count = *dice.one(&[1, 1, 2, 2, 3, 4]);
    let mut left = REGIONS.to_vec();
    let drawn = (0..count).map(|_| {
        let last = left.len() as u64 - 1;
        left.remove(usize::try_from(dice.between(0, last)).unwrap_or_default()).to_owned()
    });
    drawn.collect()
}

fn topology(dice: &mut Dice, regions: &[String]) -> Table {
    let names = regions.iter().map(|name| name.as_str().into()).collect();
    let mut topology = table([
        ("regions", Value::Array(names)),
        ("zones", whole(dice.between(1, 3))),
        ("api_hosts", whole(dice.between(1, 4))),
        ("hsms", whole(dice.between(2, 4))),
    ]);
    if dice.chance(0.7) {
        let delay = |dice: &mut Dice| match dice.chance(0.3) {
            true => text(Duration::ZERO),
            false => text(dice.spread(Duration::from_millis(20), Duration::from_secs(30))),
        };
        let delays = ["policy", "grant", "alias", "tag"].map(|what| (what, delay(dice)));
        topology.insert("propagation".into(), Value::Table(table(delays)));
    }
    topology
}

/// Few keys meet often, many keys meet once.
fn keys(dice: &mut Dice, regions: usize) -> Table {
    let mut keys = table([("symmetric", whole(*dice.one(&[0, 1, 2, 4, 8, 20])))]);
    if dice.chance(if regions > 1 { 0.7 } else { 0.2 }) {
        keys.insert("multi_region".into(), whole(*dice.one(&[1, 2, 4, 8, 24])));
    }
    if dice.chance(0.25) {
        keys.insert("external".into(), whole(dice.between(1, 3)));
    }
    if dice.chance(0.4) {
        let period = dice.one(&["90d", "180d", "365d"]);
        keys.insert("rotation".into(), (*period).into());
    }
    if dice.chance(0.5) {
        keys.insert("aliases".into(), whole(dice.between(1, 12)));
    }
    if dice.chance(0.4) {
        keys.insert("grants_per_key".into(), whole(dice.between(1, 3)));
    }
    keys
}

fn accounts(dice: &mut Dice) -> Table {
    table([("count", whole(*dice.one(&[1, 1, 2, 3])))])
}

/// Mostly out of the way, sometimes as documented, sometimes a wall.
fn quota(dice: &mut Dice) -> Table {
    let scale = match dice.between(0, 9) {
        0..7 => 1_000.0,
        7 => 1.0,
        _ => dice.magnitude(0.002, 0.1),
    };
    table([("profile", "aws-2026".into()), ("scale", short(scale))])
}

/// Sometimes HSMs with room for little at once.
fn hsm(dice: &mut Dice) -> Table {
    match dice.chance(0.15) {
        true => table([("lanes", whole(1)), ("queue", whole(dice.between(1, 4)))]),
        false => Table::new(),
    }
}

/// In every other run some fault points are armed.
fn points(dice: &mut Dice) -> Table {
    match dice.chance(0.5) {
        true => table([
            ("armed", short(*dice.one(&[0.15, 0.3, 0.6]))),
            ("fires", short(dice.magnitude(0.001, 0.1))),
        ]),
        false => Table::new(),
    }
}

fn client(dice: &mut Dice) -> Table {
    table([
        ("retry", (*dice.one(&["standard-2026", "standard", "none"])).into()),
        ("timeout", text(dice.spread(Duration::from_millis(700), Duration::from_secs(20)))),
        ("max_attempts", whole(*dice.one(&[1, 2, 3, 3, 5]))),
    ])
}

/// How long the first answer of an HSM may take that has to rejoin before it.
const REJOINING: Duration = Duration::from_millis(200);

/// The furthest a figure is moved, up or down.
const FACTOR: f64 = 4.0;

/// A few of the model's figures, moved: a time-out that fires early, a worker that is lazy.
fn parameters(seed: Seed) -> Table {
    let share = *Dice::of(seed, "swarm parameters").one(&[0.0, 0.1, 0.3, 0.6]);
    let mut moved = Table::new();
    for info in Parameters::table() {
        let mut dice = Dice::of(seed, info.name);
        if dice.chance(share)
            && let Some(value) = figure(&mut dice, info.kind, info.default)
        {
            moved.insert(info.name.to_owned(), value);
        }
    }
    // An HSM that has just rejoined tests itself first; who does not wait so long waits for none.
    let timeout = moved.get("hsm.timeout").and_then(Value::as_str).map(parse_duration);
    if timeout.is_some_and(|timeout| timeout.is_ok_and(|timeout| timeout < REJOINING)) {
        moved.insert("hsm.timeout".to_owned(), text(REJOINING));
    }
    // In some worlds a host may have little before an HSM at once.
    let mut outstanding = Dice::of(seed, "swarm outstanding");
    if outstanding.chance(0.1) {
        moved.insert("hsm.outstanding".to_owned(), whole(outstanding.between(1, 3)));
    }
    // In every other world no message is lost by chance, so that what is missing is somebody's fault.
    if Dice::of(seed, "swarm loss").chance(0.5) {
        moved.insert("network.loss".to_owned(), short(0.0));
    }
    moved
}

/// A figure of a kind, near its default.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are small")]
fn figure(dice: &mut Dice, kind: ParameterKind, default: &str) -> Option<Value> {
    let factor = dice.magnitude(1.0 / FACTOR, FACTOR);
    match kind {
        ParameterKind::Duration { min, max } => {
            let usual = parse_duration(default).ok()?.max(Duration::from_micros(10));
            let least = usual.div_f64(FACTOR).max(min);
            Some(text(dice.spread(least, usual.mul_f64(FACTOR).min(max))))
        }
        ParameterKind::Count { min, max } => {
            let usual: f64 = default.parse().ok()?;
            let count = libm::round(usual * factor) as u64;
            Some(whole(count.clamp(u64::from(min), u64::from(max))))
        }
        ParameterKind::Probability => {
            let usual: f64 = default.parse().ok()?;
            Some(short((usual * factor).min(1.0)))
        }
        _ => None,
    }
}
