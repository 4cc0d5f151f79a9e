//! scratch
use std::sync::Arc;
fn main() {
    println!("msg {} event {} record {} reply {} call {} ask {} step {} request {} response {}", size_of::<sim::message::Message>(), size_of::<sim::history::Event>(), size_of::<sim::history::Record>(), size_of::<kms_core::hsm::Reply>(), size_of::<kms_core::Call>(), size_of::<kms_core::step::Ask>(), size_of::<kms_core::Step>(), size_of::<kms_core::ops::Request>(), size_of::<kms_core::ops::Response>());
    let path = std::env::args().nth(1).unwrap();
    let scenario = scenarios::Scenario::load(path.as_ref(), &[], &sim::vocabulary::vocabulary()).unwrap_or_else(|e| panic!("{e}"));
    for _ in 0..3 {
    let t = std::time::Instant::now();
    let mut history = sim::history::History::default();
    let seed = sim::random::Seed(1);
    let world = sim::world::World::new(&scenario, seed, Arc::new(kms_core::crypto::RustCrypto), &mut history).unwrap();
    println!("genesis {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let ground = sim::driver::World { topology: world.topology.clone(), network: world.network().unwrap(), faults: world.faults(), recorder: &mut history };
    let plan = sim::driver::Plan { calm_at: Some(world.calm_at), ..sim::driver::Plan::new(seed, world.ends_at) };
    let s = sim::driver::run(&plan, ground, move || world.nodes(), |_| std::ops::ControlFlow::Continue(())).unwrap();
    let e = t.elapsed();
    println!("run {:?} {} msgs {:.0}/s records {}", e, s.messages, s.messages as f64 / e.as_secs_f64(), history.records().len());
    }
}
