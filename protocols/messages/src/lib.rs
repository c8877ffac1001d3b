//! What actors say to each other: one file per actor kind with its messages, handle and error, and the traits that
//! the runtime and user code implement.
//!
//! ```text
//! coordinator --TakeTurn--> agent --(call table)--> model client, tool
//!      |                      |                          |
//!      +------- append -------+--------- append ---------+--> journal writer --> store
//!                                                                 |
//!                     everybody reads <------------------- RunLog (shared view)
//! ```
//!
//! Rules: a mailbox is a doorbell, never storage: what must not be lost is a record in the [`RunLog`] before it is a
//! message. Every queue is bounded ([`Address`]); every ask has a deadline. Payloads are plain data.

mod address;
mod agent;
mod clock;
mod concerns;
mod coordinator;
mod draws;
mod event_bus;
mod faults;
mod journal;
mod model;
mod model_limits;
mod request;
mod run_facts;
mod run_log;
mod script;
mod threads;
mod tool;
mod tool_error;
mod tool_limits;
mod transcript;

pub use address::{Address, Mail, RequestError, SendError, Slot};
pub use agent::AgentMsg;
pub use clock::Clock;
pub use coordinator::CoordinatorMsg;
pub use draws::Draws;
pub use event_bus::{BusEvent, EventBus, FrameSink};
pub use faults::{Faults, Moment};
pub use journal::{Admission, JournalError, JournalMsg, RunJournal};
pub use model::{Model, ModelAnswer, ModelCall};
pub use model_limits::{EndpointHealth, LeaseId, ModelLease, ModelLimits, ModelLimitsError, ModelLimitsMsg};
pub use request::{Exchange, ExchangeCall, HistoryItem, ModelRequest, OwnTurn, RequestHeader};
pub use run_facts::{EarlierEffect, LaneEnd, RunFacts};
pub use run_log::RunLog;
pub use script::{Script, ScriptContext, ScriptReply};
pub use threads::{ThreadFold, Threads};
pub use tool::{Probe, Tool, ToolContext, ToolOutput, ToolSet};
pub use tool_error::ToolError;
pub use tool_limits::{PlacesTaken, ToolLimits, ToolLimitsError, ToolLimitsMsg, ToolPlace};
pub use transcript::{Transcript, TranscriptEntry, TranscriptView};
