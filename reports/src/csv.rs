//! The time series as CSV, one line a bucket, for those who want to draw their own picture.

use ::csv::WriterBuilder;

use crate::data::{Bucket, Limit, Micros, RunReport, Series};

const HEADER: [&str; 9] = [
    "region",
    "pool",
    "from_seconds",
    "width_seconds",
    "offered",
    "admitted",
    "throttled",
    "errors",
    "limit_per_second",
];

/// All series of a report; the last column is empty for a pool without a documented limit.
#[must_use]
pub fn series(report: &RunReport) -> String {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(HEADER).expect("writing to memory cannot fail");
    for series in &report.series {
        for (i, bucket) in series.buckets.iter().enumerate() {
            writer.write_record(line(series, i, bucket)).expect("every line has nine fields");
        }
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("every field is text")
}

fn line(series: &Series, i: usize, bucket: &Bucket) -> [String; 9] {
    let from = Micros(series.width.0.saturating_mul(i as u64));
    [
        series.region.clone(),
        series.pool.clone(),
        from.as_seconds().to_string(),
        series.width.as_seconds().to_string(),
        bucket.offered.to_string(),
        bucket.admitted.to_string(),
        bucket.throttled.to_string(),
        bucket.errors.to_string(),
        series.limit.as_ref().map(Limit::effective).map_or_else(String::new, |l| l.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, Tool, Verdict};

    #[test]
    fn one_line_a_bucket_with_the_limit_that_applied() {
        let tool = Tool { version: String::new(), commit: String::new() };
        let scenario = Scenario { name: String::new(), description: String::new() };
        let mut report = RunReport::new(tool, scenario, 1, Verdict::Pass);
        report.series.push(Series {
            region: "us-east-1".into(),
            pool: "sign, RSA".into(),
            width: Micros::millis(500),
            limit: Some(Limit {
                per_second: 500.0,
                scale: 0.5,
                source: String::new(),
                assumed: false,
            }),
            buckets: vec![Bucket { offered: 4, admitted: 1, throttled: 2, errors: 1 }; 2],
        });
        assert_eq!(
            series(&report),
            "region,pool,from_seconds,width_seconds,offered,admitted,throttled,errors,limit_per_second\n\
             us-east-1,\"sign, RSA\",0,0.5,4,1,2,1,250\n\
             us-east-1,\"sign, RSA\",0.5,0.5,4,1,2,1,250\n"
        );
    }
}
