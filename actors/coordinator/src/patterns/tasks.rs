//! Tasks: pieces of work with declared inputs, done one after another or at once.

mod check;
mod task;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playhouse_journal::Event;
use playhouse_messages::TranscriptView;
use playhouse_types::{AgentName, Brief, Message, Participant, Sees, TurnId, TurnOutcome};
use serde::{Deserialize, Serialize};

pub use self::task::{OnUnfit, Task};
use self::work::{Stage, Work};
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// What the note of a turn begins with that is about a task.
const NOTE: &str = "task:";

/// Has a list of tasks done: a `Crew` with `Process.sequential` in CrewAI, a chain of nodes in LangGraph.
///
/// A task begins once all tasks of its declared context have ended. Tasks run one after another as they are listed; those
/// that are marked [`Task::in_background`] run at the same time as others, as soon as their context allows. An agent does
/// one task at a time.
///
/// Whoever does a task sees its description and what its context came to, by name, and nothing else: not the conversation,
/// not its own earlier turns. An output is said in the conversation; `Conversation::task` of the crate `playhouse` reads it
/// by the task's name. One that does not pass a guardrail goes back, with what is wrong, in a new turn; after
/// [`Task::retries`] of these [`OnUnfit`] says what follows.
///
/// The conversation ends when all tasks have ended: concluded, or limited if one of them ended as partial; it fails with
/// the first task that ends as [`OnUnfit::Fail`]. What was done until then is kept.
///
/// ```
/// use playhouse_coordinator::{Task, Tasks};
/// use playhouse_types::AgentName;
///
/// let [reader, writer] = ["reader", "writer"].map(|name| AgentName::new(name).expect("is a name"));
/// let tasks = Tasks::new([
///     Task::new("facts", "List what the input says.").by(reader),
///     Task::new("article", "Write it up.").by(writer).context(["facts"]).guardrail("length", |text| {
///         if text.len() < 500 { Ok(()) } else { Err("at most 500 bytes".to_owned()) }
///     }),
/// ]);
/// ```
#[derive(Clone, Debug)]
pub struct Tasks {
    tasks: Arc<[Task]>,
    state: State,
}

/// Everything that changes, by the names of the tasks: a list that has grown meanwhile mixes nothing up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    work: BTreeMap<String, Work>,
    open: BTreeMap<TurnId, OpenTurn>,
    /// The task that the next assignment or message is about.
    told: Option<(TurnId, String)>,
    /// The agents that take no further part.
    gone: BTreeSet<AgentName>,
}

/// A turn in which somebody works on a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OpenTurn {
    task: String,
    said: Option<String>,
}

impl Tasks {
    /// Makes the pattern of the tasks in the order in which they are done, as far as their contexts do not say otherwise.
    #[must_use]
    pub fn new(tasks: impl IntoIterator<Item = Task>) -> Self {
        Self { tasks: tasks.into_iter().collect(), state: State::default() }
    }

    /// Returns the name of the task that a turn with this note is about.
    #[must_use]
    pub fn task_of(note: &str) -> Option<&str> {
        note.strip_prefix(NOTE)
    }

    /// Lets the task of a name take in something that has to do with it.
    fn with_work(&mut self, name: &str, change: impl FnOnce(&Task, &mut Work, &BTreeSet<AgentName>)) {
        // One that the scenario no longer has is not gone on with.
        if let Some(task) = self.tasks.iter().find(|task| task.name == name) {
            let work = self.state.work.entry(name.to_owned()).or_insert_with(|| Work::of(task));
            change(task, work, &self.state.gone);
        }
    }

