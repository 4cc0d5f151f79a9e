//! The wheel: jumps from one due moment to the next, carries out faults, fills mailboxes and turns
//! effects into what is due later.
//!
//! The wheel keeps the true time itself and never sleeps in madsim, whose shortest sleep is 1 ms: it
//! runs when the last input of a tick has been handled. Due times are rounded up to the plan's
//! grain, so that inputs of almost the same moment are ready together and their order is searched.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::clock::{ClockChange, SimTime, nanos};
use crate::driver::agenda::Agenda;
use crate::driver::life::Life;
use crate::driver::node::{Effect, Input, Node};
use crate::driver::tasks::{Fallen, Tasks, Turn};
use crate::driver::watch::{InputId, Loss, Step};
use crate::driver::{Plan, Progress, Recorder, RunError, Stop, Summary, Watcher, World};
use crate::fault::{Ailment, NodeAction};
use crate::net::{Content, Envelope};
use crate::place::{NodeId, Role};

/// Something that is due.
enum Due<M> {
    Input {
        to: NodeId,
        life: u32,
        input: Input<M>,
        /// The number of a message; the cause of anything else.
        id: InputId,
    },
    /// A message leaves its sender.
    Departure {
        from: NodeId,
        life: u32,
        to: NodeId,
        body: M,
        size: u32,
        cause: InputId,
    },
    /// A wall-clock timer of the node may be due.
    Wall {
        node: NodeId,
        life: u32,
    },
    Calm,
}

/// After so many messages and timers there is a report, however little time has passed: a world that
/// is caught in itself can be broken off.
const BUSY: u64 = 100_000;

/// One run in progress.
pub(super) struct Wheel<'a, N: Node, R> {
    plan: &'a Plan,
    world: World<'a, R>,
    tasks: Rc<Tasks<N>>,
    agenda: Agenda<Due<N::Message>>,
    lives: Vec<Life>,
    /// What is wrong with whom.
    ailing: BTreeSet<(NodeId, Ailment)>,
    now: SimTime,
    /// The last number that was given.
    last: InputId,
    grain: u64,
    unfinished: usize,
    report_at: SimTime,
    /// How many messages and timers there had been at the last report.
    reported: u64,
    summary: Summary,
    turns: Vec<Turn>,
    effects: Vec<Effect<N::Message, N::Event>>,
}

