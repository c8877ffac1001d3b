//! Messages of an agent. All are doorbells: the agent's work stands in the run's log.

use playhouse_types::{Envelope, TurnId};

/// What an agent is told.
#[derive(Debug, Clone)]
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
}
