//! What goes wrong in a run: which kinds of fault there are, how many, when and how hard.

use super::dice::{Dice, short, table, text, whole};
use crate::random::Seed;
use std::time::Duration;
use toml::{Table, Value};

/// A kind of fault: its name and how its words are drawn.
struct Kind {
    name: &'static str,
    words: fn(&mut Scope<'_>) -> Table,
}

/// What a fault is drawn for.
struct Scope<'s> {
    dice: &'s mut Dice,
    regions: &'s [String],
    /// How long the fault lasts.
    lasts: Duration,
}

/// Every kind of fault.
const KINDS: [Kind; 30] = [
    Kind { name: "bandwidth", words: bandwidth },
    Kind { name: "clock-skew", words: clock_skew },
    Kind { name: "clogging", words: clogging },
    Kind { name: "hsm-capacity-loss", words: hsm_capacity_loss },
    Kind { name: "hsm-cold-cache", words: hsm_cold_cache },
    Kind { name: "hsm-cut", words: hsm_cut },
    Kind { name: "hsm-hang", words: |scope| scope.maybe_region(Table::new()) },
    Kind { name: "hsm-loss", words: hsm_loss },
    Kind { name: "hsm-slow", words: hsm_slow },
    Kind { name: "hsm-wrong-epoch", words: |scope| scope.maybe_region(Table::new()) },
    Kind { name: "journal-fail-over", words: journal_fail_over },
    Kind { name: "journal-full", words: |scope| scope.maybe_region(Table::new()) },
    Kind { name: "journal-slow", words: journal_slow },
    Kind { name: "key-store-outage", words: key_store_outage },
    Kind { name: "latency", words: latency },
    Kind { name: "link-cut", words: link_cut },
    Kind { name: "message-corruption", words: corruption },
    Kind { name: "message-duplication", words: |scope| scope.on_links(0.001, 0.2) },
    Kind { name: "message-loss", words: |scope| scope.on_links(0.001, 0.2) },
    Kind { name: "node-crash", words: node_crash },
    Kind { name: "node-pause", words: node_pause },
    Kind { name: "operator-mistake", words: operator_mistake },
    Kind { name: "quorum-loss", words: |scope| scope.maybe_region(Table::new()) },
    Kind { name: "quota-change", words: quota_change },
    Kind { name: "region-partition", words: region_partition },
    Kind { name: "reordering", words: reordering },
    Kind { name: "slow-cpu", words: slow_cpu },
    Kind { name: "stale-follower", words: stale_follower },
    Kind { name: "surge", words: surge },
    Kind { name: "zone-loss", words: zone_loss },
];

const SERVERS: [&str; 5] = ["api-host", "hsm", "journal", "key-store", "worker"];

/// A phase that is long enough for something to be wrong for days.
const DAYS: Duration = Duration::from_hours(54);

/// What goes wrong in the run of a seed, and what never does.
pub(super) struct Climate {
    dice: Dice,
    kinds: Vec<usize>,
    /// The most faults of a phase.
    most: u64,
    regions: Vec<String>,
}

impl Climate {
    pub(super) fn draw(seed: Seed, regions: &[String]) -> Climate {
        let mut dice = Dice::of(seed, "swarm faults");
        let most = *dice.one(&[0, 1, 2, 3, 6]);
        let possible = |kind: &usize| KINDS[*kind].name != "link-cut" || regions.len() > 1;
        let all: Vec<usize> = (0..KINDS.len()).filter(possible).collect();
        let share = *dice.one(&[0.1, 0.3, 0.7]);
        let kinds = dice.some(&all, share);
        Climate { dice, kinds, most, regions: regions.to_vec() }
    }

    /// The faults of one phase.
    pub(super) fn phase(&mut self, duration: Duration) -> Vec<Value> {
        let count = self.dice.between(0, self.most);
        let mut faults: Vec<Value> = (0..count).map(|_| self.fault(duration)).collect();
        if duration >= DAYS && self.dice.chance(0.8) {
            faults.push(self.siege(duration));
        }
        faults
    }

