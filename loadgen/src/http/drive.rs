//! The loop of one thread over HTTP: starts are sent when they are meant to be, on whatever connection is
//! free, and answers are waited for side by side.
//!
//! A start that finds no connection free waits for one. That is part of its response time, and its lag
//! says so.

use super::alarm::Alarm;
use super::answer::Answer;
use super::connection::{Connection, Letterhead};
use super::desk::Desk;
use super::endpoint::Endpoint;
use super::ledger::Ledger;
use super::sign::Date;
use super::signers::Signers;
use crate::drive::{Driven, Pace, Told};
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::rota::{Rota, Start};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kms_core::wire;
use std::cell::RefCell;
use std::time::Duration;

/// How often what is not an answer is looked at: whether the run was broken off, and the second.
const GLANCE: Duration = Duration::from_millis(100);

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
                let changed = call(desk, letterhead, &mut connection, &date, start).await;
                if changed {
                    bells.plan.notify_one();
                }
            }
            None if over => return,
            None => bells.due.notified().await,
        }
    }
}

/// One call; whether that changed what is next.
async fn call(
    desk: &RefCell<Desk<'_>>,
    letterhead: &Letterhead,
    connection: &mut Connection<'_>,
    date: &Date,
    start: Start,
) -> bool {
    let (planned, request) = {
        let mut desk = desk.borrow_mut();
        let planned = desk.plan(start);
        let signer = desk.signer(&planned);
        let what = (planned.region, planned.request.operation());
        let body = wire::encode_request(&planned.request);
        (planned, letterhead.request(signer, date, what, body))
    };
    let sent = desk.borrow().now();
    let reply = connection.send(request).await;
    let answer = Answer::of(planned.request.operation(), reply);
    desk.borrow_mut().answered(start, sent, &planned, answer)
}
