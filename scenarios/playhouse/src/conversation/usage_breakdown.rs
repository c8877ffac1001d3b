//! What a run has used, by call, turn, agent, model, task and crew: a pure fold of its records.

use std::collections::BTreeMap;

use playhouse_journal::{Event, Record, count_usage};
use playhouse_types::{AgentName, ModelName, Step, TurnId, Usage};
use serde::Serialize;

use super::places::Places;
use super::tool_call::call_of;

/// What was used in one step of a turn: the call of a model, and the tool calls that its reply asked for.
///
/// A step whose reply was lost in a crash stays one call: `usage.lost` says how often it was asked in vain. If it was asked
/// of another model then, there is one of these for each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallUsage {
    /// The turn.
    pub turn: TurnId,
    /// The step in the turn.
    pub step: Step,
    /// Whose turn it was: members, and whoever selects, judges, manages or was called by a colleague.
    pub agent: AgentName,
    /// The model that was asked.
    pub model: ModelName,
    /// The crews that the turn was part of, the outermost first; empty for the main one.
    pub crews: Vec<AgentName>,
    /// The tasks that it worked for: its own, and those that the crews around it or its callers worked for.
    pub tasks: Vec<String>,
    /// What was used.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What a run has used, taken apart.
///
/// Each call belongs to one turn, one agent and one model, so the sums over each of these are what the run has used. It
/// counts for every crew and every task around it: what a crew has used includes the crews within it, and what belongs
/// to no task or only to the main crew is in no such sum.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UsageBreakdown {
    calls: BTreeMap<(TurnId, Step, ModelName), CallUsage>,
    /// The model that was asked last in a step.
    asked: BTreeMap<(TurnId, Step), ModelName>,
}

impl UsageBreakdown {
    /// Folds the records of one run, oldest first.
    #[must_use]
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let (mut breakdown, mut places) = (Self::default(), Places::default());
        for record in records {
            places.apply(&record.event);
            breakdown.apply(record, &places);
        }
        breakdown
    }

    /// Takes in the next record, once `places` has.
    pub(super) fn apply(&mut self, record: &Record, places: &Places) {
        let (turn, step) = match call_of(&record.event) {
            Some(call) => (call.turn, call.step),
            None => (record.key.turn, record.key.step),
        };
        let asked_before = match &record.event {
            Event::ModelIntent(intent) => self.asked.insert((turn, step), intent.model.clone()),
            _ => None,
        };
        let mut usage = Usage::default();
        count_usage(&mut usage, &record.event);
        if usage == Usage::default() {
            return;
        }
        // What was lost was asked of the model before.
        let model = asked_before.or_else(|| self.asked.get(&(turn, step)).cloned());
        let model = model.unwrap_or_else(|| ModelName::new("unknown"));
        let call = self.calls.entry((turn, step, model.clone())).or_insert_with(|| CallUsage {
            turn,
            step,
            agent: agent_of(record, turn, places),
            model,
            crews: places.crews(turn),
            tasks: places.tasks(turn).into_iter().collect(),
            usage: Usage::default(),
        });
        call.usage += usage;
    }

    /// Returns the calls in the order of their turns and steps.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &CallUsage> {
        self.calls.values()
    }

    /// Returns what the run has used in all.
    #[must_use]
    pub fn total(&self) -> Usage {
        let mut total = Usage::default();
        self.calls().for_each(|call| total += call.usage);
        total
    }

    /// Returns what was used in each turn. That of a crew within another has nothing itself: its members have.
    #[must_use]
    pub fn by_turn(&self) -> BTreeMap<TurnId, Usage> {
        self.sums(|call| [call.turn])
    }

    /// Returns what each agent has used.
    #[must_use]
    pub fn by_agent(&self) -> BTreeMap<AgentName, Usage> {
        self.sums(|call| [call.agent.clone()])
    }

    /// Returns what was used of each model, with the tool calls that it asked for.
    #[must_use]
    pub fn by_model(&self) -> BTreeMap<ModelName, Usage> {
        self.sums(|call| [call.model.clone()])
    }

    /// Returns what each task of the pattern `Tasks` has used, by its name.
    #[must_use]
    pub fn by_task(&self) -> BTreeMap<String, Usage> {
        self.sums(|call| call.tasks.clone())
    }

    /// Returns what each crew within the main one has used, those within it included.
    #[must_use]
    pub fn by_crew(&self) -> BTreeMap<AgentName, Usage> {
        self.sums(|call| call.crews.clone())
    }

    fn sums<K: Ord, Keys: IntoIterator<Item = K>>(
        &self,
        keys: impl Fn(&CallUsage) -> Keys,
    ) -> BTreeMap<K, Usage> {
        let mut sums: BTreeMap<K, Usage> = BTreeMap::new();
        for call in self.calls() {
            keys(call).into_iter().for_each(|key| *sums.entry(key).or_default() += call.usage);
        }
        sums
    }
}

/// Returns whose turn it is; a journal without its beginning still says who wrote the record.
fn agent_of(record: &Record, turn: TurnId, places: &Places) -> AgentName {
    places.speaker(turn).cloned().unwrap_or_else(|| AgentName::of_text(record.lane.as_str()))
}

#[cfg(test)]
mod tests;
