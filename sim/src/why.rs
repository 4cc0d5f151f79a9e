//! What a failure depends on: the scenario again with one thing left out, or a little later.
//!
//! [`questions`] names what to try, whoever runs them hears [`Answer`]s, and [`rank`] puts what the failure
//! needs before what it does not. Every draw of a run is named, so that leaving one call out moves
//! nothing else but what that call would have changed.

use scenarios::{Document, duration_text, parse_duration};
use std::time::Duration;
use toml::Value;

/// What is done to a part of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Twist {
    /// It is left out.
    Removed,
    /// It comes this much later.
    Delayed(Duration),
}

/// What is to be tried: a part of a scenario that is another. [`Question::of`] makes the scenario when
/// its turn comes; all of them together would fill the memory.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Which part, by its number.
    pub part: usize,
    /// What is done to it.
    pub twist: Twist,
    place: Place,
}

impl Question {
    /// The scenario in which it is so.
    pub fn of(&self, document: &Document) -> Document {
        let mut document = document.clone();
        match (self.twist, self.place.list(&mut document)) {
            (Twist::Removed, Some((list, index))) if index < list.len() => {
                list.remove(index);
            }
            (Twist::Delayed(delay), _) => drop(self.place.delay(&mut document, delay)),
            _ => {}
        }
        document
    }
}

/// What became of the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Fails,
    /// Another failure is there, or the world breaks.
    FailsOtherwise,
    /// Nobody objects.
    Passes,
    /// There is no scenario like that.
    Impossible,
}

/// The parts of a scenario that a failure may depend on, in words.
pub fn parts(document: &Document) -> Vec<String> {
    places(document).iter().map(|place| place.words(document)).collect()
}

/// Everything that is to be tried: each part left out, then later by each of the delays that leaves it
/// within its phase or the storm.
pub fn questions(document: &Document, delays: &[Duration]) -> Vec<Question> {
    let mut questions = Vec::new();
    for (part, place) in places(document).into_iter().enumerate() {
        questions.push(Question { part, twist: Twist::Removed, place });
        let fitting = delays.iter().filter(|delay| place.after(document, **delay).is_some());
        questions.extend(fitting.map(|delay| Question {
            part,
            twist: Twist::Delayed(*delay),
            place,
        }));
    }
    questions
}

/// What a failure has to do with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependence {
    /// Which part, by its number.
    pub part: usize,
    /// What came of leaving it out, if that was tried.
    pub removed: Option<Answer>,
    /// The shortest delay that ends the failure, if one does.
    pub vanishes_later: Option<Duration>,
}

impl Dependence {
    /// How much the failure needs it: not at all, as one way to it, by being there, or by its very moment.
    fn weight(&self) -> u8 {
        match (self.removed, self.vanishes_later) {
            (Some(Answer::Passes), Some(_)) => 3,
            (Some(Answer::Passes), None) => 2,
            (Some(Answer::FailsOtherwise), _) | (_, Some(_)) => 1,
            _ => 0,
        }
    }

    /// The same in words.
    pub fn words(&self) -> String {
        match (self.weight(), self.vanishes_later) {
            (3, Some(delay)) => {
                format!("needed, and needed then: gone when {} later", duration_text(delay))
            }
            (2, _) => "needed".to_owned(),
            (1, Some(delay)) => format!("timing: gone when {} later", duration_text(delay)),
            (1, None) => "without it there is another failure".to_owned(),
            _ if self.removed == Some(Answer::Impossible) => {
                "unknown: nothing runs without it".to_owned()
            }
            _ if self.removed.is_none() => "not tried".to_owned(),
            _ => "not needed".to_owned(),
        }
    }
}

/// Parts by how much the failure needs them, the most first. A question without an answer was not tried.
pub fn rank(parts: usize, answers: &[(usize, Twist, Answer)]) -> Vec<Dependence> {
    let of = |part: usize| {
        let mine = answers.iter().filter(|(one, ..)| *one == part);
        let removed = mine.clone().find(|(_, twist, _)| *twist == Twist::Removed);
        let vanishes = mine.filter_map(|(_, twist, answer)| match (twist, answer) {
            (Twist::Delayed(delay), Answer::Passes) => Some(*delay),
            _ => None,
        });
        let removed = removed.map(|(_, _, answer)| *answer);
        Dependence { part, removed, vanishes_later: vanishes.min() }
    };
    let mut all: Vec<Dependence> = (0..parts).map(of).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.weight()));
    all
}

