//! Going on in place with runs whose journal writer has crashed.

use std::sync::Arc;
use std::time::Duration;

use playhouse_coordinator::RunRest;
use playhouse_messages::JournalError;
use playhouse_types::RunId;
use tracing::warn;

use super::error::RunError;
use super::live_run::{Leave, LiveRun, RunEnd, admitted};
use super::resume::{Opening, open_run};
use super::runtime::Inner;
use super::snapshots::Snapshots;
use crate::definition::Definition;

/// How often a run is folded again after its journal writer has crashed.
const N_TRIES: u32 = 5;

/// The wait before a try, times its number: the actors below the writer start again with it, which takes a moment.
const WAIT: Duration = Duration::from_millis(100);

/// The actors of a run, and what writes its snapshots.
pub(crate) struct Started {
    pub(crate) live: Arc<LiveRun>,
    pub(crate) snapshots: Snapshots,
}

impl Started {
    /// Keeps a run until it rests, also through crashes of the journal writer.
    pub(crate) async fn keep(self, inner: &Arc<Inner>) -> RunEnd {
        let mut started = self;
        loop {
            let definition = Arc::clone(&started.live.definition);
            let end = started.live.keep(Arc::clone(inner), started.snapshots).await;
            match fold_again(inner, &end, &definition).await {
                Some(again) => started = again,
                None => return end,
            }
        }
    }
}

/// Goes on with a run whose journal writer has crashed: it is folded again from the store, under the next epoch.
///
/// Returns `None` if the run has come to rest for another reason, or cannot be gone on with here.
async fn fold_again(inner: &Arc<Inner>, end: &RunEnd, definition: &Arc<Definition>) -> Option<Started> {
    let run = end.row.run;
    let is_orphaned = matches!(end.rest, RunRest::Lost(JournalError::Stopped));
    if !is_orphaned || inner.failure.get().is_some() || inner.refuse_when_closing().is_err() {
        return None;
    }
    for n_try in 1..=N_TRIES {
        inner.clock.sleep(WAIT.saturating_mul(n_try)).await;
        match open_again(inner, run, definition).await {
            Ok(started) => {
                warn!(run.id = %run, "the journal writer was restarted, the run was folded again");
                return started;
            }
            Err(error) => warn!(run.id = %run, error = %error, n_try, "the run could not be folded again"),
        }
    }
    None
}

async fn open_again(
    inner: &Arc<Inner>,
    run: RunId,
    definition: &Arc<Definition>,
) -> Result<Option<Started>, RunError> {
    let opened = match open_run(inner, definition, run, Opening::Claim).await? {
        Ok(opened) => opened,
        // It was set aside, which its row says.
        Err(_) => return Ok(None),
    };
    let epoch = opened.epoch;
    let model = admitted(&opened.journal).and_then(|admitted| admitted.model.clone());
    let started = match inner.means(definition, model.as_ref()).await {
        Ok(means) => inner.start_actors(opened, means).await,
        Err(error) => Err(error),
    };
    if started.is_err() {
        inner.let_go(run, epoch, Leave::Keep).await;
    }
    started.map(Some)
}

#[cfg(test)]
mod tests;
