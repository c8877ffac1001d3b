//! A conversation without actors and models, for the tests of patterns: every record is folded three ways.

use std::collections::BTreeMap;

use playhouse_journal::{ChainHash, Event, Record, RecordKey};
use playhouse_messages::{ThreadFold, TranscriptView};
use playhouse_types::{
    AgentName, Brief, Incarnation, Label, Lane, Message, Participant, ReplyTo, RunId, RunOutcome, Sees, Seq,
    Step, TenantId, ThreadId, Timestamp, TurnId, TurnOutcome,
};

use crate::{CoordinatorState, CrewDefinition, Decision};

/// What a speaker has before it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) turn: TurnId,
    pub(crate) speaker: String,
    pub(crate) brief: Option<Brief>,
    /// What it sees of its conversation, as `from: text`.
    pub(crate) seen: Vec<String>,
}

impl Asked {
    /// Returns what the pattern asks, empty if nothing.
    pub(crate) fn instruction(&self) -> &str {
        self.brief.as_ref().map_or("", |brief| brief.instruction.as_str())
    }
}

/// What a speaker does.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    Says(String),
    HandsOver { to: String, words: String },
    Ends(TurnOutcome),
}

impl From<&str> for Does {
    fn from(text: &str) -> Self {
        Self::Says(text.to_owned())
    }
}

impl From<String> for Does {
    fn from(text: String) -> Self {
        Self::Says(text)
    }
}

/// Which of several open turns ends first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    First,
    Last,
}

/// A conversation that has ended.
pub(crate) struct Talk {
    pub(crate) records: Vec<Record>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) outcome: RunOutcome,
    pub(crate) threads: ThreadFold,
}

impl Talk {
    /// Returns what was said in the main conversation after its input, as `from: text`.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said_in(ThreadId::MAIN).split_off(1)
    }

    /// Returns what was said in a conversation.
    pub(crate) fn said_in(&self, thread: ThreadId) -> Vec<String> {
        let transcript = self.threads.threads().get(thread);
        let upto = transcript.len();
        lines(&TranscriptView::new(transcript, upto))
    }

    /// Returns who was asked, in order.
    pub(crate) fn speakers(&self) -> Vec<&str> {
        self.asked.iter().map(|asked| asked.speaker.as_str()).collect()
    }
}

/// Lets a crew talk about `input`, where agents do what `act` says: the first of several open turns ends first.
pub(crate) fn talk<D: Into<Does>>(crew: CrewDefinition, input: &str, act: impl FnMut(&Asked) -> D) -> Talk {
    talk_in(Order::First, crew, input, act)
}

/// Lets a crew talk. After every record, the state is also folded from the first one and read back from what is saved
/// of it: all three must be the same and decide the same.
pub(crate) fn talk_in<D: Into<Does>>(
    order: Order,
    crew: CrewDefinition,
    input: &str,
    mut act: impl FnMut(&Asked) -> D,
) -> Talk {
    let mut scene = Scene::new(crew);
    let opening = Message {
        turn: TurnId(0),
        from: Participant::User,
        content: input.to_owned(),
        label: Label::default(),
    };
    scene.append(Event::MessagePosted { message: opening });
    let mut asked = Vec::new();
    for _ in 0..10_000 {
        match scene.decide() {
            Decision::Conclude(outcome) => {
                return Talk { records: scene.records, asked, outcome, threads: scene.fold };
            }
            Decision::Wait => {
                let open = scene.asked();
                let next = if order == Order::First { open.first() } else { open.last() };
                let next = next.expect("somebody has the floor").clone();
                let does = act(&next).into();
                scene.end(&next, does);
                asked.push(next);
            }
            Decision::CancelTurns => {
                for open in scene.asked() {
                    scene.end(&open, Does::Ends(TurnOutcome::Cancelled));
                }
            }
            decision => {
                let records = scene.state.records_of(&decision, scene.fold.threads(), 1);
                assert!(!records.is_empty(), "nothing follows on {decision:?}");
                records.into_iter().for_each(|(key, event)| scene.append_as(key, event));
            }
        }
    }
    panic!("the conversation does not end");
}

struct Scene {
    crew: CrewDefinition,
    state: CoordinatorState,
    fold: ThreadFold,
    records: Vec<Record>,
    /// The turns that were given, with what was told and how much is seen.
    given: BTreeMap<TurnId, (AgentName, u32)>,
    told: BTreeMap<TurnId, Brief>,
}

