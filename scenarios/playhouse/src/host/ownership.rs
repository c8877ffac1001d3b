//! Whether this process still owns its runs, as far as it knows, and where results go that come too late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use playhouse_agents::{OtherIntent, Ownership};
use playhouse_journal::{ChainHead, Event, ReadError, RecordKey};
use playhouse_messages::{Clock, JournalError, RunLog};
use playhouse_storage::{AppendError, IntentRow, IntentState, LateResult, RunAppend, STALE_AFTER, Store};
use playhouse_types::{CallId, Incarnation, RunId, Seq, Verdict};
use tracing::{error, warn};

/// How long after its last sign of life a process stops acting: well before others may take its runs over.
const ACT_FOR: Duration = Duration::from_millis(STALE_AFTER.as_millis() as u64 * 2 / 3);

/// When this process last said that it is alive, on the clock that never jumps.
#[derive(Clone)]
pub(crate) struct SignOfLife {
    clock: Arc<dyn Clock>,
    last_millis: Arc<AtomicU64>,
}

impl SignOfLife {
    /// Begins with a sign of life now: opening the store gave it.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let sign = Self { clock, last_millis: Arc::default() };
        sign.renew(sign.clock.monotonic());
        sign
    }

    /// Notes a sign of life that was begun at `at`.
    pub(crate) fn renew(&self, at: Duration) {
        self.last_millis.store(u64::try_from(at.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Tells whether others can have no reason to think that we are gone.
    pub(crate) fn is_fresh(&self) -> bool {
        let last = Duration::from_millis(self.last_millis.load(Ordering::Acquire));
        self.clock.monotonic().saturating_sub(last) < ACT_FOR
    }
}

/// One run under one epoch.
pub(crate) struct OwnedRun {
    pub(crate) run: RunId,
    pub(crate) epoch: u64,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sign: SignOfLife,
}

impl Ownership for OwnedRun {
    fn may_act(&self) -> bool {
        self.sign.is_fresh()
    }

    fn earlier_intent(
        &self,
        call: CallId,
        key: String,
    ) -> BoxFuture<'static, Result<Option<OtherIntent>, ReadError>> {
        let (store, run) = (Arc::clone(&self.store), self.run);
        Box::pin(async move {
            let Some(earlier) = store.earlier_intent(&key, run, call).await? else { return Ok(None) };
            let IntentRow { run, call, .. } = earlier;
            let answer = match earlier.state {
                IntentState::Done => answer(&store, &earlier).await?,
                _ => None,
            };
            // Done without an answer would be a record of another kind: nothing to go on with.
            Ok(Some(
                answer.map_or(OtherIntent::Unsettled { run, call }, |output| OtherIntent::Done { output }),
            ))
        })
    }

    fn keep_late(&self, key: RecordKey, incarnation: Incarnation, event: Event) -> BoxFuture<'static, ()> {
        let late = LateResult { key, epoch: self.epoch, incarnation, time: self.clock.now(), event };
        let (store, run) = (Arc::clone(&self.store), self.run);
        Box::pin(async move {
            if let Err(cause) = store.keep_late(run, late).await {
                error!(run.id = %run, record.key = %key, error = %cause, "a late result is lost");
            }
        })
    }
}

/// Reads what was answered from the record that says that an effect has happened.
async fn answer(store: &Arc<dyn Store>, intent: &IntentRow) -> Result<Option<String>, ReadError> {
    let records = store.records(intent.run, Seq(intent.seq.0.saturating_sub(1)), 1).await?;
    Ok(records.into_iter().next().and_then(|record| match record.event {
        Event::ToolResult { call, output, .. } if call == intent.call => Some(output),
        Event::ReviewDecided { verdict: Verdict::Landed { output }, .. } => Some(output),
        _ => None,
    }))
}

/// Asks the store whether a run is still ours: a process that stood still may have been taken over.
pub(crate) async fn verify(store: &Arc<dyn Store>, run: RunId, epoch: u64, log: &RunLog) {
    let append = RunAppend {
        run,
        epoch,
        head: ChainHead::default(),
        records: Vec::new(),
        row: None,
        admitted_by: None,
        acknowledged: Vec::new(),
        intents: Vec::new(),
    };
    // An append of nothing to the wrong place: the answer tells whose the run is, and writes nothing.
    let answer = store.commit(vec![append]).await;
    // Whatever else is wrong shows with the next append.
    if let Ok([Err(AppendError::Fenced { .. })]) = answer.as_deref() {
        warn!(run.id = %run, "the run was taken over while this process stood still");
        log.mark_torn(JournalError::Fenced { run });
    }
}
