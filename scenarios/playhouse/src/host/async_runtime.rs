//! The tokio runtime on which the actors run.

use std::io;
use std::num::NonZero;

/// Builds the async runtime that suits Playhouse: a worker for every two processors, at least one.
///
/// Actors hand over to each other in chains of very short steps, while slow work runs elsewhere (tools on their own
/// pool, the store on its own thread): measured on 2 processors, a second worker made a run dearer by half, because most
/// hand-overs then wake another processor. Work that is started inside a spawned task is cheaper than directly inside
/// `block_on`, for the same reason.
///
/// # Errors
/// If the system refuses a thread or a poll handle; safe to retry.
pub fn async_runtime() -> io::Result<tokio::runtime::Runtime> {
    let n_processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread().worker_threads((n_processors / 2).max(1)).enable_all().build()
}
