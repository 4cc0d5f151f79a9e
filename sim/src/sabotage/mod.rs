//! Bugs planted on purpose, at the seams between the core and the world.
//!
//! The product has no switch for them: a sabotage changes what goes into the journal, comes out of an
//! HSM, or is shown to a decision, in at most one of a hundred eligible events. Oracles that do not
//! notice are no oracles.
//!
//! To add one: a function at its seam and one line in [`SABOTAGES`].

mod answer;
mod append;
mod audit;
mod follow;
mod hsm;
mod table;

pub use table::SABOTAGES;

use crate::clock::SimTime;
use crate::driver::Now;
use crate::history::{Audited, Event};
use crate::node::Out;
use crate::random::{Name, Seed, Site, Stream};
use crate::secrets::Secrets;
use kms_core::Result as KmsResult;
use kms_core::env::{Call, RequestId};
use kms_core::hsm::{Fault, Reply};
use kms_core::name::KeyId;
use kms_core::ops::{Request, Response};
use kms_core::state::{Change, LogEntry};
use kms_core::step::Append;
use kms_core::task::Task;
use kms_core::token::TokenChange;
use scenarios::{Sabotage, Scenario};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a sabotage is called and does.
#[derive(Clone, Copy)]
pub struct SabotageInfo {
    /// The word scenarios use.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// The seam and what happens there.
    pub(crate) bug: Bug,
}

/// What an answer is when a host has been made to lie.
pub(crate) type Answer = KmsResult<Response>;

