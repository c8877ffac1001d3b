use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_types::{AgentName, ModelName, OutcomeKind, TurnOutcome};

use super::Graph;
use crate::test_talk::{Asked, Does, Order, Talk, talk, talk_in};
use crate::{AgentPolicy, CrewDefinition, Escalation, Pattern, RoundRobin, messages, says, turns};

pub(super) fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

fn members(names: &str) -> Vec<AgentName> {
    names.split(' ').map(name).collect()
}

/// A crew of these members, whose graph has no fault.
#[track_caller]
fn crew(names: &str, graph: Graph) -> CrewDefinition {
    let agents = members(names);
    assert_eq!(graph.faults(&agents), [""; 0]);
    CrewDefinition { agents, pattern: Box::new(graph), ..CrewDefinition::default() }
}

/// Draws edges from a text like `a b, b c`.
fn edges(graph: Graph, text: &str) -> Graph {
    text.split(", ").fold(graph, |graph, edge| {
        let (from, to) = edge.split_once(' ').unwrap();
        graph.edge(name(from), name(to))
    })
}

fn diamond() -> Graph {
    edges(Graph::new().entry(name("a")).exit(name("d")), "a b, a c, b d, c d")
}

/// A writer and a critic, until the critic says that it is good.
fn review() -> Graph {
    edges(Graph::new().entry(name("a")), "a b")
        .edge_if(name("b"), name("a"), "again", |text| text.contains("again"))
        .edge_if(name("b"), name("c"), "good", |text| text.contains("good"))
        .exit(name("c"))
        .max_visits(3)
}

fn seen(asked: &Asked) -> String {
    format!("after {}", asked.seen.len())
}

#[track_caller]
fn check_end(talk: &Talk, kind: OutcomeKind, detail: &str) {
    assert_eq!((talk.outcome.kind, talk.outcome.detail.as_str()), (kind, detail));
}

fn misfortunes() -> Vec<TurnOutcome> {
    let text = || "bad luck".to_owned();
    vec![
        TurnOutcome::Limited { limit: text() },
        TurnOutcome::Unfit { detail: text() },
        TurnOutcome::Skipped { reason: text() },
        TurnOutcome::Cancelled,
    ]
}

