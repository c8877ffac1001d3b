//! The one HTTP client of the process: a bounded pool of connections, TLS, and failures told apart.
//!
//! ```text
//! model client --slot().await--> HttpSlot --send(request)--> HttpResponse --chunk().await--> bytes
//!                  (waits while all connections are busy)         (keeps its slot until dropped)
//! ```
//!
//! Invariants: no more than [`HttpLimits::max_connections`] exchanges are under way at once; a redirect is never
//! followed; no request is repeated (that is the caller's decision); nothing is sent to a proxy but `https` requests,
//! and those only if the environment names one. Time limits other than the one for connecting are the caller's.
//!
//! This crate must never log a header or a body, and is the only one that names `reqwest`.

mod client;
mod error;
mod limits;
mod response;

pub use client::{HttpClient, HttpRequest, HttpSlot};
pub use error::HttpError;
pub use limits::HttpLimits;
pub use reqwest::Url;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use response::HttpResponse;
