use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::BoxFuture;
use playhouse_journal::{
    Command, CommandId, CommandInbox, Event, JournalRead, Kind, NewRecord, PendingCommand, ReadError, Record,
    RecordKey, RunKey, RunRow,
};
use playhouse_messages::{Address, Admission, JournalError, JournalMsg, RunJournal, RunLog};
use playhouse_runtime::{BroadcastBus, JournalWriter, SystemClock, WriterArgs};
use playhouse_storage::{
    AppendError, Claim, ClaimError, LateError, LateResult, LateResults, MemoryStore, RunAppend, Snapshot,
    Store, StoreError,
};
use playhouse_types::{
    BootId, Incarnation, Label, Lane, OutcomeKind, RunId, RunOutcome, RunStatus, ScenarioName, Seq, Step,
    Timestamp, TraceContext, TurnId, TurnOutcome, Usage,
};
use ractor::Actor;
use tokio::sync::Notify;

/// What a commit of the planned store does.
enum Plan {
    /// It waits until it is let go, then succeeds.
    Hold(Arc<Notify>),
    /// It fails.
    Fail,
    /// It waits until it is let go, then fails.
    HoldAndFail(Arc<Notify>),
    /// It waits until it is let go, then finds the disk full.
    HoldAndFull(Arc<Notify>),
}

/// A store in memory whose commits go as planned, and which counts them.
struct PlannedStore {
    inner: MemoryStore,
    plans: Mutex<VecDeque<Plan>>,
    commits: Mutex<Vec<usize>>,
    /// How many runs the last commit after a full disk was for; it succeeds the first time.
    last_commits: Mutex<Vec<usize>>,
}

fn failed() -> StoreError {
    let source = std::io::Error::other("as planned").into();
    StoreError::Failed { path: PathBuf::from("planned"), source }
}

fn full() -> StoreError {
    StoreError::Full { path: PathBuf::from("planned") }
}

impl PlannedStore {
    fn new(plans: impl IntoIterator<Item = Plan>) -> Self {
        let inner = MemoryStore::new(BootId::from_u128(1));
        Self {
            inner,
            plans: Mutex::new(plans.into_iter().collect()),
            commits: Mutex::default(),
            last_commits: Mutex::default(),
        }
    }
}

impl JournalRead for PlannedStore {
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRow>, ReadError>> {
        self.inner.run(run)
    }
    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunRow>, ReadError>> {
        self.inner.runs()
    }
    fn records(&self, run: RunId, after: Seq, limit: usize) -> BoxFuture<'_, Result<Vec<Record>, ReadError>> {
        self.inner.records(run, after, limit)
    }
}

impl CommandInbox for PlannedStore {
    fn submit(&self, run: RunId, id: CommandId, command: Command) -> BoxFuture<'_, Result<(), ReadError>> {
        self.inner.submit(run, id, command)
    }
    fn pending(&self, run: RunId) -> BoxFuture<'_, Result<Vec<PendingCommand>, ReadError>> {
        self.inner.pending(run)
    }
}

