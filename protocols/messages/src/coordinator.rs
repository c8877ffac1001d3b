//! Messages of a coordinator. All but a ping are doorbells: what happened stands in the run's log.

use ractor::RpcReplyPort;

use playhouse_journal::PendingCommand;

/// What the coordinator of a run is told.
#[derive(Debug)]
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
    /// Say that you still work off your mailbox. Asked by the supervisor, of one incarnation.
    Ping {
        /// Answered at once.
        reply: RpcReplyPort<()>,
    },
}
