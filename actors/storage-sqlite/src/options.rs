//! What can be set about a store.

use std::time::Duration;

/// Settings of a [`SqliteStore`](crate::SqliteStore); the default is what production uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SqliteOptions {
    /// How much longer each transaction takes before its sync, as on a slower disk: for benchmarks and fault tests.
    pub commit_delay: Duration,
    /// The size of the database file in bytes beyond which a commit fails as
    /// [`StoreError::Full`](playhouse_storage::StoreError::Full); `None` for the disk's own end. The write-ahead log
    /// comes on top.
    pub max_size_bytes: Option<u64>,
}
