//! Random lives of a tree, played against a model of its children that knows only what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use playhouse_journal::ExitKind;
use playhouse_types::Incarnation;
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::Strategy as Generate;

use super::{Action, ChildId, Intensity, Order, Phase, RestartPolicy, Strategy, Tree};
use crate::supervisor::policy::RestartType;

/// Something that happens. Numbers pick among the children that it can happen to.
#[derive(Clone, Debug)]
enum Step {
    Started(usize),
    StartFailed(usize),
    Disabled(usize),
    Exited(usize, ExitKind),
    Request(usize),
    Reopen(usize),
    Terminate(usize),
    Remove(usize),
    Add(RestartType),
    Wait(u64),
    Shutdown,
}

fn steps() -> impl Generate<Value = Vec<Step>> {
    let exit = prop_oneof![Just(ExitKind::Normal), Just(ExitKind::Killed), Just(ExitKind::Failed)];
    let restart =
        prop_oneof![Just(RestartType::Permanent), Just(RestartType::Transient), Just(RestartType::Temporary)];
    let step = prop_oneof![
        8 => any::<usize>().prop_map(Step::Started),
        2 => any::<usize>().prop_map(Step::StartFailed),
        1 => any::<usize>().prop_map(Step::Disabled),
        6 => (any::<usize>(), exit).prop_map(|(pick, exit)| Step::Exited(pick, exit)),
        2 => any::<usize>().prop_map(Step::Request),
        1 => any::<usize>().prop_map(Step::Reopen),
        1 => any::<usize>().prop_map(Step::Terminate),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => restart.prop_map(Step::Add),
        2 => (0_u64..40).prop_map(Step::Wait),
        1 => prop::bool::weighted(0.1).prop_map(|is_end| if is_end { Step::Shutdown } else { Step::Wait(1) }),
    ];
    prop::collection::vec(step, 0..120)
}

const MAX_RESTARTS: u32 = 2;
const WINDOW: Duration = Duration::from_secs(30);
const TOTAL: Intensity = Intensity { max_restarts: 5, window: Duration::from_secs(30) };

fn policy(restart: RestartType) -> RestartPolicy {
    RestartPolicy { restart, ..RestartPolicy::default() }.max(MAX_RESTARTS, WINDOW)
}

/// The children outside: what the tree has to do with is there or not.
struct Model {
    tree: Tree,
    strategy: Strategy,
    now: Duration,
    starting: BTreeSet<ChildId>,
    running: BTreeSet<ChildId>,
    told_to_stop: BTreeSet<ChildId>,
    temporary: BTreeSet<ChildId>,
    /// Those that somebody asked for since their last end.
    asked: BTreeSet<ChildId>,
    /// When restarts followed from an exit, each child's and all.
    restarts: BTreeMap<ChildId, Vec<Duration>>,
    all_restarts: Vec<Duration>,
    n_escalations: BTreeMap<ChildId, usize>,
    /// Escalations that end the supervisor.
    n_of_all: usize,
    n_ends: usize,
}

impl Model {
    fn new(strategy: Strategy, total: Option<Intensity>) -> Self {
        Self {
            tree: Tree::new(strategy, total),
            strategy,
            now: Duration::ZERO,
            starting: BTreeSet::new(),
            running: BTreeSet::new(),
            told_to_stop: BTreeSet::new(),
            temporary: BTreeSet::new(),
            asked: BTreeSet::new(),
            restarts: BTreeMap::new(),
            all_restarts: Vec::new(),
            n_escalations: BTreeMap::new(),
            n_of_all: 0,
            n_ends: 0,
        }
    }

