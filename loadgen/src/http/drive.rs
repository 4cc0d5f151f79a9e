//! The loop of one thread over HTTP: starts are sent when they are meant to be, on whatever connection is
//! free, and answers are waited for side by side.
//!
//! A start that finds no connection free waits for one. That is part of its response time, and its lag
//! says so.

use super::alarm::Alarm;
use super::answer::Answer;
use super::connection::{Connection, Letterhead};
use super::desk::{Answered, Desk};
use super::endpoint::Endpoint;
use super::ledger::Ledger;
use super::sign::Date;
use super::signers::Signers;
use crate::drive::{Driven, GLANCE, Pace, Told};
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::rota::{Rota, Start};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kms_core::wire;
use scenarios::Planned;
use std::cell::RefCell;
use std::time::Duration;

/// Opens the connections of a thread before the run begins.
///
/// # Errors
/// When the endpoint cannot be reached.
pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Vec<Connection<'_>>, String> {
    let mut all = Vec::new();
    for _ in 0..endpoint.connections.max(1) {
        let mut connection = Connection::new(endpoint);
        connection.open().await.map_err(|why| format!("{endpoint}: {}", why.said()))?;
        all.push(connection);
    }
    Ok(all)
}

/// Plays a rota over connections until nothing is left or `told` breaks it off. As in process, `told`
/// gets the recorder at every answer, and here every now and then without one.
pub(crate) async fn drive(
    (rota, signers, ledger): (Rota, Signers, &Ledger),
    letterhead: &Letterhead,
    connections: Vec<Connection<'_>>,
    pace: Pace<'_>,
    told: &mut Told<'_>,
) -> (Driven, Recorder) {
    let desk = RefCell::new(Desk::new(rota, (signers, ledger), pace, told));
    let bells = Bells::default();
    {
        let worker = |connection| work(&desk, &bells, letterhead, connection);
        let mut workers: FuturesUnordered<_> = connections.into_iter().map(worker).collect();
        let everybody = async { while workers.next().await.is_some() {} };
        tokio::join!(watch(&desk, &bells, pace), everybody);
    }
    desk.into_inner().ended()
}

/// What wakes whom.
#[derive(Default)]
struct Bells {
    /// A start is due.
    due: tokio::sync::Notify,
    /// The next start is another than was thought, or nothing is left.
    plan: tokio::sync::Notify,
}

/// Puts starts that are due before the workers, until the end.
async fn watch(desk: &RefCell<Desk<'_>>, bells: &Bells, pace: Pace<'_>) {
    let alarm = Alarm::new(pace.pacer != Pacer::SPIN);
    loop {
        let now = pace.began.elapsed();
        let (fresh, next) = {
            let mut desk = desk.borrow_mut();
            let fresh = desk.glance(now);
            (fresh, desk.next(now))
        };
        (0..fresh).for_each(|_| bells.due.notify_one());
        let Some(next) = next else { break };
        tokio::select! {
            () = alarm.wait(pace.began + next.min(now + GLANCE)) => {}
            () = bells.plan.notified() => {}
        }
    }
    bells.due.notify_waiters();
}

/// Sends on one connection what is due.
async fn work(
    desk: &RefCell<Desk<'_>>,
    bells: &Bells,
    letterhead: &Letterhead,
    mut connection: Connection<'_>,
) {
    let mut date = Date::now();
    loop {
        let (start, over) = {
            let mut desk = desk.borrow_mut();
            (desk.take(), desk.is_over())
        };
        match start {
            Some(start) => {
                date.follow();
                let mut line = Line { letterhead, date: &date, connection: &mut connection };
                let Answered { changed, parting } = call(desk, &mut line, start).await;
                if changed {
                    bells.plan.notify_one();
                }
                for parting in parting {
                    let (_, answer) = line.ask(desk, &parting).await;
                    desk.borrow_mut().parted(&parting, answer);
                }
            }
            None if over => return,
            None => bells.due.notified().await,
        }
    }
}

/// A connection, and what it takes to write a request for it.
struct Line<'a, 'e> {
    letterhead: &'a Letterhead,
    date: &'a Date,
    connection: &'a mut Connection<'e>,
}

impl Line<'_, '_> {
    /// Sends a request and waits for its answer; when it was sent, too.
    async fn ask(&mut self, desk: &RefCell<Desk<'_>>, planned: &Planned) -> (Duration, Answer) {
        let operation = planned.request.operation();
        let request = {
            let mut desk = desk.borrow_mut();
            let signer = desk.signer(planned);
            let body = wire::encode_request(&planned.request);
            self.letterhead.request(signer, self.date, (planned.region, operation), body)
        };
        let sent = desk.borrow().now();
        let reply = self.connection.send(request).await;
        (sent, Answer::of(operation, reply))
    }
}

/// One call.
async fn call(desk: &RefCell<Desk<'_>>, line: &mut Line<'_, '_>, start: Start) -> Answered {
    let planned = desk.borrow_mut().plan(start);
    let (sent, answer) = line.ask(desk, &planned).await;
    desk.borrow_mut().answered(start, sent, &planned, answer)
}
