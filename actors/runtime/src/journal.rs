//! The journal writer: gives records their place and makes them durable.

mod book;
mod writer;

pub use writer::{JournalWriter, WriterArgs, WriterFailure};
