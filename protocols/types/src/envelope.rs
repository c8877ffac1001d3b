//! What travels with a request between actors, beside its content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Incarnation, Label, Lane, Seq, TenantId, Timestamp};

/// A place in a trace, as the `traceparent` header carries it (W3C Trace Context, level 1, section 3.2).
///
/// It is data, never a live span: it survives restarts, and no span stays open because a message waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TraceContext {
    /// The 16 bytes of the trace id.
    pub trace_id: u128,
    /// The 8 bytes of the parent span id.
    pub span_id: u64,
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace_id, self.span_id)
    }
}

impl FromStr for TraceContext {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a `traceparent` value");
        let parts: Vec<&str> = text.split('-').collect();
        match parts.as_slice() {
            [_version, trace, span, _flags] if trace.len() == 32 && span.len() == 16 => Ok(Self {
                trace_id: u128::from_str_radix(trace, 16).map_err(|_| invalid())?,
                span_id: u64::from_str_radix(span, 16).map_err(|_| invalid())?,
            }),
            _ => Err(invalid()),
        }
    }
}

/// Sender, receiver and circumstances of one request between actors.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// Who asks; set by the runtime, never read from a text.
    pub sender: Lane,
    /// Who is asked.
    pub receiver: Lane,
    /// The sender's incarnation.
    pub incarnation: Incarnation,
    /// Whose data this is.
    pub tenant: TenantId,
    /// How far the content can be trusted, and who may see it.
    pub label: Label,
    /// The record that caused the request.
    pub causation: Option<Seq>,
    /// Where the work belongs in the run's trace.
    pub trace: TraceContext,
    /// When an answer is no longer of use.
    pub deadline: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    #[test]
    fn a_trace_context_is_a_traceparent() {
        let context = TraceContext {
            trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            span_id: 0x00f0_67aa_0ba9_02b7,
        };
        assert_eq!(context.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(context.to_string().parse(), Ok(context));
        assert!("00-1-2-01".parse::<TraceContext>().is_err());
    }
}
