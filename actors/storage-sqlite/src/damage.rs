//! Tells what a damaged file says, for tests that damage every byte of one: nothing that is read may differ silently.
//!
//! ```text
//! sample(dir) -> bytes -> Original --flip, truncate--> bytes in memory --the store's own reads--> Verdict
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::AddAssign;
use std::path::Path;
use std::sync::Arc;

use playhouse_journal::{Command, CommandId, CommandInbox, PendingCommand, Record, RunRow};
use playhouse_storage::conformance::FIRST;
use playhouse_storage::conformance::sample::{Run, commit, large};
use playhouse_storage::{IntentRow, IntentState, RunAppend, Snapshot, Store, StoreError};
use playhouse_types::{CallId, Lane, RunId, Seq, Step, Timestamp, TurnId};
use rusqlite::Connection;

use crate::failure::ReadFailure;
use crate::run_row::Listing;
use crate::{SqliteStore, inbox, intent, records, run_row, schema, snapshot};

/// What came of reading everything in a damaged file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All of it is as it was.
    Harmless,
    /// Something was refused, all else is as it was.
    Detected,
    /// Something was read that is not what was written.
    Different(String),
}

/// How many damaged files had which verdict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// All of it was as it was.
    pub n_harmless: usize,
    /// Something was refused.
    pub n_detected: usize,
    /// What was read wrongly, with the damage that led there.
    pub different: Vec<String>,
}

impl Tally {
    /// Counts one damaged file.
    pub fn add(&mut self, damage: impl FnOnce() -> String, verdict: Verdict) {
        match verdict {
            Verdict::Harmless => self.n_harmless += 1,
            Verdict::Detected => self.n_detected += 1,
            Verdict::Different(what) => self.different.push(format!("{}: {what}", damage())),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.n_harmless += other.n_harmless;
        self.n_detected += other.n_detected;
        self.different.extend(other.different);
    }
}

/// The bytes of a whole file, and all that can be read of it.
pub struct Original {
    bytes: Vec<u8>,
    runs: BTreeMap<RunId, Contents>,
}

/// All that can be read of one run.
struct Contents {
    row: RunRow,
    records: Vec<Record>,
    commands: Vec<PendingCommand>,
    snapshots: BTreeMap<Lane, Snapshot>,
    /// For each call of the sample's intents, what another run has meant before.
    earlier: Vec<(CallId, Option<IntentRow>)>,
}

impl Original {
    /// Reads the bytes of a store's file that has no log beside it.
    ///
    /// # Errors
    /// Whatever cannot be read: an original is whole.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Box<dyn Error>> {
        let conn = schema::open_bytes(&bytes, Path::new("original"))?;
        let listing = run_row::read_all(&conn).map_err(described)?;
        if !listing.damaged.is_empty() {
            return Err(format!("{:?}", listing.damaged).into());
        }
        let read = |row: RunRow| Ok((row.run, Contents::of(&conn, row)?));
        let runs = listing.rows.into_iter().map(read).collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { bytes, runs })
    }

    /// Returns the length of the file.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Flips the bits of `mask` in the byte at `offset`, in a copy.
    #[must_use]
    pub fn flip(&self, offset: usize, mask: u8) -> Verdict {
        let mut bytes = self.bytes.clone();
        if let Some(byte) = bytes.get_mut(offset) {
            *byte ^= mask;
        }
        self.judge(&bytes)
    }

    /// Cuts a copy off after `n_bytes` bytes.
    #[must_use]
    pub fn truncate(&self, n_bytes: usize) -> Verdict {
        self.judge(self.bytes.get(..n_bytes).unwrap_or(&self.bytes))
    }

    /// Flips each `step`th byte from `first` on with each mask, and counts what came of it.
    #[must_use]
    pub fn flip_all(&self, first: usize, step: usize, masks: &[u8]) -> Tally {
        let mut tally = Tally::default();
        for offset in (first..self.n_bytes()).step_by(step.max(1)) {
            for &mask in masks {
                tally.add(|| format!("byte {offset} ^ {mask:#04x}"), self.flip(offset, mask));
            }
        }
        tally
    }

    /// Truncates at each `step`th length from `first` on, and counts what came of it.
    #[must_use]
    pub fn truncate_all(&self, first: usize, step: usize) -> Tally {
        let mut tally = Tally::default();
        for n_bytes in (first..self.n_bytes()).step_by(step.max(1)) {
            tally.add(|| format!("{n_bytes} bytes of {}", self.n_bytes()), self.truncate(n_bytes));
        }
        tally
    }

    /// Reads all of `bytes` as a store would and compares it with the original.
    #[must_use]
    pub fn judge(&self, bytes: &[u8]) -> Verdict {
        let Ok(conn) = schema::open_bytes(bytes, Path::new("damaged")) else { return Verdict::Detected };
        let mut comparison = Comparison::default();
        comparison.listing(&self.runs, run_row::read_all(&conn));
        for (run, contents) in &self.runs {
            comparison.run(&conn, *run, contents);
        }
        comparison.verdict()
    }
}

