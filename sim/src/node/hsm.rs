//! An HSM as a machine: one command after another, each taking its time, and a memory that a power
//! cut empties.

use super::{In, NamedRandom, Out};
use crate::clock::SimTime;
use crate::driver::{Input, Node, Now};
use crate::history::Event;
use crate::message::Message;
use crate::random::Seed;
use kms_core::hsm::{Command, Fault, HsmDevice};
use std::collections::VecDeque;
use std::time::Duration;

/// How long an HSM takes.
#[derive(Clone, Copy, Debug)]
pub struct ServiceTime {
    /// For a symmetric command, and for each key token of a batch.
    pub symmetric: Duration,
    /// For a command with public-key cryptography.
    pub asymmetric: Duration,
    /// How many commands may wait; to more it answers that it is busy.
    pub queue: usize,
}

/// An HSM.
pub struct HsmNode {
    device: HsmDevice,
    seed: Seed,
    service: ServiceTime,
    busy_until: SimTime,
    /// When each command that waits or is served will have been, in order.
    queue: VecDeque<SimTime>,
}

impl HsmNode {
    /// An HSM that may have joined its domain already.
    pub fn new(device: HsmDevice, seed: Seed, service: ServiceTime) -> HsmNode {
        HsmNode { device, seed, service, busy_until: SimTime::ZERO, queue: VecDeque::new() }
    }

    /// Whether one more command may wait.
    fn has_room(&mut self, now: SimTime) -> bool {
        while self.queue.front().is_some_and(|served| *served <= now) {
            self.queue.pop_front();
        }
        self.queue.len() < self.service.queue
    }

    fn takes(&self, command: &Command) -> Duration {
        match command {
            Command::ReencryptTokens { tokens, .. } => {
                self.service.symmetric * u32::try_from(tokens.len()).unwrap_or(u32::MAX)
            }
            Command::OfferTransfer { .. }
            | Command::ExportBackingKeys { .. }
            | Command::ImportBackingKeys { .. }
            | Command::ChangeDomain { .. }
            | Command::Join { .. }
            | Command::RotateDomainKey { .. }
            | Command::Sign { .. }
            | Command::Verify { .. }
            | Command::Encapsulate { .. }
            | Command::Decapsulate { .. }
            | Command::DeriveSharedSecret { .. }
            | Command::GenerateDataKeyPair { .. } => self.service.asymmetric,
            Command::GenerateBackingKey { spec, .. } if spec.is_asymmetric() => {
                self.service.asymmetric
            }
            _ => self.service.symmetric,
        }
    }
}

impl Node for HsmNode {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        let Input::Message {
            from,
            body: Message::HsmCommand { ask, draw, command, tokens, domain, mandate },
        } = input
        else {
            return;
        };
        if !self.has_room(now.monotonic) {
            out.record(Event::Executed { command: command.name(), done: false });
            let result = Err(Fault::Busy);
            return out.send(from, Message::HsmReply { ask, draw, result }, 64);
        }
        let (request, attempt) = draw;
        let mut random = NamedRandom::new(self.seed, now.node, request, attempt);
        let result = match mandate {
            Some(mandate) => self.device.manage(&command, &mandate, &mut random),
            None => self.device.serve(&command, &tokens, domain, &mut random),
        };
        out.record(Event::Executed { command: command.name(), done: result.is_ok() });
        let start = self.busy_until.max(now.monotonic);
        self.busy_until = start.after(self.takes(&command));
        self.queue.push_back(self.busy_until);
        let wait = self.busy_until.since(now.monotonic);
        out.send_after(wait, from, Message::HsmReply { ask, draw, result }, 256);
    }

    fn crash(&mut self) {
        self.device.reset();
        self.busy_until = SimTime::ZERO;
        self.queue.clear();
    }
}
