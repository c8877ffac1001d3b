//! How much the client may use.

use std::time::Duration;

/// Bounds of one HTTP client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HttpLimits {
    /// How many exchanges may be under way at once, and how many idle connections are kept per host; at least 1.
    pub max_connections: usize,
    /// How long connecting may take: name lookup, TCP and TLS together.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
}

impl Default for HttpLimits {
    /// 64 connections, 10 s to connect, 90 s idle.
    fn default() -> Self {
        Self {
            // As many as a large crew keeps busy; vendors close more than about 100 from one address.
            max_connections: 64,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
        }
    }
}
