//! What is behind the custom key stores of a Region: proxies with their key managers, on one machine.
//!
//! It serves any number of requests at once, each as long as the model says. External keys lie on the
//! key manager's own disks, so a crash loses nothing but the requests under way.

use super::{In, NamedRandom, Out};
use crate::driver::{Input, Node, Now};
use crate::history::Event;
use crate::message::Message;
use crate::random::Seed;
use kms_core::key_store::model::Backends;
use std::time::Duration;

/// The machine.
pub struct KeyStoreNode {
    backends: Backends,
    seed: Seed,
    takes: Duration,
}

impl KeyStoreNode {
    /// A machine with these proxies, each request to which takes so long.
    pub fn new(backends: Backends, seed: Seed, takes: Duration) -> KeyStoreNode {
        KeyStoreNode { backends, seed, takes }
    }
}

impl Node for KeyStoreNode {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        let Input::Message { from, body: Message::KeyStoreCommand { ask, draw, command } } = input
        else {
            return;
        };
        let (request, attempt) = draw;
        let mut random = NamedRandom::new(self.seed, now.node, request, attempt);
        let result = self.backends.execute(&command, &mut random);
        out.record(Event::Executed { command: command.name(), done: result.is_ok() });
        out.send_after(self.takes, from, Message::KeyStoreReply { ask, result }, 1024);
    }

    fn crash(&mut self) {}
}
