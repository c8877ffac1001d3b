use super::talk;
use crate::Conversation;
use crate::test_records::{nested_run, short_run};

#[test]
fn a_talk_shows_calls_before_what_was_said() {
    let expected = "\
user: go
  clerk -> read(file=a) ok 11 B
  clerk -> nope() failed: there is no tool `nope`
clerk: total is 5
auditor: fine {\"paid\":true} CLOSED
";
    assert_eq!(talk(&Conversation::fold(&short_run())), expected);
}

#[test]
fn nothing_passes_for_a_part_of_the_main_conversation_that_is_none() {
    let expected = "\
user: go
| lab (to lead): 3 g
  lead -> ask_lab(task=Weigh it.) ok 3 B
lead: It weighs 3 g.
| panel is asked: user: go
| panel > pair is asked: dig
|   panel > pair > x -> read() ok 1 B
| panel > pair > x: a
|   | panel > y: b
| panel > pair: a
| panel > judge (to the pattern): {\"over\":true}
panel: a
| panel is asked: again
| panel > x: c
| panel (to the pattern): c
|   -- turn 9 of judge (to the pattern): skipped: gone
";
    assert_eq!(talk(&Conversation::fold(&nested_run())), expected);
}

#[test]
fn a_turn_that_has_not_ended_is_open() {
    let shown = talk(&Conversation::fold(&nested_run()[..23]));
    let open = "  -- turn 3 of panel: open\n|   -- turn 5 of panel > pair: open\n|   -- turn 7 of panel > pair > x: open\n";
    assert!(shown.ends_with(open), "{shown}");
}
