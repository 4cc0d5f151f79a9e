//! An HSM as a machine: it carries out some commands at once, lets others wait and refuses the rest, and
//! has a memory that a power cut empties.
//!
//! How long it takes is a model, the core's `HsmModel`. A command is carried out when it arrives and
//! answered when its time has come, so that its draws are its own however long the queue is.

use super::{Alarm, In, NamedRandom, Out, arm_settle};
use crate::clock::SimTime;
use crate::driver::{Input, Node, Now};
use crate::fault::point::{Point, Points};
use crate::fault::{Ailment, Ailments};
use crate::history::{Event, HsmLoad};
use crate::message::Message;
use crate::random::{Name, Seed, Site, Stream};
use crate::sabotage::Sabotages;
use kms_core::env::{RequestId, Timestamp};
use kms_core::hsm::{Command, Fault, HsmDevice, HsmModel, Mandate, Reply, Within};
use kms_core::name::TokenId;
use kms_core::token::{DomainEpoch, KeyToken};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

const SERVICE: Site = Site::new("HSM service time");

/// An HSM.
pub struct HsmNode {
    device: HsmDevice,
    seed: Seed,
    model: HsmModel,
    settle_at: SimTime,
    ailments: Ailments,
    /// When each lane is free again.
    lanes: Vec<SimTime>,
    /// When each command that waits or is being carried out will have been.
    waiting: BinaryHeap<Reverse<SimTime>>,
    load: HsmLoad,
    points: Points,
    sabotages: Sabotages,
    /// The last answer and the last draw, which nothing but a planted bug makes use of.
    last: Option<Reply>,
    last_draw: Option<(RequestId, u32)>,
    /// The keys that it has unwrapped since it was made to forget all.
    warm: BTreeSet<TokenId>,
}

impl HsmNode {
    /// An HSM that may have joined its domain already.
    pub fn new(
        device: HsmDevice,
        seed: Seed,
        model: HsmModel,
        (points, sabotages): (Points, Sabotages),
        settle_at: SimTime,
    ) -> HsmNode {
        HsmNode {
            device: device.with_session_validity(model.session_validity),
            seed,
            settle_at,
            ailments: Ailments::default(),
            lanes: vec![SimTime::ZERO; model.lanes as usize],
            waiting: BinaryHeap::new(),
            load: HsmLoad { lanes: model.lanes, ..HsmLoad::default() },
            model,
            points,
            sabotages,
            last: None,
            last_draw: None,
            warm: BTreeSet::new(),
        }
    }

    /// What a command draws from; a planted bug gives it the draw of the one before.
    fn random(&mut self, now: Now, draw: (RequestId, u32), out: &mut Out) -> NamedRandom {
        let last = self.last_draw.filter(|_| self.sabotages.repeats_draw(now, draw.0, out));
        let (request, attempt) = last.unwrap_or(draw);
        self.last_draw = Some((request, attempt));
        NamedRandom::new(self.seed, now.node, request, attempt)
    }

    /// Passes an answer through the planted bugs.
    fn spoil(&mut self, now: Now, id: RequestId, result: &mut Result<Reply, Fault>, out: &mut Out) {
        if self.sabotages.are_none() {
            return;
        }
        self.sabotages.reply(now, id, (result, self.last.as_ref()), out);
        if let Ok(reply) = result {
            self.last = Some(reply.clone());
        }
    }

    /// Whether one more command may wait.
    fn has_room(&mut self, now: SimTime) -> bool {
        while self.waiting.peek().is_some_and(|Reverse(done)| *done <= now) {
            self.waiting.pop();
        }
        self.waiting.len() < self.model.queue as usize
    }

    /// Takes a command into the lane that is free first; when it is done.
    fn take(&mut self, now: SimTime, takes: Duration) -> SimTime {
        let narrow = self.ailments.figures(|ailment| match ailment {
            Ailment::Narrow(lanes) => Some(lanes),
            _ => None,
        });
        let width = narrow.min().map_or(self.lanes.len(), |lanes| lanes as usize);
        let width = width.clamp(1, self.lanes.len());
        let lanes = self.lanes[..width].iter_mut();
        let Some(lane) = lanes.min_by_key(|free| **free) else { return now };
        let starts = (*lane).max(now);
        *lane = starts.after(takes);
        let done = *lane;
        self.waiting.push(Reverse(done));
        self.load.note(starts.since(now), takes, self.waiting.len());
        done
    }