    fn end_turn(&mut self, turn: TurnId, outcome: &TurnOutcome) {
        let Some(OpenTurn { task, said }) = self.state.open.remove(&turn) else { return };
        let said = match outcome {
            TurnOutcome::Replied => said,
            TurnOutcome::Answered { content } => Some(content.clone()),
            _ => None,
        };
        self.with_work(&task, |task, work, gone| match (outcome, said) {
            (_, Some(output)) => work.take(task, turn, &output, gone),
            (TurnOutcome::HandedOff { to }, None) => work.hand_over(task, to, gone),
            (TurnOutcome::Unfit { detail }, None) => {
                work.try_again(task, &format!("no output fitted what was asked for: {detail}"), gone);
            }
            (TurnOutcome::Limited { limit: detail }, None)
            | (TurnOutcome::ModelFailed { detail } | TurnOutcome::Skipped { reason: detail }, None) => {
                work.give_up(task, detail, gone);
            }
            (TurnOutcome::Cancelled, None) => work.give_up(task, "its turn was cancelled", gone),
            (TurnOutcome::Replied | TurnOutcome::Answered { .. }, None) => {
                work.give_up(task, "nothing was said", gone);
            }
        });
    }

    /// Takes in what was said in a turn: the output of an agent, or what the pattern itself has to say about a task.
    fn hear(&mut self, message: &Message) {
        let is_agent = matches!(message.from, Participant::Agent(_));
        if let Some(open) = self.state.open.get_mut(&message.turn) {
            open.said = is_agent.then(|| message.content.clone());
        } else if let Some((turn, task)) = self.state.told.take_if(|(turn, _)| *turn == message.turn) {
            self.with_work(
                &task,
                |_, work, _| {
                    if is_agent { work.take_partial(turn) } else { work.is_unsaid = false }
                },
            );
        }
    }

    fn drop_agent(&mut self, agent: &AgentName, reason: &str) {
        self.state.gone.insert(agent.clone());
        for name in self.tasks.iter().map(|task| task.name.clone()).collect::<Vec<_>>() {
            let is_in_work = self.state.open.values().any(|open| open.task == name);
            self.with_work(&name, |task, work, gone| {
                if !is_in_work && work.stage == Stage::Open && work.performer == *agent {
                    work.give_up(task, &format!("`{agent}` takes no further part: {reason}"), gone);
                }
            });
        }
    }

    /// Returns the tasks with how far they are.
    fn all(&self) -> impl Iterator<Item = (&Task, Work)> {
        self.tasks.iter().map(|task| {
            let work = self.state.work.get(&task.name).cloned();
            (task, work.unwrap_or_else(|| Work::of(task)))
        })
    }

    /// Returns what has to be said before anything else: what is wrong with an output, and one that is kept as partial.
    fn say(&self, view: &ConversationView<'_>) -> Option<PatternDecision> {
        self.all().find_map(|(task, work)| {
            let (from, content) = match &work.stage {
                _ if work.is_unsaid => {
                    let why = work.refusal.as_deref().unwrap_or_default();
                    let content = format!("The output of task `{}` was not accepted: {why}", task.name);
                    (Participant::Runtime, content)
                }
                Stage::GivenUp { output: None, .. } if task.on_unfit == OnUnfit::Partial => {
                    said_in(view, work.draft?)?
                }
                _ => return None,
            };
            Some(PatternDecision::Say { from, content, note: note_of(task) })
        })
    }

    /// Returns the turns to give at once. Not empty while a task is open: the first open one depends on earlier ones.
    fn wave(&self, view: &ConversationView<'_>) -> Vec<Assignment> {
        let open: Vec<(&Task, Work)> = self.all().filter(|(_, work)| !work.has_ended()).collect();
        let names: BTreeSet<&str> = open.iter().map(|(task, _)| task.name.as_str()).collect();
        let (mut busy, mut is_first) = (BTreeSet::new(), true);
        let ready = open.iter().filter(|(task, work)| {
            let is_next = task.is_background || std::mem::take(&mut is_first);
            let is_ready = !task.sees().any(|name| names.contains(name));
            is_next && is_ready && busy.insert(work.performer.clone())
        });
        ready.map(|(task, work)| self.assignment(task, work, view)).collect()
    }

    fn assignment(&self, task: &Task, work: &Work, view: &ConversationView<'_>) -> Assignment {
        let context = task.sees().map(|name| self.context(name, view)).collect();
        let draft = work.draft.and_then(|turn| said_in(view, turn)).map(|(_, draft)| draft);
        let instruction = task.instruction(context, work.refusal.as_deref(), draft);
        let brief = Brief::new(instruction).seeing(Sees::Nothing).noting(note_of(task));
        let brief = Brief { schema: task.schema.clone(), tools: task.tool_names(), ..brief };
        let reason = match work.n_turns {
            0 => format!("task `{}`", task.name),
            n => format!("task `{}`, again after {n}", task.name),
        };
        Assignment::new(work.performer.clone(), reason).with(brief)
    }