impl Store for PlannedStore {
    fn commit(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        Box::pin(async move {
            self.commits.lock().unwrap().push(appends.iter().map(|append| append.records.len()).sum());
            let plan = self.plans.lock().unwrap().pop_front();
            match plan {
                Some(Plan::Hold(go)) => go.notified().await,
                Some(Plan::Fail) => return Err(failed()),
                Some(Plan::HoldAndFail(go)) => {
                    go.notified().await;
                    return Err(failed());
                }
                Some(Plan::HoldAndFull(go)) => {
                    go.notified().await;
                    return Err(full());
                }
                None => {}
            }
            self.inner.commit(appends).await
        })
    }
    fn commit_last(
        &self,
        appends: Vec<RunAppend>,
    ) -> BoxFuture<'_, Result<Vec<Result<(), AppendError>>, StoreError>> {
        let mut last_commits = self.last_commits.lock().unwrap();
        last_commits.push(appends.len());
        if last_commits.len() > 1 { Box::pin(async { Err(full()) }) } else { self.inner.commit(appends) }
    }
    fn claim(&self, run: RunId, takeover: bool) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        self.inner.claim(run, takeover)
    }
    fn release(&self, run: RunId, epoch: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.release(run, epoch)
    }
    fn heartbeat(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.heartbeat()
    }
    fn put_snapshot(&self, epoch: u64, snapshot: Snapshot) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put_snapshot(epoch, snapshot)
    }
    fn snapshot(&self, run: RunId, lane: &Lane) -> BoxFuture<'_, Result<Option<Snapshot>, StoreError>> {
        self.inner.snapshot(run, lane)
    }
    fn keep_late(&self, run: RunId, late: LateResult) -> BoxFuture<'_, Result<(), LateError>> {
        self.inner.keep_late(run, late)
    }
    fn late(&self, run: RunId) -> BoxFuture<'_, Result<LateResults, StoreError>> {
        self.inner.late(run)
    }
    fn path(&self) -> Option<PathBuf> {
        None
    }
}

/// A writer over a planned store, with one admitted run.
async fn admitted(store: &Arc<PlannedStore>, run: RunId) -> (Address<JournalMsg>, RunJournal) {
    let args = WriterArgs {
        store: Arc::clone(store) as Arc<dyn Store>,
        clock: Arc::new(SystemClock::new()),
        bus: Arc::new(BroadcastBus::new()),
        failure: Arc::new(OnceLock::new()),
    };
    let (actor, _) = Actor::spawn(None, JournalWriter, args).await.unwrap();
    let address = Address::new(64);
    address.slot().set(Some(actor));
    let journal = admit(&address, run).await;
    (address, journal)
}

async fn admit(address: &Address<JournalMsg>, run: RunId) -> RunJournal {
    admit_with(address, run, urgent(0)).await
}

async fn admit_with(address: &Address<JournalMsg>, run: RunId, first: NewRecord) -> RunJournal {
    let scenario = ScenarioName::new("test").unwrap();
    let row = RunRow::admitted(run, scenario, Timestamp(0), TraceContext::default(), RunKey([1; 32]));
    let log = Arc::new(RunLog::new(run));
    let (reply, answer) = tokio::sync::oneshot::channel();
    let admission = Admission { row, records: vec![first], log: Some(Arc::clone(&log)) };
    let owner = BootId::from_u128(1);
    address.send(JournalMsg::Admit { runs: vec![admission], owner, reply: reply.into() }).unwrap();
    answer.await.unwrap().unwrap();
    RunJournal::new(address.clone(), log)
}

fn record(key: RecordKey, event: Event) -> NewRecord {
    let (lane, incarnation, label) = (Lane::run(), Incarnation(1), Label::default());
    NewRecord { lane, incarnation, key, causation: None, label, event }
}

/// A record that starts a commit.
fn urgent(number: u32) -> NewRecord {
    let key = RecordKey::new(TurnId(0), Step(number), 0, Kind::Suspended);
    record(key, Event::Suspended { reason: String::new() })
}

/// A record that rides along.
fn rider(turn: u32) -> NewRecord {
    let turn = TurnId(turn);
    let key = RecordKey::new(turn, Step(0), 0, Kind::TurnEnded);
    record(key, Event::TurnEnded { turn, outcome: TurnOutcome::Replied })
}

fn concluded() -> NewRecord {
    let outcome = RunOutcome { kind: OutcomeKind::Concluded, detail: String::new() };
    let event = Event::RunConcluded { outcome, result: None, usage: Usage::default() };
    record(RecordKey::new(TurnId(0), Step(0), 0, event.kind()), event)
}

const RUN: RunId = RunId::from_u128(7);

