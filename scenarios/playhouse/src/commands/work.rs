//! Runs and batches that go on in this process, watched until they rest.

use std::collections::BTreeMap;

use playhouse_journal::{JournalRead, RunRow};
use playhouse_types::{CaseName, RunId};

use super::command_error::CommandError;
use super::decide::answerer;
use super::interrupt::finish_or_interrupt;
use super::results::Settled;
use crate::host::{BatchHandle, Resumed, RunEnd, RunHandle, Runtime};
use crate::view::{Attendant, Audience, ConversationView, LiveView, Progress, Style};

/// A run or batch that goes on, or turned out to have ended.
pub(super) enum Work {
    Run(RunHandle),
    Batch(BatchHandle),
    Ended(Box<RunEnd>),
}

impl From<Resumed> for Work {
    fn from(resumed: Resumed) -> Self {
        match resumed {
            Resumed::Run(run) => Self::Run(run),
            Resumed::Batch(batch) => Self::Batch(batch),
            Resumed::Settled(end) => Self::Ended(end),
        }
    }
}

impl Work {
    fn run(&self) -> RunId {
        match self {
            Self::Run(handle) => handle.run,
            Self::Batch(handle) => handle.run,
            Self::Ended(end) => end.row.run,
        }
    }

    async fn finished(self, journal: &dyn JournalRead) -> Result<Settled, CommandError> {
        match self {
            Self::Run(handle) => Settled::of_run(journal, handle.finished().await?).await,
            Self::Batch(handle) => Settled::of_batch(journal, handle.finished().await?).await,
            Self::Ended(end) => Settled::of_run(journal, *end).await,
        }
    }
}

/// A watcher that is started before the work, so that it misses nothing.
pub(super) struct Watch {
    view: LiveView,
}

/// What will be watched.
pub(super) enum Watched<'a> {
    /// One new run.
    Run,
    /// One new batch of this many cases.
    Batch(usize),
    /// Runs that were admitted earlier, all of them.
    Stored(&'a [RunRow], &'a [RunId]),
}

impl Watch {
    /// Begins to print what happens in `runtime`.
    pub(super) fn start(runtime: &Runtime, watched: &Watched<'_>) -> Self {
        let (audience, cases, progress) = match watched {
            Watched::Run => (Audience::One, BTreeMap::new(), None),
            Watched::Batch(count) => (Audience::Many, BTreeMap::new(), Some(Progress::new(*count as u64, 0))),
            Watched::Stored(rows, runs) => stored(rows, runs),
        };
        let view = ConversationView::new(Style::of_stderr(), audience, cases);
        let attendant =
            runtime.inner.options.attended.then(|| Attendant::new(runtime.clone(), answerer(None)));
        Self { view: LiveView::start(runtime.events(), view, progress, attendant) }
    }

    /// Waits until all work rests, or a signal interrupts it; then prints what is left to print.
    pub(super) async fn until_rest(
        self,
        runtime: &Runtime,
        work: Vec<Work>,
    ) -> Result<Vec<Settled>, CommandError> {
        let runs: Vec<RunId> =
            work.iter().filter(|work| !matches!(work, Work::Ended(_))).map(Work::run).collect();
        let journal = runtime.journal();
        let all = futures::future::join_all(work.into_iter().map(|work| work.finished(journal.as_ref())));
        let ends = finish_or_interrupt(runtime, all).await;
        self.view.finish(runs).await;
        ends?.into_iter().collect()
    }

    /// Stops without waiting for anything.
    pub(super) async fn stop(self) {
        self.view.finish(Vec::new()).await;
    }
}

/// Finds out how stored runs are shown: their cases by name, and how many of them have ended before.
fn stored(rows: &[RunRow], runs: &[RunId]) -> (Audience, BTreeMap<RunId, CaseName>, Option<Progress>) {
    let cases = rows.iter().filter_map(|row| Some((row.run, row.case.clone()?))).collect();
    let in_batch = |row: &&RunRow| row.parent.is_some_and(|parent| runs.contains(&parent));
    let (total, ended) = rows
        .iter()
        .filter(in_batch)
        .fold((0, 0), |(total, ended), row| (total + 1, ended + u64::from(!row.status.is_open())));
    let audience = if runs.len() == 1 && total == 0 { Audience::One } else { Audience::Many };
    (audience, cases, (total > 0).then(|| Progress::new(total, ended)))
}
