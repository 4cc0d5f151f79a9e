//! Threads that carry out commands, so that nobody who asks has to wait for an HSM that hangs.
//!
//! There are as many as there is work at once: one that finds none for a while ends. How much work there
//! can be is bounded by what a fleet lets be outstanding.

use super::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a thread waits for more work.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// The threads.
#[derive(Clone, Default)]
pub(super) struct Crew {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

/// Work that waits for a thread, and threads that wait for work.
#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    idle: usize,
}

impl Crew {
    /// Has a job done, by a thread that is idle or else by a new one.
    pub(super) fn submit(&self, job: Job) {
        let mut waiting = lock(&self.shared.waiting);
        waiting.jobs.push_back(job);
        if waiting.idle >= waiting.jobs.len() {
            return self.shared.bell.notify_one();
        }
        drop(waiting);
        let shared = self.shared.clone();
        // Where there can be no more threads, those that there are come to it in their turn.
        let _ = std::thread::Builder::new().name("hsm".to_owned()).spawn(move || shared.work());
    }
}

impl Shared {
    fn work(&self) {
        while let Some(job) = self.next() {
            job();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_job_that_hangs_holds_up_no_other() {
        let crew = Crew::default();
        let (release, held) = mpsc::channel::<()>();
        crew.submit(Box::new(move || {
            let _ = held.recv();
        }));
        let (done, all) = mpsc::channel();
        for number in 0..100 {
            let done = done.clone();
            crew.submit(Box::new(move || done.send(number).unwrap()));
        }
        drop(done);
        let mut numbers: Vec<i32> = all.iter().collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..100));
        drop(release);
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let crew = Crew::default();
        let (done, answers) = mpsc::channel();
        let mut threads = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let done = done.clone();
            let name = move || format!("{:?}", std::thread::current().id());
            crew.submit(Box::new(move || done.send(name()).unwrap()));
            threads.insert(answers.recv().unwrap());
            while lock(&crew.shared.waiting).idle < threads.len() {
                std::thread::yield_now();
            }
        }
        assert_eq!(threads.len(), 1);
    }
}
