//! Where a run is made to crash, and how.

use std::fmt;

/// The moment of a record boundary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Moment {
    /// Before records are appended.
    Before,
    /// After they are appended, before anything that they permit.
    Appended,
    /// After they are durable, before whoever waits for that goes on.
    Durable,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::Appended, Self::Durable];
}

/// How a store fails at a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreTrouble {
    /// An error; nothing was written.
    Fail,
    /// An error, although all was written.
    CommitThenFail,
    /// A full disk.
    Full,
    /// Another process has taken the run.
    Fence,
    /// It takes 20 seconds.
    Slow,
    /// The process ends before the commit.
    Stop,
    /// The process ends after the commit.
    CommitThenStop,
}

impl StoreTrouble {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Fail,
        Self::CommitThenFail,
        Self::Full,
        Self::Fence,
        Self::Slow,
        Self::Stop,
        Self::CommitThenStop,
    ];
}

/// What happens at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// The process ends at an append.
    Process(Moment),
    /// Who writes (an agent, the coordinator, a call) panics at an append; the process goes on.
    Writer(Moment),
    /// The store fails at a commit.
    Store(StoreTrouble),
}

/// A crash of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrashPoint {
    /// What happens.
    pub crash: Crash,
    /// At which append or commit, from 1.
    pub n: u64,
    /// If the process that resumes ends as well: at which append (from 1), before it.
    pub again: Option<u64>,
}

impl CrashPoint {
    /// A crash, and an undisturbed recovery.
    #[must_use]
    pub const fn once(crash: Crash, n: u64) -> Self {
        Self { crash, n, again: None }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.crash, self.n)?;
        if let Some(n) = self.again {
            write!(f, ", again before append {n} of the recovery")?;
        }
        Ok(())
    }
}
