use super::{Action, ChildId, Order, Phase, RestartPolicy, Strategy, Tree};
use playhouse_journal::ExitKind::{Failed, Killed, Normal, StartFailed};
use playhouse_types::Incarnation;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1);

fn tree(strategy: Strategy, count: u64) -> Tree {
    let mut tree = Tree::new(strategy, None);
    for _ in 0..count {
        tree.add(RestartPolicy::default(), Incarnation(0), Order::Declared);
    }
    tree
}

fn running(strategy: Strategy, count: u64) -> Tree {
    let mut tree = tree(strategy, count);
    let mut actions = tree.boot((0..count).map(ChildId));
    for id in (0..count).map(ChildId) {
        assert_eq!(actions, [start(id.0)], "one after the other");
        actions = tree.started(id, NOW);
    }
    assert_eq!(actions, []);
    tree
}

fn start(id: u64) -> Action {
    Action::Start(ChildId(id), Duration::ZERO)
}

fn stop(id: u64) -> Action {
    Action::Stop(ChildId(id))
}

fn exit(tree: &mut Tree, id: u64, exit: playhouse_journal::ExitKind) -> Vec<Action> {
    tree.exited(ChildId(id), exit, NOW, 0.0)
}

fn phases(tree: &Tree) -> Vec<Phase> {
    tree.children().map(|(_, phase, _)| phase).collect()
}

#[test]
fn one_for_one_restarts_the_failed_child_only() {
    let mut tree = running(Strategy::OneForOne, 3);
    assert_eq!(exit(&mut tree, 1, Failed), [start(1)]);
    assert_eq!(phases(&tree), [Phase::Running, Phase::Restarting, Phase::Running]);
    assert_eq!(tree.incarnation(ChildId(1)), Incarnation(2));
}

#[test]
fn rest_for_one_stops_later_children_in_reverse_and_starts_all_in_order() {
    let mut tree = running(Strategy::RestForOne, 4);
    assert_eq!(exit(&mut tree, 1, Killed), [stop(3)]);
    assert_eq!(exit(&mut tree, 3, Normal), [stop(2)]);
    assert_eq!(exit(&mut tree, 2, Normal), [start(1)]);
    assert_eq!(tree.started(ChildId(1), NOW), [start(2)]);
    assert_eq!(tree.started(ChildId(2), NOW), [start(3)]);
    assert_eq!(phases(&tree)[0], Phase::Running);
}

#[test]
fn one_for_all_restarts_everybody_that_runs_and_nobody_else() {
    let mut tree = running(Strategy::OneForAll, 4);
    assert_eq!(exit(&mut tree, 1, Normal), []);
    assert_eq!(exit(&mut tree, 2, Failed), [stop(3)]);
    assert_eq!(exit(&mut tree, 3, Normal), [stop(0)]);
    assert_eq!(exit(&mut tree, 0, Normal), [start(0)]);
    assert_eq!(tree.started(ChildId(0), NOW), [start(2)], "the one that ended as it should rests");
}

#[test]
fn a_child_that_nobody_asked_for_stays_idle_in_a_group_restart() {
    let mut tree = tree(Strategy::RestForOne, 3);
    tree.request(ChildId(0));
    tree.started(ChildId(0), NOW);
    assert_eq!(exit(&mut tree, 0, Failed), [start(0)]);
    assert_eq!(tree.started(ChildId(0), NOW), []);
}

#[test]
fn a_second_failure_during_a_group_restart_begins_with_the_earliest_and_starts_nobody_twice() {
    let mut tree = running(Strategy::RestForOne, 3);
    assert_eq!(exit(&mut tree, 1, Failed), [stop(2)]);
    assert_eq!(exit(&mut tree, 0, Failed), []);
    assert_eq!(exit(&mut tree, 2, Normal), [start(0)]);
    assert_eq!(tree.started(ChildId(0), NOW), [start(1)]);
    assert_eq!(exit(&mut tree, 1, StartFailed).len(), 1, "its own second restart, after a wait");
    assert_eq!(tree.started(ChildId(1), NOW), [start(2)]);
}

