//! The page of a trace: complete, safe, and the same data as the trace itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

#[path = "sample/trace.rs"]
mod sample;

use reports::data::{RunReport, Scenario, Tool, Trace, Verdict};
use reports::page;
use serde_json::Value;

const HOSTILE: &str = "</script><script>alert(1)</script><!--<script>\"'&\u{2028}";

/// The text inside the data element.
fn embedded(page: &str) -> &str {
    let start = page.find("class=\"trace-data\"").expect("a page with data");
    let start = start + page[start..].find('>').unwrap() + 1;
    &page[start..start + page[start..].find("</script>").unwrap()]
}

fn data(page: &str) -> Value {
    serde_json::from_str(embedded(page)).expect("the data is JSON")
}

fn column(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

fn place(number: i64) -> usize {
    usize::try_from(number).expect("a number of something")
}

fn poisoned() -> Trace {
    let json = serde_json::to_string(&sample::trace(3)).unwrap();
    let poison = serde_json::to_string(HOSTILE).unwrap();
    let words = ["us-east-1", "Encrypt", "message loss", "one-outcome", "sample", "key-"];
    let poisoned =
        words.iter().fold(json, |json, word| json.replace(word, poison.trim_matches('"')));
    serde_json::from_str(&poisoned).unwrap()
}

#[test]
fn columns_say_what_the_trace_says() {
    let trace = sample::trace(120);
    let data = data(&page::trace(&trace));
    let texts: Vec<&str> =
        data["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let text = |number: i64| texts[place(number)];
    let columns: Vec<Vec<i64>> = data["arrows"].as_array().unwrap().iter().map(column).collect();
    assert!(columns.iter().all(|column| column.len() == trace.arrows.len()));
    let mut sent = 0;
    for (index, arrow) in trace.arrows.iter().enumerate() {
        let row: Vec<i64> = columns.iter().map(|column| column[index]).collect();
        sent += row[0];
        assert_eq!(sent.cast_unsigned(), arrow.sent.0);
        let arrived = (row[1] >= 0).then(|| (sent + row[1]).cast_unsigned());
        assert_eq!(arrived, arrow.arrived.map(|at| at.0));
        assert_eq!((place(row[2]), place(row[3])), (arrow.from, arrow.to));
        assert_eq!((text(row[4]), text(row[5])), (arrow.kind.as_str(), arrow.detail.as_str()));
        assert_eq!((row[6] > 0).then(|| index - place(row[6])), arrow.cause);
        assert_eq!(place(row[7]).checked_sub(1), arrow.request);
        assert_eq!(row[8] & 4 != 0, arrow.past);
    }
    let lost: Vec<Vec<i64>> = data["lost"].as_array().unwrap().iter().map(column).collect();
    assert_eq!(lost.len(), 1);
    let arrow = &trace.arrows[place(lost[0][0])];
    assert_eq!(Some(text(lost[0][1])), arrow.lost.as_deref());
    let marks: Vec<Vec<i64>> = data["marks"].as_array().unwrap().iter().map(column).collect();
    let mut at = 0;
    for (index, mark) in trace.marks.iter().enumerate() {
        at += marks[0][index];
        assert_eq!(at.cast_unsigned(), mark.at.0);
        assert_eq!(place(marks[1][index]), mark.lane);
        assert_eq!(text(marks[2][index]), mark.kind);
        assert_eq!(text(marks[3][index]), mark.text);
        assert_eq!(place(marks[4][index]).checked_sub(1), mark.cause);
        assert_eq!(marks[6][index] & 4 != 0, mark.past);
    }
}

#[test]
fn hostile_text_stays_text() {
    let trace = poisoned();
    let page = page::trace(&trace);
    assert_eq!(page.matches("</script>").count(), 2, "the data and the script, nothing else");
    assert!(!embedded(&page).contains(['<', '\u{2028}']));
    assert!(!page.contains("alert(1)</script>"));
    assert_eq!(data(&page)["lanes"][0][1], HOSTILE);
}

#[test]
fn a_page_fetches_nothing_and_is_small() {
    let page = page::trace(&sample::of_events(50_000));
    for outside in ["http://", "https://", "url(", "@import", "<link", "src=", "fetch(", "import("]
    {
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains(outside), "the page refers to {outside}");
    }
    assert!(page.len() < 4 << 20, "{} bytes", page.len());
}

#[test]
fn what_led_to_the_violation_is_a_table_too() {
    let trace = sample::trace(40);
    let page = page::trace(&trace);
    let table = &page[page.find("as a table").expect("a table of the past")..];
    assert_eq!(table.matches("<tr class=\"here\">").count(), 1);
    // Four messages, four records and the heading.
    assert_eq!(table.matches("<tr").count(), 9);
    assert!(table.contains("us-east-1/host-3 → us-east-1/hsm-3"));
}

#[test]
fn a_report_shows_the_trace_it_has() {
    let tool = Tool { version: "1".to_owned(), commit: "none".to_owned() };
    let scenario = Scenario { name: "sample".to_owned(), description: String::new() };
    let mut report = RunReport::new(tool, scenario, 7, Verdict::Violations);
    assert!(!page::page(&report).contains("<script"));
    report.trace = Some(Box::new(sample::trace(5)));
    let page = page::page(&report);
    assert!(page.contains("Space-time diagram"));
    let again = RunReport::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(again, report);
}
