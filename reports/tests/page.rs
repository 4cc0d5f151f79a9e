//! A rich report, drawn in full: the page is well formed, safe, complete and self-contained.
//!
//! The pages and pictures stay in the target folder's `tmp`, for people who want to look at them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod sample;

use std::fs;
use std::path::Path;

use reports::chart::{Chart, ErrorsChart, LatencyChart, RequestsChart, TimelineChart, WIDTH};
use reports::data::{Counts, Micros, RunReport};
use reports::page::{index, page};

const SVG_NAMESPACE: &str = "http://www.w3.org/2000/svg";
const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{1}\u{202e}";

fn keep(name: &str, content: impl AsRef<[u8]>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), content).unwrap();
}

/// The SVG elements of a page, each parsed strictly.
fn pictures(page: &str) -> usize {
    let starts = page.match_indices("<svg ").map(|(at, _)| at);
    let pictures = starts.map(|at| {
        let end = page[at..].find("</svg>").expect("every picture ends") + "</svg>".len();
        let svg = &page[at..at + end];
        let tree = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let root = tree.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        assert!(!root.attribute("aria-label").unwrap().is_empty());
        assert!(root.children().any(|child| child.has_tag_name((SVG_NAMESPACE, "title"))));
    });
    pictures.count()
}

/// Every tag that opens is closed in order, and nothing but text lies between.
fn assert_balanced(page: &str) {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").expect("the document type comes first");
    for tag in body.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("every tag ends");
        assert!(!text.contains('>') || open.last() == Some(&"style"), "{text}");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn assert_self_contained(page: &str) {
    let rest = page.replace(SVG_NAMESPACE, "");
    for outside in ["http://", "https://", "url(", "@import", "<script", "<link", "src="] {
        assert!(!rest.contains(outside), "the page refers to {outside}");
    }
}

/// All text that came from outside, made hostile.
fn poisoned() -> RunReport {
    let json = sample::failing().to_json().unwrap();
    let poison = serde_json::to_string(HOSTILE).unwrap();
    let poison = poison.trim_matches('"');
    let names = ["us-east-1", "Encrypt", "warm-up", "crash", "one-outcome", "mrk-7", "partition"];
    let more = ["KMSInternalException", "AWS KMS", "keyquake sim", "assumed;", "HSM", "0.1.0"];
    let poisoned = names.iter().chain(&more).fold(json, |json, name| json.replace(name, poison));
    RunReport::from_json(&poisoned).unwrap()
}

#[test]
fn a_rich_report_becomes_a_sound_page() {
    for (name, report) in [("fail", sample::failing()), ("pass", sample::passing())] {
        let page = page(&report);
        keep(&format!("{name}.html"), &page);
        assert_balanced(&page);
        assert_self_contained(&page);
        // Four busy pools, the latency, the timeline and the errors.
        assert_eq!(pictures(&page), 7);
    }
}

#[test]
fn the_verdict_and_the_replay_command_come_before_everything_else() {
    let report = sample::failing();
    let page = page(&report);
    let body = &page[page.find("<body>").unwrap()..];
    let at = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    let order = [">Fail<", &report.replay, ">Key figures<", ">Violations<", ">Oracles<"].map(at);
    assert!(order.is_sorted(), "{order:?}");
    let before = &body[..order[0]];
    assert!(!before.contains("</"), "something is said before the verdict: {before}");
}

#[test]
fn what_cannot_be_judged_and_what_is_not_there_is_said() {
    let page = page(&sample::failing());
    assert!(page.contains("1 violation, found by 1 oracle; 1 oracle could not judge."));
    assert!(page.contains("the run recorded no events of key-store proxies"));
    assert!(page.contains("No requests in sa-east-1."));
    assert!(page.contains("No requests in create-key."));
}

#[test]
fn hostile_text_stays_text() {
    let report = poisoned();
    for page in [page(&report), index(&[report])] {
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert_balanced(&page);
        assert_self_contained(&page);
        pictures(&page);
    }
}

#[test]
fn probes_have_a_section_where_there_are_any() {
    let mut report = sample::failing();
    let page = reports::page::page(&report);
    assert!(page.contains("Encrypt on Disabled") && page.contains("2,304"), "a probe and its hits");
    report.probes.clear();
    assert!(!reports::page::page(&report).contains("id=\"probes\""));
}

#[test]
fn the_fleet_has_a_section_and_a_run_without_hsms_has_none() {
    let mut report = sample::failing();
    let with = page(&report);
    assert!(with.contains("HSM fleet") && with.contains("us-east-1/hsm-1"));
    assert!(with.contains("17,312") || with.contains("17\u{202f}312"), "the commands");
    report.hsms.clear();
    assert!(!page(&report).contains("HSM fleet"));
}

#[test]
fn an_empty_run_still_has_a_page() {
    let mut report = sample::passing();
    report.counts = Counts::default();
    report.series.clear();
    report.latencies.clear();
    report.faults.clear();
    report.events.clear();
    report.phases.clear();
    report.parameters.clear();
    report.oracles.clear();
    let page = page(&report);
    keep("empty.html", &page);
    assert_balanced(&page);
    assert_eq!(pictures(&page), 0);
    assert!(page.contains("No oracle judged this run."));
}

#[test]
fn charts_survive_any_data() {
    let mut report = sample::failing();
    report.simulated = Micros(0);
    report.faults[0].until = Micros(u64::MAX);
    report.series[0].width = Micros(0);
    report.series[0].buckets[0].offered = u64::MAX;
    report.series[1].buckets[0].admitted = u64::MAX;
    report.series[2].buckets.clear();
    report.latencies[0].quantiles[3].micros = Micros(u64::MAX);
    report.latencies[1].quantiles.clear();
    assert!(pictures(&page(&report)) > 0);
}

#[test]
fn every_chart_is_also_a_png() {
    let report = sample::failing();
    keep_png("requests", &RequestsChart::new(&report.series[3], &report));
    keep_png("requests-empty", &RequestsChart::new(&report.series[2], &report));
    keep_png("latency", &LatencyChart::new(&report.latencies));
    keep_png("timeline", &TimelineChart::new(&report));
    keep_png("errors", &ErrorsChart::new(&report.counts));
}

fn keep_png(name: &str, chart: &impl Chart) {
    let file = chart.png().unwrap();
    keep(&format!("{name}.png"), &file);
    keep(&format!("{name}.svg"), chart.svg().unwrap());
    let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
    let size = (reader.info().width, reader.info().height);
    assert_eq!(size, (WIDTH * 2, chart.height() * 2));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let drawn = pixels.iter().filter(|byte| **byte != 255).count();
    assert!(drawn > 1_000, "{name} is blank");
}

#[test]
fn the_index_lists_failures_first_and_links_every_run() {
    let (failing, passing) = (sample::failing(), sample::passing());
    let page = index(&[passing.clone(), failing]);
    keep("index.html", &page);
    assert_balanced(&page);
    assert_self_contained(&page);
    let rows = page.split("<tbody>").nth(1).unwrap();
    assert!(rows.find(">Fail<").unwrap() < rows.find(">Pass<").unwrap());
    let link = format!("href=\"{}/report.html\"", passing.folder_name());
    assert_eq!(page.matches(&link).count(), 2);
}

#[test]
fn an_index_of_nothing_is_no_pass() {
    let page = index(&[]);
    assert_balanced(&page);
    assert!(page.contains(">Nothing ran<") && !page.contains(">Pass<"));
}
