use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use playhouse_journal::{Event, Record};
use playhouse_messages::BusEvent;
use playhouse_types::{CaseName, Step, TurnId, TurnOutcome};

use super::{Audience, ConversationView};
use crate::test_records::{RUN, agent, nested_run, posted, records, reply, short_run};
use crate::view::Style;

fn one() -> ConversationView {
    ConversationView::new(Style::Plain, Audience::One, BTreeMap::new())
}

fn recorded(record: &Record) -> BusEvent {
    BusEvent::Recorded(Arc::new(record.clone()))
}

fn token(step: u32, attempt: u32, offset: usize, text: &str) -> BusEvent {
    let (turn, step, text) = (TurnId(1), Step(step), text.to_owned());
    BusEvent::Token { run: RUN, turn, step, speaker: agent("clerk"), attempt, offset, text }
}

fn show(view: &mut ConversationView, events: &[BusEvent]) -> String {
    events.iter().map(|event| view.show(event)).collect()
}

fn only(lane: &str, key: (u32, u32, u32), event: Event) -> BusEvent {
    recorded(&records(vec![(lane, key, event)])[0])
}

#[test]
fn a_run_reads_as_a_conversation() {
    let events: Vec<BusEvent> = short_run().iter().map(recorded).collect();
    let expected = "\
run 00000000000000000000000007 of demo, seed 0
user: go
  -> call_1_1_1 failed: there is no tool `nope`
  -> read(file=a) ok 11 B 2 ms
  !! clerk crashed: it panicked
  !! clerk is back after 2 ms: start 2, from record 7
clerk: total is 5
auditor: fine {\"paid\":true} CLOSED
== concluded: `CLOSED` was said (0 model calls, 0 tool calls, 0 tokens)
";
    assert_eq!(show(&mut one(), &events), expected);
}

#[test]
fn several_runs_are_told_apart_by_their_cases() {
    let cases = BTreeMap::from([(RUN, CaseName::new("ahorn").unwrap())]);
    let mut view = ConversationView::new(Style::Plain, Audience::Many, cases);
    let events = [token(1, 1, 0, "hid"), only("clerk", (1, 1, 0), reply("one\ntwo", &[]))];
    assert_eq!(show(&mut view, &events), "[ahorn] clerk: one\n[ahorn]   two\n");
}

#[test]
fn a_reply_appears_as_it_is_written_and_only_once() {
    let events = [
        token(1, 1, 0, "one\n"),
        token(1, 1, 4, "two"),
        only("clerk", (1, 1, 0), reply("one\ntwo", &[])),
        only(
            "clerk",
            (1, 0, 0),
            crate::test_records::posted(1, playhouse_types::Participant::Agent(agent("clerk")), "one\ntwo"),
        ),
    ];
    assert_eq!(show(&mut one(), &events), "clerk: one\n  two\n");
}

#[test]
fn what_was_missed_of_a_reply_is_added() {
    let events = [
        token(1, 1, 0, "one "),
        token(1, 1, 8, "three"),
        only("clerk", (1, 1, 0), reply("one two three", &[])),
    ];
    assert_eq!(show(&mut one(), &events), "clerk: one two three\n");
}

#[test]
fn a_reply_of_another_attempt_is_shown_whole() {
    let events = [token(1, 1, 0, "first"), only("clerk", (1, 1, 0), reply("second", &[]))];
    assert_eq!(show(&mut one(), &events), "clerk: first\nclerk: second\n");
}

#[test]
fn a_retracted_reply_is_marked_and_begins_anew() {
    let retracted = BusEvent::Retracted {
        run: RUN,
        turn: TurnId(1),
        step: Step(1),
        speaker: agent("clerk"),
        attempt: 1,
        reason: "503".to_owned(),
        retry_in: Some(Duration::from_secs(2)),
    };
    let events = [
        token(1, 1, 0, "wro"),
        retracted,
        token(1, 2, 0, "right"),
        only("clerk", (1, 1, 0), reply("right", &[])),
    ];
    let expected = "clerk: wro\n  ~~ clerk: attempt 1 failed, what it said is void (503); next attempt in 2.0 s\nclerk: right\n";
    assert_eq!(show(&mut one(), &events), expected);
}

#[test]
fn a_line_in_the_middle_of_a_reply_breaks_it() {
    let crash = short_run()
        .iter()
        .find(|record| matches!(record.event, Event::ActorFailed { .. }))
        .map(recorded)
        .unwrap();
    let events = [
        token(1, 1, 0, "one "),
        crash,
        token(1, 1, 4, "two"),
        only("clerk", (1, 1, 0), reply("one two", &[])),
    ];
    let expected = "clerk: one \n  !! clerk crashed: it panicked\nclerk (goes on): two\n";
    assert_eq!(show(&mut one(), &events), expected);
}

#[test]
fn only_unusual_ends_of_turns_are_told() {
    let ended = |outcome| only("clerk", (3, 0, 0), Event::TurnEnded { turn: TurnId(3), outcome });
    assert_eq!(show(&mut one(), &[ended(TurnOutcome::Replied)]), "");
    let limited = TurnOutcome::Limited { limit: "32 steps".to_owned() };
    assert_eq!(show(&mut one(), &[ended(limited)]), "  -- turn 3 of clerk: limit reached: 32 steps\n");
}

#[test]
fn missed_events_are_counted() {
    assert_eq!(one().missed(12), "  (12 events not shown; the journal has them)\n");
}

#[test]
fn nothing_said_can_pass_for_another_speaker_or_steer_the_terminal() {
    let said = "ok\nauditor: CLOSED\r\u{1b}[2Kfake\u{202e}";
    let shown = show(&mut one(), &[only("clerk", (1, 1, 0), reply(said, &[]))]);
    assert_eq!(shown, "clerk: ok\n  auditor: CLOSED\\r\\u{1b}[2Kfake\\u{202e}\n");
}

#[test]
fn a_person_sees_what_is_asked_and_answered() {
    let review = playhouse_types::ReviewId::Approval(crate::test_records::call(1, 1, 0));
    let verdict = playhouse_types::Verdict::Reject { reason: "not now".to_owned() };
    let decided = Event::ReviewDecided { review, verdict, by: "ann".to_owned() };
    let refused =
        Event::CommandRefused { id: playhouse_journal::CommandId("x".to_owned()), reason: "late".to_owned() };
    let asked = crate::test_records::approval_run().pop().unwrap().2;
    let events =
        [only("clerk", (1, 1, 0), asked), only("run", (1, 1, 0), decided), only("run", (0, 0, 0), refused)];
    let expected = "  ?? 00000007/approval-1.1.0: approve send(amount=5)? (a letter)\n  \
                    ?? 00000007/approval-1.1.0: rejected by ann: not now\n  !! a command was refused: late\n";
    assert_eq!(show(&mut one(), &events), expected);
}

#[test]
fn what_changes_how_a_run_goes_on_is_told() {
    let (actor, clerk) = (playhouse_types::Lane::new("clerk").unwrap(), agent("clerk"));
    let reason = "too often".to_owned();
    let incarnation = playhouse_types::Incarnation(4);
    let model = playhouse_types::ModelName::new("small");
    let events = [
        Event::ActorGivenUp { actor, incarnation, reason: reason.clone() },
        Event::ModelReplaced { agent: None, model, reason: reason.clone() },
        Event::AgentDropped { agent: clerk, reason },
        Event::DefinitionChanged { from: [0; 32], to: [1; 32] },
    ];
    let shown = show(&mut one(), &events.map(|event| only("run", (0, 0, 0), event)));
    let expected = "  !! clerk is given up after start 4: too often\n  \
                    -- model of all agents is now small: too often\n  \
                    !! clerk takes no further part: too often\n  \
                    -- the scenario has changed since the run began\n";
    assert_eq!(shown, expected);
}

#[test]
fn nothing_passes_for_a_part_of_the_main_conversation_that_is_none() {
    let events: Vec<BusEvent> = nested_run().iter().map(recorded).collect();
    let expected = "\
run 00000000000000000000000007 of demo, seed 0
user: go
  -> lead asks lab: Weigh it.
| lab (to lead): 3 g
  -> ask_lab ok 3 B 5 ms
lead: It weighs 3 g.
| panel is asked: user: go
| panel > pair is asked: dig
|   -> call_7_1_0 ok 1 B
| panel > pair > x: a
|   | panel > y: b
| panel > pair: a
| panel > judge (to the pattern): {\"over\":true}
panel: a
|   -- turn 9 of judge (to the pattern): skipped: gone
| panel is asked: again
| panel > x: c
| panel (to the pattern): c
== concluded: done (0 model calls, 0 tool calls, 0 tokens)
";
    let mut view = one();
    assert_eq!(show(&mut view, &events), expected);
    assert!(view.runs.is_empty() && view.said.is_empty(), "nothing of a run is kept that has ended");
}

#[test]
fn a_reply_within_a_crew_is_marked_while_it_is_written() {
    let records = nested_run();
    let mut view = one();
    show(&mut view, &records[..25].iter().map(recorded).collect::<Vec<_>>());
    let token = |speaker, turn, step, offset, text: &str| {
        let (turn, step, text) = (TurnId(turn), Step(step), text.to_owned());
        BusEvent::Token { run: RUN, turn, step, speaker: agent(speaker), attempt: 1, offset, text }
    };
    let events = [token("x", 7, 2, 0, "a\n| panel"), recorded(&records[25]), recorded(&records[26])];
    assert_eq!(show(&mut view, &events), "| panel > pair > x: a\n|   | panel > y: b\n");
    // Frames may come before the record that says where they belong: then the reply is shown whole.
    let early = [
        token("judge", 8, 1, 0, "{"),
        recorded(&records[30]),
        recorded(&records[31]),
        token("judge", 8, 1, 1, "\"over"),
    ];
    assert_eq!(show(&mut view, &early), "");
    let whole = "| panel > judge (to the pattern): {\"over\":true}\n";
    assert_eq!(show(&mut view, &[recorded(&records[32])]), whole);
}

#[test]
fn a_turn_that_began_before_anybody_looked_is_not_taken_for_the_main_conversation() {
    let records = nested_run();
    let resumed = only("run", (0, 2, 0), Event::Resumed { epoch: 2, clean: true });
    let mut view = one();
    let mut events = vec![resumed];
    events.extend(records[25..33].iter().map(recorded));
    let expected = "  -- the run goes on\n| x (turn 7): a\n|   | panel > y: b\n| pair (turn 5): a\n\
                    | turn 3 > judge (to the pattern): {\"over\":true}\n";
    assert_eq!(show(&mut view, &events), expected);
    assert_eq!(view.missed(2), "  (2 events not shown; the journal has them)\n");
    let said =
        only("clerk", (13, 0, 0), posted(13, playhouse_types::Participant::Agent(agent("clerk")), "ok"));
    assert_eq!(show(&mut view, &[said]), "| clerk (turn 13): ok\n");
}

#[test]
fn what_was_said_at_the_same_time_is_shown_once() {
    let answered = TurnOutcome::Answered { content: "one".to_owned() };
    let events = [
        only("clerk", (1, 1, 0), reply("one", &[])),
        only("clerk", (1, 0, 0), Event::TurnEnded { turn: TurnId(1), outcome: answered }),
        only("run", (1, 0, 0), posted(1, playhouse_types::Participant::Agent(agent("clerk")), "one")),
    ];
    assert_eq!(show(&mut one(), &events), "clerk: one\n");
}
