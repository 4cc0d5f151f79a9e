//! The page of a large trace in a real browser: it draws, zooms, filters and says no error.
//!
//! The browser is `$KEYQUAKE_CHROMIUM`, or a Chromium on the path. Without one the test says that it is
//! skipped, and fails where `CI` is `true`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]
#![allow(clippy::print_stderr, reason = "whoever runs the tests shall see what was skipped")]

#[path = "sample/trace.rs"]
mod sample;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reports::data::{Micros, Trace};
use reports::page;
use serde_json::Value;

const EVENTS: usize = 50_000;

/// Comes before everything else: errors are kept, and frames are drawn when the visitor looks, because a
/// browser without a screen may write the page down before it draws.
const WATCH: &str = r#"<script>
const errors = [], frames = [];
addEventListener("error", (event) => errors.push(event.message));
console.error = console.warn = (...words) => errors.push(words.join(" "));
window.requestAnimationFrame = (draw) => frames.push(draw);
</script>"#;

/// Does what a person would do, and writes what the page then shows into the page.
const VISITOR: &str = r##"<pre id="visit"></pre><script>
const seen = {};
const root = document.querySelector(".trace"), canvas = root.querySelector("canvas");
const look = (name) => {
  const began = performance.now();
  frames.splice(0).forEach((draw) => draw());
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const millis = performance.now() - began;
  const colors = new Set();
  for (let i = 0; i < data.length; i += 4) colors.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  const { arrows, marks, shown, from, until } = canvas.dataset, detail = root.querySelector(".trace-detail").textContent;
  seen[name] = { arrows: +arrows, marks: +marks, shown: +shown, from: +from, until: +until, colors: colors.size, millis, detail };
};
const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
const set = (selector, value, kind) => {
  const control = root.querySelector(selector);
  control.value = value;
  control.dispatchEvent(new Event(kind));
};
// What one filter leaves.
const only = (name, selector, value, kind) => {
  set(selector, value, kind);
  look(name);
  set(selector, "", kind);
};
const at = (x, y, kind) => {
  const box = canvas.getBoundingClientRect();
  const place = { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true };
  canvas.dispatchEvent(new PointerEvent(kind, place));
};
canvas.setPointerCapture = () => {};
try {
  WALK
} catch (error) {
  errors.push(String(error));
}
document.getElementById("visit").textContent = JSON.stringify({ errors, seen });
</script>"##;

/// Through a trace with a violation.
const LONG_WALK: &str = r##"
look("start");
press("0");
look("all");
for (let i = 0; i < 8; i++) press("+");
look("zoomed");
at(600, 200, "pointerdown"); at(300, 200, "pointermove"); at(300, 200, "pointerup");
look("panned");
press("0");
only("client", "select[title=Client]", "us-east-1/client-3", "change");
only("key", "input[aria-label=Key]", "key-7", "input");
only("node", "select[title=Nodes]", "us-east-1/hsm-2", "change");
only("search", "input[type=search]", "#12c ", "input");
[...root.querySelectorAll(".trace-legend button")].find((one) => one.textContent === "request").click();
look("kind");
press("n");
look("next");
press("c");
look("cause");
press("v");
look("violation");
root.querySelector("input[type=checkbox]").click();
look("past");
"##;

/// Through a trace without one.
const QUIET_WALK: &str = r#"
look("start");
press("0");
look("all");
press("f");
look("fault");
"#;

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KEYQUAKE_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = folders.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// What a page shows while somebody walks through it; nothing without a browser.
fn walk(name: &str, trace: &Trace, steps: &str) -> Option<Value> {
    let Some(browser) = browser() else {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "no Chromium: install one or name it in KEYQUAKE_CHROMIUM");
        eprintln!("skipped: no Chromium");
        return None;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let page = folder.join("trace.html");
    let html = page::trace(trace).replace("<head>", &format!("<head>{WATCH}"));
    let visitor = VISITOR.replace("WALK", steps);
    fs::write(&page, html.replace("</body>", &format!("{visitor}</body>"))).unwrap();
    let visit = visit(&browser, &page, &folder.join("profile"));
    assert_eq!(visit["errors"], serde_json::json!([]));
    let seen = visit["seen"].clone();
    for (name, seen) in seen.as_object().unwrap() {
        let [arrows, marks, millis] = ["arrows", "marks", "millis"].map(|what| &seen[what]);
        eprintln!("{name}: {arrows} arrows, {marks} marks, {millis} ms");
        assert!(seen["colors"].as_f64().unwrap() > 8.0, "{name} is blank: {seen}");
    }
    Some(seen)
}

/// What the page holds after a visit.
fn visit(browser: &Path, page: &Path, profile: &Path) -> Value {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"])
        .arg("--dump-dom")
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", browser.display()));
    let document = String::from_utf8_lossy(&output.stdout);
    let start = document.find("<pre id=\"visit\">").expect("the page is there") + 16;
    let told = &document[start..start + document[start..].find("</pre>").unwrap()];
    let told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told:?}"))
}

#[test]
fn a_large_trace_can_be_looked_at() {
    let trace = sample::of_events(EVENTS);
    assert!(trace.arrows.len() + trace.marks.len() >= EVENTS);
    let Some(seen) = walk("large", &trace, LONG_WALK) else { return };
    let of = |name: &str, what: &str| seen[name][what].as_f64().unwrap();
    let detail = |name: &str| seen[name]["detail"].as_str().unwrap().to_owned();
    // Everything is shown, and no more is drawn than can be told apart.
    assert!(of("all", "shown") >= EVENTS as f64);
    assert!(of("all", "arrows") > 500.0 && of("all", "arrows") < 6_000.0);
    assert!(of("zoomed", "arrows") > 10.0 && of("zoomed", "arrows") < of("all", "arrows") / 2.0);
    assert!(of("panned", "arrows") > 10.0);
    for filter in ["client", "key", "node", "search", "kind"] {
        let (shown, all) = (of(filter, "shown"), of("all", "shown"));
        assert!(shown > 0.0 && shown < all, "{filter} shows {shown} of {all}");
    }
    // A request of one client is eight things; every 24th request is one of that client.
    assert!((of("client", "shown") - EVENTS as f64 / 24.0).abs() < 16.0);
    assert!(detail("next").contains("Record"), "{}", detail("next"));
    assert!(detail("violation").contains("one-outcome: the last answer is wrong"));
    assert_eq!(of("past", "shown"), 8.0, "four messages and four records");
}

/// Opened on the whole of it, a trace is a smear: it opens on what the first fault did.
#[test]
fn a_quiet_trace_opens_on_something_readable() {
    let mut trace = sample::of_events(EVENTS);
    trace.violation = None;
    trace.arrows.iter_mut().for_each(|arrow| arrow.past = false);
    trace.marks.iter_mut().for_each(|mark| mark.past = false);
    trace.fault = Some(Micros(1_000_000));
    let Some(seen) = walk("quiet", &trace, QUIET_WALK) else { return };
    let of = |name: &str, what: &str| seen[name][what].as_f64().unwrap();
    assert!(of("all", "arrows") > 500.0);
    assert!((60.0..300.0).contains(&of("start", "arrows")), "{}", of("start", "arrows"));
    assert!(of("start", "from") < 1e6 && of("start", "until") > 1e6, "{}", seen["start"]);
    assert_eq!(seen["start"]["from"], seen["fault"]["from"]);

    trace.fault = None;
    let Some(seen) = walk("faultless", &trace, "look(\"start\");") else { return };
    let arrows = seen["start"]["arrows"].as_f64().unwrap();
    assert!((60.0..300.0).contains(&arrows), "{arrows}");
}