impl<'a, N, R> Wheel<'a, N, R>
where
    N: Node + 'static,
    R: Recorder<N::Event> + Watcher<N::Message>,
{
    /// A world at its first moment: every node is about to start.
    pub(super) fn new(plan: &'a Plan, world: World<'a, R>, tasks: Rc<Tasks<N>>) -> Self {
        let clients = world.topology.nodes().filter(|(_, place)| place.role == Role::Client);
        let mut wheel = Self {
            plan,
            tasks,
            agenda: Agenda::new(),
            lives: world.topology.nodes().map(|_| Life::default()).collect(),
            ailing: BTreeSet::new(),
            now: SimTime::ZERO,
            last: InputId::NONE,
            grain: nanos(plan.grain).max(1),
            unfinished: clients.count(),
            report_at: plan.progress_every.map_or(SimTime::MAX, |every| SimTime::ZERO.after(every)),
            reported: 0,
            summary: Summary::default(),
            turns: Vec::new(),
            effects: Vec::new(),
            world,
        };
        for node in (0..).map(NodeId).take(wheel.lives.len()) {
            wheel.start(node);
        }
        if let Some(calm_at) = plan.calm_at {
            wheel.agenda.push(calm_at, Due::Calm);
        }
        wheel
    }

    /// Runs until something stops the run.
    pub(super) async fn run(
        mut self,
        progress: &mut impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Summary, RunError> {
        let had_clients = self.unfinished > 0;
        let stop = loop {
            self.tasks.handled().await.map_err(|fallen| self.panicked(fallen))?;
            self.apply()?;
            if had_clients && self.unfinished == 0 {
                break Stop::Finished;
            }
            match self.next() {
                None => break Stop::Quiescent,
                Some(next) if next > self.plan.until => break Stop::TimeLimit,
                Some(next) if self.report(next, progress).is_break() => break Stop::Interrupted,
                Some(next) => self.turn(next),
            }
        };
        if stop == Stop::TimeLimit {
            self.now = self.plan.until;
        }
        Ok(Summary { ended_at: self.now, stop, ..self.summary })
    }

    fn next(&self) -> Option<SimTime> {
        self.agenda.next().into_iter().chain(self.world.faults.next()).min()
    }

    fn report(
        &mut self,
        next: SimTime,
        progress: &mut impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Summary { messages, timers, .. } = self.summary;
        let busy = messages + timers >= self.reported.saturating_add(BUSY);
        if next < self.report_at && !(busy && self.plan.progress_every.is_some()) {
            return ControlFlow::Continue(());
        }
        self.reported = messages + timers;
        if next < self.report_at {
            return progress(&Progress { at: self.now, messages, timers });
        }
        let at = self.report_at;
        let every = nanos(self.plan.progress_every.unwrap_or_default()).max(1);
        let passed = next.since(at);
        let skipped = nanos(passed) / every;
        self.report_at =
            SimTime::from_nanos(at.nanos().saturating_add((skipped + 1).saturating_mul(every)));
        progress(&Progress { at, messages, timers })
    }

    /// One tick: faults first, then everything else that is due.
    fn turn(&mut self, now: SimTime) {
        self.now = self.now.max(now);
        self.tasks.tick(self.now);
        if self.world.faults.next().is_some_and(|due| due <= self.now) {
            for action in self.world.faults.act(self.now, &self.world.topology) {
                self.act(action);
            }
        }
        while let Some(due) = self.agenda.pop(self.now) {
            match due {
                Due::Input { to, life, input, id } => self.deliver(to, life, input, id),
                Due::Departure { from, life, to, body, size, cause } => {
                    self.depart((from, life), to, body, size, cause);
                }
                Due::Wall { node, life } => self.ring(node, life),
                Due::Calm => self.calm(),
            }
        }
    }

    fn deliver(&mut self, to: NodeId, number: u32, input: Input<N::Message>, id: InputId) {
        let life = &self.lives[to.index()];
        let arrives = life.number == number && life.holds == 0;
        let counter = match input {
            _ if !arrives => &mut self.summary.lost,
            Input::Message { .. } | Input::Garbled { .. } => &mut self.summary.messages,
            Input::Timer(_) | Input::Ail(_) | Input::Heal(_) => &mut self.summary.timers,
            Input::Start => &mut self.summary.starts,
        };
        *counter += 1;
        if arrives {
            let wall = life.clock.wall_micros(self.now);
            let id = self.number(to, &input, id);
            self.tasks.deliver(to, wall, (id, input));
        } else if matches!(input, Input::Message { .. } | Input::Garbled { .. }) {
            self.watch(Step::Lost { id, why: Loss::Receiver });
        }
    }

    /// The number of an input; what is no message gets one when it is due.
    fn number(&mut self, node: NodeId, input: &Input<N::Message>, id: InputId) -> InputId {
        let token = match input {
            Input::Message { .. } | Input::Garbled { .. } => return id,
            Input::Timer(token) => Some(*token),
            Input::Start | Input::Ail(_) | Input::Heal(_) => None,
        };
        let (id, cause) = (self.last.next(), id);
        self.watch(Step::Rang { id, cause, node, token });
        id
    }

    fn watch(&mut self, step: Step<'_, N::Message>) {
        self.world.recorder.watch(self.now, step);
    }

    fn start(&mut self, node: NodeId) {
        let life = self.lives[node.index()].number;
        let input = Input::Start;
        self.agenda.push(self.now, Due::Input { to: node, life, input, id: InputId::NONE });
    }

    fn apply(&mut self) -> Result<(), RunError> {
        let (mut turns, mut effects) =
            (std::mem::take(&mut self.turns), std::mem::take(&mut self.effects));
        self.tasks.take(&mut turns, &mut effects);
        let mut drained = effects.drain(..);
        let mut before = 0;
        for (node, id, after) in turns.drain(..) {
            self.watch(Step::Handled { id, node });
            for effect in drained.by_ref().take(after - before) {
                self.effect(node, effect, id)?;
            }
            before = after;
        }
        drop(drained);
        (self.turns, self.effects) = (turns, effects);
        Ok(())
    }

    #[inline]
    fn effect(
        &mut self,
        node: NodeId,
        effect: Effect<N::Message, N::Event>,
        cause: InputId,
    ) -> Result<(), RunError> {
        match effect {
            Effect::Send { to, body, size, after } => {
                return self.send(node, to, (body, size), after, cause);
            }
            Effect::After(duration, token) => {
                let (to, life) = (node, self.lives[node.index()].number);
                let due = self.later(self.now.after(duration));
                let input = Input::Timer(token);
                self.agenda.push(due, Due::Input { to, life, input, id: cause });
            }
            Effect::AtWall(micros, token) => {
                let life = &mut self.lives[node.index()];
                life.wall.push(Reverse((micros, life.armed, token, cause)));
                life.armed += 1;
                self.arm(node);
            }
            Effect::Record(event) => self.world.recorder.record(self.now, node, event),
            Effect::Finish => self.finish(node),
        }
        Ok(())
    }

    fn send(
        &mut self,
        from: NodeId,
        to: NodeId,
        (body, size): (N::Message, u32),
        after: u64,
        cause: InputId,
    ) -> Result<(), RunError> {
        if !self.world.topology.contains(to) {
            let nodes = self.lives.len();
            let message = format!("it sent a message to node {} of {nodes}", to.0);
            return Err(self.panicked(Fallen { node: from, message }));
        }
        if after == 0 {
            self.transmit(from, to, body, size, cause);
        } else {
            let life = self.lives[from.index()].number;
            let due = self.later(SimTime::from_nanos(self.now.nanos().saturating_add(after)));
            self.agenda.push(due, Due::Departure { from, life, to, body, size, cause });
        }
        Ok(())
    }

    fn depart(
        &mut self,
        (from, life): (NodeId, u32),
        to: NodeId,
        body: N::Message,
        size: u32,
        cause: InputId,
    ) {
        if self.lives[from.index()].number == life {
            self.transmit(from, to, body, size, cause);
        } else {
            let id = self.last.next();
            self.watch(Step::Sent { id, cause, from, to, body: &body });
            self.watch(Step::Lost { id, why: Loss::Sender });
            self.summary.lost += 1;
        }
    }

    /// Puts a message on the network.
    fn transmit(&mut self, from: NodeId, to: NodeId, body: N::Message, size: u32, cause: InputId) {
        let first = self.last.next();
        self.watch(Step::Sent { id: first, cause, from, to, body: &body });
        let World { network, faults, topology, .. } = &mut self.world;
        let envelope = network.envelope(from, to, size, self.now);
        let judgement = faults.judge(&envelope, topology);
        let arrivals = network.route(&envelope, &judgement).into_iter().flatten();
        let mut body = Some(body);
        let mut id = first;
        let mut lost = true;
        let mut arrivals = arrivals.peekable();
        while let Some(arrival) = arrivals.next() {
            if !lost {
                id = self.last.next();
                self.watch(Step::Copied { id, of: first });
            }
            lost = false;
            let body = if arrivals.peek().is_some() { body.clone() } else { body.take() };
            self.arrive(&envelope, arrival.content, self.now.after(arrival.delay), body, id);
        }
        if lost {
            let why = if judgement.dropped { Loss::Fault } else { Loss::Network };
            self.watch(Step::Lost { id, why });
            self.summary.lost += 1;
        }
    }

    fn arrive(
        &mut self,
        envelope: &Envelope,
        content: Content,
        due: SimTime,
        body: Option<N::Message>,
        id: InputId,
    ) {
        let Envelope { from, to, .. } = *envelope;
        let input = match (content, body) {
            (Content::Intact, Some(body)) => Input::Message { from, body },
            _ => {
                self.watch(Step::Damaged { id });
                Input::Garbled { from }
            }
        };
        let life = self.lives[to.index()].number;
        self.agenda.push(self.later(due), Due::Input { to, life, input, id });
    }

    /// The first grain at or after `due` that is later than now: time always moves on.
    fn later(&self, due: SimTime) -> SimTime {
        let due = due.nanos().max(self.now.nanos().saturating_add(1));
        SimTime::from_nanos(due.div_ceil(self.grain).saturating_mul(self.grain))
    }

    fn finish(&mut self, node: NodeId) {
        let client = self.world.topology.place(node).role == Role::Client;
        let life = &mut self.lives[node.index()];
        if client && !life.finished {
            life.finished = true;
            self.unfinished -= 1;
        }
    }

    /// Fires the wall-clock timers that are due.
    fn ring(&mut self, node: NodeId, number: u32) {
        let life = &mut self.lives[node.index()];
        if life.number != number {
            return;
        }
        life.rings = life.rings.filter(|rings| *rings > self.now);
        let wall = life.clock.wall_micros(self.now);
        while let Some((token, cause)) = self.lives[node.index()].due(wall) {
            self.deliver(node, number, Input::Timer(token), cause);
        }
        self.arm(node);
    }

    /// Sees to it that the first wall-clock timer rings in time.
    fn arm(&mut self, node: NodeId) {
        let life = &self.lives[node.index()];
        let Some(Reverse((micros, ..))) = life.wall.peek() else {
            return;
        };
        let due = self.later(life.clock.due(self.now, *micros));
        if life.rings.is_none_or(|rings| due < rings) {
            let number = life.number;
            self.lives[node.index()].rings = Some(due);
            self.agenda.push(due, Due::Wall { node, life: number });
        }
    }

    fn act(&mut self, action: NodeAction) {
        self.world.recorder.acted(self.now, action);
        match action {
            NodeAction::Crash(node) => self.crash(node),
            NodeAction::Restart(node) => self.restart(node),
            NodeAction::Skew(node, change) => self.skew(node, change),
            NodeAction::Ail(node, ailment) => {
                self.ailing.insert((node, ailment));
                self.tell(node, Input::Ail(ailment));
            }
            NodeAction::Heal(node, ailment) => {
                self.ailing.remove(&(node, ailment));
                self.tell(node, Input::Heal(ailment));
            }
        }
    }

    /// Tells a machine, whatever life it lives.
    fn tell(&mut self, node: NodeId, input: Input<N::Message>) {
        let id = self.number(node, &input, InputId::NONE);
        let clock = &self.lives[node.index()].clock;
        self.tasks.deliver(node, clock.wall_micros(self.now), (id, input));
    }

    fn crash(&mut self, node: NodeId) {
        let life = &mut self.lives[node.index()];
        life.holds += 1;
        if life.holds == 1 {
            life.number += 1;
            life.wall.clear();
            life.rings = None;
            self.summary.crashes += 1;
            self.tasks.crash(node);
        }
    }

    fn restart(&mut self, node: NodeId) {
        let life = &mut self.lives[node.index()];
        life.holds = life.holds.saturating_sub(1);
        if life.holds == 0 {
            life.number += 1;
            self.start(node);
        }
    }

    fn skew(&mut self, node: NodeId, change: ClockChange) {
        let life = &mut self.lives[node.index()];
        life.clock.change(self.now, change);
        let number = life.number;
        self.ring(node, number);
    }

    /// Ends the storm: no more faults, every node well and up, every clock right.
    fn calm(&mut self) {
        self.world.faults.end_all();
        for (node, ailment) in std::mem::take(&mut self.ailing) {
            self.act(NodeAction::Heal(node, ailment));
        }
        for node in (0..).map(NodeId).take(self.lives.len()) {
            let life = &mut self.lives[node.index()];
            if life.holds > 0 {
                life.holds = 1;
                self.act(NodeAction::Restart(node));
            }
            if !self.lives[node.index()].clock.is_true() {
                self.act(NodeAction::Skew(node, ClockChange::Correct));
            }
        }
    }

    fn panicked(&self, Fallen { node, message }: Fallen) -> RunError {
        let name = self.world.topology.name(node);
        RunError::Panicked { node, name, at: self.now, message }
    }
}
