//! Crews within crews, speakers at the same time, and what a pattern asks for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_types::{AgentName, Brief, OutcomeKind, Sees, ThreadId, TurnId, TurnOutcome};

use super::tests::name;
use crate::test_talk::{Asked, Does, Order, Talk, talk, talk_in};
use crate::{
    Assignment, Condition, ConversationView, CrewDefinition, Pattern, PatternDecision, RoundRobin, messages,
    says, turns,
};

fn crew(agents: &[&str], pattern: impl Pattern + 'static, until: Option<Condition>) -> CrewDefinition {
    CrewDefinition {
        agents: agents.iter().map(|agent| name(agent)).collect(),
        pattern: Box::new(pattern),
        until,
        ..CrewDefinition::default()
    }
}

fn with(mut outer: CrewDefinition, member: &str, inner: CrewDefinition) -> CrewDefinition {
    outer.crews.insert(name(member), Arc::new(inner));
    outer
}

/// All members speak at once, then it is over.
#[derive(Clone)]
struct Together;

impl Pattern for Together {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        if view.assigned > 0 {
            return PatternDecision::concluded("all have spoken");
        }
        let turn = |agent: &AgentName| Assignment::new(agent.clone(), "all at once");
        PatternDecision::Speak(view.agents.iter().map(turn).collect())
    }
    fn has_own_end(&self) -> bool {
        true
    }
    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
    fn save(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }
    fn restore(&mut self, state: &[u8]) -> bool {
        state.is_empty()
    }
}

/// Asks its staff for a number, then lets the members say that many things.
#[derive(Clone, Default)]
struct AsksFirst {
    answer: Option<u32>,
}

impl Pattern for AsksFirst {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        match self.answer {
            None => {
                let brief = Brief::new("How many?").privately();
                let turn = Assignment::new(name("planner"), "asked for a number").with(brief);
                PatternDecision::Speak(vec![turn])
            }
            Some(count) if view.assigned > count => PatternDecision::concluded("as planned"),
            Some(_) => PatternDecision::speak(view.agents[0].clone(), "is next"),
        }
    }
    fn apply(&mut self, event: &playhouse_journal::Event) {
        if let playhouse_journal::Event::TurnEnded { outcome: TurnOutcome::Answered { content }, .. } = event
        {
            self.answer = content.parse().ok();
        }
    }
    fn has_own_end(&self) -> bool {
        true
    }
    fn staff(&self) -> Vec<AgentName> {
        vec![name("planner")]
    }
    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
    fn save(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.answer).ok()
    }
    fn restore(&mut self, state: &[u8]) -> bool {
        postcard::from_bytes(state).map(|answer| self.answer = answer).is_ok()
    }
}

fn count(asked: &Asked) -> String {
    format!("{} before me", asked.seen.len())
}

#[track_caller]
fn check_end(talk: &Talk, kind: OutcomeKind, detail: &str) {
    assert_eq!((talk.outcome.kind, talk.outcome.detail.as_str()), (kind, detail));
}

#[test]
fn speakers_at_once_see_the_same_and_are_heard_in_their_order() {
    for order in [Order::First, Order::Last] {
        let talk = talk_in(order, crew(&["a", "b", "c"], Together, None), "go", count);
        assert_eq!(talk.said(), ["a: 1 before me", "b: 1 before me", "c: 1 before me"], "{order:?}");
        check_end(&talk, OutcomeKind::Concluded, "all have spoken");
    }
}

#[test]
fn the_end_sees_every_message_of_speakers_at_once() {
    for (order, speaker) in [(Order::First, "a"), (Order::Last, "c"), (Order::First, "b")] {
        let crew = crew(&["a", "b", "c"], Together, Some(says("DONE")));
        let talk = talk_in(order, crew, "go", |asked| if asked.speaker == speaker { "DONE" } else { "no" });
        check_end(&talk, OutcomeKind::Concluded, "`DONE` was said");
    }
}

#[test]
fn what_the_pattern_asks_is_not_said_and_counts_as_no_turn() {
    let pattern = AsksFirst::default();
    let staff = pattern.staff();
    let crew = CrewDefinition { staff, ..crew(&["a"], pattern, Some(turns(2))) };
    let talk = talk(crew, "go", |asked| if asked.instruction() == "How many?" { "5" } else { "word" });
    assert_eq!(talk.said(), ["a: word", "a: word"]);
    assert_eq!(talk.speakers(), ["planner", "a", "a"]);
    check_end(&talk, OutcomeKind::Concluded, "2 turns were taken");
}

#[test]
fn a_crew_within_a_crew_talks_on_its_own_and_says_what_it_came_to() {
    let inner = crew(&["x", "y"], RoundRobin::new(), Some(messages(3)));
    let outer = with(crew(&["a", "debate"], RoundRobin::new(), Some(messages(3))), "debate", inner);
    let talk = talk(outer, "go", |asked| format!("{} {}", asked.speaker, asked.seen.len()));
    assert_eq!(talk.said(), ["a: a 1", "debate: x 3", "a: a 3"]);
    let inner = talk.said_in(ThreadId(TurnId(2)));
    assert_eq!(inner, ["user: go\n\na: a 1", "x: x 1", "y: y 2", "x: x 3"]);
    check_end(&talk, OutcomeKind::Concluded, "3 of 3 messages were said");
}

