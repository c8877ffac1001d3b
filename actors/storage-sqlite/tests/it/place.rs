//! A directory for one test.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use playhouse_storage::StoreError;
use playhouse_storage::conformance::{FIRST, Harness, TestClock};
use playhouse_storage_sqlite::{SqliteOptions, SqliteStore};
use playhouse_types::{BootId, RunId};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) struct Place {
    clock: TestClock,
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let clock = TestClock::default();
        clock.advance(Duration::from_secs(1));
        Self { clock, dir: TempDir::new().unwrap() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("playhouse.db")
    }

    /// Opens the store as the first process.
    pub(crate) fn store(&self) -> SqliteStore {
        self.open(FIRST)
    }

    /// Opens the store with another patience for locks of other processes.
    pub(crate) fn try_open(&self, boot: BootId, lock_timeout: Duration) -> Result<SqliteStore, StoreError> {
        let options = SqliteOptions { lock_timeout, ..SqliteOptions::default() };
        SqliteStore::open_with(self.dir.path(), boot, self.clock.now(), options)
    }

    /// Opens the file past the store.
    pub(crate) fn sql(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}

impl Harness for Place {
    type Store = SqliteStore;

    fn open(&self, boot: BootId) -> SqliteStore {
        SqliteStore::open(self.dir.path(), boot, self.clock.now()).unwrap()
    }

    fn open_limited(&self, boot: BootId, limit_bytes: u32) -> SqliteStore {
        let options = SqliteOptions { max_size_bytes: Some(limit_bytes.into()), ..SqliteOptions::default() };
        SqliteStore::open_with(self.dir.path(), boot, self.clock.now(), options).unwrap()
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn n_bodies(&self, run: RunId) -> usize {
        let sql = "SELECT count(*) FROM body JOIN run ON run.no = body.run WHERE run.id = ?1";
        self.sql().query_row(sql, [run.as_u128().to_be_bytes()], |row| row.get::<_, u32>(0)).unwrap() as usize
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
