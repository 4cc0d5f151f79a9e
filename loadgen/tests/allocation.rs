//! What is measured of a call costs no allocation. This is a binary of its own, because every allocation of
//! the process is counted.

use allocation_counter::measure;
use kms_core::error::ErrorCode;
use loadgen::Recorder;
use std::time::Duration;

#[test]
fn noting_a_call_allocates_nothing() {
    let mut recorder = Recorder::new();
    recorder.note_other(Duration::ZERO, Duration::ZERO, "Timeout");
    let counted = measure(|| {
        for nanos in 0..100_000_u64 {
            let (lag, service) = (Duration::from_nanos(nanos), Duration::from_micros(nanos));
            let error = ErrorCode::ALL.get(usize::try_from(nanos).unwrap_or(0));
            recorder.under_way(nanos);
            recorder.note(lag, service, error.copied());
            recorder.note_other(lag, service, "Timeout");
            recorder.draw(3);
        }
    });
    assert_eq!((counted.count_total, recorder.answered()), (0, 200_001), "{counted:?}");
    // The counter counts.
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn a_recorder_that_is_emptied_and_added_to_keeps_its_memory() {
    let (mut one, mut sum) = (Recorder::new(), Recorder::new());
    one.note(Duration::ZERO, Duration::from_millis(1), Some(ErrorCode::Throttling));
    let counted = measure(|| {
        for _ in 0..100 {
            sum.add(&one);
            sum.clear();
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
