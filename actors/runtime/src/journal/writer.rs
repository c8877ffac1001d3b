//! The actor: one commit at a time; what gathers meanwhile goes into the next one.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::poll;
use playhouse_messages::{Admission, BusEvent, Clock, EventBus, JournalError, JournalMsg, Mail, RunLog};
use playhouse_storage::{AppendError, LAST_APPENDS, RunAppend, Store, StoreError};
use playhouse_types::{BootId, RunId, Seq};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tracing::error;

use super::book::RunBook;

/// How long a record that rides along may wait for a commit to ride on.
const RIDE_FOR: Duration = Duration::from_millis(50);

/// Why a run rests whose store had no more room.
const DISK_FULL: &str = "the disk is full: make room, then resume";

/// Why the store failed, for whoever has to tell a person; set once, before anybody waits in vain.
pub type WriterFailure = Arc<OnceLock<StoreError>>;

/// What a journal writer needs.
#[derive(Clone)]
pub struct WriterArgs {
    /// Where records go.
    pub store: Arc<dyn Store>,
    /// The time of records.
    pub clock: Arc<dyn Clock>,
    /// Who is shown durable records.
    pub bus: Arc<dyn EventBus>,
    /// Where the cause of a failure is left.
    pub failure: WriterFailure,
}

impl fmt::Debug for WriterArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterArgs").finish_non_exhaustive()
    }
}

/// Who is told what became of an admission.
type AdmissionReply = RpcReplyPort<Result<(), JournalError>>;

/// The journal writer of one store.
#[derive(Debug, Default)]
pub struct JournalWriter;

/// What a running writer holds.
pub struct WriterState {
    args: WriterArgs,
    books: HashMap<RunId, RunBook>,
    /// Runs with records that wait for a commit.
    dirty: BTreeSet<RunId>,
    /// Whether one of these records must not wait.
    is_urgent: bool,
    is_committing: bool,
    is_flush_due: bool,
    /// Who waits for admissions: the runs that must be durable, and whether any was refused.
    admissions: Vec<(Vec<RunId>, AdmissionReply)>,
    /// Runs that were admitted without being opened: forgotten once durable.
    unopened: Vec<RunId>,
}