    fn add(&mut self, restart: RestartType, order: Order) -> ChildId {
        let id = self.tree.add(policy(restart), Incarnation(0), order);
        if restart == RestartType::Temporary {
            self.temporary.insert(id);
        }
        id
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert_eq!(self.n_ends, 0, "nothing is done after the end: {action:?}");
            match action {
                Action::Start(id, _) => {
                    assert!(self.starting.insert(id), "{id:?} is started while it starts");
                    assert!(!self.running.contains(&id), "{id:?} is started while it runs");
                    let is_wanted = !self.temporary.contains(&id) || self.asked.remove(&id);
                    assert!(is_wanted, "{id:?} is temporary and was restarted");
                }
                Action::Stop(id) => {
                    let is_there = self.starting.contains(&id) || self.running.contains(&id);
                    assert!(is_there, "{id:?} is stopped and is not there");
                    self.told_to_stop.insert(id);
                }
                Action::Escalate(id, beyond) => {
                    *self.n_escalations.entry(id).or_default() += 1;
                    self.n_of_all += usize::from(beyond.is_some() || self.strategy != Strategy::OneForOne);
                }
                Action::Forget(id) => assert!(self.temporary.contains(&id)),
                Action::End { .. } => {
                    assert!(
                        self.starting.is_empty() && self.running.is_empty(),
                        "it ends before its children"
                    );
                    self.n_ends += 1;
                }
            }
        }
        let n_alive = self.starting.len() + self.running.len();
        assert_eq!(self.tree.n_alive, n_alive);
        for id in &self.running {
            let phase = self.tree.phase(*id);
            assert!(matches!(phase, Some(Phase::Running | Phase::Stopping)), "{id:?} runs and is {phase:?}");
        }
    }

    /// A child, or its start, has ended.
    fn exited(&mut self, id: ChildId, exit: ExitKind) {
        self.starting.remove(&id);
        self.running.remove(&id);
        self.told_to_stop.remove(&id);
        let was_stopping = self.tree.phase(id) == Some(Phase::Stopping);
        let actions = self.tree.exited(id, exit, self.now, 0.5);
        let is_restart = !was_stopping && self.tree.phase(id) == Some(Phase::Restarting);
        if is_restart {
            self.restarts.entry(id).or_default().push(self.now);
            self.all_restarts.push(self.now);
        }
        self.perform(actions);
    }

    fn started(&mut self, id: ChildId) {
        self.starting.remove(&id);
        self.running.insert(id);
        let actions = self.tree.started(id, self.now);
        self.perform(actions);
    }

    fn known(&self, pick: usize) -> Option<ChildId> {
        nth(self.tree.children().map(|(id, ..)| id).collect(), pick)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Started(pick) => pick_of(&self.starting, *pick).into_iter().for_each(|id| self.started(id)),
            Step::StartFailed(pick) => {
                let id = pick_of(&self.starting, *pick);
                id.into_iter().for_each(|id| self.exited(id, ExitKind::StartFailed));
            }
            Step::Disabled(pick) => {
                let Some(id) = pick_of(&self.starting, *pick) else { return };
                self.starting.remove(&id);
                self.told_to_stop.remove(&id);
                let actions = self.tree.disabled(id);
                self.perform(actions);
            }
            Step::Exited(pick, exit) => {
                pick_of(&self.running, *pick).into_iter().for_each(|id| self.exited(id, *exit));
            }
            Step::Request(pick) | Step::Reopen(pick) => {
                let Some(id) = self.known(*pick) else { return };
                self.asked.insert(id);
                let is_reopened =
                    matches!(step, Step::Reopen(_)) && self.tree.phase(id) == Some(Phase::GivenUp);
                if is_reopened {
                    self.restarts.remove(&id);
                    self.n_escalations.remove(&id);
                }
                let actions = if matches!(step, Step::Reopen(_)) {
                    self.tree.reopen(id)
                } else {
                    self.tree.request(id)
                };
                self.perform(actions);
            }
            Step::Terminate(pick) => {
                let Some(id) = self.known(*pick) else { return };
                let actions = self.tree.terminate(id);
                self.perform(actions);
            }
            Step::Remove(pick) => {
                let Some(id) = self.known(*pick) else { return };
                let is_there = self.starting.contains(&id) || self.running.contains(&id);
                assert!(!(self.tree.remove(id) && is_there), "{id:?} was removed while it was there");
            }
            Step::Add(restart) => {
                let id = self.add(*restart, Order::Added);
                self.asked.insert(id);
                let actions = self.tree.request(id);
                self.perform(actions);
            }
            Step::Wait(seconds) => self.now += Duration::from_secs(*seconds),
            Step::Shutdown => {
                let actions = self.tree.shutdown();
                self.perform(actions);
            }
        }
    }

    /// From here on all goes well: starts succeed, those that are told to stop do.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            if let Some(id) = self.told_to_stop.first().copied() {
                self.exited(id, ExitKind::Normal);
            } else if let Some(id) = self.starting.first().copied() {
                self.started(id);
            } else {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn check_bounds(&self, total: Option<Intensity>) {
        let mut bounds: Vec<_> = self.restarts.values().map(|times| (times, MAX_RESTARTS, WINDOW)).collect();
        if let Some(total) = total {
            bounds.push((&self.all_restarts, total.max_restarts, total.window));
        }
        for (times, max_restarts, window) in bounds {
            for run in times.windows(max_restarts as usize + 1) {
                let took = run[run.len() - 1] - run[0];
                assert!(took >= window, "{} restarts within {took:?}", run.len());
            }
        }
        assert!(self.n_escalations.values().all(|count| *count == 1), "an escalation was told twice");
        assert!(self.n_of_all <= 1, "a supervisor gives up once");
    }
}

fn nth(ids: Vec<ChildId>, pick: usize) -> Option<ChildId> {
    ids.get(pick.checked_rem(ids.len())?).copied()
}

fn pick_of(ids: &BTreeSet<ChildId>, pick: usize) -> Option<ChildId> {
    nth(ids.iter().copied().collect(), pick)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_life_of_a_tree_breaks_its_promises(
        strategy in prop_oneof![Just(Strategy::OneForOne), Just(Strategy::RestForOne), Just(Strategy::OneForAll)],
        is_bounded in any::<bool>(),
        declared in prop::collection::vec(
            prop_oneof![Just(RestartType::Permanent), Just(RestartType::Transient), Just(RestartType::Temporary)],
            0..6,
        ),
        steps in steps(),
    ) {
        let total = is_bounded.then_some(TOTAL);
        let mut model = Model::new(strategy, total);
        let ids: Vec<_> = declared.into_iter().map(|restart| model.add(restart, Order::Declared)).collect();
        model.asked.extend(&ids);
        let actions = model.tree.boot(ids);
        model.perform(actions);
        for step in &steps {
            model.step(step);
        }
        model.settle();
        // Every group restart has come to its end: nobody waits for anybody any more.
        for (id, phase, _) in model.tree.children() {
            let is_settled = !matches!(phase, Phase::Starting | Phase::Restarting | Phase::Stopping);
            assert!(is_settled, "{id:?} is {phase:?} for ever");
        }
        let is_ended = model.n_ends == 1;
        model.step(&Step::Shutdown);
        model.settle();
        assert_eq!(model.n_ends, 1, "ended before: {is_ended}");
        model.check_bounds(total);
    }
}
