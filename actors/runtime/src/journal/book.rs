//! What the writer knows of one run: head, keys, and what waits for the next commit.

use std::collections::HashMap;
use std::sync::Arc;

use playhouse_journal::{
    ChainHead, CommandId, Event, Kind, NewRecord, Record, RecordKey, RunPlace, RunRow, StoredRecord, seal,
};
use playhouse_messages::{JournalError, RunFacts, RunLog};
use playhouse_storage::{IntentRow, IntentState, RunAppend};
use playhouse_types::{
    BootId, Label, Lane, ReviewId, Seq, Step, Timestamp, TurnId, Verdict, is_shared_intent,
};

/// One run under the writer's care.
#[derive(Debug)]
pub(crate) struct RunBook {
    row: RunRow,
    /// The row as of the last commit that succeeded.
    durable_row: RunRow,
    /// The row as of the last commit that was begun.
    sent_row: Option<RunRow>,
    epoch: u64,
    head: ChainHead,
    log: Arc<RunLog>,
    /// The keys of the records that `log` holds. Nobody repeats those before its base: their turns have ended, the actors
    /// and epochs that wrote the others have successors, and their commands have left the inbox.
    keys: HashMap<RecordKey, Seq>,
    pending: Pending,
}

/// What waits for the next commit.
#[derive(Debug, Default)]
struct Pending {
    records: Vec<StoredRecord>,
    acknowledged: Vec<CommandId>,
    intents: Vec<IntentRow>,
    admitted_by: Option<BootId>,
    is_urgent: bool,
}

impl RunBook {
    /// Opens a run with what its log holds.
    pub(crate) fn open(row: RunRow, epoch: u64, log: Arc<RunLog>) -> Self {
        let head = log.facts(RunFacts::head);
        let keys = log.after(Seq(0)).map(|record| (record.key, record.seq)).collect();
        let durable_row = row.clone();
        Self { row, durable_row, sent_row: None, epoch, head, log, keys, pending: Pending::default() }
    }

    pub(crate) const fn log(&self) -> &Arc<RunLog> {
        &self.log
    }

    /// Makes the next commit admit the run.
    pub(crate) fn admit(&mut self, owner: BootId) {
        self.pending.admitted_by = Some(owner);
        self.pending.is_urgent = true;
    }

    /// Appends all records or none. A record whose key is known is answered with the one on record.
    pub(crate) fn append(
        &mut self,
        records: Vec<NewRecord>,
        now: Timestamp,
    ) -> Result<Vec<Arc<Record>>, JournalError> {
        if let Some(stale) = records.iter().find(|record| self.is_stale(record)) {
            return Err(JournalError::StaleIncarnation {
                lane: stale.lane.clone(),
                incarnation: stale.incarnation,
            });
        }
        records.into_iter().map(|record| self.append_one(record, now)).collect()
    }

    /// Results are taken from any incarnation: whoever asked, the answer is the same.
    fn is_stale(&self, record: &NewRecord) -> bool {
        let current = self.log.facts(|facts| facts.lane(record.lane.as_str()).incarnation);
        record.incarnation < current && !record.key.kind.is_result()
    }

    fn append_one(&mut self, new: NewRecord, now: Timestamp) -> Result<Arc<Record>, JournalError> {
        if let Some(known) = self.keys.get(&new.key).and_then(|seq| self.log.get(*seq)) {
            return Ok(Arc::clone(known));
        }
        let is_urgent = !new.event.rides_along();
        let last = self.log.facts(|facts| facts.lane(new.lane.as_str()).last);
        let place = self.place((last > Seq(0)).then_some(last), now);
        // Every event of the journal has a stored form; an event without one is a bug, and nothing was written.
        let (record, stored) = seal(&place, self.head, new).map_err(|_| JournalError::StoreFailed)?;
        let record = Arc::new(record);
        self.head = ChainHead { seq: record.seq, hash: record.hash };
        self.keys.insert(record.key, record.seq);
        self.row.apply(&record);
        self.pending.records.push(stored);
        self.pending.is_urgent |= is_urgent;
        if let Event::CommandAccepted { id, .. } = &record.event {
            self.pending.acknowledged.push(id.clone());
        }
        // Before the log has it: what is settled is forgotten there.
        self.pending.intents.extend(self.log.facts(|facts| shared_intent(facts, &record)));
        self.log.push(Arc::clone(&record));
        Ok(record)
    }

