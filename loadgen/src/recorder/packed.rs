//! A recorder that takes little room: of each histogram, which values it has and how often.
//!
//! The library's own form of a histogram is as small, but writing and reading it take buffers and another
//! histogram, of hundreds of kilobytes each. A long load that now and then makes one interval of every two
//! would leave its heap full of holes.

use super::Recorder;
use hdrhistogram::Histogram;
use kms_core::error::ErrorCode;
use std::collections::BTreeMap;

/// A recorder in little room.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// Response, service and lag.
    histograms: [Counts; 3],
    late: u64,
    in_flight: u64,
    pooled: Box<[u64]>,
    errors: Box<[(ErrorCode, u64)]>,
    others: BTreeMap<String, u64>,
}

impl Recorder {
    /// The same in little room.
    pub(crate) fn pack(&self) -> Packed {
        let last = self.pooled.iter().rposition(|calls| *calls > 0);
        Packed {
            histograms: [&self.response, &self.service, &self.lag].map(Counts::of),
            late: self.late,
            in_flight: self.in_flight,
            pooled: self.pooled[..last.map_or(0, |last| last + 1)].into(),
            errors: self.errors().collect(),
            others: self.others.clone(),
        }
    }

    /// Adds what was packed; the most calls under way at once are the most of both.
    pub(crate) fn add_packed(&mut self, packed: &Packed) {
        let [response, service, lag] = &packed.histograms;
        response.add_to(&mut self.response);
        service.add_to(&mut self.service);
        lag.add_to(&mut self.lag);
        self.late += packed.late;
        self.under_way(packed.in_flight);
        self.pooled.iter_mut().zip(&packed.pooled).for_each(|(sum, part)| *sum += part);
        packed.errors.iter().for_each(|(code, count)| self.errors[*code as usize] += count);
        packed.others.iter().for_each(|(name, count)| self.add_other(name, *count));
    }
}

impl Packed {
    /// The most calls that were under way at once.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// How much room its histograms take, which is nearly all of it.
    pub(crate) fn bytes(&self) -> usize {
        self.histograms.iter().map(|counts| counts.0.len()).sum()
    }
}

/// What a histogram counts: for each value how far it is from the one before, and its count, seven bits in
/// a byte and the least significant ones first; the last byte of a number is below 128.
#[derive(Clone, Debug)]
struct Counts(Box<[u8]>);

impl Counts {
    fn of(histogram: &Histogram<u64>) -> Counts {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for one in histogram.iter_recorded() {
            write(&mut bytes, one.value_iterated_to() - before);
            write(&mut bytes, one.count_at_value());
            before = one.value_iterated_to();
        }
        Counts(bytes.into())
    }

    fn add_to(&self, histogram: &mut Histogram<u64>) {
        let (mut rest, mut value) = (&self.0[..], 0);
        while let (Some(step), Some(count)) = (read(&mut rest), read(&mut rest)) {
            value += step;
            histogram.saturating_record_n(value, count);
        }
    }
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().position(|byte| *byte < 0x80)? + 1;
    let (digits, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(digits.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let mut bytes = Vec::new();
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 60_000_000_000, u64::MAX];
        numbers.iter().for_each(|number| write(&mut bytes, *number));
        let mut rest = &bytes[..];
        assert_eq!(numbers.map(|_| read(&mut rest)), numbers.map(Some));
        assert_eq!((read(&mut rest), rest.len()), (None, 0));
    }

    #[test]
    fn what_was_packed_is_as_it_was_and_twice_is_twice_as_much() {
        let mut recorder = Recorder::new();
        for micros in 1..500 {
            recorder.note(Duration::from_micros(micros), Duration::from_micros(3), None);
        }
        recorder.note_other(Duration::ZERO, Duration::from_secs(90), "Timeout");
        recorder.note(Duration::ZERO, Duration::ZERO, Some(ErrorCode::Throttling));
        recorder.under_way(7);
        (0..5).for_each(|_| recorder.draw(2));
        let packed = recorder.pack();
        let mut unpacked = Recorder::new();
        unpacked.add_packed(&packed);
        assert_eq!(unpacked.response, recorder.response);
        assert_eq!((&unpacked.service, &unpacked.lag), (&recorder.service, &recorder.lag));
        let counted =
            |recorder: &Recorder| (recorder.late, recorder.in_flight, recorder.pooled()[2]);
        assert_eq!(counted(&unpacked), (recorder.late, 7, 5));
        assert!(unpacked.errors().eq(recorder.errors()) && unpacked.others().eq(recorder.others()));
        unpacked.add_packed(&packed);
        assert_eq!(counted(&unpacked), (2 * recorder.late, 7, 10));
        assert_eq!(unpacked.response.len(), 2 * recorder.response.len());
        assert_eq!(unpacked.response.max(), recorder.response.max());
        assert!(unpacked.others().eq([("Timeout", 2)]));
    }
}
