//! How a tool says that it did not do what it was asked.

use std::error::Error;
use std::fmt;

/// What went wrong in a tool, by what it means for the effect.
///
/// Like anyhow's error it does not implement [`Error`], so that `?` takes any error (as [`ToolError::Foreign`]).
#[derive(Debug)]
#[non_exhaustive]
pub enum ToolError {
    /// The arguments make no sense; nothing was done. The text tells the model what would be right.
    Invalid(String),
    /// Nothing was done, for the reason given; safe to retry.
    NotDone(String),
    /// Nobody knows whether it was done.
    InDoubt(String),
    /// Some other error: in doubt for a `once` tool, else not done.
    Foreign(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::Foreign(Box::new(error))
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) | Self::NotDone(text) | Self::InDoubt(text) => f.write_str(text),
            Self::Foreign(error) => {
                write!(f, "{error}")?;
                let mut source = error.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}