#[test]
fn a_child_that_is_told_to_stop_while_it_starts_is_stopped_when_it_has() {
    let mut tree = tree(Strategy::OneForOne, 1);
    assert_eq!(tree.boot([ChildId(0)]), [start(0)]);
    assert_eq!(tree.terminate(ChildId(0)), [stop(0)]);
    assert_eq!(tree.terminate(ChildId(0)), []);
    assert_eq!(tree.started(ChildId(0), NOW), [stop(0)]);
    assert_eq!(exit(&mut tree, 0, Killed), []);
    assert_eq!(phases(&tree), [Phase::Idle]);
}

#[test]
fn a_member_of_a_group_that_is_terminated_ends_before_those_before_it_stop_or_start() {
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let mut tree = running(strategy, 4);
        assert_eq!(exit(&mut tree, 0, Failed), [stop(3)]);
        // Its turn to stop comes all the same, and nobody's before or while it ends.
        assert_eq!(tree.terminate(ChildId(2)), []);
        assert_eq!(exit(&mut tree, 3, Normal), [stop(2)]);
        assert_eq!(tree.terminate(ChildId(2)), []);
        assert_eq!(exit(&mut tree, 2, Normal), [stop(1)]);
        assert_eq!(exit(&mut tree, 1, Normal), [start(0)]);
        assert_eq!(phases(&tree)[2], Phase::Idle, "it is not started again");
    }
}

#[test]
fn a_restart_of_a_group_waits_for_a_member_that_is_being_terminated() {
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let mut tree = running(strategy, 3);
        assert_eq!(tree.terminate(ChildId(2)), [stop(2)]);
        assert_eq!(exit(&mut tree, 0, Failed), []);
        assert_eq!(exit(&mut tree, 2, Normal), [stop(1)]);
        assert_eq!(exit(&mut tree, 1, Normal), [start(0)]);
    }
}

#[test]
fn a_shutdown_stops_in_reverse_what_runs_or_starts_and_then_ends() {
    let mut tree = tree(Strategy::OneForOne, 4);
    tree.boot((0..4).map(ChildId));
    tree.started(ChildId(0), NOW);
    tree.started(ChildId(1), NOW);
    // The third starts, the fourth waits for its turn.
    assert_eq!(tree.shutdown(), [stop(2)]);
    assert_eq!(tree.shutdown(), []);
    assert_eq!(exit(&mut tree, 2, StartFailed), [stop(1)]);
    // It fails before its turn, which is no restart.
    assert_eq!(exit(&mut tree, 0, Failed), []);
    assert_eq!(exit(&mut tree, 1, Normal), [Action::End { is_failure: false }]);
    assert_eq!(tree.request(ChildId(3)), []);
}

#[test]
fn a_supervisor_without_children_ends_at_once() {
    assert_eq!(tree(Strategy::OneForAll, 0).shutdown(), [Action::End { is_failure: false }]);
}

/// Does what the tree says, all at once successful, and counts the calls that it takes.
fn work_off(tree: &mut Tree, mut actions: Vec<Action>) -> u64 {
    let mut n_calls = 1;
    while let Some(action) = actions.pop() {
        actions.extend(match action {
            Action::Start(id, _) => tree.started(id, NOW),
            Action::Stop(id) => tree.exited(id, Normal, NOW, 0.0),
            _ => continue,
        });
        assert!(actions.len() <= 1, "one at a time");
        n_calls += 1;
    }
    n_calls
}

#[test]
fn s24_starts_restarts_and_stops_of_a_group_take_a_step_for_each_member() {
    for count in [1_000, 10_000] {
        let mut tree = tree(Strategy::OneForAll, count);
        let actions = tree.boot((0..count).map(ChildId));
        assert_eq!(work_off(&mut tree, actions), count + 1, "starts");
        let actions = exit(&mut tree, 0, Failed);
        assert_eq!(work_off(&mut tree, actions), 2 * count, "the others stop, all start");
        let actions = tree.shutdown();
        assert_eq!(work_off(&mut tree, actions), count + 1, "stops");
    }
}
