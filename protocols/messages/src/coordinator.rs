//! Messages of a coordinator. All are doorbells: what happened stands in the run's log.

/// What the coordinator of a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoordinatorMsg {
    /// Look at the log: a turn ended, or something else changed.
    Changed,
    /// Look at the inbox: a command may wait there. Also sent by a slow timer.
    Tick,
    /// Assign no further turn; the run can be resumed.
    Interrupt,
}
