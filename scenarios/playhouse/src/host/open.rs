//! Opening a runtime: over which store, and whether to work or only to look.

use std::path::Path;
use std::sync::Arc;

use playhouse_messages::Clock;
use playhouse_runtime::{SystemClock, UserPool, UserPoolLimits, new_boot_id};
use playhouse_storage::{MemoryStore, Store, StoreError};
use playhouse_storage_sqlite::{SqliteOptions, SqliteStore};
use playhouse_types::BootId;

use super::error::OpenError;
use super::options::{Durability, RuntimeOptions};
use super::parts::RuntimeParts;
use super::runtime::Runtime;

impl Runtime {
    /// Opens a data directory, with models from the environment as the command line finds them.
    ///
    /// # Errors
    /// [`OpenError`]; safe to retry.
    pub async fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(RuntimeOptions::new(dir.as_ref()).with_environment()).await
    }

    /// Opens a runtime as told.
    ///
    /// # Errors
    /// [`OpenError`]; safe to retry.
    pub async fn open_with(options: RuntimeOptions) -> Result<Self, OpenError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let boot = new_boot_id();
        let store = open_store(&options, boot, &clock)?;
        let pool = UserPool::new(UserPoolLimits::default());
        let pool = pool.map_err(|error| OpenError::NotStarted(error.to_string()))?;
        let parts = RuntimeParts { clock, ..RuntimeParts::new(boot, store) };
        Self::start_system(options, parts, pool).await.map(Self::staying_alive)
    }

    /// Opens a runtime that reads what is there and begins nothing; `None` if there is no store yet. It needs no right to
    /// write, and takes nothing from a process that works on the store.
    ///
    /// # Errors
    /// [`OpenError`]; safe to retry.
    pub(crate) async fn open_to_read(options: RuntimeOptions) -> Result<Option<Self>, OpenError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let now = Arc::clone(&clock);
        let opened = SqliteStore::open_to_read(&options.data_dir, Arc::new(move || now.now()))?;
        let Some(store) = opened else { return Ok(None) };
        let pool = UserPool::new(UserPoolLimits::default());
        let pool = pool.map_err(|error| OpenError::NotStarted(error.to_string()))?;
        let parts = RuntimeParts { clock, ..RuntimeParts::new(new_boot_id(), Arc::new(store)) };
        let runtime = Self::start_system(options, parts, pool).await?;
        Ok(Some(runtime))
    }

    /// Opens a runtime over a store of your own, which decides what survives; `durability` and `commit_delay` of the
    /// options say nothing then.
    ///
    /// # Errors
    /// [`OpenError`]; safe to retry.
    pub async fn open_over(options: RuntimeOptions, parts: RuntimeParts) -> Result<Self, OpenError> {
        let pool = if parts.is_simulated {
            UserPool::on_current(UserPoolLimits::default())
        } else {
            let pool = UserPool::new(UserPoolLimits::default());
            pool.map_err(|error| OpenError::NotStarted(error.to_string()))?
        };
        Self::start_system(options, parts, pool).await.map(Self::staying_alive)
    }
}

fn open_store(
    options: &RuntimeOptions,
    boot: BootId,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, StoreError> {
    let clock = Arc::clone(clock);
    let now = Arc::new(move || clock.now());
    Ok(match options.durability {
        Durability::Ephemeral => Arc::new(MemoryStore::new(boot).with_clock(now)),
        Durability::Strict => {
            let sqlite = SqliteOptions { commit_delay: options.commit_delay, ..SqliteOptions::default() };
            Arc::new(SqliteStore::open_with(&options.data_dir, boot, now, sqlite)?)
        }
    })
}