    /// What takes days to happen meets nothing that is over within minutes: an erasure comes after a
    /// week, a domain key rotates once a day. So something is wrong for days, towards the end.
    fn siege(&mut self, phase: Duration) -> Value {
        let name = *self.dice.one(&["hsm-wrong-epoch", "region-partition", "region-partition"]);
        let lasts = self.dice.spread(Duration::from_hours(26), Duration::from_hours(96));
        let lasts = lasts.min(phase / 2);
        let at = whole_millis((phase - lasts).mul_f64(self.dice.number(0.4, 1.0)));
        let kind = KINDS.iter().find(|kind| kind.name == name).unwrap_or(&KINDS[0]);
        self.placed(kind, at, lasts)
    }

    fn fault(&mut self, phase: Duration) -> Value {
        let kind = &KINDS[*self.dice.one(&self.kinds)];
        let at = whole_millis(phase.mul_f64(self.dice.number(0.0, 0.7)));
        let least = Duration::from_millis(500).min(phase - at);
        let most = *self.dice.one(&[6, 6, 6, 96]);
        let most = (phase - at).min(Duration::from_hours(most)).max(least);
        let lasts = self.dice.spread(least, most);
        self.placed(kind, at, lasts.min(phase - at))
    }

    fn placed(&mut self, kind: &Kind, at: Duration, lasts: Duration) -> Value {
        let mut scope = Scope { dice: &mut self.dice, regions: &self.regions, lasts };
        let mut words = (kind.words)(&mut scope);
        words.insert("kind".into(), kind.name.into());
        words.insert("at".into(), text(at));
        words.insert("for".into(), text(lasts));
        Value::Table(words)
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl Scope<'_> {
    fn region(&mut self) -> Value {
        self.dice.one(self.regions).as_str().into()
    }

    /// Some Region, or all of them.
    fn maybe_region(&mut self, mut words: Table) -> Table {
        if self.dice.chance(0.5) {
            words.insert("region".into(), self.region());
        }
        words
    }

    /// Some links, or all of them.
    fn maybe_links(&mut self, mut words: Table) -> Table {
        if self.dice.chance(0.3)
            && let Some((one, other)) = self.dice.two(self.regions)
        {
            let pair = vec![one.as_str().into(), other.as_str().into()];
            words.insert("between".into(), Value::Array(pair));
            return words;
        }
        self.maybe_region(words)
    }

    fn on_links(&mut self, least: f64, most: f64) -> Table {
        let probability = short(self.dice.magnitude(least, most));
        self.maybe_links(table([("probability", probability)]))
    }

    /// A part of the fault's time.
    fn part(&mut self, least: f64, most: f64) -> Value {
        let part = self.lasts.mul_f64(self.dice.number(least, most));
        text(whole_millis(part).max(Duration::from_millis(1)))
    }

    fn role(&mut self) -> Value {
        (*self.dice.one(&SERVERS)).into()
    }
}

fn bandwidth(scope: &mut Scope<'_>) -> Table {
    let kib = whole(scope.dice.between(20, 500)).to_string();
    scope.maybe_links(table([("per_second", format!("{kib}KiB").into())]))
}

fn clock_skew(scope: &mut Scope<'_>) -> Table {
    let role = scope.role();
    let sign = if scope.dice.chance(0.5) { "-" } else { "" };
    let offset = scope.dice.spread(Duration::from_millis(5), Duration::from_secs(20));
    let offset = format!("{sign}{}", scenarios::duration_text(offset));
    let drift = whole(scope.dice.between(0, 500));
    scope.maybe_region(table([("role", role), ("offset", offset.into()), ("drift_ppm", drift)]))
}

fn clogging(scope: &mut Scope<'_>) -> Table {
    let share = short(scope.dice.number(0.1, 0.9));
    let words = scope.maybe_region(table([("share", share)]));
    scope.maybe_role(words)
}

impl Scope<'_> {
    fn maybe_role(&mut self, mut words: Table) -> Table {
        if self.dice.chance(0.5) {
            words.insert("role".into(), self.role());
        }
        words
    }

    /// How often, and for how long each time.
    fn repeated(&mut self, how_long: &'static str) -> Table {
        table([("every", self.part(0.1, 0.6)), (how_long, self.part(0.02, 0.3))])
    }
}

fn hsm_capacity_loss(scope: &mut Scope<'_>) -> Table {
    let lanes = whole(scope.dice.between(1, 3));
    scope.maybe_region(table([("lanes", lanes)]))
}

fn hsm_cut(scope: &mut Scope<'_>) -> Table {
    let direction = *scope.dice.one(&["deaf", "mute"]);
    scope.maybe_region(table([("direction", direction.into())]))
}

