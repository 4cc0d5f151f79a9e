//! Other Regions as the wire shows them: a silent one is asked whether it is there first.

use super::*;
use kms_core::multi_region::RegionReply;
use kms_core::state::Departure;

const THERE: [NodeId; 2] = [NodeId(20), NodeId(21)];

/// A bench with a departure that another Region is to be told of.
fn departed() -> (Bench, Task) {
    let (mut bench, id) = (bench(), KeyId::multi_region([7; 16]));
    let primary = RegionName::parse("eu-west-1").unwrap();
    bench.engine.peers.regions.insert(primary, THERE.to_vec());
    let departure = Departure { primary, created: Timestamp::EPOCH };
    let changes = vec![Change::PutDeparture(id, departure)];
    let entry = LogEntry { position: 2, id: 1, committed: Timestamp::EPOCH, changes };
    bench.engine.kms.apply(&entry);
    (bench, Task::ReportDeparture(id))
}

impl Bench {
    /// What has been sent to the other Region since the last look.
    fn abroad(&mut self) -> Vec<(AskId, &'static str)> {
        let sent = self.out.drain().filter_map(|effect| match effect {
            Effect::Send { to, body, .. } if THERE.contains(&to) => Some(body),
            _ => None,
        });
        let named = sent.filter_map(|body| match body {
            Message::RegionCommand { ask, command, .. } => Some((ask, command.name())),
            Message::HealthCheck { ask } => Some((ask, "health check")),
            _ => None,
        });
        named.collect()
    }

    fn carry_out(&mut self, now: Now, task: Task) -> (AskId, &'static str) {
        self.requests += 1;
        let principal = PrincipalArn::service("kms.amazonaws.com", AccountId::new(0));
        let (id, caller) = (RequestId(self.requests), Arc::new(Caller::new(principal)));
        self.engine.begin(now, Origin::Own, Work::Task(task), id, caller, &mut self.out);
        self.only()
    }

    fn only(&mut self) -> (AskId, &'static str) {
        let sent = self.abroad();
        let [one] = sent[..] else { panic!("{sent:?}") };
        one
    }

    fn silence(&mut self, now: Now) {
        self.engine.deadline(now, Wait::Region as u64, &mut self.out);
    }
}

#[test]
fn a_silent_region_is_asked_whether_it_is_there_before_anything_else() {
    let (mut bench, task) = departed();
    assert_eq!(bench.carry_out(at(0), task).1, "ForgetReplica");
    bench.silence(at(1_500));
    assert_eq!(bench.only().1, "ForgetReplica", "another host of it may answer");
    bench.silence(at(3_000));
    assert_eq!(bench.ended(), [Some(ErrorCode::DependencyTimeout)]);

    assert_eq!(bench.carry_out(at(4_000), task).1, "health check");
    bench.silence(at(5_500));
    let (ask, what) = bench.only();
    assert_eq!(what, "health check");
    bench.engine.region_is_healthy(at(5_600), ask, &mut bench.out);
    let (ask, what) = bench.only();
    assert_eq!(what, "ForgetReplica");
    let forgotten = Ok(RegionReply::Forgotten);
    bench.engine.region_replied(at(5_700), ask, forgotten, &mut bench.out);
    let (other, again) = (Task::ReportDeparture(KeyId::multi_region([7; 16])), at(6_000));
    assert_eq!(bench.carry_out(again, other).1, "ForgetReplica", "it is there");
}

#[test]
fn a_health_answer_to_no_question_changes_nothing() {
    let (mut bench, task) = departed();
    let (ask, _) = bench.carry_out(at(0), task);
    bench.engine.region_is_healthy(at(1), ask + 1, &mut bench.out);
    assert_eq!(bench.abroad(), []);
    assert_eq!(bench.ended(), []);
}
