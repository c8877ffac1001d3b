//! What can be set about a store.

use std::time::Duration;

/// Settings of a [`SqliteStore`](crate::SqliteStore); the default is what production uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SqliteOptions {
    /// How much longer each transaction takes before its sync, as on a slower disk: for benchmarks and fault tests.
    pub commit_delay: Duration,
    /// The size of the database file in bytes beyond which a commit fails as
    /// [`StoreError::Full`](playhouse_storage::StoreError::Full); `None` for the disk's own end. The write-ahead log
    /// comes on top.
    pub max_size_bytes: Option<u64>,
    /// How long a write waits for another process that holds the lock before it fails as
    /// [`StoreError::Busy`](playhouse_storage::StoreError::Busy). Locks are held for milliseconds, so that only a process
    /// that was stopped in the middle of a write reaches the minute; after it the store counts as failed, because the
    /// heartbeats of this process are as late as its commits.
    pub lock_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { commit_delay: Duration::ZERO, max_size_bytes: None, lock_timeout: Duration::from_mins(1) }
    }
}
