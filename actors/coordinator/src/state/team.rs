//! The conversation of one crew: the main one of the run, or one of a crew that takes part in another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use playhouse_journal::{Event, Record};
use playhouse_messages::{Transcript, TranscriptView};
use playhouse_types::{
    AgentName, Brief, Label, Message, OutcomeKind, Participant, ReplyTo, RunOutcome, Sees, ThreadId, TurnId,
    TurnOutcome,
};
use serde::{Deserialize, Serialize};

use crate::{
    Assignment, ConversationView, CrewDefinition, Moment, Pattern, PatternDecision, RoundRobin, Tally,
};

/// A turn that has no end on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OpenTurn {
    pub(crate) speaker: AgentName,
    pub(crate) brief: Option<Brief>,
    /// How many messages the speaker sees.
    upto: u32,
}

/// What one of several speakers said who had the floor at the same time: posted once all have ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Held {
    speaker: AgentName,
    content: String,
}

/// What a crew does next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TeamDecision {
    /// Give these turns.
    Assign(Vec<Assignment>),
    /// Begin the conversation with what the crew was asked, or say something.
    Say { from: Participant, content: String, brief: Brief },
    /// Post what was said at the same time.
    Post(Vec<Message>),
    /// The conversation is over.
    End(RunOutcome),
}

/// The conversation of one crew. Changes only in [`Team::apply`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Team {
    #[serde(skip)]
    pub(crate) crew: Arc<CrewDefinition>,
    #[serde(skip, default = "nobody")]
    pattern: Box<dyn Pattern>,
    /// Its name in the crew that it takes part in, and that crew's thread.
    pub(crate) parent: Option<(ThreadId, AgentName)>,
    pub(crate) thread: ThreadId,
    /// The members that still take part.
    pub(crate) active: Vec<AgentName>,
    /// The staff of the pattern that can still be asked.
    staff: Vec<AgentName>,
    pub(crate) open: BTreeMap<TurnId, OpenTurn>,
    held: BTreeMap<TurnId, Held>,
    n_assigned: u32,
    last_speaker: Option<AgentName>,
    pub(crate) tally: Tally,
    limited: Option<String>,
    /// What was said to the speaker of the next assignment.
    told: Option<(TurnId, Brief)>,
    /// What an agent was asked when its model failed: it is asked the same again if that is replaced.
    failed: BTreeMap<AgentName, Option<Brief>>,
}

impl Team {
    pub(crate) fn new(
        crew: Arc<CrewDefinition>,
        thread: ThreadId,
        parent: Option<(ThreadId, AgentName)>,
    ) -> Self {
        Self {
            pattern: crew.pattern.boxed(),
            parent,
            thread,
            active: crew.agents.clone(),
            staff: crew.staff.clone(),
            crew,
            open: BTreeMap::new(),
            held: BTreeMap::new(),
            n_assigned: 0,
            last_speaker: None,
            tally: Tally::default(),
            limited: None,
            told: None,
            failed: BTreeMap::new(),
        }
    }

    /// Tells whether nobody has had the floor yet.
    pub(crate) fn has_just_begun(&self) -> bool {
        self.n_assigned == 0 && self.open.is_empty()
    }

    /// Returns the pattern's state; `None` if it has no stored form.
    pub(crate) fn save_pattern(&self) -> Option<Vec<u8>> {
        self.pattern.save()
    }

    /// Takes on the crew and the pattern's state after the rest was read. Tells whether that worked.
    pub(crate) fn restore(&mut self, crew: Arc<CrewDefinition>, pattern: &[u8]) -> bool {
        (self.pattern, self.crew) = (crew.pattern.boxed(), crew);
        self.pattern.restore(pattern)
    }

