//! The journal of a Region: one log, replicated over zones, modelled as one machine with a disk.
//!
//! An append is answered once its record is durable, and only durable entries are sent to followers.
//! What a crash takes is what was not. Key tokens lie beside the log: once durable, their changes are
//! kept nowhere but in their result, so an erased token is gone.

use super::{Alarm, In, Out, arm_settle};
use crate::clock::SimTime;
use crate::disk::{Disk, Sync};
use crate::driver::{Input, Node, Now};
use crate::fault::point::{Point, Points};
use crate::fault::{Ailment, Ailments};
use crate::history::{Audited, Changed, Event, Exposure, settle};
use crate::message::{AskId, Feed, Follow, Message, TokenFeed, TokenPosition};
use crate::place::NodeId;
use crate::random::{Name, Seed, Site, Stream};
use crate::sabotage::Sabotages;
use crate::secrets::Secrets;
use kms_core::env::{RequestId, Timestamp};
use kms_core::journal::Journal;
use kms_core::name::RegionName;
use kms_core::state::LogEntry;
use kms_core::step::Append;
use kms_core::token::{TokenChange, TokenStore};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const DISK: Site = Site::new("journal disk");
/// Token changes kept for followers that are behind; one further behind gets all tokens instead.
const KEPT_CHANGES: usize = 4096;

/// Who follows, and how patiently they are told again.
#[derive(Clone, Debug)]
pub struct Followers {
    /// The hosts and the worker.
    pub nodes: Vec<NodeId>,
    /// How long to wait for an acknowledgement at first.
    pub resend_after: Duration,
    /// How long at most.
    pub resend_at_most: Duration,
}

/// A record on the disk: an entry, if the append made one, and which batch of token changes.
#[derive(Clone, Debug)]
struct Record {
    entry: Option<Arc<LogEntry>>,
    batch: u64,
    audit: Option<Audited>,
}

/// A log position and a token position.
type Place = (u64, TokenPosition);

#[derive(Clone, Copy, Debug)]
struct Follower {
    /// What it has said it has.
    acknowledged: Place,
    /// What has been sent to it since.
    sent: Place,
}

struct Waiting {
    /// Durable when so many records are.
    records: usize,
    to: NodeId,
    ask: AskId,
    position: u64,
}

/// What a journal is made of.
pub struct JournalPlan {
    /// The Region.
    pub region: RegionName,
    /// The log it begins with.
    pub genesis: Vec<Arc<LogEntry>>,
    /// The key tokens it begins with.
    pub tokens: TokenStore,
    /// Its disk.
    pub disk: crate::disk::DiskParameters,
    /// Who follows it.
    pub patience: Followers,
    /// The seed of the run.
    pub seed: Seed,
    /// Where it may be late.
    pub points: Points,
    /// What is wrong with it on purpose.
    pub sabotages: Sabotages,
    /// The keys that no token may show.
    pub(crate) secrets: Secrets,
    /// When it reports its state at the end.
    pub settle_at: SimTime,
}

/// A journal.
pub struct JournalNode {
    region: RegionName,
    journal: Journal,
    disk: Disk<Record>,
    syncing: Option<Sync>,
    batches: BTreeMap<u64, Vec<TokenChange>>,
    next_batch: u64,
    /// The tokens as of the durable records.
    durable_tokens: TokenStore,
    durable_head: u64,
    /// Entries that were there before the simulation began.
    genesis: Vec<Arc<LogEntry>>,
    waiting: VecDeque<Waiting>,
    /// Nothing is known of a follower that has not spoken in this life.
    followers: BTreeMap<NodeId, Option<Follower>>,
    patience: Followers,
    resend_armed: bool,
    resend_after: Duration,
    /// How many feeds were sent: each is lost or not by itself.
    feeds: u64,
    life: u64,
    changes: VecDeque<TokenChange>,
    /// How many changes of this life were dropped from the front of `changes`.
    forgotten: u64,
    seed: Seed,
    points: Points,
    sabotages: Sabotages,
    secrets: Secrets,
    draws: u64,
    /// What is wrong with its disk.
    ailments: Ailments,
    settle_at: SimTime,
}

