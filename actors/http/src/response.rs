//! An answer, read piece by piece.

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::HeaderMap;
use tokio::sync::OwnedSemaphorePermit;

use crate::HttpError;

/// The head of an answer, and its body as it arrives. Holds its slot of the pool until dropped.
///
/// The connection is used again only if the body was read to its end before the drop.
#[derive(Debug)]
pub struct HttpResponse {
    response: Response,
    _permit: Option<OwnedSemaphorePermit>,
}

impl HttpResponse {
    pub(crate) fn new(response: Response, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { response, _permit: permit }
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns a header as text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Returns the next bytes of the body as they arrived, or `None` at its end.
    ///
    /// # Errors
    /// [`HttpError::Closed`]: the connection ended within the body.
    /// # Cancel safety
    /// Dropping the future loses no bytes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = self.response.chunk().await.map_err(HttpError::from_body)?;
        if chunk.is_none() {
            // Lets the connection go back to the pool before its slot is free: the next exchange takes it then, instead
            // of opening another one.
            tokio::task::yield_now().await;
        }
        Ok(chunk)
    }
}