#[test]
fn a_chain_ends_at_its_exit() {
    let graph = edges(Graph::new().entry(name("a")).exit(name("c")), "a b, b c");
    let talk = talk(crew("a b c", graph), "go", seen);
    assert_eq!(talk.said(), ["a: after 1", "b: after 2", "c: after 3"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `c`");
}

#[test]
fn branches_speak_at_once_and_a_join_of_all_waits_for_both() {
    for order in [Order::First, Order::Last] {
        let talk = talk_in(order, crew("a b c d", diamond().join_all(name("d"))), "go", seen);
        assert_eq!(talk.said(), ["a: after 1", "b: after 2", "c: after 2", "d: after 4"], "{order:?}");
        check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `d`");
    }
}

/// `a` leads to `d` directly and by way of `b` and `c`.
fn long_and_short() -> Graph {
    edges(Graph::new().entry(name("a")).exit(name("d")), "a b, b c, c d, a d")
}

#[test]
fn a_join_of_all_waits_for_the_longer_way() {
    let talk = talk(crew("a b c d", long_and_short().join_all(name("d"))), "go", seen);
    assert_eq!(talk.speakers(), ["a", "b", "c", "d"]);
}

#[test]
fn a_node_that_leads_to_a_join_twice_before_it_speaks_counts_once() {
    // The first leads to `c` in its own wave and in that of the other, which completes the join: whichever of the two is
    // looked at first there.
    for (first, other) in [("a", "b"), ("b", "a")] {
        let once = |text: &str| text == "after 1";
        let graph = edges(Graph::new().entry(name(first)).exit(name("c")), "a c, b c")
            .edge_if(name(first), name(first), "once", once)
            .edge_if(name(first), name(other), "once", once)
            .join_all(name("c"))
            .max_visits(2);
        let talk = talk(crew("a b c", graph), "go", seen);
        check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `c`");
        assert_eq!(talk.speakers(), [first, "a", "b", "c"]);
    }
}

#[test]
fn a_join_of_any_speaks_each_time() {
    let talk = talk(crew("a b c d", long_and_short().join_any(name("d"))), "go", seen);
    assert_eq!(talk.speakers(), ["a", "b", "d", "c", "d"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `d`");
}

#[test]
fn a_cycle_ends_by_its_condition() {
    let talk =
        talk(crew("a b c", review()), "go", |asked| if asked.seen.len() > 3 { "good" } else { "again" });
    assert_eq!(talk.speakers(), ["a", "b", "a", "b", "c"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `c`");
}

#[test]
fn a_cycle_ends_at_its_limit_with_what_was_said() {
    let talk = talk(crew("a b c", review()), "go", |_| "again");
    assert_eq!(talk.said().len(), 6);
    check_end(&talk, OutcomeKind::Limited, "`a` was reached more than 3 times");
}

#[test]
fn two_conditions_that_hold_are_two_branches() {
    let talk = talk(crew("a b c", review()), "go", |asked| match asked.seen.len() {
        2 => "good, but once again",
        _ => "good",
    });
    assert_eq!(talk.speakers(), ["a", "b", "a", "c", "b", "c"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `c`");
}

#[test]
fn no_condition_that_holds_names_the_node_and_its_edges() {
    let talk = talk(crew("a b c", review()), "go", |_| "hm");
    let detail =
        "no edge leads on from what `b` said, and it is no exit: `b` -> `a` (`again`), `b` -> `c` (`good`)";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_condition_that_panics_names_its_edge() {
    // Without the panic hook: a planned panic needs no backtrace.
    let broken = |_: &str| std::panic::resume_unwind(Box::new("as planned"));
    let graph = Graph::new().entry(name("a")).edge_if(name("a"), name("b"), "broken", broken).exit(name("b"));
    let talk = talk(crew("a b", graph), "go", seen);
    let detail = "the condition of the edge `a` -> `b` (`broken`) panicked: as planned";
    check_end(&talk, OutcomeKind::Failed, detail);
}

#[test]
fn a_join_whose_branch_does_not_come_is_not_reported_as_done() {
    let graph = edges(Graph::new().entry(name("a")).exit(name("d")), "a b, b d, c d")
        .edge_if(name("a"), name("c"), "both", |text| text.contains("both"))
        .join_all(name("d"));
    let talk = talk(crew("a b c d", graph), "go", seen);
    check_end(&talk, OutcomeKind::Failed, "`d` waits for `c`, and nobody speaks any more");
}

#[test]
fn the_end_is_not_reported_while_a_branch_still_speaks() {
    // `b` is an exit that is reached at once; the way over `c` is longer.
    let graph = edges(Graph::new().entry(name("a")).exit(name("b")).exit(name("d")), "a b, a c, c d");
    let talk = talk(crew("a b c d", graph), "go", seen);
    assert_eq!(talk.speakers(), ["a", "b", "c", "d"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `d`");
}

#[test]
fn a_turn_that_brings_nothing_ends_with_the_name_of_its_node() {
    for outcome in misfortunes() {
        let graph = edges(Graph::new().entry(name("a")).exit(name("c")), "a b, b c");
        let talk = talk(crew("a b c", graph), "go", |asked| match asked.speaker.as_str() {
            "b" => Does::Ends(outcome.clone()),
            _ => seen(asked).into(),
        });
        let is_limit = matches!(outcome, TurnOutcome::Limited { .. } | TurnOutcome::Unfit { .. });
        let kind = if is_limit { OutcomeKind::Limited } else { OutcomeKind::Failed };
        assert_eq!(talk.outcome.kind, kind, "{outcome:?}");
        assert!(talk.outcome.detail.starts_with("the turn of `b` brought nothing"), "{:?}", talk.outcome);
        assert_eq!(talk.said(), ["a: after 1"], "what was said is kept");
    }
}

/// `a`, `b`, `d`, or `c` in the place of `b`.
fn with_failure_edge() -> Graph {
    let graph = Graph::new().entry(name("a")).exit(name("d"));
    edges(graph, "a b, b d, c d").edge_on_failure(name("b"), name("c"))
}

#[test]
fn a_failure_edge_leads_on() {
    for outcome in misfortunes() {
        let talk = talk(crew("a b c d", with_failure_edge()), "go", |asked| match asked.speaker.as_str() {
            "b" => Does::Ends(outcome.clone()),
            _ => seen(asked).into(),
        });
        assert_eq!(talk.speakers(), ["a", "b", "c", "d"], "{outcome:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Concluded, "{outcome:?}");
    }
    let talk = talk(crew("a b c d", with_failure_edge()), "go", seen);
    assert_eq!(talk.speakers(), ["a", "b", "d"], "only after a failure");
}

#[test]
fn a_branch_that_fails_does_not_take_what_the_others_said() {
    for order in [Order::First, Order::Last] {
        let talk = talk_in(order, crew("a b c d", diamond()), "go", |asked| match asked.speaker.as_str() {
            "b" => Does::Ends(TurnOutcome::Limited { limit: "32 model calls".to_owned() }),
            _ => seen(asked).into(),
        });
        assert_eq!(talk.said(), ["a: after 1", "c: after 2"], "{order:?}");
        assert_eq!(talk.outcome.kind, OutcomeKind::Limited, "{order:?}");
    }
}

fn with_ladder(crew: CrewDefinition, ladder: &[Escalation]) -> CrewDefinition {
    let policy = AgentPolicy { on_model_failure: ladder.to_vec(), ..AgentPolicy::default() };
    CrewDefinition { policies: BTreeMap::from([(name("b"), policy)]), ..crew }
}

fn model_fails(asked: &Asked, times: usize, n_asked: &mut usize) -> Does {
    if asked.speaker == "b" {
        *n_asked += 1;
        if *n_asked <= times {
            return Does::Ends(TurnOutcome::ModelFailed { detail: "gone".to_owned() });
        }
    }
    seen(asked).into()
}

#[test]
fn a_node_whose_model_is_replaced_speaks_in_its_place() {
    for order in [Order::First, Order::Last] {
        let crew = crew("a b c d", diamond().join_all(name("d")).max_visits(1));
        let crew = with_ladder(crew, &[Escalation::ReplaceModel(ModelName::new("other"))]);
        let mut n_asked = 0;
        let talk = talk_in(order, crew, "go", |asked| model_fails(asked, 1, &mut n_asked));
        // What the other said at the same time is posted before.
        assert_eq!(talk.said(), ["a: after 1", "c: after 2", "b: after 3", "d: after 4"], "{order:?}");
        check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `d`");
    }
}

#[test]
fn a_node_that_was_dropped_is_passed_by_its_failure_edge() {
    let graph = edges(Graph::new().entry(name("a")).exit(name("d")), "a b, c d")
        .edge_if(name("b"), name("d"), "good", |text| text.contains("good"))
        .edge_on_failure(name("b"), name("c"))
        .edge_if(name("d"), name("a"), "again", |text| text.contains("after 4"))
        .max_visits(2);
    let crew = with_ladder(crew("a b c d", graph), &[Escalation::DropAgent]);
    let talk = talk(crew, "go", |asked| model_fails(asked, 9, &mut 0));
    assert_eq!(talk.speakers(), ["a", "b", "c", "d", "a", "c", "d"]);
    check_end(&talk, OutcomeKind::Concluded, "the graph has ended at `d`");
}

#[test]
fn a_node_that_was_dropped_ends_a_way_that_needs_it() {
    let crew = with_ladder(crew("a b c", review()), &[Escalation::SkipTurn, Escalation::DropAgent]);
    let talk = talk(crew, "go", |asked| model_fails(asked, 9, &mut 0));
    check_end(
        &talk,
        OutcomeKind::Failed,
        "the turn of `b` brought nothing, and no edge leads on from that: gone",
    );
}

#[test]
fn a_handoff_takes_the_edge_to_its_target_and_no_other() {
    let hands_to = |to: &str| {
        let to = to.to_owned();
        move |asked: &Asked| match asked.speaker.as_str() {
            "a" => Does::HandsOver { to: to.clone(), words: "over to you".to_owned() },
            _ => seen(asked).into(),
        }
    };
    let talk_to_c = talk(crew("a b c d", diamond()), "go", hands_to("c"));
    assert_eq!(talk_to_c.said(), ["a: over to you", "c: after 2", "d: after 3"]);
    let talk_to_d = talk(crew("a b c d", diamond()), "go", hands_to("d"));
    let detail = "the turn of `a` brought nothing, and no edge leads on from that: it gave the floor to `d`, \
                  where no edge leads";
    check_end(&talk_to_d, OutcomeKind::Failed, detail);
}

#[test]
fn a_crew_can_be_a_node() {
    for order in [Order::First, Order::Last] {
        let inner = |agent: &str| CrewDefinition {
            agents: vec![name(agent)],
            pattern: Box::new(RoundRobin::new()),
            until: Some(messages(2)),
            ..CrewDefinition::default()
        };
        let mut crew = crew("a b c d", diamond().join_all(name("d")));
        crew.crews.insert(name("b"), Arc::new(inner("x")));
        crew.crews.insert(name("c"), Arc::new(inner("y")));
        let talk = talk_in(order, crew, "go", |asked| format!("{} {}", asked.speaker, asked.seen.len()));
        assert_eq!(talk.said(), ["a: a 1", "b: x 2", "c: y 2", "d: d 4"], "{order:?}");
    }
}

#[test]
fn a_graph_can_be_a_node_of_a_graph() {
    let chain = |names: &str| edges(Graph::new().entry(name(&names[..1])).exit(name(&names[2..])), names);
    let mut crew = crew("a b", chain("a b"));
    let inner = CrewDefinition {
        agents: members("x y"),
        pattern: Box::new(chain("x y")),
        ..CrewDefinition::default()
    };
    crew.crews.insert(name("b"), Arc::new(inner));
    let talk = talk(crew, "go", seen);
    assert_eq!(talk.said(), ["a: after 1", "b: after 2"]);
    assert_eq!(talk.speakers(), ["a", "x", "y"]);
}

#[test]
fn planned_ends_and_limits_see_every_message_of_a_wave() {
    let graph = || diamond().join_all(name("d"));
    for (order, speaker) in [(Order::First, "b"), (Order::Last, "b"), (Order::First, "c"), (Order::Last, "c")]
    {
        let crew = CrewDefinition { until: Some(says("DONE")), ..crew("a b c d", graph()) };
        let talk = talk_in(order, crew, "go", |asked| if asked.speaker == speaker { "DONE" } else { "no" });
        check_end(&talk, OutcomeKind::Concluded, "`DONE` was said");
    }
    let crew = CrewDefinition { limit: turns(3), ..crew("a b c d", graph()) };
    let talk = talk(crew, "go", seen);
    assert_eq!(talk.said(), ["a: after 1", "b: after 2", "c: after 2"], "what was done is kept");
    assert_eq!(talk.outcome.kind, OutcomeKind::Limited);
}

#[test]
fn what_a_join_waits_for_survives_a_restart() {
    use playhouse_journal::Event;
    use playhouse_types::{Brief, TurnId};
    let graph = long_and_short().join_all(name("d"));
    let mut running = graph.clone();
    let speak = |pattern: &mut dyn Pattern, turn, speaker: &str| {
        let (turn, speaker) = (TurnId(turn), name(speaker));
        let brief = Box::new(Brief::new("").noting(format!("wave:{turn}")));
        pattern.apply(&Event::Briefed { turn, brief });
        pattern.apply(&Event::TurnAssigned { turn, speaker, reason: String::new(), upto: 1 });
        let outcome = TurnOutcome::Answered { content: "word".to_owned() };
        pattern.apply(&Event::TurnEnded { turn, outcome });
    };
    // `a` has led to `d`, which waits for `c`: that is what AutoGen forgets.
    speak(&mut running, 1, "a");
    speak(&mut running, 2, "b");
    let mut resumed = graph.clone();
    assert!(resumed.restore(&running.save().unwrap()));
    speak(&mut resumed, 3, "c");
    let next = resumed.state.next(&resumed.shape).unwrap();
    assert_eq!(next.ready.into_iter().collect::<Vec<_>>(), [name("d")]);
    let mut forgetful = graph.clone();
    speak(&mut forgetful, 3, "c");
    assert!(forgetful.state.next(&forgetful.shape).is_err(), "without its state it would wait for `a`");
}

#[track_caller]
fn check_faults(graph: &Graph, names: &str, expected: &[&str]) {
    assert_eq!(graph.faults(&members(names)), expected);
}

#[test]
fn a_graph_needs_an_entry_and_an_exit() {
    check_faults(&Graph::new(), "a", &["the graph has no entry", "the graph has no exit"]);
    let talk = talk(
        CrewDefinition { agents: members("a"), pattern: Box::new(Graph::new()), ..CrewDefinition::default() },
        "go",
        seen,
    );
    check_end(&talk, OutcomeKind::Failed, "the graph has no entry");
}

#[test]
fn unknown_unreachable_and_stuck_nodes_are_named() {
    let graph = edges(Graph::new().entry(name("a")).exit(name("b")), "a b, a c, a x");
    check_faults(
        &graph,
        "a b c d",
        &[
            "the graph has a node `x`, who is not in the crew",
            "no way leads to `d`",
            "no way leads from `c` to an exit",
        ],
    );
}

#[test]
fn unbounded_cycles_are_named() {
    let bounded = review();
    check_faults(&bounded, "a b c", &[]);
    let graph = edges(Graph::new().entry(name("a")), "a b")
        .edge_if(name("b"), name("a"), "again", |_| true)
        .edge_if(name("b"), name("c"), "good", |_| true)
        .exit(name("c"));
    check_faults(&graph, "a b c", &["the cycle `a` -> `b` -> `a` is not bounded: set `max_visits`"]);
    check_faults(&graph.max_visits(0), "a b c", &["`max_visits` must be at least 1"]);
    let graph = edges(Graph::new().entry(name("a")).exit(name("c")), "a b, b a, b c").max_visits(3);
    check_faults(
        &graph,
        "a b c",
        &["the cycle `a` -> `b` -> `a` has no condition: it never ends as planned"],
    );
    let graph =
        Graph::new().entry(name("a")).edge_if(name("a"), name("a"), "again", |_| true).exit(name("a"));
    check_faults(&graph, "a", &["the cycle `a` -> `a` is not bounded: set `max_visits`"]);
}

#[test]
fn edges_and_joins_that_cannot_be_meant_are_named() {
    let graph = edges(Graph::new().entry(name("a")).exit(name("b")).exit(name("c")), "a b, a b, b c")
        .join_all(name("b"))
        .join_any(name("b"));
    check_faults(
        &graph,
        "a b c",
        &[
            "the edge `a` -> `b` is drawn 2 times",
            "`b` is an exit where the graph cannot end: the edge `b` -> `c` is always taken",
            "`b` has nothing to join: fewer than two nodes lead to it",
            "`b` is to join both all and any",
            "`b` has nothing to join: fewer than two nodes lead to it",
        ],
    );
    // The way back leads into the join that would have to speak first.
    check_faults(
        &review().entry(name("d")).edge(name("d"), name("b")).join_all(name("b")).max_visits(2),
        "a b c d",
        &[],
    );
    let graph = edges(Graph::new().entry(name("x")), "x a, a b")
        .edge_if(name("b"), name("a"), "again", |_| true)
        .exit(name("b"))
        .join_all(name("a"))
        .max_visits(2);
    check_faults(&graph, "x a b", &["`a` would wait for `b` without end: only `a` leads there"]);
}

#[test]
fn a_change_of_the_graph_shows() {
    let shapes = [review(), review().max_visits(4), diamond(), diamond().join_all(name("d"))];
    let described: std::collections::BTreeSet<String> = shapes.iter().map(Pattern::describe).collect();
    assert_eq!(described.len(), shapes.len());
}

#[test]
fn a_long_chain_is_checked_at_once() {
    let node = |place: usize| name(&format!("n{place}"));
    let chain = (0..5_000).fold(Graph::new().entry(node(0)), |graph, n| graph.edge(node(n), node(n + 1)));
    let members: Vec<AgentName> = (0..=5_000).map(node).collect();
    assert_eq!(chain.exit(node(5_000)).faults(&members), [""; 0]);
}
