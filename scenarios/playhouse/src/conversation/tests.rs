use super::{ActorRestart, CallEnd, Conversation};
use crate::test_records::{RUN, agent, call, posted, records, settled_run, short_run};
use playhouse_journal::{Event, ExitKind};
use playhouse_types::{
    Brief, Effect, Incarnation, Lane, OutcomeKind, Participant, Seq, TurnId, TurnOutcome, Usage, Verdict,
};
use serde::Deserialize;

#[derive(Deserialize, PartialEq, Debug)]
struct Paid {
    paid: bool,
}

#[test]
fn messages_turns_and_calls_come_out_in_order() {
    let conversation = Conversation::fold(&short_run());
    let said: Vec<_> =
        conversation.messages().iter().map(|message| (message.from.as_str(), &*message.content)).collect();
    assert_eq!(said, [("user", "go"), ("clerk", "total is 5"), ("auditor", "fine {\"paid\":true} CLOSED")]);
    let speakers: Vec<_> = conversation.turns().map(|turn| turn.speaker.as_str()).collect();
    assert_eq!(speakers, ["clerk", "auditor"]);
    assert_eq!(conversation.turn(TurnId(2)).unwrap().outcome, Some(TurnOutcome::Replied));
    assert_eq!(conversation.run(), Some(RUN));
    assert_eq!(conversation.input::<String>().unwrap(), "go");
    assert_eq!(conversation.outcome().unwrap().kind, OutcomeKind::Concluded);
    assert_eq!(conversation.result(), Some("{\"paid\":true}"));
}

#[test]
fn calls_hold_what_was_asked_and_what_came_of_it() {
    let conversation = Conversation::fold(&short_run());
    let calls: Vec<_> = conversation.calls().collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (calls[0].call, &calls[0].agent, calls[0].effect),
        (call(1, 1, 0), &agent("clerk"), Some(Effect::Pure))
    );
    assert_eq!(calls[0].arguments, "{\"file\":\"a\"}", "the canonical arguments win over those of the model");
    assert_eq!(calls[0].output(), Some("{\"total\":5}"));
    assert_eq!(calls[0].output_as::<serde_json::Value>().unwrap()["total"], 5);
    assert_eq!(calls[1].end, Some(CallEnd::Failed("there is no tool `nope`".to_owned())));
    assert_eq!((calls[1].effect, calls[1].output()), (None, None));
    assert_eq!(conversation.calls_of("read").count(), 1);
}

#[test]
fn a_call_in_doubt_that_a_person_settled_says_what_was_found() {
    let happened = || Verdict::Landed { output: "posted".to_owned() };
    for (verdict, output) in
        [(happened(), Some("posted")), (Verdict::DidNotHappen, None), (Verdict::Abandon, None)]
    {
        let conversation = Conversation::fold(&records(settled_run(verdict.clone())));
        let call = conversation.calls().next().unwrap();
        let (doubt, by) = ("lost".to_owned(), "ann".to_owned());
        assert_eq!(call.end, Some(CallEnd::Settled { doubt, verdict, by }));
        assert_eq!(call.output(), output);
    }
    let unsettled = &records(settled_run(happened()))[..5];
    let conversation = Conversation::fold(unsettled);
    assert_eq!(conversation.calls().next().unwrap().end, Some(CallEnd::InDoubt("lost".to_owned())));
}

#[test]
fn a_restart_comes_with_its_cause() {
    let expected = ActorRestart {
        actor: Lane::new("clerk").unwrap(),
        incarnation: Incarnation(2),
        checkpoint: Seq(7),
        cause: Some((ExitKind::Failed, "it panicked".to_owned())),
        down: std::time::Duration::from_millis(2),
    };
    assert_eq!(Conversation::fold(&short_run()).restarts(), [expected]);
}

#[test]
fn usage_is_summed() {
    let expected = Usage {
        input_tokens: 30,
        output_tokens: 15,
        model_calls: 3,
        tool_calls: 2,
        cost_microusd: Some(0),
        lost: 0,
    };
    assert_eq!(*Conversation::fold(&short_run()).usage(), expected);
}

#[test]
fn what_an_agent_said_can_be_read() {
    let conversation = Conversation::fold(&short_run());
    assert_eq!(conversation.last().unwrap().from.as_str(), "auditor");
    assert_eq!(conversation.last_from("clerk").unwrap().content, "total is 5");
    assert_eq!(conversation.last_json_from::<Paid>("auditor").unwrap(), Paid { paid: true });
    let error = conversation.last_json_from::<Paid>("clerk").unwrap_err().to_string();
    assert_eq!(error, "the last message of `clerk` holds no JSON object");
    assert!(
        conversation
            .last_json_from::<Paid>("nobody")
            .unwrap_err()
            .to_string()
            .contains("`nobody` has said nothing")
    );
}

#[test]
fn any_beginning_of_a_journal_folds() {
    let records = short_run();
    for end in 0..=records.len() {
        let conversation = Conversation::fold(&records[..end]);
        assert_eq!(conversation.outcome().is_some(), end == records.len());
    }
    assert_eq!(
        Conversation::fold(&records[..5]).calls().next().unwrap().end,
        None,
        "an open call has no end"
    );
}

#[test]
fn the_output_of_a_task_is_found_by_its_name() {
    let told = |turn, task: &str| {
        let brief = Box::new(Brief::new("do it").noting(format!("task:{task}")));
        Event::Briefed { turn: TurnId(turn), brief }
    };
    let assigned = |turn, speaker| {
        let (turn, speaker, reason) = (TurnId(turn), agent(speaker), String::new());
        Event::TurnAssigned { turn, speaker, reason, upto: 0 }
    };
    let ended = |turn, outcome| Event::TurnEnded { turn: TurnId(turn), outcome };
    let clerk = || Participant::Agent(agent("clerk"));
    let events = vec![
        told(1, "facts"),
        assigned(1, "clerk"),
        posted(1, clerk(), "done {\"paid\":true}"),
        ended(1, TurnOutcome::Replied),
        told(2, "letter"),
        assigned(2, "clerk"),
        posted(2, clerk(), "too long"),
        ended(2, TurnOutcome::Replied),
        told(3, "letter"),
        posted(3, Participant::Runtime, "not accepted"),
        told(4, "letter"),
        assigned(4, "clerk"),
        posted(4, clerk(), "over to you"),
        ended(4, TurnOutcome::HandedOff { to: agent("auditor") }),
        told(5, "letter"),
        assigned(5, "clerk"),
        posted(5, clerk(), "short"),
        ended(5, TurnOutcome::Replied),
    ];
    let records = records(events.into_iter().map(|event| ("run", (0, 0, 0), event)).collect());
    let letter = |upto| {
        let conversation = Conversation::fold(&records[..upto]);
        conversation.task("letter").map(|message| message.content.clone())
    };
    assert_eq!([4, 10, 14, 18].map(letter), [None, None, None, Some("short".to_owned())]);
    let conversation = Conversation::fold(&records);
    assert_eq!(conversation.task_json::<Paid>("facts").unwrap(), Paid { paid: true });
    let error = |name| conversation.task_json::<Paid>(name).unwrap_err().to_string();
    assert_eq!(error("nothing"), "task `nothing` has no output");
    assert!(error("letter").starts_with("the output of task `letter`: "), "{}", error("letter"));
}