    /// Takes in a record of one of its turns, or of the run as a whole.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.tally(record);
        // The turns of colleagues that were called are none of the pattern's.
        let is_consult =
            self.brief_of(record.key.turn).is_some_and(|brief| matches!(brief.reply_to, ReplyTo::Caller(_)));
        match &record.event {
            Event::Briefed { turn, brief } => self.told = Some((*turn, brief.as_ref().clone())),
            Event::TurnAssigned { turn, speaker, upto, .. } => {
                let told = self.told.take().filter(|(told, _)| told == turn);
                let brief = told.map(|(_, brief)| brief);
                if !is_consult {
                    self.n_assigned += 1;
                    self.failed.remove(speaker);
                }
                self.open.insert(*turn, OpenTurn { speaker: speaker.clone(), brief, upto: *upto });
            }
            Event::TurnEnded { turn, outcome } => self.end_turn(*turn, outcome),
            Event::MessagePosted { message } => {
                self.held.remove(&message.turn);
            }
            Event::AgentDropped { agent, .. } => {
                self.active.retain(|active| active != agent);
                self.staff.retain(|asked| asked != agent);
            }
            _ => {}
        }
        let is_told_of_one = matches!(&record.event, Event::Briefed { brief, .. }
            if matches!(brief.reply_to, ReplyTo::Caller(_)));
        if !is_consult && !is_told_of_one {
            self.pattern.apply(&record.event);
        }
    }

    /// Returns what is told to the speaker of a turn that is open or about to be.
    fn brief_of(&self, turn: TurnId) -> Option<&Brief> {
        let told = self.told.as_ref().filter(|(told, _)| *told == turn).map(|(_, brief)| brief);
        told.or_else(|| self.open.get(&turn)?.brief.as_ref())
    }

    /// Lets the conditions count a record. A turn that only the pattern hears is none of the conversation.
    fn tally(&mut self, record: &Record) {
        let is_private = self.brief_of(record.key.turn).is_some_and(|brief| brief.reply_to.is_private());
        let is_turn = matches!(record.event, Event::TurnAssigned { .. } | Event::TurnEnded { .. });
        if !(is_private && is_turn) {
            self.tally.take(record, self.crew.conditions());
        }
    }

    fn end_turn(&mut self, turn: TurnId, outcome: &TurnOutcome) {
        let Some(OpenTurn { speaker, brief, .. }) = self.open.remove(&turn) else { return };
        let reply_to = brief.as_ref().map(|brief| brief.reply_to).unwrap_or_default();
        match outcome {
            // Who gave a turn with a brief says what follows.
            TurnOutcome::Limited { limit } if !is_asked(brief.as_ref()) => {
                self.limited = Some(format!("turn {turn} of `{speaker}`: {limit}"));
            }
            TurnOutcome::Unfit { detail } if !is_asked(brief.as_ref()) => {
                self.limited = Some(format!("turn {turn} of `{speaker}`: no reply fitted: {detail}"));
            }
            TurnOutcome::Answered { content } if reply_to == ReplyTo::ConversationTogether => {
                self.held.insert(turn, Held { speaker: speaker.clone(), content: content.clone() });
            }
            TurnOutcome::ModelFailed { .. } if !matches!(reply_to, ReplyTo::Caller(_)) => {
                self.failed.insert(speaker.clone(), brief);
            }
            _ => {}
        }
        if !reply_to.is_private() {
            self.last_speaker = Some(speaker);
        }
    }

    /// Decides what has to be done while none of its turns is open and before anybody else speaks.
    pub(crate) fn decide_on_end(&self, at: Moment) -> Option<TeamDecision> {
        let ended = |kind, detail: String| Some(TeamDecision::End(RunOutcome { kind, detail }));
        if let Some(posted) = self.post_held() {
            return Some(posted);
        }
        if let Some(detail) = self.crew.until.as_ref().and_then(|until| until.met(&self.tally, at)) {
            return ended(OutcomeKind::Concluded, detail);
        }
        if let Some(detail) = self.tally.failure() {
            return ended(OutcomeKind::Failed, detail.to_owned());
        }
        if let Some(detail) = self.limited.clone().or_else(|| self.crew.limit.met(&self.tally, at)) {
            return ended(OutcomeKind::Limited, detail);
        }
        None
    }

    /// Posts what was said at the same time, if it is not posted yet.
    pub(crate) fn post_held(&self) -> Option<TeamDecision> {
        let messages = self.held.iter().map(|(turn, held)| held.message(*turn));
        (!self.held.is_empty()).then(|| TeamDecision::Post(messages.collect()))
    }

    /// Decides who speaks next. `again` is an agent that gets its last turn once more.
    pub(crate) fn decide(&self, transcript: &Arc<Transcript>, again: Option<&AgentName>) -> TeamDecision {
        if self.active.is_empty() {
            let detail = "nobody is left to speak".to_owned();
            return TeamDecision::End(RunOutcome { kind: OutcomeKind::Failed, detail });
        }
        if let Some((agent, brief)) = again.and_then(|agent| self.failed.get_key_value(agent)) {
            let again = Assignment::new(agent.clone(), "asked again, as its model was replaced");
            return TeamDecision::Assign(vec![Assignment { brief: brief.clone(), ..again }]);
        }
        self.ask_pattern(transcript)
    }

    fn ask_pattern(&self, transcript: &Arc<Transcript>) -> TeamDecision {
        let view = ConversationView {
            agents: &self.active,
            transcript,
            assigned: self.n_assigned,
            last_speaker: self.last_speaker.as_ref(),
            roles: &self.crew.roles,
        };
        match self.pattern.decide(&view) {
            PatternDecision::Conclude(outcome) => TeamDecision::End(outcome),
            PatternDecision::Say { from, content, note } => {
                TeamDecision::Say { from, content, brief: self.brief(Brief::default().noting(note)) }
            }
            PatternDecision::Speak(turns) => match self.fault(&turns) {
                Some(detail) => TeamDecision::End(RunOutcome { kind: OutcomeKind::Failed, detail }),
                None => TeamDecision::Assign(self.completed(turns)),
            },
        }
    }

    /// Tells whether an agent or a crew can be asked.
    pub(crate) fn can_ask(&self, name: &AgentName) -> bool {
        self.active.contains(name) || self.staff.contains(name)
    }

    /// Says what is wrong with what a pattern decided.
    fn fault(&self, turns: &[Assignment]) -> Option<String> {
        let names: BTreeSet<&AgentName> = turns.iter().map(|turn| &turn.speaker).collect();
        let stranger = turns.iter().map(|turn| &turn.speaker).find(|name| !self.can_ask(name));
        match stranger {
            _ if turns.is_empty() => Some("the pattern named nobody".to_owned()),
            Some(stranger) => Some(format!("the pattern named `{stranger}`, who is not in the crew")),
            None if names.len() < turns.len() => {
                Some("the pattern named an agent twice for turns at once".to_owned())
            }
            None => None,
        }
    }

    /// Says of each turn in which conversation it is, and lets those who speak at the same time wait for each other.
    fn completed(&self, turns: Vec<Assignment>) -> Vec<Assignment> {
        let is_single = turns.len() == 1;
        let complete = |turn: Assignment| {
            if is_single && turn.brief.is_none() && self.thread.is_main() {
                return turn;
            }
            let mut brief = self.brief(turn.brief.unwrap_or_default());
            if !is_single && brief.reply_to == ReplyTo::Conversation {
                brief.reply_to = ReplyTo::ConversationTogether;
            }
            Assignment { brief: Some(brief), ..turn }
        };
        turns.into_iter().map(complete).collect()
    }

    fn brief(&self, brief: Brief) -> Brief {
        Brief { thread: self.thread, ..brief }
    }
}

