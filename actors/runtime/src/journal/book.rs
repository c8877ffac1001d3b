//! What the writer knows of one run: head, keys, and what waits for the next commit.

use std::collections::HashMap;
use std::sync::Arc;

use playhouse_journal::{
    ChainHead, CommandId, Event, NewRecord, Record, RecordKey, RunPlace, RunRow, StoredRecord, seal,
};
use playhouse_messages::{JournalError, RunFacts, RunLog};
use playhouse_storage::{IntentRow, IntentState, RunAppend};
use playhouse_types::{BootId, ReviewId, Seq, Timestamp, Verdict, is_shared_intent};

/// One run under the writer's care.
#[derive(Debug)]
pub(crate) struct RunBook {
    row: RunRow,
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
        Self { row, epoch, head, log, keys, pending: Pending::default() }
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
        let place = RunPlace {
            run: self.row.run,
            key: &self.row.key,
            tenant: &self.row.tenant,
            epoch: self.epoch,
            lane_prev: (last > Seq(0)).then_some(last),
            time: now,
        };
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