/// Where a part stands in the file.
#[derive(Clone, Copy, Debug)]
enum Place {
    Operation(usize),
    /// An element of a list of a phase.
    InPhase(usize, &'static str, usize),
    Sabotage(usize),
}

fn list(of: Option<&Value>) -> impl Iterator<Item = &Value> {
    of.and_then(Value::as_array).into_iter().flatten()
}

fn places(document: &Document) -> Vec<Place> {
    let mut places = Vec::new();
    for (number, phase) in list(document.0.get("phase")).enumerate() {
        for what in ["fault", "workload"] {
            let count = list(phase.get(what)).count();
            places.extend((0..count).map(|index| Place::InPhase(number, what, index)));
        }
    }
    let operations = list(document.0.get("operation")).count();
    places.extend((0..operations).map(Place::Operation));
    places.extend((0..list(document.0.get("sabotage")).count()).map(Place::Sabotage));
    places
}

impl Place {
    fn list(self, document: &mut Document) -> Option<(&mut Vec<Value>, usize)> {
        let (list, index) = match self {
            Place::Operation(index) => (document.0.get_mut("operation"), index),
            Place::Sabotage(index) => (document.0.get_mut("sabotage"), index),
            Place::InPhase(phase, what, index) => {
                let phases = document.0.get_mut("phase").and_then(Value::as_array_mut)?;
                (phases.get_mut(phase)?.get_mut(what), index)
            }
        };
        Some((list.and_then(Value::as_array_mut)?, index))
    }

    fn value(self, document: &Document) -> Option<&Value> {
        let (list, index) = match self {
            Place::Operation(index) => (document.0.get("operation"), index),
            Place::Sabotage(index) => (document.0.get("sabotage"), index),
            Place::InPhase(phase, what, index) => {
                (document.0.get("phase")?.get(phase)?.get(what), index)
            }
        };
        list?.get(index)
    }

    /// When it comes after a delay, and when what it may come before ends: for an operation the storm,
    /// for a fault its phase.
    fn after(self, document: &Document, delay: Duration) -> Option<(Duration, Duration)> {
        let mut phases = list(document.0.get("phase")).map(|phase| time(phase, "duration"));
        let room = match self {
            Place::Operation(_) => phases.flatten().sum(),
            Place::InPhase(phase, "fault", _) => phases.nth(phase)??,
            _ => return None,
        };
        let at = self.value(document)?.get("at").and_then(Value::as_str).map(parse_duration);
        let at = at.transpose().ok()?.unwrap_or_default() + delay;
        (at < room).then_some((at, room))
    }

    /// Makes it come later; a fault ends with its phase.
    fn delay(self, document: &mut Document, delay: Duration) -> Option<()> {
        let (at, room) = self.after(document, delay)?;
        let (list, index) = self.list(document)?;
        let part = list.get_mut(index)?.as_table_mut()?;
        part.insert("at".to_owned(), duration_text(at).into());
        if let Some(lasts) = part.get("for").and_then(Value::as_str) {
            let lasts = parse_duration(lasts).ok()?.min(room - at);
            part.insert("for".to_owned(), duration_text(lasts).into());
        }
        Some(())
    }

