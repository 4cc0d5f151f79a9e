//! Measurements for other people's tools: percentiles, CSV, and the interval log of HdrHistogram.

use crate::outcome::{Quota, Sample};
use crate::recorder::Recorder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriter, IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};
use std::fmt::Write;
use std::io;
use std::time::{Duration, SystemTime};

/// Nanoseconds in a millisecond, the unit of interval logs.
const MILLI: f64 = 1e6;

/// A percentile distribution in microseconds, as the plotter of HdrHistogram reads it.
pub fn percentiles(histogram: &Histogram<u64>) -> String {
    let mut text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n".to_owned();
    let mut seen = 0;
    for step in histogram.iter_quantiles(5) {
        seen += step.count_since_last_iteration();
        let (value, share) = (step.value_iterated_to() as f64 / 1e3, step.quantile_iterated_to());
        let _ = match share < 1.0 {
            true => {
                writeln!(text, "{value:12.3} {share:14.12} {seen:10} {:14.2}", 1.0 / (1.0 - share))
            }
            false => writeln!(text, "{value:12.3} {share:14.12} {seen:10}"),
        };
    }
    let (mean, deviation) = (histogram.mean() / 1e3, histogram.stdev() / 1e3);
    let (max, count) = (histogram.max() as f64 / 1e3, histogram.len());
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    text
}

/// The samples, a line each; times in nanoseconds. Each quota has a column of what was drawn from it.
pub fn csv(samples: &[Sample], quotas: &[Quota]) -> String {
    let mut text = "second,seconds,offered,answered,throttled,late,in_flight,response_p50,\
                    response_p99,response_p99_9,response_max,service_p50,service_p99,service_p99_9,\
                    service_max,lag_p50,lag_p99,lag_max"
        .to_owned();
    quotas.iter().for_each(|quota| text += &format!(",quota {}", quota.pool));
    text.push('\n');
    for sample in samples {
        let Sample { second, seconds, offered, answered, throttled, late, .. } = sample;
        let _ = write!(text, "{second},{seconds},{offered},{answered},{throttled},{late}");
        let Sample { in_flight, response, service, lag, .. } = sample;
        let _ = write!(text, ",{in_flight}");
        for times in [response, service] {
            let _ = write!(text, ",{},{},{},{}", times.p50, times.p99, times.p99_9, times.max);
        }
        let _ = write!(text, ",{},{},{}", lag.p50, lag.p99, lag.max);
        sample.pooled.iter().for_each(|calls| text += &format!(",{calls}"));
        text.push('\n');
    }
    text
}

/// An interval log of HdrHistogram, version 2: an interval a second, with the tags `response`, `service`
/// and `lag`; values are nanoseconds. It is written while the load runs, so it takes no memory.
pub struct IntervalLog<'a, W: io::Write> {
    writer: IntervalLogWriter<'a, 'a, W, V2DeflateSerializer>,
}

/// What an interval log packs histograms with.
pub type LogSerializer = V2DeflateSerializer;