    /// How long a command takes: the median of its class, spread, and longer when the machine is slow.
    fn takes(
        &mut self,
        now: Now,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        draw: (RequestId, u32),
    ) -> Duration {
        let median = self.model.median(command, tokens) * self.coldness(tokens);
        let slow = self.ailments.figures(|ailment| match ailment {
            Ailment::Slow(factor) => Some(factor),
            _ => None,
        });
        median.mul_f64(self.spread(now, draw)) * slow.max().unwrap_or(1)
    }

    /// How many times as long a command takes because its keys have to be unwrapped again.
    fn coldness(&mut self, tokens: &[Arc<KeyToken>]) -> u32 {
        let cold = self.ailments.figures(|ailment| match ailment {
            Ailment::Cold(factor) => Some(factor),
            _ => None,
        });
        let Some(factor) = cold.max() else { return 1 };
        let first = tokens.iter().filter(|token| self.warm.insert(token.id)).count();
        if first > 0 { factor } else { 1 }
    }

    /// A factor whose logarithm is normal around zero.
    fn spread(&self, now: Now, (request, attempt): (RequestId, u32)) -> f64 {
        if self.model.spread == 0.0 {
            return 1.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a name wants any 64 bits")]
        let request = request.0 as u64;
        let name = Name::new(self.seed, SERVICE).node(now.node).request(request).attempt(attempt);
        libm::exp(self.model.spread * normal(&mut Stream::named(name)))
    }

    fn carry_out(
        &mut self,
        command: &Command,
        (tokens, domain, within): (&[Arc<KeyToken>], DomainEpoch, Within<'_>),
        mandate: Option<&Mandate>,
        random: &mut NamedRandom,
    ) -> Result<Reply, Fault> {
        let stale = self.ailments.have(Ailment::Stale);
        match mandate {
            // It believes to have done it already.
            Some(_) if stale && matches!(command, Command::Join { .. }) => Ok(Reply::Joined),
            Some(mandate) => self.device.manage(command, mandate, random),
            None if stale => self.device.execute(command, tokens, within, random),
            None => self.device.serve(command, tokens, within, domain, random),
        }
    }

    /// An HSM that has just rejoined tests itself before it serves.
    fn warm_up(&mut self, now: SimTime) {
        let ready = now.after(self.model.warm_up);
        self.lanes.iter_mut().for_each(|lane| *lane = (*lane).max(ready));
    }

    fn command(&mut self, now: Now, from: crate::place::NodeId, message: Message, out: &mut Out) {
        let Message::HsmCommand { ask, draw, command, tokens, domain, mandate, session } = message
        else {
            return;
        };
        if self.ailments.have(Ailment::Hung) {
            return;
        }
        if !self.has_room(now.monotonic) {
            self.load.refused += 1;
            let result = Err(Fault::Busy);
            return out.send(from, Message::HsmReply { ask, draw, result }, 64);
        }
        let mut random = self.random(now, draw, out);
        let forgot = self.device.serial().is_none();
        let clock = Timestamp::from_micros(now.wall_micros);
        let work = (&tokens[..], domain, Within { session: session.as_ref(), now: clock });
        let mut result = self.carry_out(&command, work, mandate.as_deref(), &mut random);
        self.spoil(now, draw.0, &mut result, out);
        out.record(Event::Executed { command: command.name(), done: result.is_ok() });
        let takes = self.takes(now, &command, &tokens, draw);
        let done = self.take(now.monotonic, takes);
        if forgot && self.device.serial().is_some() {
            self.warm_up(done);
        }
        let event = draw.0.0 ^ u128::from(draw.1) << 120;
        let late = self.points.fires(Point::HsmReplyLate, now, event, out).unwrap_or_default();
        let wait = done.since(now.monotonic) + late;
        let reply = Message::HsmReply { ask, draw, result };
        if self.points.fires(Point::HsmReplyRepeated, now, event, out).is_some() {
            out.send_after(wait, from, reply.clone(), 256);
        }
        out.send_after(wait, from, reply, 256);
    }
}

/// A draw from the standard normal distribution, by Box and Muller.
fn normal(stream: &mut Stream) -> f64 {
    let (radius, angle) = (1.0 - stream.unit(), stream.unit());
    libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * angle)
}

impl Node for HsmNode {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        match input {
            Input::Start => arm_settle(now, self.settle_at, out),
            Input::Message { from, body } => self.command(now, from, body, out),
            Input::Garbled { .. } => {}
            Input::Timer(token) if Alarm::of(token) == Alarm::Settle => {
                out.record(Event::Loaded(Box::new(self.load)));
            }
            Input::Timer(_) => {}
            Input::Ail(ailment) => {
                self.ailments.begin(ailment);
                if matches!(ailment, Ailment::Cold(_)) {
                    self.warm.clear();
                }
            }
            Input::Heal(ailment) => self.ailments.end(ailment),
        }
    }