impl JournalNode {
    /// A journal that begins with this log and these tokens.
    pub fn new(plan: JournalPlan) -> JournalNode {
        let JournalPlan {
            region,
            genesis,
            tokens,
            disk,
            patience,
            seed,
            points,
            sabotages,
            secrets,
            settle_at,
        } = plan;
        let journal = Journal::restore(region, genesis.clone(), tokens.clone());
        JournalNode {
            region,
            durable_head: journal.head(),
            journal,
            disk: Disk::new(disk),
            syncing: None,
            batches: BTreeMap::new(),
            next_batch: 0,
            durable_tokens: tokens,
            genesis,
            waiting: VecDeque::new(),
            followers: BTreeMap::new(),
            resend_armed: false,
            resend_after: patience.resend_after,
            feeds: 0,
            patience,
            life: 0,
            changes: VecDeque::new(),
            forgotten: 0,
            seed,
            points,
            sabotages,
            secrets,
            draws: 0,
            ailments: Ailments::default(),
            settle_at,
        }
    }

    fn stream(&mut self, now: Now) -> Stream {
        self.draws += 1;
        Stream::named(Name::new(self.seed, DISK).node(now.node).ordinal(self.draws))
    }

    /// Comes back with what the disk has.
    fn start(&mut self, now: Now, out: &mut Out) {
        self.life += 1;
        if self.life > 1 {
            self.recover(out);
        }
        self.followers = self.patience.nodes.iter().map(|node| (*node, None)).collect();
        if self.life > 1 {
            self.send_feeds(now, out);
        }
        // Its followers have asked while it was down, if it was down when everything began.
        self.arm_resend(out);
        arm_settle(now, self.settle_at, out);
    }

    /// What survived a crash without having been synced is durable now, and is told.
    fn recover(&mut self, out: &mut Out) {
        let survived: Vec<Record> = self.disk.records().into();
        for record in &survived {
            if self.batches.contains_key(&record.batch) {
                self.made_durable(record, out);
            }
        }
        let written = survived.into_iter().filter_map(|record| record.entry);
        let log: Vec<_> = self.genesis.iter().cloned().chain(written).collect();
        self.journal = Journal::restore(self.region, log, self.durable_tokens.clone());
        self.changes.clear();
        self.forgotten = 0;
    }

    fn append(
        &mut self,
        now: Now,
        from: NodeId,
        ask: AskId,
        id: RequestId,
        (append, audit): (&Append, Option<Audited>),
        out: &mut Out,
    ) {
        if self.ailments.have(Ailment::Full) {
            return;
        }
        let before = self.journal.head();
        let clock = Timestamp::from_micros(now.wall_micros);
        match self.journal.append(id.0, append, clock) {
            Err(conflict) => {
                let result = Err(Box::new(conflict));
                out.send(from, Message::Appended { ask, result }, 64);
            }
            Ok(position) => {
                let entry =
                    (position > before).then(|| self.journal.entries_after(before)[0].clone());
                let repeated = entry.is_none() && !append.changes.is_empty();
                if !repeated {
                    let mut tokens = append.tokens.clone();
                    self.sabotages.tokens(now, id, &mut tokens, out);
                    let shown = |change: &TokenChange| match change {
                        TokenChange::Put(token) => self.secrets.show_in_token(token),
                        _ => false,
                    };
                    if tokens.iter().any(shown) {
                        out.record(Event::Exposed { request: id, place: Exposure::KeyToken });
                    }
                    self.write(now, (entry, audit), tokens, out);
                }
                let records = self.disk.records().len();
                match !repeated && self.sabotages.answers_early(now, id, out) {
                    true => out.send(from, Message::Appended { ask, result: Ok(position) }, 64),
                    false => {
                        self.waiting.push_back(Waiting { records, to: from, ask, position });
                    }
                }
                self.answer_durable(out);
            }
        }
    }

    /// Something is wrong with the disk, or no more.
    fn ail(&mut self, ailment: Ailment, ails: bool) {
        match ails {
            true => self.ailments.begin(ailment),
            false => self.ailments.end(ailment),
        }
        let slow = self.ailments.figures(|ailment| match ailment {
            Ailment::Slow(factor) => Some(factor),
            _ => None,
        });
        self.disk.slow(slow.map(f64::from).fold(1.0, f64::max));
    }

