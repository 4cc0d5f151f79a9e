//! Nodes as madsim tasks.
//!
//! Each node is one task with a mailbox. All inputs of a tick are put into the mailboxes and their
//! tasks woken; madsim then picks among the ready tasks at random, one input at a time, and the
//! sequence it picks is the interleaving of this seed. The effects collect in one outbox, in the
//! order of handling, until the wheel takes them at the end of the tick.
//!
//! All tasks belong to madsim's main node: a simulated crash is a generation number of the wheel
//! and a call of [`Node::crash`], so the state machine survives it; killing a madsim node would drop
//! the state. It is also cheaper.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::clock::SimTime;
use crate::driver::node::{Effect, Input, Node, Now, Outbox};
use crate::driver::watch::InputId;
use crate::place::NodeId;

/// A node panicked, with this message.
#[derive(Debug)]
pub(super) struct Fallen {
    pub(super) node: NodeId,
    pub(super) message: String,
}

/// Which input a node handled, and how many effects the outbox held afterwards.
pub(super) type Turn = (NodeId, InputId, usize);

/// All nodes of a run, shared between their tasks and the wheel.
pub(super) struct Tasks<N: Node> {
    slots: Vec<Slot<N>>,
    outbox: RefCell<Outbox<N::Message, N::Event>>,
    turns: RefCell<Vec<Turn>>,
    now: Cell<SimTime>,
    /// Inputs in mailboxes.
    busy: Cell<usize>,
    /// Tasks that have not ended.
    alive: Cell<usize>,
    ending: Cell<bool>,
    fallen: RefCell<Option<Fallen>>,
    wheel: RefCell<Option<Waker>>,
}

struct Slot<N: Node> {
    node: RefCell<N>,
    mailbox: RefCell<VecDeque<(InputId, Input<N::Message>)>>,
    wall_micros: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl<N: Node + 'static> Tasks<N> {
    /// Starts one task per node in the current madsim runtime.
    pub(super) fn spawn(nodes: Vec<N>) -> Rc<Self> {
        let tasks = Rc::new(Self {
            alive: Cell::new(nodes.len()),
            slots: nodes.into_iter().map(Slot::new).collect(),
            outbox: RefCell::default(),
            turns: RefCell::default(),
            now: Cell::default(),
            busy: Cell::new(0),
            ending: Cell::new(false),
            fallen: RefCell::new(None),
            wheel: RefCell::new(None),
        });
        for node in (0..).map(NodeId).take(tasks.slots.len()) {
            let tasks = Rc::clone(&tasks);
            madsim::task::spawn_local(poll_fn(move |cx| tasks.poll(node, cx)));
        }
        tasks
    }

    /// Begins a tick.
    pub(super) fn tick(&self, now: SimTime) {
        self.now.set(now);
    }

    /// Puts an input into a mailbox, to be handled within this tick.
    pub(super) fn deliver(
        &self,
        node: NodeId,
        wall_micros: u64,
        input: (InputId, Input<N::Message>),
    ) {
        let slot = &self.slots[node.index()];
        slot.wall_micros.set(wall_micros);
        let mut mailbox = slot.mailbox.borrow_mut();
        mailbox.push_back(input);
        self.busy.set(self.busy.get() + 1);
        if mailbox.len() == 1 {
            slot.wake();
        }
    }

    /// Calls [`Node::crash`].
    pub(super) fn crash(&self, node: NodeId) {
        let slot = &self.slots[node.index()];
        self.guard(node, || slot.node.borrow_mut().crash());
    }

    /// Waits until every input of the tick has been handled, or a node panicked.
    pub(super) async fn handled(&self) -> Result<(), Fallen> {
        self.wait(|tasks| tasks.busy.get() == 0 || tasks.fallen.borrow().is_some()).await;
        self.fallen.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// Takes the turns and effects of a tick; the empty buffers given are used for the next one.
    pub(super) fn take(
        &self,
        turns: &mut Vec<Turn>,
        effects: &mut Vec<Effect<N::Message, N::Event>>,
    ) {
        std::mem::swap(&mut *self.turns.borrow_mut(), turns);
        self.outbox.borrow_mut().swap(effects);
    }

    /// Lets every task end and drop what it holds. Without it a runtime keeps pending tasks, and
    /// all that they own, for ever.
    pub(super) async fn end(&self) {
        self.ending.set(true);
        self.slots.iter().for_each(Slot::wake);
        self.wait(|tasks| tasks.alive.get() == 0).await;
        self.slots.iter().for_each(|slot| drop(slot.waker.take()));
        drop(self.wheel.take());
    }

    async fn wait(&self, done: impl Fn(&Self) -> bool) {
        poll_fn(|cx| {
            if done(self) {
                return Poll::Ready(());
            }
            keep(&self.wheel, cx);
            Poll::Pending
        })
        .await;
    }

    fn poll(&self, node: NodeId, cx: &Context<'_>) -> Poll<()> {
        if self.ending.get() {
            self.alive.set(self.alive.get() - 1);
            self.wake_wheel_if(self.alive.get() == 0);
            return Poll::Ready(());
        }
        let slot = &self.slots[node.index()];
        keep(&slot.waker, cx);
        if let Some(input) = slot.next() {
            self.handle(node, slot, input);
        }
        Poll::Pending
    }

    fn handle(&self, node: NodeId, slot: &Slot<N>, (id, input): (InputId, Input<N::Message>)) {
        let now = Now { wall_micros: slot.wall_micros.get(), monotonic: self.now.get(), node };
        self.guard(node, || {
            let mut outbox = self.outbox.borrow_mut();
            slot.node.borrow_mut().handle(now, input, &mut outbox);
            self.turns.borrow_mut().push((node, id, outbox.len()));
        });
        self.busy.set(self.busy.get() - 1);
        self.wake_wheel_if(self.busy.get() == 0);
    }

    /// A panic must name the node and spare the process.
    fn guard(&self, node: NodeId, work: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            let message = message(payload.as_ref());
            self.fallen.borrow_mut().get_or_insert(Fallen { node, message });
            self.wake_wheel_if(true);
        }
    }

    fn wake_wheel_if(&self, condition: bool) {
        if condition && let Some(waker) = &*self.wheel.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl<N: Node> Slot<N> {
    fn new(node: N) -> Self {
        Self {
            node: RefCell::new(node),
            mailbox: RefCell::default(),
            wall_micros: Cell::new(0),
            waker: RefCell::new(None),
        }
    }

    /// The next input; the task is woken again if there are more, so that others get between.
    fn next(&self) -> Option<(InputId, Input<N::Message>)> {
        let mut mailbox = self.mailbox.borrow_mut();
        let input = mailbox.pop_front();
        if !mailbox.is_empty() {
            self.wake();
        }
        input
    }

    /// A task that has not run yet has no waker and needs none: it is ready anyway.
    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// Keeps the waker of a task. It never changes, so it is cloned once.
fn keep(place: &RefCell<Option<Waker>>, cx: &Context<'_>) {
    place.borrow_mut().get_or_insert_with(|| cx.waker().clone());
}

/// What a panic said.
pub(super) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