impl Contents {
    fn of(conn: &Connection, row: RunRow) -> Result<Self, Box<dyn Error>> {
        let run = row.run;
        let records = records::read(conn, run, Seq(0), usize::MAX).map_err(described)?;
        let commands = inbox::pending(conn, run).map_err(described)?;
        let mut statement = conn.prepare(
            "SELECT lane FROM snapshot JOIN run ON snapshot.run = run.no WHERE run.id = ?1 ORDER BY lane",
        )?;
        let lanes = statement
            .query_map([run_row::id(run)], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        let mut snapshots = BTreeMap::new();
        for lane in lanes {
            let lane = Lane::new(&lane)?;
            let snapshot = snapshot::read(conn, run, &lane).map_err(described)?;
            snapshots.insert(lane.clone(), snapshot.ok_or(format!("no snapshot of `{lane}`"))?);
        }
        let mut earlier = Vec::new();
        for call in CALLS {
            earlier.push((call, intent::earlier(conn, &key(call), run, call).map_err(described)?));
        }
        Ok(Self { row, records, commands, snapshots, earlier })
    }
}

fn described(failure: ReadFailure) -> Box<dyn Error> {
    Box::new(failure.into_read_error(Path::new("original")))
}

/// What was found so far.
#[derive(Default)]
struct Comparison {
    is_detected: bool,
    different: Option<String>,
}

impl Comparison {
    fn verdict(self) -> Verdict {
        match self {
            Self { different: Some(what), .. } => Verdict::Different(what),
            Self { is_detected: true, .. } => Verdict::Detected,
            Self { .. } => Verdict::Harmless,
        }
    }

    /// A part is as it was or refused.
    fn part<T>(
        &mut self,
        what: &str,
        run: RunId,
        read: Result<T, ReadFailure>,
        is_same: impl FnOnce(&T) -> bool,
    ) {
        match read {
            Err(_) => self.is_detected = true,
            Ok(read) if is_same(&read) => {}
            Ok(_) => self.different = Some(format!("{what} of run `{run}`")),
        }
    }

    /// A listing has every run as it was, or says which are damaged.
    fn listing(&mut self, runs: &BTreeMap<RunId, Contents>, listing: Result<Listing, ReadFailure>) {
        let Ok(listing) = listing else {
            self.is_detected = true;
            return;
        };
        self.is_detected |= !listing.damaged.is_empty();
        let listed: BTreeMap<RunId, &RunRow> = listing.rows.iter().map(|row| (row.run, row)).collect();
        for (run, contents) in runs {
            let is_named = listing.damaged.iter().any(|damaged| damaged.run == *run);
            match listed.get(run) {
                Some(row) if **row == contents.row => {}
                None if is_named => {}
                found => self.different = Some(format!("run `{run}` is listed as {found:?}")),
            }
        }
        if listed.len() != listing.rows.len() || listed.keys().any(|run| !runs.contains_key(run)) {
            self.different = Some("the listing has runs that were never there".to_owned());
        }
    }