#[tokio::test(start_paused = true)]
async fn what_gathers_during_a_commit_goes_into_one_next_commit() {
    let store = Arc::new(PlannedStore::new([]));
    let (_, journal) = admitted(&store, RUN).await;
    let go = Arc::new(Notify::new());
    store.plans.lock().unwrap().push_back(Plan::Hold(Arc::clone(&go)));
    for number in 1..=5 {
        journal.append(vec![urgent(number)]).await.unwrap();
    }
    assert_eq!(journal.log().durable(), Seq(1), "appended is not durable");
    go.notify_one();
    journal.log().wait_durable(Seq(6)).await.unwrap();
    assert_eq!(*store.commits.lock().unwrap(), [1, 1, 4]);
}

#[tokio::test(start_paused = true)]
async fn records_that_ride_along_wait_for_the_next_commit_or_a_short_time() {
    let store = Arc::new(PlannedStore::new([]));
    let (_, journal) = admitted(&store, RUN).await;
    journal.append(vec![rider(1)]).await.unwrap();
    assert_eq!(store.commits.lock().unwrap().len(), 1);
    journal.commit(vec![urgent(1)]).await.unwrap();
    assert_eq!(*store.commits.lock().unwrap(), [1, 2]);
    journal.commit(vec![rider(2)]).await.unwrap();
    assert_eq!(*store.commits.lock().unwrap(), [1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_tears_every_log_and_nothing_more_is_taken() {
    let store = Arc::new(PlannedStore::new([]));
    let (address, journal) = admitted(&store, RUN).await;
    let neighbor = admit(&address, RunId::from_u128(8)).await;
    store.plans.lock().unwrap().push_back(Plan::Fail);
    assert_eq!(journal.commit(vec![urgent(1)]).await.unwrap_err(), JournalError::StoreFailed);
    assert_eq!(neighbor.append(vec![urgent(1)]).await.unwrap_err(), JournalError::StoreFailed);
    assert_eq!(store.commits.lock().unwrap().len(), 3, "a failed commit is not tried again");
    assert_eq!(store.inner.records(RUN, Seq(0), 9).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_gathered_during_a_failing_commit_is_never_sent() {
    let store = Arc::new(PlannedStore::new([]));
    let (_, journal) = admitted(&store, RUN).await;
    let go = Arc::new(Notify::new());
    store.plans.lock().unwrap().extend([Plan::HoldAndFail(Arc::clone(&go))]);
    journal.append(vec![urgent(1)]).await.unwrap();
    journal.append(vec![urgent(2)]).await.unwrap();
    go.notify_one();
    assert_eq!(journal.log().wait_durable(Seq(3)).await.unwrap_err(), JournalError::StoreFailed);
    assert!(journal.append(vec![urgent(3)]).await.is_err());
    assert_eq!(*store.commits.lock().unwrap(), [1, 1], "nothing follows a failed commit");
}

/// What a store holds of a run: the epoch steps and reasons of its rests, and its row's.
async fn rests(store: &PlannedStore, run: RunId) -> (Vec<(u32, String)>, RunStatus, Option<String>) {
    let records = store.inner.records(run, Seq(0), 99).await.unwrap();
    let rest = |record: &Record| match &record.event {
        Event::Suspended { reason } => Some((record.key.step.0, reason.clone())),
        _ => None,
    };
    let row = store.inner.run(run).await.unwrap().unwrap();
    (records.iter().filter_map(rest).collect(), row.status, row.outcome.map(|outcome| outcome.detail))
}

const FULL: &str = "the disk is full: make room, then resume";

#[tokio::test(start_paused = true)]
async fn every_open_run_says_that_the_disk_is_full_behind_what_is_durable() {
    let store = Arc::new(PlannedStore::new([]));
    let (address, journal) = admitted(&store, RUN).await;
    let neighbor = admit_with(&address, RunId::from_u128(8), rider(1)).await;
    let ended = admit_with(&address, RunId::from_u128(9), concluded()).await;
    neighbor.commit(vec![rider(2)]).await.unwrap();
    let go = Arc::new(Notify::new());
    store.plans.lock().unwrap().push_back(Plan::HoldAndFull(Arc::clone(&go)));
    // Neither what the commit held nor what gathered meanwhile may show: not in the records, not in the rows.
    neighbor.append(vec![urgent(5), rider(3)]).await.unwrap();
    neighbor.append(vec![rider(4)]).await.unwrap();
    go.notify_one();
    let torn = neighbor.log().wait_durable(Seq(4)).await.unwrap_err();
    assert_eq!((torn, journal.log().torn()), (JournalError::StoreFailed, Some(JournalError::StoreFailed)));
    let words = vec![(1, FULL.to_owned())];
    assert_eq!(rests(&store, neighbor.log().run()).await, (words, RunStatus::Waiting, Some(FULL.to_owned())));
    let row = store.inner.run(neighbor.log().run()).await.unwrap().unwrap();
    assert_eq!(row.turns, 2, "the void turns do not count");
    let records = store.inner.records(neighbor.log().run(), Seq(2), 9).await.unwrap();
    assert_eq!(records.iter().map(|record| record.lane_prev).collect::<Vec<_>>(), [Some(Seq(2))]);
    let (rested, status, _) = rests(&store, ended.log().run()).await;
    assert_eq!((rested.len(), status), (0, RunStatus::Concluded), "a run that has ended does not rest");
    assert_eq!(*store.last_commits.lock().unwrap(), [2]);
    assert_eq!(neighbor.append(vec![rider(5)]).await.unwrap_err(), JournalError::StoreFailed);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_after_a_failure_that_is_no_full_disk() {
    let store = Arc::new(PlannedStore::new([]));
    let (_, journal) = admitted(&store, RUN).await;
    store.plans.lock().unwrap().push_back(Plan::Fail);
    journal.commit(vec![urgent(2)]).await.unwrap_err();
    assert!(store.last_commits.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_disk_too_full_for_last_words_fails_as_any_other() {
    let store = Arc::new(PlannedStore::new([]));
    store.last_commits.lock().unwrap().push(0);
    let (_, journal) = admitted(&store, RUN).await;
    let go = Arc::new(Notify::new());
    go.notify_one();
    store.plans.lock().unwrap().push_back(Plan::HoldAndFull(go));
    assert_eq!(journal.commit(vec![rider(1)]).await.unwrap_err(), JournalError::StoreFailed);
    assert_eq!(store.inner.records(RUN, Seq(0), 9).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_dies_leaves_nobody_waiting() {
    let store = Arc::new(PlannedStore::new([]));
    let (address, journal) = admitted(&store, RUN).await;
    store.plans.lock().unwrap().push_back(Plan::Hold(Arc::new(Notify::new())));
    journal.append(vec![urgent(1)]).await.unwrap();
    address.current().unwrap().kill();
    assert_eq!(journal.log().wait_durable(Seq(2)).await.unwrap_err(), JournalError::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_fenced_run_stops_and_its_neighbors_go_on() {
    let store = Arc::new(PlannedStore::new([]));
    let (address, journal) = admitted(&store, RUN).await;
    let neighbor = admit(&address, RunId::from_u128(8)).await;
    let other = store.inner.second_owner(BootId::from_u128(2));
    store.inner.release(RUN, 1).await.unwrap();
    other.claim(RUN, false).await.unwrap();
    assert_eq!(journal.commit(vec![urgent(1)]).await.unwrap_err(), JournalError::Fenced { run: RUN });
    assert_eq!(journal.append(vec![urgent(2)]).await.unwrap_err(), JournalError::Fenced { run: RUN });
    neighbor.commit(vec![urgent(1)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_closed_run_is_forgotten_after_its_last_record_is_durable() {
    let store = Arc::new(PlannedStore::new([]));
    let (address, journal) = admitted(&store, RUN).await;
    journal.append(vec![rider(1)]).await.unwrap();
    address.send(JournalMsg::Close { run: RUN }).unwrap();
    journal.log().wait_durable(Seq(2)).await.unwrap();
    assert!(journal.append(vec![rider(2)]).await.is_err());
    assert_eq!(store.inner.records(RUN, Seq(0), 9).await.unwrap().len(), 2);
}