    fn write(
        &mut self,
        now: Now,
        (entry, audit): (Option<Arc<LogEntry>>, Option<Audited>),
        tokens: Vec<TokenChange>,
        out: &mut Out,
    ) {
        self.next_batch += 1;
        let record = Record { entry, batch: self.next_batch, audit };
        self.batches.insert(self.next_batch, tokens);
        let mut stream = self.stream(now);
        // Of what does not fit, nothing is promised to anybody.
        if let Ok(takes) = self.disk.write(record, &mut stream) {
            self.begin_sync(now, takes, out);
        }
    }

    /// One sync at a time makes everything durable that was written before it began.
    fn begin_sync(&mut self, now: Now, after: Duration, out: &mut Out) {
        if self.syncing.is_none() {
            let mut stream = self.stream(now);
            let sync = self.disk.begin_sync(&mut stream);
            let late = self.points.fires(Point::SyncSlow, now, self.draws.into(), out);
            let takes = after + sync.takes + late.unwrap_or_default();
            out.after(takes, Alarm::Synced.token());
            self.syncing = Some(sync);
        }
    }

    fn synced(&mut self, now: Now, out: &mut Out) {
        let Some(sync) = self.syncing.take() else { return };
        let from = self.disk.durable();
        self.disk.end_sync(&sync);
        let newly: Vec<Record> = self.disk.records()[from..self.disk.durable()].into();
        for record in &newly {
            self.made_durable(record, out);
        }
        self.answer_durable(out);
        if self.disk.durable() < self.disk.records().len() {
            self.begin_sync(now, Duration::ZERO, out);
        }
        self.send_feeds(now, out);
    }

    fn made_durable(&mut self, record: &Record, out: &mut Out) {
        for change in self.batches.remove(&record.batch).unwrap_or_default() {
            self.durable_tokens.apply(&change);
            self.keep_change(change);
        }
        if let Some(entry) = &record.entry {
            self.durable_head = entry.position;
            out.record(Event::Committed {
                region: self.region,
                position: entry.position,
                id: RequestId(entry.id),
                changes: entry.changes.iter().map(Changed::of).collect(),
            });
        }
        if let Some(audit) = &record.audit {
            out.record(Event::Audited([audit.clone()].into()));
        }
    }

    /// Keeps a token change for the followers, but no token that a later change erases.
    fn keep_change(&mut self, change: TokenChange) {
        if let TokenChange::Erase(id) = &change {
            for kept in &mut self.changes {
                let of_erased = match kept {
                    TokenChange::Put(token) | TokenChange::Reencrypt(token) => token.id == *id,
                    TokenChange::Erase(_) => false,
                };
                if of_erased {
                    *kept = change.clone();
                }
            }
        }
        self.changes.push_back(change);
        if self.changes.len() > KEPT_CHANGES {
            self.changes.pop_front();
            self.forgotten += 1;
        }
    }

    fn answer_durable(&mut self, out: &mut Out) {
        let durable = self.disk.durable();
        while self.waiting.front().is_some_and(|waiting| waiting.records <= durable) {
            if let Some(Waiting { to, ask, position, .. }) = self.waiting.pop_front() {
                out.send(to, Message::Appended { ask, result: Ok(position) }, 64);
            }
        }
    }

    fn token_position(&self) -> TokenPosition {
        let count = self.forgotten + self.changes.len() as u64;
        TokenPosition { life: self.life, count }
    }

    /// Where the durable log and tokens are.
    fn head(&self) -> Place {
        (self.durable_head, self.token_position())
    }

    fn send_feeds(&mut self, now: Now, out: &mut Out) {
        for node in self.patience.nodes.clone() {
            self.send_feed(now, node, out);
        }
        self.arm_resend(out);
    }

    /// Sends a follower what it has neither acknowledged nor been sent. One that has not spoken is
    /// told where the journal is, which makes it ask.
    fn send_feed(&mut self, now: Now, node: NodeId, out: &mut Out) {
        let head = self.head();
        match self.followers.get_mut(&node) {
            Some(Some(follower)) if follower.sent == head => {}
            Some(Some(follower)) => {
                let from = std::mem::replace(&mut follower.sent, head);
                self.feeds += 1;
                let event = u128::from(node.0) << 64 | u128::from(self.feeds);
                if self.points.fires(Point::FeedLost, now, event, out).is_none() {
                    self.send_from(node, from, 0, out);
                }
            }
            Some(None) => self.send_from(node, head, 0, out),
            None => {}
        }
    }

