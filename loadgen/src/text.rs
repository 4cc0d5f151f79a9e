//! Measurements for other people's tools: percentiles, CSV, and the interval log of HdrHistogram.

use crate::outcome::Sample;
use crate::recorder::Recorder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::fmt::Write;
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

/// The samples, a line each; times in nanoseconds.
pub fn csv(samples: &[Sample]) -> String {
    let mut text =
        "second,offered,answered,throttled,late,in_flight,response_p50,response_p99,response_p99_9,\
                    response_max,service_p50,service_p99,service_p99_9,service_max,lag_p50,lag_p99,\
                    lag_max\n"
            .to_owned();
    for sample in samples {
        let Sample {
            second,
            offered,
            answered,
            throttled,
            late,
            in_flight,
            response,
            service,
            lag,
        } = sample;
        let _ = write!(text, "{second},{offered},{answered},{throttled},{late},{in_flight}");
        for times in [response, service] {
            let _ = write!(text, ",{},{},{},{}", times.p50, times.p99, times.p99_9, times.max);
        }
        let _ = writeln!(text, ",{},{},{}", lag.p50, lag.p99, lag.max);
    }
    text
}

/// A run as an interval log of HdrHistogram, version 2, one interval with the tags `response`,
/// `service` and `lag`; values are nanoseconds.
///
/// # Errors
/// What the histogram library could not write.
pub fn log(whole: &Recorder, began: SystemTime, took: Duration) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    // Java's reader goes wrong with one of the two alone.
    builder.with_start_time(began).with_base_time(began).with_max_value_divisor(MILLI);
    let wrong =
        |error: &dyn std::fmt::Debug| format!("the interval log cannot be written: {error:?}");
    let mut writer =
        builder.begin_log_with(&mut bytes, &mut serializer).map_err(|error| wrong(&error))?;
    let tagged = [("response", &whole.response), ("service", &whole.service), ("lag", &whole.lag)];
    for (name, histogram) in tagged {
        let written = writer.write_histogram(histogram, Duration::ZERO, took, Tag::new(name));
        written.map_err(|error| wrong(&error))?;
    }
    Ok(bytes)
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
    fn a_log_that_was_written_can_be_read() {
        use base64::Engine;
        let whole = measured();
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let bytes = log(&whole, began, Duration::from_secs(2)).unwrap();
        let mut tags = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            let packed = base64::engine::general_purpose::STANDARD
                .decode(interval.encoded_histogram())
                .unwrap();
            let read: Histogram<u64> = Deserializer::new().deserialize(&mut &packed[..]).unwrap();
            assert_eq!(read.len(), 1_000);
            tags.push(interval.tag().unwrap().as_str().to_owned());
            if interval.tag().unwrap().as_str() == "lag" {
                assert_eq!(read.value_at_quantile(0.5), whole.lag.value_at_quantile(0.5));
            }
        }
        assert_eq!(tags, ["response", "service", "lag"]);
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
        let text = csv(&[Sample::of(0, 10.0, &measured()), Sample::of(1, 10.0, &Recorder::new())]);
        let fields: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(fields, [17, 17, 17]);
    }
}
