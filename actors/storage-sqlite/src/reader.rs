//! A few connections that read, each used by one blocking thread at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::failure::ReadFailure;
use crate::read_only::{self, Access};

/// How many reads run at once: enough for a listing and a fold beside a trace, few enough for the cache of each.
const N_CONNECTIONS: usize = 4;

/// The connections that nobody uses right now; they are opened when first needed.
pub(crate) struct ReaderPool {
    dir: PathBuf,
    access: Access,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl ReaderPool {
    pub(crate) fn new(dir: PathBuf, access: Access) -> Self {
        Self { dir, access, idle: Mutex::default(), permits: Arc::new(Semaphore::new(N_CONNECTIONS)) }
    }

    /// Runs `read` in one read transaction on a blocking thread.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, ReadFailure> + Send + 'static,
    ) -> Result<T, ReadFailure> {
        // The semaphore is never closed; without a permit the read would only be unbounded, not wrong.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let pool = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let conn = pool.take()?;
            let outcome = {
                let tx = conn.unchecked_transaction()?;
                read(&tx)
            };
            pool.idle().push(conn);
            outcome
        });
        task.await.map_err(ReadFailure::Stopped)?
    }

    /// Closes the connections that nobody uses, so that the writer is the last one. Without a writer in any process, what
    /// SQLite made for the readers goes with the last of them.
    pub(crate) fn close(&self) {
        let idle = std::mem::take(&mut *self.idle());
        for conn in idle {
            read_only::close(&self.dir, conn);
        }
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        // Bound first: the lock must not be held while a connection is opened.
        let idle = self.idle().pop();
        idle.map_or_else(|| read_only::connect(&self.dir, self.access), Ok)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A list of connections is whole after any panic.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
