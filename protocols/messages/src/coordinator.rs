//! Messages of a coordinator. All are doorbells: what happened stands in the run's log.

use playhouse_journal::PendingCommand;

/// What the coordinator of a run is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoordinatorMsg {
    /// Look at the log: a turn ended, or something else changed.
    Changed,
    /// Look at the inbox: a command may wait there. Also sent by a slow timer.
    Tick,
    /// Take these commands; they stay in the inbox until they are on record.
    Commands {
        /// Those that wait, oldest first.
        commands: Vec<PendingCommand>,
    },
    /// Assign no further turn; the run can be resumed.
    Interrupt,
}