/// A planted bug: a seam, and what is done to what passes it. Functions say whether there was anything
/// to spoil.
#[derive(Clone, Copy)]
pub(crate) enum Bug {
    /// What a host or worker is about to append for an operation or task of this name.
    Append(fn(&'static str, &mut Append) -> bool),
    /// The host leaves the append out and answers as if it had been made.
    NoAppend,
    /// What a client asks, as a host hears it.
    Ask(fn(&mut Request) -> bool),
    /// What a host is about to tell a client, when nothing has to be appended for it.
    Answer(fn(&mut Answer) -> bool),
    /// The same, and a secret key for it to tell.
    Expose(fn(&mut Answer, [u8; 32]) -> bool),
    /// The host tells the client nothing.
    NoAnswer,
    /// What becomes of an audit record that a host is to keep.
    Audit(fn(&Audited) -> Vec<Audited>),
    /// What a host has done with the request quota is forgotten at once.
    Uncounted,
    /// A request is counted many times against the quota.
    Overcounted,
    /// The call as a decision is shown it.
    Decide(fn(&mut Call) -> bool),
    /// Whether a follower leaves this change of an entry out.
    SkipChange(fn(&Change) -> bool),
    /// What an HSM answers; the last answer of the kind is there, too.
    Reply(fn(&mut Result<Reply, Fault>, Option<&Reply>) -> bool),
    /// The HSM draws what it drew for the command before.
    RepeatedDraw,
    /// The journal forgets this change of a key token.
    SkipToken(fn(&TokenChange) -> bool),
    /// The journal answers before the entry is durable.
    EarlyAnswer,
    /// A worker never carries this task out.
    Forget(fn(&Task) -> bool),
}

/// The sabotages of a run. All nodes share them, so that a named moment comes once.
#[derive(Clone, Default)]
pub struct Sabotages {
    planted: Arc<[Planted]>,
    seed: u64,
    secrets: Secrets,
}

/// A bug in a run.
struct Planted {
    name: &'static str,
    bug: Bug,
    when: When,
    /// Events that are struck for good.
    for_good: Mutex<BTreeSet<u128>>,
}

/// When a bug strikes.
enum When {
    /// At this share of the eligible events, by the event's name.
    Often(f64),
    /// At the first eligible event from each of these moments on; so many of them are over.
    At(Vec<SimTime>, AtomicUsize),
}

/// Something that a bug might spoil: when it happens and what it is called.
#[derive(Clone, Copy)]
struct Chance {
    at: SimTime,
    event: u128,
}

const SITE: Site = Site::new("sabotage");

impl When {
    fn of(sabotage: &Sabotage) -> When {
        match &sabotage.at[..] {
            [] => When::Often(sabotage.rate.get()),
            moments => {
                let mut moments: Vec<_> =
                    moments.iter().map(|at| SimTime::ZERO.after(*at)).collect();
                moments.sort();
                When::At(moments, AtomicUsize::new(0))
            }
        }
    }

    fn comes(&self, seed: u64, index: usize, chance: Chance) -> bool {
        match self {
            When::Often(rate) => {
                #[expect(clippy::cast_possible_truncation, reason = "both halves are absorbed")]
                let (high, low) = ((chance.event >> 64) as u64, chance.event as u64);
                let name = Name::new(Seed(seed), SITE).request(high).request(low);
                Stream::named(name.ordinal(index as u64)).chance(*rate)
            }
            When::At(moments, over) => {
                moments.get(over.load(Relaxed)).is_some_and(|moment| *moment <= chance.at)
            }
        }
    }

    fn went(&self) {
        if let When::At(_, over) = self {
            over.fetch_add(1, Relaxed);
        }
    }
}

impl Sabotages {
    /// Those a scenario plants.
    pub fn of(scenario: &Scenario, seed: Seed) -> Sabotages {
        let planted = scenario.sabotages.iter().filter_map(|sabotage| {
            let info = SABOTAGES.iter().find(|info| info.name == sabotage.kind)?;
            let (when, for_good) = (When::of(sabotage), Mutex::default());
            Some(Planted { name: info.name, bug: info.bug, when, for_good })
        });
        Sabotages { planted: planted.collect(), seed: seed.0, secrets: Secrets::default() }
    }

    /// The same, with keys to tell.
    pub(crate) fn knowing(self, secrets: Secrets) -> Sabotages {
        Sabotages { secrets, ..self }
    }

    /// Lets every bug that comes now have a go; `spoil` says whether it found something. Whether any did.
    fn strike(&self, chance: Chance, out: &mut Out, mut spoil: impl FnMut(Bug) -> bool) -> bool {
        let mut struck = false;
        for (index, planted) in self.planted.iter().enumerate() {
            if planted.when.comes(self.seed, index, chance) && spoil(planted.bug) {
                planted.when.went();
                out.record(Event::Sabotaged(planted.name));
                struck = true;
            }
        }
        struck
    }

    /// Passes an append through the planted bugs. Whether it is still to be made.
    pub(crate) fn append(
        &self,
        now: Now,
        (id, operation): (RequestId, &'static str),
        append: &mut Append,
        out: &mut Out,
    ) -> bool {
        let mut made = true;
        self.strike(chance(now, id), out, |bug| match bug {
            Bug::Append(spoil) => spoil(operation, append),
            Bug::NoAppend => {
                made &= append.changes.is_empty();
                !append.changes.is_empty()
            }
            _ => false,
        });
        made
    }

    /// What a host hears of a request.
    pub(crate) fn asked(&self, now: Now, id: RequestId, request: &mut Arc<Request>, out: &mut Out) {
        self.strike(chance(now, id), out, |bug| match bug {
            Bug::Ask(spoil) => spoil(Arc::make_mut(request)),
            _ => false,
        });
    }

    /// Passes an answer to a client through the planted bugs.
    pub(crate) fn answer(&self, now: Now, id: RequestId, answer: &mut Arc<Answer>, out: &mut Out) {
        self.strike(chance(now, id), out, |bug| match bug {
            Bug::Answer(spoil) => spoil(Arc::make_mut(answer)),
            Bug::Expose(spoil) => {
                self.secrets.last().is_some_and(|key| spoil(Arc::make_mut(answer), key))
            }
            _ => false,
        });
    }

    /// Passes an audit record through the planted bugs and keeps what they leave of it.
    pub(crate) fn audit(&self, now: Now, audit: Audited, kept: &mut Vec<Audited>, out: &mut Out) {
        let mut left = None;
        self.strike(chance(now, audit.request), out, |bug| match bug {
            Bug::Audit(spoil) => {
                left = Some(spoil(&audit));
                true
            }
            _ => false,
        });
        kept.extend(left.unwrap_or_else(|| vec![audit]));
    }

    /// Whether a host never answers this request.
    pub(crate) fn is_mute(&self, now: Now, id: RequestId, out: &mut Out) -> bool {
        self.strike(chance(now, id), out, |bug| matches!(bug, Bug::NoAnswer))
    }

    /// What a decision counted goes through the planted bugs.
    pub(crate) fn admitted(&self, now: Now, id: RequestId, out: &mut Out) -> Miscount {
        let mut miscount = Miscount::None;
        self.strike(chance(now, id), out, |bug| {
            miscount = match bug {
                Bug::Uncounted => Miscount::Never,
                Bug::Overcounted => Miscount::Times(50),
                _ => return false,
            };
            true
        });
        miscount
    }

    /// The call as the decision is to see it; none when that is how it is.
    pub(crate) fn decide(&self, now: Now, call: &Call, out: &mut Out) -> Option<Call> {
        let mut shown = None;
        let struck = self.strike(chance(now, call.request_id), out, |bug| match bug {
            Bug::Decide(spoil) => spoil(shown.get_or_insert_with(|| call.clone())),
            _ => false,
        });
        shown.filter(|_| struck)
    }

    /// What a follower hears of an entry, where that is not all of it.
    pub(crate) fn heard(&self, now: Now, entry: &LogEntry, out: &mut Out) -> Option<LogEntry> {
        if self.planted.is_empty() {
            return None;
        }
        let event = entry.id ^ (u128::from(now.node.0) + 1) << 112;
        let mut heard = None;
        self.strike(Chance { at: now.monotonic, event }, out, |bug| match bug {
            Bug::SkipChange(which) if entry.changes.iter().any(which) => {
                let heard = heard.get_or_insert_with(|| entry.clone());
                heard.changes.retain(|change| !which(change));
                true
            }
            _ => false,
        });
        heard
    }

    /// Passes an HSM's answer through the planted bugs.
    pub(crate) fn reply(
        &self,
        now: Now,
        id: RequestId,
        (reply, last): (&mut Result<Reply, Fault>, Option<&Reply>),
        out: &mut Out,
    ) {
        self.strike(chance(now, id), out, |bug| match bug {
            Bug::Reply(spoil) => spoil(reply, last),
            _ => false,
        });
    }

    /// Whether an HSM draws for this command what it drew for the one before.
    pub(crate) fn repeats_draw(&self, now: Now, id: RequestId, out: &mut Out) -> bool {
        self.strike(chance(now, id), out, |bug| matches!(bug, Bug::RepeatedDraw))
    }

    /// Makes the journal forget changes of key tokens.
    pub(crate) fn tokens(
        &self,
        now: Now,
        id: RequestId,
        tokens: &mut Vec<TokenChange>,
        out: &mut Out,
    ) {
        self.strike(chance(now, id), out, |bug| match bug {
            Bug::SkipToken(which) => {
                let before = tokens.len();
                tokens.retain(|change| !which(change));
                tokens.len() < before
            }
            _ => false,
        });
    }

    /// Whether the journal answers this append at once.
    pub(crate) fn answers_early(&self, now: Now, id: RequestId, out: &mut Out) -> bool {
        self.strike(chance(now, id), out, |bug| matches!(bug, Bug::EarlyAnswer))
    }

    /// Whether a worker leaves a task undone for good.
    pub(crate) fn forgets_task(&self, now: Now, task: &Task, out: &mut Out) -> bool {
        if self.planted.is_empty() {
            return false;
        }
        let name = |id: KeyId| id.to_bytes().last_chunk().copied().map(u128::from_be_bytes);
        let event = task.key().and_then(name).unwrap_or_default();
        let forgets = |planted: &Planted| match planted.bug {
            Bug::Forget(which) => which(task) && planted.for_good().contains(&event),
            _ => false,
        };
        if self.planted.iter().any(forgets) {
            return true;
        }
        let fits = |bug| matches!(bug, Bug::Forget(which) if which(task));
        let struck = self.strike(Chance { at: now.monotonic, event }, out, fits);
        if struck {
            let forgetful = self.planted.iter().filter(|planted| fits(planted.bug));
            for planted in forgetful {
                planted.for_good().insert(event);
            }
        }
        struck
    }

    /// Whether anything is planted.
    pub(crate) fn are_none(&self) -> bool {
        self.planted.is_empty()
    }

    /// Whether what was counted before a decision may be wanted again.
    pub(crate) fn miscount(&self) -> bool {
        self.planted.iter().any(|planted| matches!(planted.bug, Bug::Uncounted))
    }
}

impl Planted {
    fn for_good(&self) -> MutexGuard<'_, BTreeSet<u128>> {
        self.for_good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a request is counted that should be counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miscount {
    /// Once.
    None,
    /// Not at all.
    Never,
    /// So many times more.
    Times(usize),
}

fn chance(now: Now, id: RequestId) -> Chance {
    Chance { at: now.monotonic, event: id.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::NodeId;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(SABOTAGES.is_sorted_by_key(|info| info.name));
        assert!(SABOTAGES.iter().all(|info| info.doc.len() > 20 && info.doc.ends_with('.')));
        assert!(SABOTAGES.len() >= 25, "{} planted bugs", SABOTAGES.len());
    }

    fn planted(when: &str) -> Sabotages {
        let text = format!(
            "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n[[phase]]\n\
             name = 'a'\nduration = '1m'\n[[phase.workload]]\nkind = 'key-creation'\n\
             arrivals = {{ kind = 'poisson', per_second = 1 }}\n[[sabotage]]\n\
             kind = 'lost-answer'\n{when}\n"
        );
        let vocabulary = crate::vocabulary::vocabulary();
        let scenario = Scenario::parse("x.toml", &text, &[], &vocabulary).unwrap();
        Sabotages::of(&scenario, Seed(3))
    }

    /// Which of these requests, one each millisecond, are never answered.
    fn struck(sabotages: &Sabotages) -> Vec<u64> {
        let mut out = Out::default();
        let mute = |id: &u64| {
            let now = Now { wall_micros: 0, monotonic: SimTime::from_millis(*id), node: NodeId(1) };
            assert!(!sabotages.answers_early(now, RequestId((*id).into()), &mut out));
            sabotages.is_mute(now, RequestId((*id).into()), &mut out)
        };
        let struck: Vec<u64> = (0..10_000).filter(mute).collect();
        assert_eq!(out.drain().count(), struck.len(), "each is recorded");
        struck
    }

    #[test]
    fn one_event_in_a_hundred_is_struck_and_always_the_same() {
        let all = struck(&planted(""));
        assert!((60..140).contains(&all.len()), "{}", all.len());
        assert_eq!(all, struck(&planted("")));
    }

    #[test]
    fn a_named_moment_is_struck_once_and_by_whatever_comes_then() {
        assert_eq!(struck(&planted("at = ['3s', '10ms']")), [10, 3_000]);
    }
}
