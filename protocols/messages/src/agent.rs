//! Messages of an agent. All but a ping are doorbells: the agent's work stands in the run's log.

use playhouse_types::{Envelope, TurnId};
use ractor::RpcReplyPort;

/// What an agent is told.
#[derive(Debug)]
pub enum AgentMsg {
    /// Look at the log: a turn was assigned to you.
    TakeTurn {
        /// Who says so, in which trace, until when.
        envelope: Envelope,
        /// Which turn.
        turn: TurnId,
    },
    /// Look at the log: a call of yours has an end on record.
    CallEnded,
    /// Begin no further step; calls in flight reach their record.
    Interrupt,
    /// End the open turn, once the calls in flight have their record.
    Cancel,
    /// Say that you still work off your mailbox. Asked by the supervisor, of one incarnation.
    Ping {
        /// Answered at once.
        reply: RpcReplyPort<()>,
    },
}
