//! Runs for tests: what was sealed is remembered, to be compared with what is read.

use playhouse_journal::{
    ChainHead, Event, Kind, NewRecord, Record, RecordKey, RunKey, RunPlace, RunRow, StoredRecord, seal,
};
use playhouse_types::{
    BootId, CallId, Incarnation, Label, Lane, OutcomeKind, RunId, RunOutcome, RunStatus, ScenarioName, Seq,
    Step, TenantId, Timestamp, TraceContext, TurnId, Usage,
};

use crate::{IntentRow, IntentState, RunAppend, Store};

/// A run as its journal writer knows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The epoch under which it is written.
    pub epoch: u64,
    /// Its row.
    pub row: RunRow,
    /// Its records.
    pub records: Vec<Record>,
    head: ChainHead,
}

impl Run {
    /// Makes run number `number`, admitted at that microsecond.
    #[must_use]
    pub fn new(number: u8) -> Self {
        let id = RunId::from_u128(u128::from(number) + 1);
        Self { id, epoch: 1, row: row(id, number), records: Vec::new(), head: ChainHead::default() }
    }

    /// Writes under another epoch from now on.
    #[must_use]
    pub fn under(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// Seals the facts with which the run is admitted.
    #[must_use]
    pub fn admit(&mut self, owner: BootId, texts: &[&str]) -> RunAppend {
        RunAppend { row: Some(self.row.clone()), admitted_by: Some(owner), ..self.append(texts) }
    }

    /// Seals further facts, as the next records.
    #[must_use]
    pub fn append(&mut self, texts: &[&str]) -> RunAppend {
        let head = self.head;
        let records = texts.iter().map(|text| self.seal(text)).collect();
        RunAppend {
            run: self.id,
            epoch: self.epoch,
            head,
            records,
            row: None,
            admitted_by: None,
            acknowledged: Vec::new(),
            intents: Vec::new(),
        }
    }

    /// Seals the next record, which says something about the effect that `call` means by `key`.
    #[must_use]
    pub fn intend(&mut self, key: &str, call: CallId, state: IntentState) -> RunAppend {
        let append = self.append(&["about an effect"]);
        let (key, run, seq) = (key.to_owned(), self.id, append.head.seq.next());
        RunAppend { intents: vec![IntentRow { key, run, call, seq, state }], ..append }
    }

    fn seal(&mut self, text: &str) -> StoredRecord {
        let place = RunPlace {
            run: self.id,
            key: &self.row.key,
            tenant: &self.row.tenant,
            epoch: self.epoch,
            lane_prev: self.records.last().map(|record| record.seq),
            time: Timestamp(1_000_000 + i64::try_from(self.records.len()).unwrap()),
        };
        let (record, stored) = seal(&place, self.head, fact(self.records.len(), text)).unwrap();
        self.head = ChainHead { seq: record.seq, hash: record.hash };
        self.records.push(record);
        stored
    }
}

/// A text whose record keeps its body apart.
#[must_use]
pub fn large(word: &str) -> String {
    word.repeat(2_000)
}

/// Commits appends and expects that each is written.
pub async fn commit(store: &impl Store, appends: Vec<RunAppend>) {
    for answer in store.commit(appends).await.unwrap() {
        answer.unwrap();
    }
}

/// Admits a run with one record.
pub async fn admitted(store: &impl Store, owner: BootId, number: u8) -> Run {
    let mut run = Run::new(number);
    commit(store, vec![run.admit(owner, &["hello"])]).await;
    run
}

/// Expects that the store has exactly the records that were sealed.
#[track_caller]
pub fn same(run: &Run, read: &[Record]) {
    assert_eq!(read, run.records, "run {}", run.id);
}

/// Reads all records of a run.
pub async fn read(store: &impl Store, run: &Run) -> Vec<Record> {
    store.records(run.id, Seq(0), usize::MAX).await.unwrap()
}

/// A row whose every field differs from its default where it can.
fn row(run: RunId, number: u8) -> RunRow {
    RunRow {
        run,
        parent: Some(RunId::from_u128(99)),
        scenario: ScenarioName::new("invoice_review").unwrap(),
        case: None,
        is_batch: false,
        tenant: TenantId("acme".to_owned()),
        status: RunStatus::Limited,
        outcome: Some(RunOutcome { kind: OutcomeKind::Limited, detail: "8 turns, \"as set\"".to_owned() }),
        started_at: Timestamp(i64::from(number)),
        ended_at: Some(Timestamp(i64::MAX)),
        turns: 8,
        usage: Usage { input_tokens: u64::MAX, cost_microusd: None, ..Usage::default() },
        trace: TraceContext { trace_id: u128::MAX - 1, span_id: u64::MAX - 1 },
        starts_without_progress: 0,
        open_reviews: u32::MAX,
        key: RunKey([number; 32]),
    }
}

/// An event that is one text: the same text has the same body.
fn fact(n_before: usize, text: &str) -> NewRecord {
    let ordinal = u32::try_from(n_before).unwrap();
    NewRecord {
        lane: Lane::run(),
        incarnation: Incarnation(1),
        key: RecordKey::new(TurnId(ordinal), Step(0), ordinal, Kind::Suspended),
        causation: None,
        label: Label::default(),
        event: Event::Suspended { reason: text.to_owned() },
    }
}