    fn run(&mut self, conn: &Connection, run: RunId, contents: &Contents) {
        let row = run_row::read(conn, run).map(|stored| stored.map(|stored| stored.row));
        self.part("the row", run, row, |row| row.as_ref() == Some(&contents.row));
        let records = records::read(conn, run, Seq(0), usize::MAX);
        self.part("the records", run, records, |records| *records == contents.records);
        self.part("the commands", run, inbox::pending(conn, run), |commands| *commands == contents.commands);
        for (call, earlier) in &contents.earlier {
            let read = intent::earlier(conn, &key(*call), run, *call);
            self.part("an intent", run, read, |read| read == earlier);
        }
        for (lane, kept) in &contents.snapshots {
            match snapshot::read(conn, run, lane) {
                // A cache: without it the state is folded from the records.
                Ok(None) => self.is_detected = true,
                read => self.part("a snapshot", run, read, |read| read.as_ref() == Some(kept)),
            }
        }
    }
}

/// The calls of each run that mean an effect.
const CALLS: [CallId; 2] = [
    CallId { turn: TurnId(1), step: Step(1), ordinal: 0 },
    CallId { turn: TurnId(2), step: Step(300), ordinal: 1 },
];

/// Returns the key of the effect that a call of any run means.
fn key(call: CallId) -> String {
    format!("tenant:local:{:064x}", u64::from(call.ordinal) + 0xfeed)
}

/// Makes a store with something in every table in `dir`, and returns its file: at least 64 KiB.
///
/// # Errors
/// [`StoreError`] of the store; the file cannot be read.
/// # Panics
/// If a commit is refused, which the suite that every store passes excludes.
pub async fn sample(dir: &Path) -> Result<Vec<u8>, StoreError> {
    let store = SqliteStore::open(dir, FIRST, Arc::new(|| Timestamp(1)))?;
    for number in 1..=3 {
        let mut run = Run::new(number);
        let long = large(&format!("number {number} ")).chars().take(9_000).collect::<String>();
        commit(&store, vec![run.admit(FIRST, &["first", &long])]).await;
        for turn in 0..3 {
            run.row.turns = turn;
            let apart = format!("{turn} {}", long.chars().take(600).collect::<String>());
            let append = run.append(&[&format!("a short text of turn {turn}"), &apart]);
            commit(&store, vec![RunAppend { row: Some(run.row.clone()), ..append }]).await;
        }
        for call in CALLS {
            commit(&store, vec![run.intend(&key(call), call, IntentState::Open)]).await;
        }
        if number == 1 {
            commit(&store, vec![run.intend(&key(CALLS[0]), CALLS[0], IntentState::Failed)]).await;
        }
        leave(&store, &run).await?;
    }
    store.close().await;
    std::fs::read(schema::file(dir)).map_err(|error| schema::unusable(dir, error))
}

/// Leaves commands, some of them taken, and snapshots.
async fn leave(store: &SqliteStore, run: &Run) -> Result<(), StoreError> {
    let id = |name: &str| CommandId(format!("{name} of {}", run.id));
    for name in ["taken", "waiting", "last"] {
        let command = Command::Cancel { reason: format!("{name} was asked") };
        let left = store.submit(run.id, id(name), command).await;
        left.map_err(|error| schema::unusable(Path::new("sample"), error))?;
    }
    let acknowledged = vec![id("taken")];
    commit(store, vec![RunAppend { acknowledged, ..run.clone().append(&[]) }]).await;
    for lane in [Lane::run(), Lane::new("writer").unwrap_or_else(|_| Lane::run())] {
        let (run, state) = (run.id, format!("the state of {lane} in {}", run.id).repeat(20).into_bytes());
        let snapshot = Snapshot { run, lane, seq: Seq(3), fold_version: 1, state_hash: [7; 32], state };
        store.put_snapshot(1, snapshot).await?;
    }
    Ok(())
}