    /// `fault region-partition at 10s of phase storm`.
    fn words(self, document: &Document) -> String {
        let value = self.value(document);
        let text = |name: &str| value?.get(name).and_then(Value::as_str).map(str::to_owned);
        let part = |prefix: &str, name: &str| {
            text(name).map(|text| format!("{prefix}{text}")).unwrap_or_default()
        };
        match self {
            Place::Operation(index) => {
                let number = index + 1;
                let (call, at) = (part("", "call"), part(" at ", "at"));
                let key = part(" of key ", "key");
                let client = value.and_then(|value| value.get("client")?.as_integer()).unwrap_or(0);
                format!("operation {number}: {call}{key}{at}, client {client}")
            }
            Place::InPhase(phase, what, _) => {
                let of = list(document.0.get("phase")).nth(phase);
                let name = of.and_then(|phase| phase.get("name")?.as_str()).unwrap_or_default();
                let (kind, at) = (part("", "kind"), part(" at ", "at"));
                let region = part(" in ", "region");
                let what = if what == "workload" { "load" } else { what };
                format!("{what} {kind}{region}{at} of phase {name}")
            }
            Place::Sabotage(_) => format!("planted bug {}", part("", "kind")),
        }
    }
}

fn time(of: &Value, name: &str) -> Option<Duration> {
    parse_duration(of.get(name)?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::vocabulary;

    const DELAYS: [Duration; 3] =
        [Duration::from_millis(50), Duration::from_secs(1), Duration::from_secs(20)];

    const TEXT: &str = r#"
        schema = 1
        description = "x"
        [[phase]]
        name = "storm"
        duration = "10s"
        [[phase.fault]]
        kind = "region-partition"
        region = "us-east-1"
        at = "3s"
        for = "6s"
        [[phase.workload]]
        kind = "key-creation"
        arrivals = { kind = "poisson", per_second = 1 }
        [[operation]]
        at = "1s"
        call = "ListKeys"
        [[sabotage]]
        kind = "change-lost"
    "#;

    fn document() -> Document {
        Document(TEXT.parse().unwrap())
    }

    #[test]
    fn every_part_is_named_and_asked_about() {
        assert_eq!(
            parts(&document()),
            [
                "fault region-partition in us-east-1 at 3s of phase storm",
                "load key-creation of phase storm",
                "operation 1: ListKeys at 1s, client 0",
                "planted bug change-lost",
            ]
        );
        let questions = questions(&document(), &DELAYS);
        let asked: Vec<_> = questions.iter().map(|one| (one.part, one.twist)).collect();
        let delayed = |part, delay| (part, Twist::Delayed(delay));
        let removed = |part| (part, Twist::Removed);
        let [short, middle, _] = DELAYS;
        let expected = [
            removed(0),
            delayed(0, short),
            delayed(0, middle),
            removed(1),
            removed(2),
            delayed(2, short),
            delayed(2, middle),
            removed(3),
        ];
        assert_eq!(asked, expected, "twenty seconds later there is no storm any more");
        for question in &questions {
            let document = question.of(&document());
            let scenario = document.scenario("x", &vocabulary());
            assert!(scenario.is_ok(), "{:?}: {}", question.twist, document.text());
            assert_ne!(document.text(), self::document().text());
        }
    }

    /// Each question held a scenario: those of a run with many calls filled the memory.
    #[test]
    fn a_question_holds_no_scenario() {
        let size = std::mem::size_of::<Question>();
        assert!(size <= 128, "{size} bytes");
    }

    #[test]
    fn a_fault_that_comes_later_ends_with_its_phase() {
        let (mut later, delay) = (document(), Duration::from_secs(5));
        places(&document())[0].delay(&mut later, delay).unwrap();
        let text = later.text();
        assert!(text.contains("at = \"8s\"") && text.contains("for = \"2s\""), "{text}");
    }

    #[test]
    fn what_is_needed_comes_first_and_what_is_needed_then_before_that() {
        let (short, long) = (DELAYS[0], DELAYS[1]);
        let answers = [
            (0, Twist::Removed, Answer::Fails),
            (1, Twist::Removed, Answer::Passes),
            (1, Twist::Delayed(short), Answer::Fails),
            (2, Twist::Removed, Answer::Passes),
            (2, Twist::Delayed(long), Answer::Passes),
            (2, Twist::Delayed(short), Answer::Passes),
            (3, Twist::Removed, Answer::FailsOtherwise),
            (5, Twist::Removed, Answer::Impossible),
        ];
        let ranked = rank(6, &answers);
        let order: Vec<usize> = ranked.iter().map(|one| one.part).collect();
        assert_eq!(order, [2, 1, 3, 0, 4, 5]);
        assert_eq!(ranked[0].words(), "needed, and needed then: gone when 50ms later");
        assert_eq!(ranked[1].words(), "needed");
        assert_eq!(ranked[3].words(), "not needed");
        assert_eq!(ranked[4].words(), "not tried");
        assert_eq!(ranked[5].words(), "unknown: nothing runs without it");
    }
}
