//! What every store decides in the same way: which append is taken and who may claim a run.

use std::time::Duration;

use playhouse_journal::{ChainHead, RunRow};
use playhouse_types::Seq;

use crate::{AppendError, Claim, ClaimError, RunAppend, STALE_AFTER};

/// The last record with which a case is admitted: its admission, then the opening message. Whoever starts it writes more
/// before anything of it runs.
const CASE_ADMISSION: Seq = Seq(2);

/// What a store knows of a run before an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredHead {
    /// The epoch of its owner.
    pub epoch: u64,
    /// The end of its chain.
    pub head: ChainHead,
}

impl RunAppend {
    /// Returns the end of the chain after this append to `stored`, the state within the same transaction.
    ///
    /// # Errors
    /// The [`AppendError`] with which the store answers; it has to test before it writes anything of this run.
    pub fn check(&self, stored: Option<StoredHead>) -> Result<ChainHead, AppendError> {
        let run = self.run;
        let head = match stored {
            None if self.admitted_by.is_some() && self.row.is_some() => ChainHead::default(),
            None => return Err(AppendError::UnknownRun { run }),
            Some(StoredHead { epoch: current, .. }) if current != self.epoch => {
                return Err(AppendError::Fenced { run, epoch: self.epoch, current });
            }
            // A run is admitted once, also if it has no records yet.
            Some(StoredHead { head, .. }) if self.admitted_by.is_some() => {
                return Err(AppendError::WrongHead { run, expected: self.head.seq, stored: head.seq });
            }
            Some(StoredHead { head, .. }) => head,
        };
        if head != self.head {
            return Err(AppendError::WrongHead { run, expected: self.head.seq, stored: head.seq });
        }
        self.records.iter().try_fold(head, |head, record| {
            if record.seq == head.seq.next() {
                Ok(ChainHead { seq: record.seq, hash: record.hash })
            } else {
                let expected = Seq(record.seq.0.saturating_sub(1));
                Err(AppendError::WrongHead { run, expected, stored: head.seq })
            }
        })
    }
}

/// Who had a run before the process that claims it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PreviousOwner {
    /// Nobody: its last owner let go of it.
    Released,
    /// The claiming process itself, whose journal writer starts anew.
    Ourselves,
    /// A process that ended without letting go.
    Gone,
    /// A process that lives.
    Alive {
        /// How long it has given no sign of life.
        silent_for: Duration,
    },
}

impl PreviousOwner {
    /// Decides a claim of a run with `row` that is `stored` like this.
    ///
    /// A claim of one's own run is clean and not counted as a start: no process has ended, so a faulty run cannot be
    /// the reason; the supervisor counts restarts within a process. Nor is that of a case which has waited for its turn
    /// in a batch: it cannot be why the process ended, because nobody had started it.
    /// # Errors
    /// [`ClaimError::Owned`] if the owner lives, unless `takeover` is set and it is silent for [`STALE_AFTER`].
    pub fn claim(self, mut row: RunRow, stored: StoredHead, takeover: bool) -> Result<Claim, ClaimError> {
        let clean = match self {
            Self::Released | Self::Ourselves => true,
            Self::Gone => false,
            Self::Alive { silent_for } if takeover && silent_for >= STALE_AFTER => false,
            Self::Alive { silent_for } => {
                return Err(ClaimError::Owned { run: row.run, silent_for, stale_after: STALE_AFTER });
            }
        };
        let is_waiting_case = row.parent.is_some() && stored.head.seq <= CASE_ADMISSION;
        if !clean && !is_waiting_case {
            row.starts_without_progress = row.starts_without_progress.saturating_add(1);
        }
        Ok(Claim { epoch: stored.epoch + 1, clean, row })
    }
}
