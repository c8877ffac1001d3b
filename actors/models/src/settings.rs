//! How an endpoint is asked.

use std::time::Duration;

use crate::retry::RetryPolicy;

/// How a reply is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Delivery {
    /// In pieces, as server-sent events.
    #[default]
    Streamed,
    /// In one piece, for endpoints that cannot stream.
    Whole,
}

/// How long one attempt may take. Connecting has its limit in [`HttpLimits`](playhouse_http::HttpLimits).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// From sending the request to the head of the answer, and from there to its first piece. Local models read a long
    /// prompt before they say a word. Not applied to [`Delivery::Whole`], where the head comes with the answer.
    pub first_byte: Duration,
    /// Between two pieces of a streamed answer.
    pub between_pieces: Duration,
    /// The whole attempt.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 120 s, 60 s, 600 s.
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(120),
            between_pieces: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// How large a reply may be; a larger one is not a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplyCaps {
    /// Bytes of text.
    pub text_bytes: usize,
    /// Tool calls.
    pub tool_calls: usize,
    /// Bytes of arguments of one tool call.
    pub argument_bytes: usize,
}

impl Default for ReplyCaps {
    /// 8 MiB of text, 256 tool calls, 1 MiB of arguments each.
    fn default() -> Self {
        Self { text_bytes: 8 << 20, tool_calls: 256, argument_bytes: 1 << 20 }
    }
}

/// How an endpoint is asked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OpenAiSettings {
    /// How replies are delivered.
    pub delivery: Delivery,
    /// How long an attempt may take.
    pub timeouts: Timeouts,
    /// How large a reply may be.
    pub caps: ReplyCaps,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// How long a call may wait for the endpoint's limits before each attempt.
    pub max_wait_for_limits: Duration,
}

impl Default for OpenAiSettings {
    /// Streamed, with the defaults of each part; 120 s of waiting, enough for two full minutes of a rate limit.
    fn default() -> Self {
        Self {
            delivery: Delivery::default(),
            timeouts: Timeouts::default(),
            caps: ReplyCaps::default(),
            retry: RetryPolicy::default(),
            max_wait_for_limits: Duration::from_secs(120),
        }
    }
}