    fn send_from(&self, node: NodeId, (position, tokens): Place, answers: u64, out: &mut Out) {
        let entries = self.journal.entries_after(position);
        let durable = usize::try_from(self.durable_head.saturating_sub(position)).unwrap_or(0);
        let entries = entries[..durable.min(entries.len())].to_vec();
        let size = 64 + 300 * u32::try_from(entries.len()).unwrap_or(u32::MAX / 600);
        let tokens = self.token_feed(tokens);
        let feed = Feed { head: self.durable_head, answers, entries, tokens };
        out.send(node, Message::Feed(Arc::new(feed)), size);
    }

    fn token_feed(&self, from: TokenPosition) -> TokenFeed {
        if from.life != self.life || from.count < self.forgotten {
            let tokens = Arc::new(self.durable_tokens.clone());
            return TokenFeed::Snapshot { at: self.token_position(), tokens };
        }
        let skip = usize::try_from(from.count - self.forgotten).unwrap_or(usize::MAX);
        let changes = self.changes.iter().skip(skip).cloned().collect();
        TokenFeed::Changes { after: from, changes }
    }

    /// A follower says where it is; one that asks is answered even when it lacks nothing.
    fn followed(&mut self, now: Now, node: NodeId, said: Place, purpose: Follow, out: &mut Out) {
        let head = self.head();
        let Some(known) = self.followers.get_mut(&node) else { return };
        let sent = known.map_or(said, |follower| follower.sent);
        let sent = if purpose == Follow::Acknowledge { sent } else { head };
        *known = Some(Follower { acknowledged: said, sent });
        if said == head {
            self.resend_after = self.patience.resend_after;
        }
        match purpose {
            Follow::Ask(question) => self.send_from(node, said, question, out),
            Follow::Acknowledge => self.send_feed(now, node, out),
        }
        self.arm_resend(out);
    }

    fn arm_resend(&mut self, out: &mut Out) {
        let head = self.head();
        let has_all = |follower: &Option<Follower>| {
            follower.is_some_and(|follower| follower.acknowledged == head)
        };
        if !self.resend_armed && !self.followers.values().all(has_all) {
            self.resend_armed = true;
            out.after(self.resend_after, Alarm::Resend.token());
        }
    }

    /// Sends again from what was acknowledged, more and more rarely.
    fn resend(&mut self, now: Now, out: &mut Out) {
        self.resend_armed = false;
        self.resend_after = (self.resend_after * 2).min(self.patience.resend_at_most);
        for follower in self.followers.values_mut().flatten() {
            follower.sent = follower.acknowledged;
        }
        self.send_feeds(now, out);
    }
}

impl Node for JournalNode {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        match input {
            Input::Start => self.start(now, out),
            Input::Message { from, body: Message::Append { ask, id, append, audit } } => {
                self.append(now, from, ask, id, (&append, audit), out);
            }
            Input::Message { from, body: Message::Follow { position, tokens, purpose } } => {
                self.followed(now, from, (position, tokens), purpose, out);
            }
            Input::Timer(token) => match Alarm::of(token) {
                Alarm::Synced => self.synced(now, out),
                Alarm::Resend => self.resend(now, out),
                Alarm::Settle => {
                    settle(now, self.journal.state(), &self.durable_tokens, out);
                }
                _ => {}
            },
            Input::Ail(ailment) => self.ail(ailment, true),
            Input::Heal(ailment) => self.ail(ailment, false),
            _ => {}
        }
    }

    fn crash(&mut self) {
        self.draws += 1;
        let mix = |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte));
        let place = self.region.as_str().bytes().fold(0, mix);
        let name = Name::new(self.seed, DISK).request(place).ordinal(self.draws);
        self.disk.crash(&mut Stream::named(name));
        let survived: Vec<u64> = self.disk.records().iter().map(|record| record.batch).collect();
        self.batches.retain(|batch, _| survived.binary_search(batch).is_ok());
        self.syncing = None;
        self.waiting.clear();
        self.resend_armed = false;
        self.changes.clear();
    }
}
