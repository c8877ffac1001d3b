//! What a store knows of a run without reading its journal.

use std::fmt;

use crate::{Command, Event, Record};
use playhouse_types::{
    CaseName, OutcomeKind, ReviewId, RunId, RunOutcome, RunStatus, ScenarioName, TenantId, Timestamp,
    TraceContext, Usage,
};
use serde::{Deserialize, Serialize};

/// The random key under which a run's bodies are addressed; forgetting it makes erased bodies unguessable.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunKey(pub [u8; 32]);

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The row of a run: a projection of its journal, committed with it, which can be rebuilt from it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// The batch it belongs to.
    pub parent: Option<RunId>,
    /// The scenario.
    pub scenario: ScenarioName,
    /// The case of the batch.
    pub case: Option<CaseName>,
    /// Whether this is a batch.
    pub is_batch: bool,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is doing.
    pub status: RunStatus,
    /// How it ended or why it rests.
    pub outcome: Option<RunOutcome>,
    /// When it was admitted.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How many turns have ended.
    pub turns: u32,
    /// What it has used.
    pub usage: Usage,
    /// Its trace.
    pub trace: TraceContext,
    /// Starts since the last progress: at 3 the run is quarantined.
    pub starts_without_progress: u32,
    /// How many reviews were opened and not answered; those of a turn that ended meanwhile still count.
    pub open_reviews: u32,
    /// The key of its bodies.
    pub key: RunKey,
}

impl RunRow {
    /// Makes the row of a run that is being admitted.
    #[must_use]
    pub fn admitted(
        run: RunId,
        scenario: ScenarioName,
        started_at: Timestamp,
        trace: TraceContext,
        key: RunKey,
    ) -> Self {
        Self {
            run,
            parent: None,
            scenario,
            case: None,
            is_batch: false,
            tenant: TenantId::default(),
            status: RunStatus::Running,
            outcome: None,
            started_at,
            ended_at: None,
            turns: 0,
            usage: Usage::default(),
            trace,
            starts_without_progress: 0,
            open_reviews: 0,
            key,
        }
    }

    /// Takes in the next record: the row is a fold of the journal, and can be made again from it.
    pub fn apply(&mut self, record: &Record) {
        if record.key.kind.is_progress() {
            self.starts_without_progress = 0;
        }
        count_usage(&mut self.usage, &record.event);
        self.count_reviews(&record.event);
        match &record.event {
            Event::TurnEnded { .. } => self.turns += 1,
            // A paused run stays one when it comes to rest.
            Event::Suspended { .. } if self.status == RunStatus::Paused => {}
            Event::Suspended { reason } => self.rest(OutcomeKind::Waiting, reason),
            Event::Quarantined { reason } => self.rest(OutcomeKind::Quarantined, reason),
            Event::Resumed { .. } if self.status != RunStatus::Paused => self.go_on(),
            Event::CommandAccepted { command, .. } => self.take_command(command),
            Event::ReviewDecided { review: ReviewId::Quarantine(_), .. } => self.go_on(),
            Event::RunConcluded { outcome, .. } => {
                self.rest(outcome.kind, &outcome.detail);
                self.ended_at = Some(record.time);
            }
            _ => {}
        }
    }

    fn take_command(&mut self, command: &Command) {
        match command {
            // A run that was set aside goes on to its end; how often it was started does not matter any more.
            Command::Cancel { .. } if self.status == RunStatus::Quarantined => {
                self.starts_without_progress = 0;
                self.go_on();
            }
            Command::Pause if self.status.is_open() => self.status = RunStatus::Paused,
            Command::Unpause if self.status == RunStatus::Paused => self.go_on(),
            _ => {}
        }
    }

    fn count_reviews(&mut self, event: &Event) {
        match event {
            Event::ReviewOpened { .. } | Event::ToolInDoubt { .. } | Event::Quarantined { .. } => {
                self.open_reviews = self.open_reviews.saturating_add(1);
            }
            Event::ReviewDecided { .. } => self.open_reviews = self.open_reviews.saturating_sub(1),
            Event::RunConcluded { .. } => self.open_reviews = 0,
            _ => {}
        }
    }

    fn go_on(&mut self) {
        self.status = RunStatus::Running;
        self.outcome = None;
    }

    fn rest(&mut self, kind: OutcomeKind, detail: &str) {
        self.status = kind.status();
        self.outcome = Some(RunOutcome { kind, detail: detail.to_owned() });
    }
}

/// Adds what the event of the next record says was used.
pub fn count_usage(usage: &mut Usage, event: &Event) {
    match event {
        Event::ModelIntent(intent) if intent.attempt > 0 => usage.lost += 1,
        Event::ModelResult { reply, .. } => {
            *usage += Usage {
                input_tokens: reply.usage.input_tokens,
                output_tokens: reply.usage.output_tokens,
                model_calls: 1,
                cost_microusd: reply.cost_microusd,
                ..Usage::default()
            };
        }
        Event::ToolResult { .. }
        | Event::ToolFailed { .. }
        | Event::ToolDenied { .. }
        | Event::ToolInDoubt { .. } => usage.tool_calls += 1,
        _ => {}
    }
}