impl Actor for JournalWriter {
    type Msg = Mail<JournalMsg>;
    type State = WriterState;
    type Arguments = WriterArgs;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        args: WriterArgs,
    ) -> Result<WriterState, ActorProcessingErr> {
        Ok(WriterState {
            args,
            books: HashMap::new(),
            dirty: BTreeSet::new(),
            is_urgent: false,
            is_committing: false,
            is_flush_due: false,
            admissions: Vec::new(),
            unopened: Vec::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        mail: Self::Msg,
        writer: &mut WriterState,
    ) -> Result<(), ActorProcessingErr> {
        match mail.message {
            JournalMsg::Open { row, epoch, log, reply } => {
                // Closed before, perhaps; from now on it is open.
                writer.unopened.retain(|run| *run != row.run);
                writer.books.insert(row.run, RunBook::open(*row, epoch, log));
                // The caller may have gone: the run is then closed with its supervisor.
                let _ = reply.send(());
            }
            JournalMsg::Append { run, records, reply } => {
                let now = writer.args.clock.now();
                let outcome = match writer.books.get_mut(&run) {
                    Some(book) => match book.log().torn() {
                        Some(why) => Err(why),
                        None => book.append(records, now),
                    },
                    None => Err(writer.refusal(run)),
                };
                if outcome.is_ok() {
                    writer.mark_dirty(run);
                }
                // A caller that has gone finds its records in the log.
                let _ = reply.send(outcome);
            }
            JournalMsg::Admit { runs, owner, reply } => writer.admit(runs, owner, reply),
            JournalMsg::Close { run } => writer.close(run),
            JournalMsg::Settled { runs } => {
                writer.is_committing = false;
                writer.settle(&runs).await;
            }
            JournalMsg::Flush => {
                writer.is_flush_due = false;
                writer.commit(&myself).await;
            }
        }
        writer.commit_if_urgent(&myself).await;
        Ok(())
    }
}

impl Drop for WriterState {
    /// However the writer ends, by a stop or a panic: what is not durable now never will be, so everybody who waits is
    /// told.
    fn drop(&mut self) {
        self.books.values().for_each(|book| book.log().mark_torn(JournalError::Stopped));
    }
}

impl WriterState {
    fn refusal(&self, run: RunId) -> JournalError {
        if self.args.failure.get().is_some() {
            JournalError::StoreFailed
        } else {
            JournalError::Fenced { run }
        }
    }

    fn mark_dirty(&mut self, run: RunId) {
        // What was on record already is not written again.
        if let Some(book) = self.books.get(&run).filter(|book| book.has_pending()) {
            self.dirty.insert(run);
            self.is_urgent |= book.is_urgent();
        }
    }

    fn admit(&mut self, runs: Vec<Admission>, owner: BootId, reply: AdmissionReply) {
        if self.args.failure.get().is_some() {
            // The caller may have gone; nothing was admitted either way.
            let _ = reply.send(Err(JournalError::StoreFailed));
            return;
        }
        let now = self.args.clock.now();
        let mut admitted = Vec::with_capacity(runs.len());
        for Admission { row, records, log } in runs {
            let run = row.run;
            if log.is_none() {
                self.unopened.push(run);
            }
            let mut book = RunBook::open(row, 1, log.unwrap_or_else(|| Arc::new(RunLog::new(run))));
            book.admit(owner);
            if let Err(refused) = book.append(records, now) {
                error!(run.id = %run, error = %refused, "first records refused");
            }
            self.books.insert(run, book);
            self.mark_dirty(run);
            admitted.push(run);
        }
        self.admissions.push((admitted, reply));
    }

    /// Forgets a run; what it has not committed is written first.
    fn close(&mut self, run: RunId) {
        if self.dirty.contains(&run) {
            self.unopened.push(run);
        } else {
            self.books.remove(&run);
        }
    }

    async fn commit_if_urgent(&mut self, myself: &ActorRef<Mail<JournalMsg>>) {
        if self.is_urgent {
            self.commit(myself).await;
        } else if !self.dirty.is_empty() && !self.is_flush_due {
            self.is_flush_due = true;
            // The handle may be dropped: the timer sends once and ends with the actor.
            drop(myself.send_after(RIDE_FOR, || Mail::to_self(JournalMsg::Flush)));
        }
    }

    /// Commits everything that waits, unless a commit is under way; that one's end starts the next.
    async fn commit(&mut self, myself: &ActorRef<Mail<JournalMsg>>) {
        while !self.is_committing {
            let dirty = std::mem::take(&mut self.dirty);
            self.is_urgent = false;
            let appends: Vec<RunAppend> =
                dirty.iter().filter_map(|run| self.books.get_mut(run)?.take_pending()).collect();
            if appends.is_empty() {
                return;
            }
            let (store, failure) = (Arc::clone(&self.args.store), Arc::clone(&self.args.failure));
            let mut work = Box::pin(write(store, failure, appends));
            // A store in memory is done at once: no task, no message.
            match poll!(&mut work) {
                std::task::Poll::Ready(runs) => self.settle(&runs).await,
                std::task::Poll::Pending => {
                    self.is_committing = true;
                    let myself = myself.clone();
                    tokio::spawn(async move {
                        let runs = work.await;
                        // A writer that has stopped has told everybody already.
                        let _ = myself.send_message(Mail::to_self(JournalMsg::Settled { runs }));
                    });
                }
            }
        }
    }

    /// Tells everybody what became of a commit.
    async fn settle(&mut self, runs: &[(RunId, Result<Seq, JournalError>)]) {
        if matches!(self.args.failure.get(), Some(StoreError::Full { .. })) {
            // Before anybody learns of the failure: the process may end as soon as its runs have.
            self.say_last_words().await;
        }
        for (run, outcome) in runs {
            let Some(book) = self.books.get_mut(run) else { continue };
            match outcome {
                Ok(seq) => {
                    let before = book.log().durable();
                    book.settle(*seq);
                    let log = Arc::clone(book.log());
                    self.publish(&log, before, *seq);
                }
                Err(why) => book.log().mark_torn(why.clone()),
            }
        }
        if let Some(why) = runs.iter().find_map(|(_, outcome)| outcome.clone().err())
            && why == JournalError::StoreFailed
        {
            // The store takes nothing any more: every run of this process is void beyond what is durable, and what has
            // gathered meanwhile is never sent.
            self.dirty.clear();
            self.is_urgent = false;
            self.books.values().for_each(|book| book.log().mark_torn(why.clone()));
            for (_, reply) in std::mem::take(&mut self.admissions) {
                // The caller may have gone; nothing was admitted.
                let _ = reply.send(Err(JournalError::StoreFailed));
            }
        }
        self.answer_admissions(runs);
        self.forget_unopened(runs);
    }

    /// Records why open runs rest, as many as fit the room that the store holds back for that.
    async fn say_last_words(&self) {
        let now = self.args.clock.now();
        let mut words: Vec<RunAppend> =
            self.books.values().filter_map(|book| book.last_words(DISK_FULL, now)).collect();
        // One commit more than fits would be the loss of all: the oldest runs have waited longest for their reason.
        words.sort_unstable_by_key(|append| (append.row.as_ref().map(|row| row.started_at), append.run));
        for unsaid in words.drain(LAST_APPENDS.min(words.len())..) {
            error!(run.id = %unsaid.run, "no room to record why the run rests: {DISK_FULL}");
        }
        if words.is_empty() {
            return;
        }
        let n_runs = words.len();
        match self.args.store.commit_last(words).await {
            Ok(outcomes) => {
                let refused = outcomes.into_iter().filter_map(Result::err);
                refused.for_each(|refused| error!(error = %refused, "reason for the rest refused"));
            }
            // The runs can be resumed all the same: only the reason is missing.
            Err(cause) => error!(n_runs, error = %cause, "reason for the rest not recorded"),
        }
    }

    fn publish(&self, log: &RunLog, after: Seq, upto: Seq) {
        if self.args.bus.is_watched() {
            log.after(after)
                .take_while(|record| record.seq <= upto)
                .for_each(|record| self.args.bus.publish(BusEvent::Recorded(Arc::clone(record))));
        }
    }

    fn answer_admissions(&mut self, settled: &[(RunId, Result<Seq, JournalError>)]) {
        let waiting = std::mem::take(&mut self.admissions);
        for (runs, reply) in waiting {
            // Admissions go into one commit, so the first run speaks for all.
            let outcome =
                settled.iter().find(|(run, _)| runs.first() == Some(run)).map(|(_, outcome)| outcome);
            match outcome {
                // The caller may have gone; the runs are on record and can be resumed.
                Some(outcome) => drop(reply.send(outcome.clone().map(|_| ()))),
                None => self.admissions.push((runs, reply)),
            }
        }
    }

    fn forget_unopened(&mut self, settled: &[(RunId, Result<Seq, JournalError>)]) {
        if self.unopened.is_empty() {
            return;
        }
        let settled: BTreeSet<RunId> = settled.iter().map(|(run, _)| *run).collect();
        let (gone, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unopened)
            .into_iter()
            .partition(|run| settled.contains(run) && !self.dirty.contains(run));
        gone.iter().for_each(|run| drop(self.books.remove(run)));
        self.unopened = waiting;
    }
}

/// Writes one commit and says for each run how far it is durable.
async fn write(
    store: Arc<dyn Store>,
    failure: WriterFailure,
    appends: Vec<RunAppend>,
) -> Vec<(RunId, Result<Seq, JournalError>)> {
    let ends: Vec<(RunId, Seq)> = appends
        .iter()
        .map(|append| (append.run, append.records.last().map_or(append.head.seq, |record| record.seq)))
        .collect();
    match store.commit(appends).await {
        Ok(outcomes) => ends
            .into_iter()
            .zip(outcomes)
            .map(|((run, end), outcome)| (run, outcome.map(|()| end).map_err(|refused| lost(run, &refused))))
            .collect(),
        Err(cause) => {
            error!(error = %cause, "store failed, no new effects");
            // Only the first cause counts: later ones follow from it.
            let _ = failure.set(cause);
            ends.into_iter().map(|(run, _)| (run, Err(JournalError::StoreFailed))).collect()
        }
    }
}

/// A run whose append was refused is not ours any more.
fn lost(run: RunId, refused: &AppendError) -> JournalError {
    error!(run.id = %run, error = %refused, "append refused");
    JournalError::Fenced { run }
}
