//! Why an exchange failed.

use std::error::Error;
use std::io;

/// An exchange that brought no complete answer. None of them names a header, a body or a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The request cannot be sent as it is; a repetition fails again.
    #[error("the request is not valid")]
    InvalidRequest(#[source] reqwest::Error),
    /// The client cannot be set up, for instance because no TLS root certificates are installed.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// The host's name is unknown; perhaps only for now.
    #[error("the host name cannot be resolved")]
    UnknownHost(#[source] reqwest::Error),
    /// Nobody listens there; nothing was sent.
    #[error("the connection was refused")]
    Refused(#[source] reqwest::Error),
    /// Connecting took longer than [`HttpLimits::connect_timeout`](crate::HttpLimits); nothing was sent.
    #[error("connecting took too long")]
    ConnectTimeout(#[source] reqwest::Error),
    /// The TLS handshake failed; nothing was sent. A wrong certificate does not get better by trying again.
    #[error("the TLS handshake failed")]
    Tls(#[source] reqwest::Error),
    /// Connecting failed in another way, for instance by a hang-up during the TLS handshake; nothing was sent.
    #[error("the connection could not be made")]
    Connect(#[source] reqwest::Error),
    /// The connection ended before the answer was complete; the other side may have acted.
    #[error("the connection was closed before the answer was complete")]
    Closed(#[source] reqwest::Error),
    /// The answer is a redirect, which is never followed: it could carry a key to another host.
    #[error("the endpoint redirects ({status}) to {}, which is not followed", location.as_deref().unwrap_or("nowhere"))]
    Redirect {
        /// The status code.
        status: u16,
        /// Scheme, host and port of the new place, if it names them.
        location: Option<String>,
    },
}

impl HttpError {
    /// Tells failures of sending and of reading the head of an answer apart.
    pub(crate) fn from_send(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::InvalidRequest(error);
        }
        if !error.is_connect() {
            return Self::Closed(error);
        }
        if error.is_timeout() {
            return Self::ConnectTimeout(error);
        }
        if error.is_dns() {
            return Self::UnknownHost(error);
        }
        match io_kind(&error) {
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused(error),
            Some(io::ErrorKind::TimedOut) => Self::ConnectTimeout(error),
            // How rustls reports what it dislikes.
            Some(io::ErrorKind::InvalidData) => Self::Tls(error),
            _ => Self::Connect(error),
        }
    }

    /// Wraps a failure of reading the body.
    pub(crate) fn from_body(error: reqwest::Error) -> Self {
        Self::Closed(error.without_url())
    }
}

/// Returns the kind of the innermost IO error among the causes.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut found = None;
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        cause = match error.downcast_ref::<io::Error>() {
            Some(error) => {
                found = Some(error.kind());
                // `source` of a wrapping IO error skips the wrapped one.
                error.get_ref().map(|inner| inner as &(dyn Error + 'static))
            }
            None => error.source(),
        };
    }
    found
}
