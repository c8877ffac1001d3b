//! Commands for runs that nobody works on: taken at once, by whoever leaves them.

use std::sync::Arc;

use playhouse_coordinator::{Acceptance, CoordinatorState};
use playhouse_journal::{Event, NewRecord, PendingCommand, ReadError, RecordKey, ToolIntent};
use playhouse_messages::RunJournal;
use playhouse_storage::ClaimError;
use playhouse_tools::ToolRegistry;
use playhouse_types::{
    AgentName, Effect, Incarnation, Label, Lane, RunId, Seq, ToolFailure, ToolFailureKind,
};

use super::children::check_arguments;
use super::error::RunError;
use super::live_run::Leave;
use super::resume::{Claimed, FindScenario, Opening, Resumed, claim, find_definition};
use super::runtime::{Inner, Runtime};
use crate::definition::Definition;

/// What became of the commands that were left for a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// Nobody worked on the run: they are on record now, accepted or refused.
    Taken,
    /// A process works on the run: it takes them.
    LeftForOwner,
}

impl Runtime {
    /// Takes the commands that wait for a run if nobody works on it; its owner takes them otherwise.
    ///
    /// A run that was cancelled or abandoned by them, or stopped between two turns, is brought to its end. Any other is
    /// left as it is, to be gone on with by `resume`.
    /// # Errors
    /// [`RunError`]; the commands stay in the inbox, safe to retry.
    pub async fn settle_commands(&self, run: RunId, find: &FindScenario<'_>) -> Result<Settlement, RunError> {
        let Some(only_ends) = self.take_commands(run, find).await? else {
            return Ok(Settlement::LeftForOwner);
        };
        if only_ends && let Resumed::Run(handle) = self.resume(run, find, false).await? {
            handle.finished().await?;
        }
        Ok(Settlement::Taken)
    }

    /// Takes the commands of a run that nobody works on, and says whether it only has to be brought to its
    /// end now; `None` if somebody works on it.
    pub(crate) async fn take_commands(
        &self,
        run: RunId,
        find: &FindScenario<'_>,
    ) -> Result<Option<bool>, RunError> {
        let inner = &self.inner;
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        if row.is_batch || inner.is_live(run) {
            return Ok(None);
        }
        // What is answered is checked by what tools declare: neither tools nor models need be at hand.
        let definition = find_definition(inner, &row, find).await?;
        let tools = Arc::new(inner.toolboxes.declared(&definition)?);
        let claimed = match claim(inner, &definition, run, Opening::Claim).await {
            Ok(claimed) => claimed,
            Err(RunError::Claim(ClaimError::Owned { .. })) => return Ok(None),
            Err(error) => return Err(error),
        };
        let taken = take(inner, &claimed, &definition, &tools).await;
        inner.let_go(run, claimed.epoch, Leave::Release).await;
        Ok(Some(taken?.only_ends()))
    }
}

/// Puts all waiting commands on record, each in one commit with what it comes to.
async fn take(
    inner: &Arc<Inner>,
    claimed: &Claimed,
    definition: &Arc<Definition>,
    tools: &Arc<ToolRegistry>,
) -> Result<CoordinatorState, RunError> {
    let run = claimed.row.run;
    let journal = claimed.open(inner).await?;
    let (mut state, mut folded) = (claimed.fold.coordinator().clone(), journal.log().base());
    let check = check_arguments(definition, tools);
    let pending: Vec<PendingCommand> = inner.store.pending(run).await?;
    folded = fold(&mut state, &journal, folded);
    for command in pending {
        let newest = journal.log().facts(|facts| facts.lane(Lane::RUN).incarnation);
        let incarnation = newest.max(Incarnation(1));
        let record = |(key, event)| NewRecord {
            lane: Lane::run(),
            incarnation,
            key,
            causation: (folded > Seq(0)).then_some(folded),
            label: Label::default(),
            event,
        };
        let records = state
            .accept(command, &check, Acceptance { epoch: claimed.epoch, now: inner.clock.now() })
            .into_iter()
            .map(record)
            .collect();
        journal.commit(records).await.map_err(|source| inner.lost(run, source))?;
        folded = fold(&mut state, &journal, folded);
        let ends = ends_of_skipped_calls(&state);
        if !ends.is_empty() {
            journal.commit(ends).await.map_err(|source| inner.lost(run, source))?;
            folded = fold(&mut state, &journal, folded);
        }
    }
    Ok(state)
}

/// Returns the ends of calls whose turn was skipped while nobody worked on them: whether they had their effect is not
/// known, and nobody will look for them by themselves any more.
fn ends_of_skipped_calls(state: &CoordinatorState) -> Vec<NewRecord> {
    let skipped = state.reviews().calls().filter(|(_, intent)| !state.open().contains_key(&intent.call.turn));
    let end = |(agent, intent): (&AgentName, &ToolIntent)| {
        let (call, detail) = (intent.call, "its turn was skipped while nobody worked on it".to_owned());
        let event = match intent.effect {
            Effect::Pure => {
                let failure = ToolFailure { kind: ToolFailureKind::Cancelled, detail };
                Event::ToolFailed { call, failure }
            }
            _ => Event::ToolInDoubt { call, detail },
        };
        NewRecord {
            lane: Lane::from(agent),
            incarnation: Incarnation(1),
            key: RecordKey::new(call.turn, call.step, call.ordinal, event.kind()),
            causation: None,
            label: Label::default(),
            event,
        }
    };
    skipped.map(end).collect()
}

fn fold(state: &mut CoordinatorState, journal: &RunJournal, folded: Seq) -> Seq {
    journal.log().after(folded).for_each(|record| state.apply(record));
    journal.log().head()
}
