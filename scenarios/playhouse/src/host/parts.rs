//! What a runtime is made of, for those who bring their own.

use std::fmt;
use std::sync::Arc;

use playhouse_messages::{Clock, Faults};
use playhouse_runtime::{SimulatedClock, SystemClock};
use playhouse_storage::Store;
use playhouse_types::{BootId, Timestamp};

/// What a runtime is made of: a store of your own, and for tests the time and planned crashes.
///
/// ```
/// use std::sync::Arc;
///
/// use playhouse::{Runtime, RuntimeOptions, RuntimeParts};
/// use playhouse_storage::MemoryStore;
/// use playhouse_types::BootId;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let boot = BootId::from_u128(1);
/// let store = Arc::new(MemoryStore::new(boot));
/// let runtime = Runtime::open_over(RuntimeOptions::new("."), RuntimeParts::new(boot, store)).await?;
/// assert_eq!(runtime.journal().runs().await?, []);
/// runtime.close().await.unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RuntimeParts {
    pub(crate) boot: BootId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    pub(crate) is_simulated: bool,
}

impl RuntimeParts {
    /// Takes a store that was opened for the process `boot`: runs belong to it under that id.
    #[must_use]
    pub fn new(boot: BootId, store: Arc<dyn Store>) -> Self {
        Self { boot, store, clock: Arc::new(SystemClock::new()), faults: None, is_simulated: false }
    }

    /// Lets the runtime live in the simulated time of a paused tokio runtime of one thread, from `base` on, for tests.
    /// Tools run within that runtime, too, and must not wait for time.
    #[must_use]
    pub fn simulated(self, base: Timestamp) -> Self {
        Self { clock: Arc::new(SimulatedClock::new(base)), is_simulated: true, ..self }
    }

    /// Crashes actors or the process on plan, for tests.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults), ..self }
    }
}

impl fmt::Debug for RuntimeParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeParts").field("boot", &self.boot).finish_non_exhaustive()
    }
}