    /// Returns what a task sees of another one, or of the input.
    fn context(&self, name: &str, view: &ConversationView<'_>) -> String {
        if name == Task::INPUT {
            let input = all_said(view).iter().next().map(|entry| entry.message.content.clone());
            return format!("Input:\n{}", input.unwrap_or_default());
        }
        let other = self.all().find(|(task, _)| task.name == name).map(|(_, work)| work.stage);
        let output = match other {
            Some(Stage::Done { output } | Stage::GivenUp { output: Some(output), .. }) => {
                said_in(view, output).map(|(_, content)| content)
            }
            Some(Stage::GivenUp { why, .. }) => Some(format!("(none: {why})")),
            Some(Stage::Open) | None => None,
        };
        format!("Output of task `{name}`:\n{}", output.unwrap_or_default())
    }

    fn end(&self) -> PatternDecision {
        // Such lists are refused when the scenario is built.
        if let Some((task, _)) = self.all().find(|(_, work)| !work.has_ended()) {
            return PatternDecision::failed(format!("task `{}` waits for one that comes later", task.name));
        }
        let partial: Vec<String> = self
            .all()
            .filter_map(|(task, work)| Some(format!("`{}` is partial: {}", task.name, work.why()?)))
            .collect();
        match (partial.is_empty(), self.tasks.len()) {
            (true, 1) => PatternDecision::concluded("the task is done"),
            (true, n) => PatternDecision::concluded(format!("all {n} tasks are done")),
            (false, _) => {
                PatternDecision::limited(format!("all tasks have ended, but {}", partial.join("; ")))
            }
        }
    }
}

fn note_of(task: &Task) -> String {
    format!("{NOTE}{}", task.name)
}

fn all_said(view: &ConversationView<'_>) -> TranscriptView {
    TranscriptView::new(Arc::clone(view.transcript), view.transcript.len())
}

/// Returns what an agent has said in a turn.
fn said_in(view: &ConversationView<'_>, turn: TurnId) -> Option<(Participant, String)> {
    let said = all_said(view);
    let mut messages = said.iter().rev().map(|entry| &entry.message);
    let is_output =
        |message: &&Message| message.turn == turn && matches!(message.from, Participant::Agent(_));
    messages.find(is_output).map(|message| (message.from.clone(), message.content.clone()))
}

impl Pattern for Tasks {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        if let Some(say) = self.say(view) {
            return say;
        }
        let failed = self.all().filter(|(task, _)| task.on_unfit != OnUnfit::Partial);
        let mut failed = failed.filter_map(|(task, work)| Some((task, work.why()?.to_owned())));
        if let Some((task, why)) = failed.next() {
            return PatternDecision::failed(format!("task `{}` could not be done: {why}", task.name));
        }
        let wave = self.wave(view);
        if wave.is_empty() { self.end() } else { PatternDecision::Speak(wave) }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Briefed { turn, brief } => {
                self.state.told = Self::task_of(&brief.note).map(|task| (*turn, task.to_owned()));
            }
            Event::TurnAssigned { turn, speaker, .. } => {
                let Some((_, task)) = self.state.told.take_if(|(told, _)| told == turn) else { return };
                self.with_work(&task, |task, work, _| work.begin_turn(task, speaker));
                self.state.open.insert(*turn, OpenTurn { task, said: None });
            }
            Event::MessagePosted { message } => self.hear(message),
            Event::TurnEnded { turn, outcome } => self.end_turn(*turn, outcome),
            Event::AgentDropped { agent, reason } => self.drop_agent(agent, reason),
            _ => {}
        }
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        check::faults(&self.tasks, members)
    }

    fn describe(&self) -> String {
        let tasks: Vec<_> = self.tasks.iter().map(Task::describe).collect();
        serde_json::Value::from(tasks).to_string()
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.state).ok()
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        postcard::from_bytes(state).map(|state| self.state = state).is_ok()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