impl Scene {
    fn new(crew: CrewDefinition) -> Self {
        Self {
            state: CoordinatorState::new(crew.clone()),
            crew,
            fold: ThreadFold::default(),
            records: Vec::new(),
            given: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.records.len()).unwrap() * 1000)
    }

    fn append(&mut self, event: Event) {
        let turn = match &event {
            Event::MessagePosted { message } => message.turn,
            Event::TurnEnded { turn, .. } => *turn,
            _ => TurnId(0),
        };
        self.append_as(RecordKey::new(turn, Step(0), 0, event.kind()), event);
    }

    fn append_as(&mut self, key: RecordKey, event: Event) {
        match &event {
            Event::Briefed { turn, brief } => drop(self.told.insert(*turn, brief.as_ref().clone())),
            Event::TurnAssigned { turn, speaker, upto, .. } => {
                self.given.insert(*turn, (speaker.clone(), *upto));
            }
            _ => {}
        }
        let record = Record {
            run: RunId::from_u128(1),
            seq: Seq(self.records.len() as u64 + 1),
            prev_hash: ChainHash::default(),
            hash: ChainHash::default(),
            epoch: 1,
            incarnation: Incarnation(1),
            lane: Lane::run(),
            lane_prev: None,
            key,
            schema_version: 1,
            time: self.now(),
            tenant: TenantId::default(),
            label: Label::default(),
            causation: None,
            event,
        };
        self.state.apply(&record);
        self.fold.apply(&record);
        self.records.push(record);
    }

    /// Decides as a run that goes on, as one that is folded again and as one that is read back.
    fn decide(&self) -> Decision {
        let decision = self.state.decide(self.fold.threads(), self.now());
        let saved = self.state.save();
        // Folding again after every record is quadratic: long conversations are checked here and there.
        if self.records.len() < 300 || self.records.len().is_multiple_of(97) {
            let mut again = CoordinatorState::new(self.crew.clone());
            self.records.iter().for_each(|record| again.apply(record));
            assert_eq!(again.decide(self.fold.threads(), self.now()), decision, "folded again");
            assert_eq!(again.save(), saved, "folded again");
        }
        if let Some(saved) = saved {
            let restored =
                CoordinatorState::restore(self.crew.clone(), &saved).expect("what is saved is read");
            assert_eq!(restored.decide(self.fold.threads(), self.now()), decision, "read back");
            assert_eq!(restored.save().as_ref(), Some(&saved), "read back");
        }
        decision
    }

    /// Returns the open turns of agents.
    fn asked(&self) -> Vec<Asked> {
        let open = self.state.open();
        let asked = open.into_iter().map(|(turn, speaker)| {
            let brief = self.told.get(&turn).cloned();
            let told = brief.clone().unwrap_or_default();
            let upto = self.given[&turn].1;
            let view = TranscriptView::new(self.fold.threads().get(told.thread), upto);
            let view = match told.sees {
                Sees::All => view,
                Sees::Since(from) => view.since(from),
                Sees::Nothing => view.since(upto),
            };
            Asked { turn, speaker: speaker.to_string(), brief, seen: lines(&view) }
        });
        asked.collect()
    }

    fn end(&mut self, asked: &Asked, does: Does) {
        let turn = asked.turn;
        let reply_to = asked.brief.as_ref().map(|brief| brief.reply_to).unwrap_or_default();
        let from = Participant::Agent(AgentName::new(&asked.speaker).unwrap());
        let message = |content: &str| {
            let content = content.to_owned();
            Event::MessagePosted { message: Message { turn, from, content, label: Label::default() } }
        };
        let outcome = match does {
            Does::Says(text) if reply_to == ReplyTo::Conversation => {
                self.append(message(&text));
                TurnOutcome::Replied
            }
            Does::Says(content) => TurnOutcome::Answered { content },
            Does::HandsOver { to, words } => {
                if reply_to != ReplyTo::Pattern {
                    self.append(message(&words));
                }
                TurnOutcome::HandedOff { to: AgentName::new(&to).unwrap() }
            }
            Does::Ends(outcome) => outcome,
        };
        self.append(Event::TurnEnded { turn, outcome });
    }
}

fn lines(view: &TranscriptView) -> Vec<String> {
    let line = |message: &Message| format!("{}: {}", message.from, message.content);
    view.iter().map(|entry| line(&entry.message)).collect()
}