    const fn place(&self, lane_prev: Option<Seq>, time: Timestamp) -> RunPlace<'_> {
        let RunRow { run, key, tenant, .. } = &self.row;
        RunPlace { run: *run, key, tenant, epoch: self.epoch, lane_prev, time }
    }

    /// Tells whether something waits that must not wait.
    pub(crate) const fn is_urgent(&self) -> bool {
        self.pending.is_urgent
    }

    /// Takes what waits for the next commit, if anything does.
    pub(crate) fn take_pending(&mut self) -> Option<RunAppend> {
        let pending = std::mem::take(&mut self.pending);
        let first = pending.records.first()?.seq;
        let before = Seq(first.0 - 1);
        let hash = self.log.get(before).map(|record| record.hash).unwrap_or_default();
        self.sent_row = Some(self.row.clone());
        Some(RunAppend {
            run: self.row.run,
            epoch: self.epoch,
            head: ChainHead { seq: before, hash },
            records: pending.records,
            row: Some(self.row.clone()),
            admitted_by: pending.admitted_by,
            acknowledged: pending.acknowledged,
            intents: pending.intents,
        })
    }

    /// Takes in that the commit of what was taken last has succeeded up to `seq`.
    pub(crate) fn settle(&mut self, seq: Seq) {
        if let Some(row) = self.sent_row.take() {
            self.durable_row = row;
        }
        self.log.mark_durable(seq);
    }

    /// Makes the append that says why the run rests, behind its last durable record: what came after that is void.
    ///
    /// `None` for a run that needs none: it is not on record, not ours, has ended or says already why it rests.
    pub(crate) fn last_words(&self, reason: &str, now: Timestamp) -> Option<RunAppend> {
        let durable = self.log.durable();
        let epoch = u32::try_from(self.epoch).unwrap_or(u32::MAX);
        let key = RecordKey::new(TurnId(0), Step(epoch), 0, Kind::Suspended);
        let is_said = self.keys.get(&key).is_some_and(|seq| *seq <= durable);
        if is_said || !self.durable_row.status.is_open() {
            return None;
        }
        let last = self.log.get(durable)?;
        let head = ChainHead { seq: durable, hash: last.hash };
        let lane = self.log.facts(|facts| facts.lane(Lane::RUN));
        // The first void record of the lane knows which durable one is the lane's last.
        let void = self.log.after(durable).find(|record| record.lane.as_str() == Lane::RUN);
        let lane_prev = void.map_or((lane.last > Seq(0)).then_some(lane.last), |void| void.lane_prev);
        let new = NewRecord {
            lane: Lane::run(),
            incarnation: lane.incarnation,
            key,
            causation: Some(durable),
            label: Label::default(),
            event: Event::Suspended { reason: reason.to_owned() },
        };
        // Every event of the journal has a stored form.
        let (record, stored) = seal(&self.place(lane_prev, now), head, new).ok()?;
        let mut row = self.durable_row.clone();
        row.apply(&record);
        Some(RunAppend {
            run: row.run,
            epoch: self.epoch,
            head,
            records: vec![stored],
            row: Some(row),
            admitted_by: None,
            acknowledged: Vec::new(),
            intents: Vec::new(),
        })
    }
}

/// Returns what a record says about an effect that other runs may mean as well.
fn shared_intent(facts: &RunFacts, record: &Record) -> Option<IntentRow> {
    let (call, state) = match &record.event {
        Event::ToolIntent(intent) => (intent.call, IntentState::Open),
        Event::ToolResult { call, .. } => (*call, IntentState::Done),
        Event::ToolFailed { call, .. } | Event::ToolDenied { call, .. } => (*call, IntentState::Failed),
        Event::ToolInDoubt { call, .. } => (*call, IntentState::InDoubt),
        Event::ReviewDecided { review: ReviewId::Doubt(call), verdict, .. } => match verdict {
            Verdict::Landed { .. } => (*call, IntentState::Done),
            Verdict::DidNotHappen => (*call, IntentState::Failed),
            // Nobody knows still.
            _ => return None,
        },
        _ => return None,
    };
    let key = match &record.event {
        Event::ToolIntent(intent) => intent.keys.shared_intent()?,
        _ => facts.unsettled_intent(call).filter(|key| is_shared_intent(key))?,
    };
    Some(IntentRow { key: key.to_owned(), run: record.run, call, seq: record.seq, state })
}

#[cfg(test)]
mod tests;
