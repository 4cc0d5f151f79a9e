//! Threads that carry out commands, so that nobody who asks has to wait for an HSM that hangs.
//!
//! There are as many as there is work at once, up to a limit; more work waits in a queue. A thread that
//! finds none for a while ends.

use super::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a thread waits for more work.
const IDLE: Duration = Duration::from_secs(5);

/// Work, which is told the number of the thread that does it: no other has it meanwhile.
type Job = Box<dyn FnOnce(usize) + Send>;

/// The threads.
#[derive(Clone)]
pub(super) struct Crew {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

/// Work that waits for a thread, threads that wait for work, and numbers that no thread has.
struct Waiting {
    jobs: VecDeque<Job>,
    idle: usize,
    free: Vec<usize>,
}

/// A thread's number, which it gives back however it ends.
struct Number<'s>(&'s Shared, usize);

impl Crew {
    /// At most so many threads, numbered from zero.
    pub(super) fn new(at_most: usize) -> Crew {
        let free = (0..at_most.max(1)).rev().collect();
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), idle: 0, free });
        Crew { shared: Arc::new(Shared { waiting, bell: Condvar::new() }) }
    }

    /// Has a job done: by a thread that is idle, by a new one, or by the next that is done with another.
    pub(super) fn submit(&self, job: Job) {
        let mut waiting = lock(&self.shared.waiting);
        waiting.jobs.push_back(job);
        if waiting.idle >= waiting.jobs.len() {
            return self.shared.bell.notify_one();
        }
        let Some(number) = waiting.free.pop() else { return };
        drop(waiting);
        let shared = self.shared.clone();
        let work = move || shared.work(&Number(&shared, number));
        if std::thread::Builder::new().name("hsm".to_owned()).spawn(work).is_err() {
            // Where there can be no more threads, those that there are come to it in their turn.
            lock(&self.shared.waiting).free.push(number);
        }
    }
}

impl Shared {
    fn work(&self, number: &Number<'_>) {
        while let Some(job) = self.next() {
            job(number.1);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = lock(&self.waiting);
        if let Some(job) = waiting.jobs.pop_front() {
            return Some(job);
        }
        waiting.idle += 1;
        let woken = self.bell.wait_timeout_while(waiting, IDLE, |waiting| waiting.jobs.is_empty());
        let (mut waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
        waiting.idle -= 1;
        waiting.jobs.pop_front()
    }
}

impl Drop for Number<'_> {
    fn drop(&mut self) {
        lock(&self.0.waiting).free.push(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_job_that_hangs_holds_up_no_other() {
        let crew = Crew::new(2);
        let (release, held) = mpsc::channel::<()>();
        crew.submit(Box::new(move |_| {
            let _ = held.recv();
        }));
        let (done, all) = mpsc::channel();
        for number in 0..100 {
            let done = done.clone();
            crew.submit(Box::new(move |_| done.send(number).unwrap()));
        }
        drop(done);
        let mut numbers: Vec<i32> = all.iter().collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..100));
        drop(release);
    }

    #[test]
    fn no_two_jobs_have_a_thread_of_one_number_at_once() {
        let crew = Crew::new(3);
        let busy: Arc<Vec<Mutex<()>>> = Arc::new((0..3).map(|_| Mutex::default()).collect());
        let (done, all) = mpsc::channel();
        for _ in 0..200 {
            let (busy, done) = (busy.clone(), done.clone());
            crew.submit(Box::new(move |number| {
                let alone = busy[number].try_lock().is_ok_and(|_held| {
                    std::thread::yield_now();
                    true
                });
                done.send(alone).unwrap();
            }));
        }
        drop(done);
        assert_eq!(all.iter().filter(|alone| *alone).count(), 200);
    }

    #[test]
    fn a_thread_that_breaks_down_is_replaced() {
        let crew = Crew::new(1);
        let (done, answers) = mpsc::channel();
        crew.submit(Box::new(|_| panic!("on purpose")));
        while lock(&crew.shared.waiting).free.is_empty() {
            std::thread::yield_now();
        }
        crew.submit(Box::new(move |number| done.send(number).unwrap()));
        assert_eq!(answers.recv(), Ok(0));
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let crew = Crew::new(4);
        let (done, answers) = mpsc::channel();
        let mut threads = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let done = done.clone();
            let name = move || format!("{:?}", std::thread::current().id());
            crew.submit(Box::new(move |_| done.send(name()).unwrap()));
            threads.insert(answers.recv().unwrap());
            while lock(&crew.shared.waiting).idle < threads.len() {
                std::thread::yield_now();
            }
        }
        assert_eq!(threads.len(), 1);
    }
}
