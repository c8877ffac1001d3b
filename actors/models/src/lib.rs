//! Model clients: OpenAI-compatible endpoints, scripts and recordings, with limits, retries, prices and typed failures.
//!
//! ```text
//! agent --(call table)--> OpenAiModel --acquire--> ModelClient actor (limits and breaker, one per endpoint and key)
//!                              |      <--lease----
//!                              +--post--> playhouse-http --> endpoint
//!                              |      <--pieces--
//!                              +--frames--> watchers
//! ```
//!
//! Invariants: there is exactly one retry layer ([`RetryPolicy`]); every wait has a bound; an unknown price is `None`;
//! a key appears in one header and nowhere else; malformed tool arguments are passed on as they came, the tool answers
//! them. A prompt or a reply is never logged.
//!
//! What async-openai does here: address and authorization of the endpoint (`config`), the request's instructions, tools
//! and stream options (`types::chat`), and the error object (`error`). What it does not do is send: its client serializes
//! the whole request again each time (we concatenate ready fragments), retries on its own without jitter or cap, gives
//! no headers (`Retry-After`) to its caller, and takes a truncated stream for a complete one. Bytes go through
//! `playhouse-http`, replies are read by the lenient types of `wire.rs`.

mod attempt;
mod breaker;
mod client;
mod config;
mod failure;
mod limiter;
mod openai;
mod price;
mod recorded;
mod reply;
mod request_body;
mod retry;
mod retry_after;
mod scripted;
mod settings;
mod sse;
mod wire;

pub use breaker::BreakerPolicy;
pub use client::{ModelClient, ModelClientArguments, ModelClientState};
pub use config::{ApiKey, Endpoint, ModelConfig, ModelConfigError, ModelSettings, VENDOR_BASE_URL};
pub use limiter::EndpointLimits;
pub use openai::{OpenAiModel, OpenAiParts};
pub use price::{Price, PriceError, PriceTable};
pub use recorded::{
    AnsweredBefore, CassetteError, LostReplies, Occurrences, RecordedModel, Recorder, Recording,
    RecordingModel,
};
pub use retry::RetryPolicy;
pub use scripted::{DrawsFactory, ScriptedModel};
pub use settings::{Delivery, OpenAiSettings, ReplyCaps, Timeouts};
