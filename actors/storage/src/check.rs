//! Looking through a whole store for damage.

use std::fmt;
use std::time::Duration;

use playhouse_journal::{CodecError, ReadError};
use playhouse_types::{BootId, Lane, RunId, Seq};

use crate::{Store, StoreError};

/// How many records are read at once: enough to be fast, few enough for memory.
const PAGE: usize = 1_000;

/// What a look through a whole store found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoreCheck {
    /// What keeps the runs, with its version.
    pub engine: String,
    /// The format of what is stored, where there are several.
    pub format: Option<u32>,
    /// The processes that have the store open, this one too.
    pub owners: Vec<Owner>,
    /// How much was read.
    pub read: Counts,
    /// What is wrong, and what is left over.
    pub findings: Vec<CheckFinding>,
}

/// How much of each was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Runs, damaged ones too.
    pub runs: u64,
    /// Records that verify, each with its body.
    pub records: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Commands that wait.
    pub commands: u64,
    /// Late results.
    pub late: u64,
    /// Effects that several runs may mean.
    pub intents: u64,
}

/// A process that has the store open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The process.
    pub boot: BootId,
    /// Whether it lives.
    pub is_alive: bool,
    /// How long it has given no sign of life; `None` if that cannot be told.
    pub silent_for: Option<Duration>,
}

/// Something that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckFinding {
    /// The run it concerns; `None` for the store as a whole.
    pub run: Option<RunId>,
    /// What it is.
    pub fault: Fault,
}

/// What can be wrong with a store.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The file itself, in the words of what keeps it.
    File(String),
    /// The run's row.
    Row(CodecError),
    /// A record or its body, which the error names.
    Record(CodecError),
    /// A command that waits.
    Command(CodecError),
    /// The snapshot of a lane.
    Snapshot(Lane),
    /// This many late results cannot be read.
    Late(usize),
    /// The index of effects that several runs may mean lacks this many rows, or they cannot be read.
    Intents(u64),
    /// This many rows of a table belong to no run.
    WithoutRun(&'static str, u64),
    /// This many large bodies are referred to by no record.
    UnusedBodies(u64),
}

impl Fault {
    /// Tells whether nothing is lost by it and nothing has to be done.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Snapshot(_) | Self::UnusedBodies(_))
    }

    /// Says what a person can do.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::File(_) | Self::WithoutRun(..) => {
                "stop all processes, copy the data directory, and put back a copy from before the damage"
            }
            Self::Row(_) | Self::Record(_) | Self::Command(_) => {
                "this run is refused, the others serve: put back a copy from before the damage, or go on without it"
            }
            Self::Intents(_) => {
                "calls that mean the same effects are refused: put back a copy from before the damage"
            }
            Self::Late(_) => {
                "nothing that a run depends on is lost; what the calls did has to be looked up there"
            }
            Self::Snapshot(_) => "nothing: it is made again from the records",
            Self::UnusedBodies(_) => "nothing: they only take room",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(detail) => f.write_str(detail),
            Self::Row(source) | Self::Record(source) | Self::Command(source) => source.fmt(f),
            Self::Snapshot(lane) => write!(f, "the snapshot of `{lane}` was changed or damaged"),
            Self::Late(n_lines) => write!(f, "{n_lines} of its late results cannot be read"),
            Self::Intents(n_rows) => write!(f, "{n_rows} rows of the index of intents are lost or damaged"),
            Self::WithoutRun(table, n_rows) => write!(f, "{n_rows} rows of `{table}` belong to no run"),
            Self::UnusedBodies(n_bodies) => write!(f, "{n_bodies} bodies are referred to by no record"),
        }
    }
}

impl StoreCheck {
    /// Tells whether something is lost or has to be done.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| !finding.fault.is_harmless())
    }

    /// Adds a finding.
    pub fn find(&mut self, run: impl Into<Option<RunId>>, fault: Fault) {
        self.findings.push(CheckFinding { run: run.into(), fault });
    }

    /// Adds the late results of one run.
    pub async fn read_late(&mut self, store: &(impl Store + ?Sized), run: RunId) -> Result<(), StoreError> {
        let late = store.late(run).await?;
        self.read.late += late.results.len() as u64;
        if late.n_unreadable > 0 {
            self.find(run, Fault::Late(late.n_unreadable));
        }
        Ok(())
    }
}

/// Reads every row, record, waiting command and late result through the store's own reads.
pub(crate) async fn scan(store: &(impl Store + ?Sized)) -> Result<StoreCheck, StoreError> {
    let mut check = StoreCheck { engine: "memory".to_owned(), ..StoreCheck::default() };
    let failed = |error: ReadError| StoreError::Failed {
        path: store.path().unwrap_or_default(),
        source: Box::new(error),
    };
    for damaged in store.damaged_runs().await.map_err(failed)? {
        check.read.runs += 1;
        check.find(damaged.run, Fault::Row(damaged.source));
        check.read_late(store, damaged.run).await?;
    }
    for row in store.runs().await.map_err(failed)? {
        check.read.runs += 1;
        match scan_records(store, row.run, &mut check.read.records).await {
            Err(ReadError::Corrupt { source, .. }) => check.find(row.run, Fault::Record(source)),
            read => read.map_err(failed)?,
        }
        match store.pending(row.run).await {
            Err(ReadError::Corrupt { source, .. }) => check.find(row.run, Fault::Command(source)),
            read => check.read.commands += read.map_err(failed)?.len() as u64,
        }
        check.read_late(store, row.run).await?;
    }
    Ok(check)
}

async fn scan_records(store: &(impl Store + ?Sized), run: RunId, n_read: &mut u64) -> Result<(), ReadError> {
    let mut after = Seq(0);
    loop {
        let page = store.records(run, after, PAGE).await?;
        *n_read += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.seq,
            _ => return Ok(()),
        }
    }
}