fn hsm_slow(scope: &mut Scope<'_>) -> Table {
    let factor = whole(scope.dice.between(2, 200));
    scope.maybe_region(table([("factor", factor)]))
}

fn operator_mistake(scope: &mut Scope<'_>) -> Table {
    let every = scope.part(0.2, 0.8);
    scope.maybe_region(table([("every", every)]))
}

fn hsm_loss(scope: &mut Scope<'_>) -> Table {
    let mut words = scope.repeated("down");
    words.insert("whole_region".into(), scope.dice.chance(0.3).into());
    scope.maybe_region(words)
}

fn key_store_outage(scope: &mut Scope<'_>) -> Table {
    let how = *scope.dice.one(&["unreachable", "slow", "garbled"]);
    scope.maybe_region(table([("how", how.into())]))
}

fn latency(scope: &mut Scope<'_>) -> Table {
    let add = scope.dice.spread(Duration::from_millis(5), Duration::from_secs(3));
    let words = table([
        ("add", text(add)),
        ("factor", short(scope.dice.magnitude(1.0, 10.0))),
        ("probability", short(scope.dice.magnitude(0.02, 1.0))),
    ]);
    scope.maybe_links(words)
}

fn link_cut(scope: &mut Scope<'_>) -> Table {
    let pair = scope.dice.two(scope.regions).map(|(one, other)| [one, other]);
    let pair = pair.iter().flatten().map(|name| name.as_str().into()).collect();
    table([("between", Value::Array(pair)), ("one_way", scope.dice.chance(0.4).into())])
}

fn corruption(scope: &mut Scope<'_>) -> Table {
    let mut words = scope.on_links(0.001, 0.1);
    if scope.dice.chance(0.5) {
        words.insert("from".into(), scope.role());
    }
    words
}

fn node_crash(scope: &mut Scope<'_>) -> Table {
    let mut words = scope.repeated("down");
    words.insert("role".into(), scope.role());
    scope.maybe_region(words)
}

fn node_pause(scope: &mut Scope<'_>) -> Table {
    let mut words = scope.repeated("pause");
    words.insert("role".into(), scope.role());
    scope.maybe_region(words)
}

fn hsm_cold_cache(scope: &mut Scope<'_>) -> Table {
    let factor = whole(scope.dice.between(2, 500));
    let hsms = whole(scope.dice.between(1, 4));
    scope.maybe_region(table([("factor", factor), ("hsms", hsms)]))
}

fn journal_fail_over(scope: &mut Scope<'_>) -> Table {
    let words = scope.repeated("takes");
    scope.maybe_region(words)
}

fn journal_slow(scope: &mut Scope<'_>) -> Table {
    let factor = whole(scope.dice.between(2, 500));
    scope.maybe_region(table([("factor", factor)]))
}

fn quota_change(scope: &mut Scope<'_>) -> Table {
    let factor = short(scope.dice.magnitude(0.05, 5.0));
    scope.maybe_region(table([("factor", factor)]))
}

fn slow_cpu(scope: &mut Scope<'_>) -> Table {
    let busy = scope.dice.spread(Duration::from_micros(200), Duration::from_millis(100));
    let mut words = table([("busy", text(busy))]);
    words.insert("role".into(), scope.role());
    scope.maybe_region(words)
}

fn stale_follower(scope: &mut Scope<'_>) -> Table {
    let lag = scope.dice.spread(Duration::from_millis(20), Duration::from_secs(20));
    let hosts = whole(scope.dice.between(1, 4));
    scope.maybe_region(table([("lag", text(lag)), ("hosts", hosts)]))
}

fn surge(scope: &mut Scope<'_>) -> Table {
    let factor = whole(scope.dice.between(2, 10));
    scope.maybe_region(table([("factor", factor)]))
}

fn region_partition(scope: &mut Scope<'_>) -> Table {
    let direction = *scope.dice.one(&["both", "both", "in", "out"]);
    table([("region", scope.region()), ("direction", direction.into())])
}

fn reordering(scope: &mut Scope<'_>) -> Table {
    let mut words = scope.on_links(0.01, 0.5);
    let by = scope.dice.spread(Duration::from_millis(5), Duration::from_secs(2));
    words.insert("by".into(), text(by));
    words
}

fn zone_loss(scope: &mut Scope<'_>) -> Table {
    let words = scope.repeated("down");
    scope.maybe_region(words)
}