    fn crash(&mut self) {
        self.device.reset();
        self.lanes.fill(SimTime::ZERO);
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Effect;
    use crate::place::NodeId;
    use kms_core::crypto::RustCrypto;
    use kms_core::hsm::{Class, HsmIdentity};
    use kms_core::local::SeededRandom;

    fn node(model: HsmModel) -> HsmNode {
        let identity = HsmIdentity::generate(&RustCrypto, &mut SeededRandom::new(1));
        let device = HsmDevice::new(identity, Arc::new(RustCrypto));
        HsmNode::new(
            device,
            Seed(1),
            model,
            (Points::default(), Sabotages::default()),
            SimTime::from_secs(10),
        )
    }

    fn model() -> HsmModel {
        let mut model = HsmModel { lanes: 2, queue: 3, spread: 0.0, ..HsmModel::default() };
        model.service[Class::Symmetric as usize] = Duration::from_millis(10);
        model
    }

    /// How many milliseconds a command waits for its answer, and the answer; nothing when there is none.
    fn ask(node: &mut HsmNode, millis: u64) -> Option<(u64, Option<Fault>)> {
        let now = Now { wall_micros: 0, monotonic: SimTime::from_millis(millis), node: NodeId(7) };
        let body = Message::HsmCommand {
            ask: 1,
            draw: (RequestId(u128::from(millis)), 0),
            command: Arc::new(Command::GenerateRandom { bytes: 1 }),
            tokens: Vec::new(),
            domain: DomainEpoch(0),
            mandate: None,
            session: None,
        };
        let mut out = Out::default();
        node.handle(now, Input::Message { from: NodeId(0), body }, &mut out);
        out.drain().find_map(|effect| match effect {
            Effect::Send { body: Message::HsmReply { result, .. }, after, .. } => {
                Some((after / 1_000_000, result.err()))
            }
            _ => None,
        })
    }

    fn ail(node: &mut HsmNode, ailment: Ailment) {
        let now = Now { wall_micros: 0, monotonic: SimTime::ZERO, node: NodeId(7) };
        node.handle(now, Input::Ail(ailment), &mut Out::default());
    }

    #[test]
    fn two_lanes_serve_the_third_waits_and_the_fourth_is_refused() {
        let mut node = node(model());
        let lost = Some(Fault::NotJoined);
        assert_eq!(ask(&mut node, 0), Some((10, lost)));
        assert_eq!(ask(&mut node, 0), Some((10, lost)));
        assert_eq!(ask(&mut node, 0), Some((20, lost)));
        assert_eq!(ask(&mut node, 0), Some((0, Some(Fault::Busy))));
        assert_eq!(ask(&mut node, 10), Some((10, lost)), "two are done by then");
        let HsmLoad { commands, refused, deepest, waited, .. } = node.load;
        assert_eq!((commands, refused, deepest, waited), (4, 1, 3, Duration::from_millis(10)));
    }

    #[test]
    fn ailments_do_what_they_say_until_they_are_healed() {
        let mut slow = node(model());
        ail(&mut slow, Ailment::Slow(3));
        assert_eq!(ask(&mut slow, 0).map(|(millis, _)| millis), Some(30));
        let mut narrow = node(model());
        ail(&mut narrow, Ailment::Narrow(1));
        let times: Vec<_> = (0..3).filter_map(|_| ask(&mut narrow, 0)).map(|(ms, _)| ms).collect();
        assert_eq!(times, [10, 20, 30]);
        let mut hung = node(model());
        ail(&mut hung, Ailment::Hung);
        assert_eq!(ask(&mut hung, 0), None);
        hung.ailments.end(Ailment::Hung);
        assert!(ask(&mut hung, 0).is_some());
    }

    #[test]
    fn service_times_spread_around_their_median() {
        let node = node(HsmModel { spread: 0.25, ..model() });
        let now = Now { wall_micros: 0, monotonic: SimTime::ZERO, node: NodeId(7) };
        let mut factors: Vec<f64> =
            (0..1_000).map(|request| node.spread(now, (RequestId(request), 0))).collect();
        factors.sort_by(f64::total_cmp);
        let (low, middle, high) = (factors[158], factors[500], factors[841]);
        assert!((0.97..1.03).contains(&middle), "{middle}");
        assert!((0.72..0.84).contains(&low) && (1.2..1.38).contains(&high), "{low} {high}");
        assert_eq!(node.spread(now, (RequestId(5), 1)), node.spread(now, (RequestId(5), 1)));
    }
}
