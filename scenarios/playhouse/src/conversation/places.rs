//! Where the turns of a run belong: in which crew, for whom, and to which task.

use std::collections::{BTreeMap, BTreeSet};

use playhouse_coordinator::Tasks;
use playhouse_journal::Event;
use playhouse_types::{AgentName, ReplyTo, ThreadId, TurnId};

/// Where one turn belongs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Place {
    /// Who has it; `None` if the pattern itself says something.
    speaker: Option<AgentName>,
    thread: ThreadId,
    reply_to: ReplyTo,
    task: Option<String>,
}

/// The places of a run's turns: a pure fold of its records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Places(BTreeMap<TurnId, Place>);

impl Places {
    /// Takes in the next record's event.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Briefed { turn, brief } => {
                let place = self.0.entry(*turn).or_default();
                (place.thread, place.reply_to) = (brief.thread, brief.reply_to);
                place.task = Tasks::task_of(&brief.note).map(ToOwned::to_owned);
            }
            Event::TurnAssigned { turn, speaker, .. } => {
                self.0.entry(*turn).or_default().speaker = Some(speaker.clone());
            }
            _ => {}
        }
    }

    /// Tells whether the place of a turn is known.
    pub(crate) fn has(&self, turn: TurnId) -> bool {
        self.0.contains_key(&turn)
    }

    /// Returns who has a turn.
    pub(crate) fn speaker(&self, turn: TurnId) -> Option<&AgentName> {
        self.0.get(&turn)?.speaker.as_ref()
    }

    /// Returns the conversation that a turn is part of.
    pub(crate) fn thread(&self, turn: TurnId) -> ThreadId {
        self.0.get(&turn).map(|place| place.thread).unwrap_or_default()
    }

    /// Returns where the reply of a turn goes.
    pub(crate) fn reply_to(&self, turn: TurnId) -> ReplyTo {
        self.0.get(&turn).map(|place| place.reply_to).unwrap_or_default()
    }

    /// Returns the turns of the crews around a turn, the outermost first.
    pub(crate) fn crew_turns(&self, turn: TurnId) -> Vec<TurnId> {
        let mut turns = Vec::new();
        let mut inner = turn;
        while let Some(crew) = before(self.thread(inner).0, inner) {
            turns.push(crew);
            inner = crew;
        }
        turns.reverse();
        turns
    }

    /// Returns the names of the crews around a turn, the outermost first, each once.
    pub(crate) fn crews(&self, turn: TurnId) -> Vec<AgentName> {
        let mut names = Vec::new();
        for name in self.crew_turns(turn).into_iter().filter_map(|crew| self.speaker(crew)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Returns the tasks that a turn works for: its own, that of whoever called for it, and those of the crews around it.
    pub(crate) fn tasks(&self, turn: TurnId) -> BTreeSet<String> {
        let mut tasks = BTreeSet::new();
        let mut next = Some(turn);
        while let Some((turn, place)) = next.and_then(|turn| Some((turn, self.0.get(&turn)?))) {
            tasks.extend(place.task.clone());
            let around = match place.reply_to {
                ReplyTo::Caller(call) => call.turn,
                _ => place.thread.0,
            };
            next = before(around, turn);
        }
        tasks
    }

    /// Returns the task that a turn itself is about.
    pub(crate) fn task(&self, turn: TurnId) -> Option<&str> {
        self.0.get(&turn)?.task.as_deref()
    }

    /// Forgets a turn that nothing more is said in, and those of the crew that had it.
    pub(crate) fn forget(&mut self, turn: TurnId) {
        self.0.remove(&turn);
        self.forget_crew(ThreadId(turn));
    }

    /// Forgets the turns of a crew within another.
    pub(crate) fn forget_crew(&mut self, thread: ThreadId) {
        self.0.retain(|_, place| place.thread != thread);
    }
}

/// Returns a turn that another one belongs to. It began earlier, whatever a journal says: so every way around ends.
fn before(around: TurnId, turn: TurnId) -> Option<TurnId> {
    (TurnId(0) < around && around < turn).then_some(around)
}
