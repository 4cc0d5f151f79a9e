//! scratch
use std::sync::Arc;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let seed: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let scenario = scenarios::Scenario::load(path.as_ref(), &[], &sim::vocabulary::vocabulary()).unwrap_or_else(|e| panic!("{e}"));
    let t = std::time::Instant::now();
    let run = sim::run::run(&scenario, sim::random::Seed(seed), Arc::new(kms_core::crypto::RustCrypto), |_| std::ops::ControlFlow::Continue(())).unwrap();
    let wall = t.elapsed();
    println!("{:?} {:?} verdict {} records {}", wall, run.summary, run.verdict, run.history.records().len());
    let mut errors = std::collections::BTreeMap::new();
    for r in run.history.records() { if let sim::history::Event::Ended{error,..} = &r.event { *errors.entry(*error).or_insert(0u64) += 1; } }
    println!("{errors:?}");
    for j in &run.judged { println!("{} {:?} judged {} {:?} violations {}", j.info.name, j.verdict, j.finding.judged, j.finding.detail, j.finding.violations.len()); for v in j.finding.violations.iter().take(4) { println!("   {:?} {} {}", v.at, run.scene.topology.name(v.node), v.message); 
      let lo = v.index.saturating_sub(if std::env::args().nth(3).is_some() {12} else {0}); for r in &run.history.records()[lo..=v.index] { println!("      {:?} {} {:?}", r.at, run.scene.topology.name(r.node), r.event);} } }
    let mut kinds = std::collections::BTreeMap::new();
    for r in run.history.records() { let k = match &r.event { sim::history::Event::Executed{command,done} => format!("Executed {command} {done}"), sim::history::Event::TaskTried{task,error,..} => format!("Task {} {error:?}", task.name()), e => format!("{e:?}").split([' ','(','{']).next().unwrap().to_owned() }; *kinds.entry(k).or_insert(0u64) += 1; }
    if std::env::args().nth(3).is_some() { println!("{kinds:#?}"); }
    println!("unmet {:?}", run.unmet);
    println!("digest {:02x?}", &run.history.digest()[..8]);
}
