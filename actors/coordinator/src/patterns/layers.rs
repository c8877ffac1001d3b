//! Layers: several agents answer at once, layer after layer, and one brings the answers together.

use std::sync::Arc;

use playhouse_journal::Event;
use playhouse_messages::TranscriptView;
use playhouse_types::{AgentName, Brief, Participant, Sees};
use serde::{Deserialize, Serialize};

use super::given_turns::{EndedTurn, GivenTurns};
use crate::{Assignment, ConversationView, PatternDecision};

/// What the note of the turn begins with in which the answers are brought together.
const AGGREGATES: &str = "aggregates";

/// What those are asked who see the answers of the layer before.
const IMPROVE: &str = "The newest messages are answers of several agents to the task. Each of them may be wrong or \
                       incomplete. Weigh them up and give your own, better answer to the task.";

/// What the one is asked who has the last word.
const AGGREGATE: &str = "The newest messages are answers of several agents to the task. Each of them may be wrong or \
                         incomplete. Weigh them up and bring them together into one answer to the task.";

/// One layer whose turns have been given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Layer {
    number: u32,
    /// The place of its first answer in the conversation.
    from: u32,
    n_answered: u32,
}

/// The state machine of all patterns in which agents answer at once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Layers {
    given: GivenTurns,
    done: Vec<Layer>,
    /// Why an agent did not answer that was asked.
    failure: String,
    aggregated: Option<Result<(), String>>,
}

impl Layers {
    /// Decides what comes next, if there are `n_layers` and somebody to bring the answers together.
    pub(super) fn decide(
        &self,
        view: &ConversationView<'_>,
        n_layers: u32,
        aggregator: Option<&AgentName>,
    ) -> PatternDecision {
        let proposers: Vec<&AgentName> =
            view.agents.iter().filter(|agent| Some(*agent) != aggregator).collect();
        let answered = self.done.iter().rev().find(|layer| layer.n_answered > 0);
        match (self.done.last(), answered) {
            (Some(_), None) => PatternDecision::failed(format!("nobody answered: {}", self.failure)),
            (None, _) if proposers.is_empty() => PatternDecision::failed("nobody is left to answer"),
            (None, _) => propose(view, &proposers, 1, None),
            // A layer without an answer would be asked the same again.
            (Some(last), Some(before))
                if last == before && last.number < n_layers && !proposers.is_empty() =>
            {
                propose(view, &proposers, last.number + 1, Some(before))
            }
            (_, Some(before)) => match aggregator {
                Some(aggregator) => self.aggregate(view, aggregator, before),
                None => PatternDecision::concluded(format!("{} answered", before.n_answered)),
            },
        }
    }

    fn aggregate(
        &self,
        view: &ConversationView<'_>,
        aggregator: &AgentName,
        before: &Layer,
    ) -> PatternDecision {
        let without = |why: &str| {
            PatternDecision::limited(format!("the answers stand as they are: `{aggregator}` {why}"))
        };
        match &self.aggregated {
            Some(Ok(())) => {
                let n = before.n_answered;
                PatternDecision::concluded(format!("`{aggregator}` brought {n} answers together"))
            }
            Some(Err(failure)) => without(&format!("did not bring them together: {failure}")),
            None if self.given.is_dropped(aggregator) => without("takes no further part"),
            None => {
                let brief = told(view, AGGREGATE, before).noting(AGGREGATES);
                let turn = Assignment::new(aggregator.clone(), "brings the answers together");
                PatternDecision::Speak(vec![turn.with(brief)])
            }
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        let Some(ended) = self.given.apply(event) else { return };
        if ended.note == AGGREGATES {
            self.aggregated = Some(ended.reply().map(drop));
        } else if let Some((number, from)) = read_note(&ended.note) {
            self.end_answer(&ended, number, from);
        }
    }

    fn end_answer(&mut self, ended: &EndedTurn<'_>, number: u32, from: u32) {
        if self.done.last().is_none_or(|last| last.number < number) {
            self.done.push(Layer { number, from, n_answered: 0 });
        }
        let Some(layer) = self.done.last_mut() else { return };
        match ended.reply() {
            Ok(_) => layer.n_answered += 1,
            Err(failure) => self.failure = failure,
        }
    }
}

/// Lets all answer at once who see the answers of the layer before.
fn propose(
    view: &ConversationView<'_>,
    proposers: &[&AgentName],
    number: u32,
    before: Option<&Layer>,
) -> PatternDecision {
    let brief = before.map_or_else(Brief::default, |before| told(view, IMPROVE, before));
    let brief = brief.noting(format!("layer {number} from {}", view.transcript.len()));
    let turn = |agent: &&AgentName| {
        Assignment::new(AgentName::clone(agent), format!("answers in layer {number}")).with(brief.clone())
    };
    PatternDecision::Speak(proposers.iter().map(turn).collect())
}

/// Reads back which layer an answer was for, and where its answers begin.
fn read_note(note: &str) -> Option<(u32, u32)> {
    let (number, from) = note.strip_prefix("layer ")?.split_once(" from ")?;
    Some((number.parse().ok()?, from.parse().ok()?))
}

/// Says what to do with the answers of a layer: those before it are left out, but not the task.
fn told(view: &ConversationView<'_>, what: &str, before: &Layer) -> Brief {
    if before.number == 1 {
        return Brief::new(what);
    }
    let earlier = TranscriptView::new(Arc::clone(view.transcript), before.from);
    let messages = earlier.iter().map(|entry| &entry.message);
    let task: Vec<&str> = messages
        .filter(|message| message.from == Participant::User)
        .map(|message| message.content.as_str())
        .collect();
    Brief::new(format!("{what}\n\nThe task:\n{}", task.join("\n\n"))).seeing(Sees::Since(before.from))
}
