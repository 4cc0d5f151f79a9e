//! Several runs at a time, with what came of them in the order in which they were asked for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Does the work of every index below `count`, at most `width` at a time, and hands the results to
/// `take` in order. `take` may break off: what has begun ends, nothing more begins.
pub(crate) fn ordered<T: Send>(
    count: usize,
    width: usize,
    work: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) {
    let indices = Mutex::new(0..count);
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        for _ in 0..width.min(count) {
            let sender = sender.clone();
            let (indices, work) = (&indices, &work);
            scope.spawn(move || work_off(indices, work, &sender));
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&next) {
                next += 1;
                if take(result).is_break() {
                    close(&indices);
                    return;
                }
            }
        }
    });
}

fn work_off<T>(
    indices: &Mutex<std::ops::Range<usize>>,
    work: impl Fn(usize) -> T,
    results: &Sender<(usize, T)>,
) {
    while let Some(index) = next(indices) {
        if results.send((index, work(index))).is_err() {
            return;
        }
    }
}

/// A worker that panicked left the range whole: it only ever takes one number.
fn next(indices: &Mutex<std::ops::Range<usize>>) -> Option<usize> {
    indices.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next()
}

fn close(indices: &Mutex<std::ops::Range<usize>>) {
    *indices.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = 0..0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_however_long_they_take() {
        let mut taken = Vec::new();
        let slow = |index: usize| {
            thread::sleep(Duration::from_millis(if index.is_multiple_of(2) { 5 } else { 0 }));
            index
        };
        ordered(9, 4, slow, |index| {
            taken.push(index);
            ControlFlow::Continue(())
        });
        assert_eq!(taken, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_more_begins_after_a_break() {
        let begun = Mutex::new(0);
        let work = |index: usize| {
            *begun.lock().unwrap() += 1;
            index
        };
        let slow = |index| {
            thread::sleep(Duration::from_millis(1));
            work(index)
        };
        ordered(1_000, 1, slow, |_| ControlFlow::Break(()));
        assert!(*begun.lock().unwrap() < 1_000);
    }
}
