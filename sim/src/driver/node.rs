//! What a node is to the driver: a state machine with inputs and effects, and no clock, network or
//! thread of its own.

use std::time::Duration;

use crate::clock::{SimTime, nanos};
use crate::fault::Ailment;
use crate::place::NodeId;

/// A state machine that the driver runs.
pub trait Node {
    /// What nodes send each other. Cloned only when the network duplicates it.
    type Message: Clone + 'static;
    /// What nodes tell the history.
    type Event: 'static;

    /// Takes one input and answers with effects.
    fn handle(
        &mut self,
        now: Now,
        input: Input<Self::Message>,
        out: &mut Outbox<Self::Message, Self::Event>,
    );

    /// Loses what is volatile. The driver calls it when a crash fires; the next input after it is
    /// [`Input::Start`].
    fn crash(&mut self);
}

impl<N: Node + ?Sized> Node for Box<N> {
    type Message = N::Message;
    type Event = N::Event;

    fn handle(
        &mut self,
        now: Now,
        input: Input<Self::Message>,
        out: &mut Outbox<Self::Message, Self::Event>,
    ) {
        (**self).handle(now, input, out);
    }

    fn crash(&mut self) {
        (**self).crash();
    }
}

/// What a node knows about the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// What its wall clock shows, skew and drift included: microseconds since the Unix epoch.
    pub wall_micros: u64,
    /// What its monotonic clock shows: true time.
    pub monotonic: SimTime,
    /// Which node it is.
    pub node: NodeId,
}

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<M> {
    /// It starts: at the beginning of the run, and after every crash.
    Start,
    /// A message arrived.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        body: M,
    },
    /// A message arrived damaged: its authentication failed, so only the peer is known.
    Garbled {
        /// Who sent it.
        from: NodeId,
    },
    /// Something is wrong with the machine from now on, whatever runs on it and whether it is up.
    Ail(Ailment),
    /// That is over.
    Heal(Ailment),
    /// A timer fired: the token that the node chose. Timers are not cancelled; a node ignores the
    /// tokens that no longer matter.
    Timer(u64),
}

/// What a node wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<M, E> {
    /// See [`Outbox::send`].
    Send {
        /// The receiver.
        to: NodeId,
        /// The message.
        body: M,
        /// Its size in bytes.
        size: u32,
        /// How many nanoseconds it waits at the sender before it leaves.
        after: u64,
    },
    /// See [`Outbox::after`].
    After(Duration, u64),
    /// See [`Outbox::at_wall`].
    AtWall(u64, u64),
    /// See [`Outbox::record`].
    Record(E),
    /// See [`Outbox::finish`].
    Finish,
}

/// Where a node puts its effects, in order. The buffer is reused: a warm run allocates nothing here.
#[derive(Debug)]
pub struct Outbox<M, E> {
    effects: Vec<Effect<M, E>>,
}

impl<M, E> Default for Outbox<M, E> {
    fn default() -> Self {
        Self { effects: Vec::new() }
    }
}

impl<M, E> Outbox<M, E> {
    /// Sends a message of this many bytes. It reaches only the life that the receiver is living now.
    pub fn send(&mut self, to: NodeId, body: M, size: u32) {
        self.effects.push(Effect::Send { to, body, size, after: 0 });
    }

    /// Sends a message that leaves once this much true time has passed, unless the node crashes
    /// before: for answers that take their time, without a timer to come back to.
    pub fn send_after(&mut self, delay: Duration, to: NodeId, body: M, size: u32) {
        self.effects.push(Effect::Send { to, body, size, after: nanos(delay) });
    }

    /// Arms a timer on the monotonic clock.
    pub fn after(&mut self, duration: Duration, token: u64) {
        self.effects.push(Effect::After(duration, token));
    }

    /// Arms a timer for the moment when this node's wall clock shows this time, however it is skewed
    /// or corrected until then. A time that is past fires at once.
    pub fn at_wall(&mut self, micros: u64, token: u64) {
        self.effects.push(Effect::AtWall(micros, token));
    }

    /// Tells the history.
    pub fn record(&mut self, event: E) {
        self.effects.push(Effect::Record(event));
    }

    /// Says that this client has nothing more to ask. The run ends when every node of the role
    /// client has said so; other nodes have no say.
    pub fn finish(&mut self) {
        self.effects.push(Effect::Finish);
    }

    /// Takes the effects out, in order: for tests of a node without a driver.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect<M, E>> {
        self.effects.drain(..)
    }

    pub(super) fn len(&self) -> usize {
        self.effects.len()
    }

    pub(super) fn swap(&mut self, other: &mut Vec<Effect<M, E>>) {
        std::mem::swap(&mut self.effects, other);
    }
}