/// Asks its member with an instruction, who is to see some of the conversation.
#[derive(Clone)]
struct Asks(Sees);

impl Pattern for Asks {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        if view.assigned > 0 {
            return PatternDecision::concluded("asked");
        }
        let turn =
            Assignment::new(view.agents[0].clone(), "asked").with(Brief::new("Be short.").seeing(self.0));
        PatternDecision::Speak(vec![turn])
    }
    fn has_own_end(&self) -> bool {
        true
    }
    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }
    fn save(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }
    fn restore(&mut self, state: &[u8]) -> bool {
        state.is_empty()
    }
}

#[test]
fn a_crew_that_is_asked_sees_what_an_agent_would_see() {
    for (sees, question) in [(Sees::All, "user: go\n\nBe short."), (Sees::Nothing, "user: Be short.")] {
        let inner = crew(&["x"], RoundRobin::new(), Some(messages(1)));
        let talk = talk(with(crew(&["part"], Asks(sees), None), "part", inner), "go", count);
        assert_eq!(talk.said_in(ThreadId(TurnId(1)))[0], question);
    }
}

#[test]
fn crews_in_crews_in_crews() {
    let innermost = crew(&["x"], RoundRobin::new(), Some(messages(1)));
    let middle = with(crew(&["deep"], RoundRobin::new(), Some(messages(2))), "deep", innermost);
    let outer = with(crew(&["middle"], RoundRobin::new(), Some(messages(2))), "middle", middle);
    let talk = talk(outer, "go", |asked| format!("after {}", asked.seen.len()));
    assert_eq!(talk.said(), ["middle: after 1", "middle: after 1"]);
    assert_eq!(talk.speakers(), ["x"; 4]);
}

#[test]
fn crews_at_the_same_time_are_heard_in_their_order() {
    for order in [Order::First, Order::Last] {
        let inner = |agent: &str| crew(&[agent], RoundRobin::new(), Some(messages(2)));
        let outer = with(with(crew(&["one", "two"], Together, None), "one", inner("x")), "two", inner("y"));
        let talk = talk_in(order, outer, "go", |asked| format!("{} {}", asked.speaker, asked.seen.len()));
        assert_eq!(talk.said(), ["one: x 2", "two: y 2"], "{order:?}");
    }
}

#[test]
fn a_limit_within_does_not_end_what_is_around_and_keeps_what_was_said() {
    let limit = turns(1);
    let inner = CrewDefinition { limit, ..crew(&["x"], RoundRobin::new(), Some(messages(9))) };
    let outer = with(crew(&["part", "a"], RoundRobin::new(), Some(messages(2))), "part", inner);
    let talk = talk(outer, "go", count);
    assert_eq!(talk.said(), ["part: 1 before me", "a: 2 before me"]);
    check_end(&talk, OutcomeKind::Concluded, "2 of 2 messages were said");
}

#[test]
fn a_crew_that_says_nothing_leaves_a_note_and_the_others_go_on() {
    let inner = CrewDefinition { limit: turns(1), ..crew(&["x"], RoundRobin::new(), Some(messages(9))) };
    let outer = with(crew(&["part", "a"], RoundRobin::new(), Some(messages(1))), "part", inner);
    let talk = talk(outer, "go", |asked| match asked.speaker.as_str() {
        "x" => Does::Ends(TurnOutcome::Skipped { reason: "out of order".to_owned() }),
        _ => "here".into(),
    });
    assert_eq!(talk.said(), ["runtime: Turn 1 of part brought nothing: nothing was said.", "a: here"]);
}

#[test]
fn a_limit_around_ends_the_crews_within() {
    let inner = crew(&["x"], RoundRobin::new(), Some(messages(99)));
    let outer = with(crew(&["part"], RoundRobin::new(), Some(says("DONE"))), "part", inner);
    let outer = CrewDefinition { limit: Condition::Tokens(u64::MAX).or(called_ten()), ..outer };
    let talk = talk(outer, "go", |asked| if asked.seen.len() > 20 { "DONE" } else { "more" });
    assert_eq!(talk.outcome.kind, OutcomeKind::Concluded);
}

/// A condition that is never met here.
fn called_ten() -> Condition {
    crate::called("nothing")
}

#[test]
fn roles_are_listed_for_a_model_that_chooses() {
    let roles = BTreeMap::from([(name("a"), "Reads".to_owned())]);
    let agents = [name("a"), name("b")];
    let view = ConversationView {
        agents: &agents,
        transcript: &Arc::default(),
        assigned: 0,
        last_speaker: None,
        roles: &roles,
    };
    assert_eq!(view.roster(&agents), "- a: Reads\n- b");
}

#[test]
fn a_handoff_says_something_and_ends_the_turn() {
    let crew = crew(&["a", "b"], RoundRobin::new(), Some(crate::handoff("b")));
    let talk = talk(crew, "go", |_| Does::HandsOver { to: "b".to_owned(), words: "Over to b.".to_owned() });
    assert_eq!(talk.said(), ["a: Over to b."]);
    check_end(&talk, OutcomeKind::Concluded, "an agent handed over to `b`");
    let n_turns = talk.records.iter().filter(|record| record.key.turn > TurnId(0)).count();
    assert_eq!(n_turns, 3, "given, said, ended");
}