impl Held {
    fn message(&self, turn: TurnId) -> Message {
        let from = Participant::Agent(self.speaker.clone());
        Message { turn, from, content: self.content.clone(), label: Label::default() }
    }
}

impl OpenTurn {
    /// Returns what a crew that has this turn is asked: what it sees of the conversation, then its instruction.
    pub(crate) fn question(&self, transcript: Arc<Transcript>) -> String {
        let brief = self.brief.as_ref();
        let view = TranscriptView::new(transcript, self.upto);
        let view = match brief.map(|brief| brief.sees).unwrap_or_default() {
            Sees::All => view,
            Sees::Since(from) => view.since(from),
            Sees::Nothing => view.since(self.upto),
        };
        let said = view.iter().map(|entry| match &entry.message.from {
            Participant::User => entry.message.content.clone(),
            from => format!("{from}: {}", entry.message.content),
        });
        // An agent reads both, too, in this order.
        let told = brief.map(|brief| brief.instruction.clone()).filter(|told| !told.is_empty());
        said.chain(told).collect::<Vec<_>>().join("\n\n")
    }
}

/// Tells whether the pattern itself has asked for a turn: then it says what follows if that ends without a reply.
fn is_asked(brief: Option<&Brief>) -> bool {
    brief.is_some_and(|brief| {
        !brief.instruction.is_empty() || !brief.note.is_empty() || brief.reply_to.is_private()
    })
}

/// Stands in for the pattern between reading a state and giving it its crew.
fn nobody() -> Box<dyn Pattern> {
    Box::new(RoundRobin::new())
}
