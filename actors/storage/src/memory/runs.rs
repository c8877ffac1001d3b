//! The runs themselves, as all processes see them.

use std::collections::{BTreeMap, HashMap};

use playhouse_journal::{
    ChainHead, CodecError, Command, CommandId, PendingCommand, ReadError, Record, RunRow, StoredBody,
    StoredRecord, open,
};
use playhouse_types::{BootId, CallId, Lane, RunId, Seq, Timestamp};

use crate::{
    AppendError, Claim, ClaimError, IntentRow, LateError, LateResult, Owner, PreviousOwner, RunAppend,
    Snapshot, StoredHead,
};

/// What all processes see.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) runs: BTreeMap<RunId, Run>,
    /// The processes that live, with their last heartbeat.
    pub(super) alive: BTreeMap<BootId, Timestamp>,
    /// Bytes of all headers and bodies.
    pub(super) n_bytes: usize,
    /// The lines of late results.
    pub(super) late: BTreeMap<RunId, Vec<u8>>,
    /// By key, in the order of their commits.
    intents: BTreeMap<String, Vec<IntentRow>>,
}

pub(super) struct Run {
    pub(super) row: RunRow,
    pub(super) epoch: u64,
    pub(super) owner: Option<BootId>,
    head: ChainHead,
    /// Without their large bodies; record `seq` is at `seq - 1`.
    records: Vec<StoredRecord>,
    /// The address of each record's large body.
    addresses: Vec<Option<[u8; 32]>>,
    pub(super) bodies: HashMap<[u8; 32], Vec<u8>>,
    pub(super) snapshots: BTreeMap<Lane, Snapshot>,
    pub(super) inbox: Vec<InboxEntry>,
}

pub(super) struct InboxEntry {
    pub(super) id: CommandId,
    /// `None` once it is acknowledged: the id stays, so that a late repetition changes nothing.
    pub(super) command: Option<Command>,
}

impl Shared {
    pub(super) fn keep_late(&mut self, run: RunId, late: &LateResult) -> Result<(), LateError> {
        let kept = self.late.entry(run).or_default();
        let line = late.to_line(run, kept.len() as u64)?;
        kept.extend(line);
        Ok(())
    }

    pub(super) fn owners(&self, now: Timestamp) -> Vec<Owner> {
        let owner = |(boot, heartbeat): (&BootId, &Timestamp)| Owner {
            boot: *boot,
            is_alive: true,
            silent_for: Some(now.since(*heartbeat)),
        };
        self.alive.iter().map(owner).collect()
    }
}

pub(super) fn size(record: &StoredRecord) -> usize {
    record.header.len() + record.body.as_ref().map_or(0, |body| body.bytes.len())
}

impl Shared {
    pub(super) fn append(&mut self, append: RunAppend) -> Result<(), AppendError> {
        let stored = self.runs.get(&append.run).map(|run| StoredHead { epoch: run.epoch, head: run.head });
        let head = append.check(stored)?;
        if let Some(owner) = append.admitted_by
            && let Some(row) = append.row.clone()
        {
            self.runs.insert(append.run, Run::new(row, append.epoch, owner));
        }
        let run = self.runs.get_mut(&append.run).ok_or(AppendError::UnknownRun { run: append.run })?;
        run.head = head;
        for mut record in append.records {
            self.n_bytes += size(&record);
            let body = record.body.take();
            run.addresses.push(body.as_ref().map(|body| body.address));
            run.records.push(record);
            if let Some(body) = body {
                run.bodies.entry(body.address).or_insert(body.bytes);
            }
        }
        if let Some(row) = append.row {
            run.row = row;
        }
        for entry in &mut run.inbox {
            if append.acknowledged.contains(&entry.id) {
                entry.command = None;
            }
        }
        append.intents.into_iter().for_each(|intent| self.note(intent));
        Ok(())
    }

    fn note(&mut self, intent: IntentRow) {
        let meant = self.intents.entry(intent.key.clone()).or_default();
        match meant.iter_mut().find(|known| (known.run, known.call) == (intent.run, intent.call)) {
            Some(known) => *known = intent,
            None => meant.push(intent),
        }
    }

    pub(super) fn earlier_intent(
        &self,
        key: &str,
        run: RunId,
        call: CallId,
    ) -> Result<Option<IntentRow>, ReadError> {
        let meant = self.intents.get(key).map_or(&[][..], Vec::as_slice);
        let own = meant.iter().position(|intent| (intent.run, intent.call) == (run, call));
        let own = own.ok_or(ReadError::Corrupt { run, source: IntentRow::lost() })?;
        Ok(meant.iter().take(own).find(|intent| intent.stands_in_the_way_of(run)).cloned())
    }

    pub(super) fn n_intents(&self) -> u64 {
        self.intents.values().map(|meant| meant.len() as u64).sum()
    }

    pub(super) fn read(&self, run: RunId) -> Result<&Run, ReadError> {
        self.runs.get(&run).ok_or(ReadError::UnknownRun { run })
    }

    pub(super) fn claim(
        &mut self,
        run: RunId,
        boot: BootId,
        now: Timestamp,
        takeover: bool,
    ) -> Result<Claim, ClaimError> {
        let stored = self.runs.get_mut(&run).ok_or(ClaimError::UnknownRun { run })?;
        let previous = match stored.owner {
            None => PreviousOwner::Released,
            Some(owner) if owner == boot => PreviousOwner::Ourselves,
            Some(owner) => match self.alive.get(&owner) {
                None => PreviousOwner::Gone,
                Some(heartbeat) => PreviousOwner::Alive { silent_for: now.since(*heartbeat) },
            },
        };
        let head = StoredHead { epoch: stored.epoch, head: stored.head };
        let claim = previous.claim(stored.row.clone(), head, takeover)?;
        stored.row = claim.row.clone();
        stored.epoch = claim.epoch;
        stored.owner = Some(boot);
        Ok(claim)
    }
}

impl Run {
    fn new(row: RunRow, epoch: u64, owner: BootId) -> Self {
        Self {
            row,
            epoch,
            owner: Some(owner),
            head: ChainHead::default(),
            records: Vec::new(),
            addresses: Vec::new(),
            bodies: HashMap::new(),
            snapshots: BTreeMap::new(),
            inbox: Vec::new(),
        }
    }

    pub(super) fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, CodecError> {
        let n_before = usize::try_from(after.0).unwrap_or(usize::MAX).min(self.records.len());
        let before = n_before.checked_sub(1).and_then(|index| self.records.get(index));
        let mut head =
            before.map_or(ChainHead::default(), |before| ChainHead { seq: before.seq, hash: before.hash });
        self.records
            .iter()
            .zip(&self.addresses)
            .skip(n_before)
            .take(limit)
            .map(|(record, address)| {
                let record = open(self.row.run, &self.row.key, head, &self.with_body(record, *address))?;
                head = ChainHead { seq: record.seq, hash: record.hash };
                Ok(record)
            })
            .collect()
    }

    /// Returns the commands that are not acknowledged, oldest first.
    pub(super) fn pending(&self) -> Vec<PendingCommand> {
        let pending = |entry: &InboxEntry| {
            let command = entry.command.clone()?;
            Some(PendingCommand { id: entry.id.clone(), command })
        };
        self.inbox.iter().filter_map(pending).collect()
    }

    fn with_body(&self, record: &StoredRecord, address: Option<[u8; 32]>) -> StoredRecord {
        let body = address
            .and_then(|address| Some(StoredBody { address, bytes: self.bodies.get(&address)?.clone() }));
        StoredRecord { body, ..record.clone() }
    }
}
