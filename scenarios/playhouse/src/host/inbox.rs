//! Commands for runs that nobody works on: taken at once, by whoever leaves them.

use std::sync::Arc;

use playhouse_coordinator::CoordinatorState;
use playhouse_journal::{NewRecord, PendingCommand, ReadError};
use playhouse_messages::RunJournal;
use playhouse_storage::ClaimError;
use playhouse_types::{Incarnation, Label, Lane, RunId, Seq};

use super::children::check_arguments;
use super::error::RunError;
use super::live_run::{Leave, Means};
use super::resume::{Claimed, FindScenario, Opening, Resumed, claim, prepare};
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
    /// A run that was cancelled or abandoned by them is brought to its end. Any other is left as it is, to be gone on
    /// with by `resume`.
    /// # Errors
    /// [`RunError`]; the commands stay in the inbox, safe to retry.
    pub async fn settle_commands(&self, run: RunId, find: &FindScenario<'_>) -> Result<Settlement, RunError> {
        let inner = &self.inner;
        let row = inner.store.run(run).await?.ok_or(ReadError::UnknownRun { run })?;
        if row.is_batch || inner.is_live(run) {
            return Ok(Settlement::LeftForOwner);
        }
        let (definition, means) = prepare(inner, &row, find).await?;
        let claimed = match claim(inner, &definition, run, Opening::Claim).await {
            Ok(claimed) => claimed,
            Err(RunError::Claim(ClaimError::Owned { .. })) => return Ok(Settlement::LeftForOwner),
            Err(error) => return Err(error),
        };
        let taken = take(inner, &claimed, &definition, &means).await;
        inner.let_go(run, claimed.epoch, Leave::Release).await;
        if taken?.is_cancelled()
            && let Resumed::Run(handle) = self.resume(run, find, false).await?
        {
            handle.finished().await?;
        }
        Ok(Settlement::Taken)
    }
}

/// Puts all waiting commands on record, each in one commit with what it comes to.
async fn take(
    inner: &Arc<Inner>,
    claimed: &Claimed,
    definition: &Arc<Definition>,
    means: &Means,
) -> Result<CoordinatorState, RunError> {
    let run = claimed.row.run;
    let journal = claimed.open(inner).await?;
    let (mut state, mut folded) = (claimed.fold.coordinator().clone(), journal.log().base());
    let check = check_arguments(definition, &means.tools);
    let pending: Vec<PendingCommand> = inner.store.pending(run).await?;
    for command in pending {
        folded = fold(&mut state, &journal, folded);
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
        let records = state.accept(command, &check, claimed.epoch).into_iter().map(record).collect();
        journal.commit(records).await.map_err(|source| inner.lost(run, source))?;
    }
    fold(&mut state, &journal, folded);
    Ok(state)
}

fn fold(state: &mut CoordinatorState, journal: &RunJournal, folded: Seq) -> Seq {
    journal.log().after(folded).for_each(|record| state.apply(record));
    journal.log().head()
}