impl<'a, W: io::Write> IntervalLog<'a, W> {
    /// A log of a load that begins at that moment.
    ///
    /// # Errors
    /// What could not be written.
    pub fn begin(
        out: &'a mut W,
        serializer: &'a mut LogSerializer,
        began: SystemTime,
    ) -> io::Result<IntervalLog<'a, W>> {
        let mut builder = IntervalLogWriterBuilder::new();
        // Java's reader goes wrong with one of the two alone.
        builder.add_comment("[Histogram log format version 1.3]");
        builder.with_start_time(began).with_base_time(began).with_max_value_divisor(MILLI);
        Ok(IntervalLog { writer: builder.begin_log_with(out, serializer)? })
    }

    /// Adds a second. One in which nothing was answered is not in a log.
    ///
    /// # Errors
    /// What could not be written.
    pub fn second(&mut self, second: u64, recorder: &Recorder) -> io::Result<()> {
        if recorder.answered() == 0 {
            return Ok(());
        }
        let (from, length) = (Duration::from_secs(second), Duration::from_secs(1));
        let tagged = [
            ("response", &recorder.response),
            ("service", &recorder.service),
            ("lag", &recorder.lag),
        ];
        for (name, histogram) in tagged {
            let written = self.writer.write_histogram(histogram, from, length, Tag::new(name));
            written.map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => {
                    io::Error::other(format!("{error:?}"))
                }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    fn measured() -> Recorder {
        let mut recorder = Recorder::new();
        for micros in 1..=1_000 {
            recorder.note(Duration::from_micros(micros), Duration::from_micros(10), None);
        }
        recorder
    }

    #[test]
    fn a_log_that_was_written_can_be_read_second_by_second() {
        use base64::Engine;
        let measured = measured();
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let (mut bytes, mut serializer) = (Vec::new(), LogSerializer::new());
        let mut log = IntervalLog::begin(&mut bytes, &mut serializer, began).unwrap();
        for second in 0..3 {
            let empty = Recorder::new();
            log.second(second, if second == 1 { &empty } else { &measured }).unwrap();
        }
        let mut seen = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            let packed = base64::engine::general_purpose::STANDARD
                .decode(interval.encoded_histogram())
                .unwrap();
            let read: Histogram<u64> = Deserializer::new().deserialize(&mut &packed[..]).unwrap();
            assert_eq!(read.len(), 1_000);
            let tag = interval.tag().unwrap().as_str().to_owned();
            if tag == "lag" {
                assert_eq!(read.value_at_quantile(0.5), measured.lag.value_at_quantile(0.5));
            }
            seen.push((interval.start_timestamp().as_secs(), tag));
        }
        let expected = [0, 2].map(|at| ["response", "service", "lag"].map(|t| (at, t.to_owned())));
        assert_eq!(seen, expected.concat());
    }

    /// The form of HdrHistogram's own logs: its readers in Java, JavaScript and Python take these lines.
    #[test]
    fn a_log_has_the_headers_and_lines_of_version_2() {
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
        let (mut bytes, mut serializer) = (Vec::new(), LogSerializer::new());
        let mut log = IntervalLog::begin(&mut bytes, &mut serializer, began).unwrap();
        log.second(7, &measured()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(lines[1], "#[StartTime: 1767225600.250 (seconds since epoch)]");
        // Moments of intervals count from here.
        assert_eq!(lines[2], "#[BaseTime: 1767225600.250 (seconds since epoch)]");
        assert_eq!(lines[3], "#[MaxValueDivisor: 1000000.000]");
        let fields: Vec<_> = lines[4].split(',').collect();
        // The maximum is in milliseconds; the cookie of a packed histogram of version 2 begins so.
        assert_eq!(fields[..4], ["Tag=response", "7.000", "1.000", "1.010"]);
        assert!(fields[4].starts_with("HISTFAAA") && fields.len() == 5, "{}", lines[4]);
        assert_eq!(lines.len(), 4 + 3);
    }

    #[test]
    fn percentiles_end_with_everything() {
        let text = percentiles(&measured().lag);
        let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
        let fields: Vec<_> = last.split_whitespace().collect();
        assert_eq!(fields[1..], ["1.000000000000", "1000"]);
    }

    #[test]
    fn every_sample_is_a_line_of_as_many_fields_as_the_first() {
        let quota = |pool: &str| Quota {
            profile: String::new(),
            pool: pool.to_owned(),
            per_second: 1.0,
            calls: 3,
            busiest: 1.0,
        };
        let recorders = [measured(), Recorder::new()];
        let mut samples = [0, 1].map(|second| Sample::of(second as u64, 10.0, &recorders[second]));
        samples.iter_mut().for_each(|sample| sample.pooled = vec![1, 2]);
        let text = csv(&samples, &[quota("symmetric"), quota("GenerateDataKeyPair RSA_2048")]);
        let fields: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(fields, [20, 20, 20]);
    }
}
