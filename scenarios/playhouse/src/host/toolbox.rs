//! The tools of scenarios: opened once per process, each with its supervised actor.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use playhouse_messages::{Clock, Tool, ToolContext, ToolError, ToolOutput};
use playhouse_runtime::{RestartPolicy, UserPool};
use playhouse_tools::{ToolHandle, ToolLimitsActor, ToolRegistry, ToolServices};
use playhouse_types::ToolSpec;
use tokio::sync::Mutex;

use super::error::RunError;
use super::system::{SupervisorRef, addressed_child};
use crate::definition::{Definition, StartContext, ToolSource};

/// How long a set of tools may take to open.
const OPEN_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// A scenario with its parameters: what tools are opened for.
type ToolboxKey = (String, String);

/// The tools that this process has opened.
pub(crate) struct Toolboxes {
    supervisor: SupervisorRef,
    pool: Arc<UserPool>,
    clock: Arc<dyn Clock>,
    data_dir: PathBuf,
    opened: Mutex<HashMap<ToolboxKey, Arc<ToolRegistry>>>,
    n_tries: AtomicUsize,
}

impl Toolboxes {
    pub(crate) fn new(
        supervisor: SupervisorRef,
        pool: Arc<UserPool>,
        clock: Arc<dyn Clock>,
        data_dir: PathBuf,
    ) -> Self {
        Self { supervisor, pool, clock, data_dir, opened: Mutex::default(), n_tries: AtomicUsize::new(0) }
    }

    /// Returns the tools of a scenario, opening them if this process has not yet.
    pub(crate) async fn of(&self, definition: &Definition) -> Result<Arc<ToolRegistry>, RunError> {
        let key = (definition.name.to_string(), definition.parameters.clone());
        // Held while opening: two runs that begin at once share what is opened.
        let mut opened = self.opened.lock().await;
        if let Some(registry) = opened.get(&key) {
            return Ok(Arc::clone(registry));
        }
        let mut registry = ToolRegistry::default();
        // Never given twice: what is left of a set that failed to open must not be in the way of the next try.
        let number = self.n_tries.fetch_add(1, Ordering::Relaxed);
        for source in &definition.tools {
            for tool in self.open(definition, source).await? {
                let handle = Arc::new(self.handle(definition, tool)?);
                registry.insert(Arc::clone(&handle)).map_err(|error| RunError::Invalid(error.to_string()))?;
                self.start(number, &handle).await.map_err(|reason| tools_error(definition, reason))?;
            }
        }
        let registry = Arc::new(registry);
        opened.insert(key, Arc::clone(&registry));
        Ok(registry)
    }

    /// Returns the tools of a scenario as they are declared: they check arguments and make keys, and are not opened. No
    /// call can be made of them.
    pub(crate) fn declared(&self, definition: &Definition) -> Result<ToolRegistry, RunError> {
        let mut registry = ToolRegistry::default();
        for spec in definition.tools.iter().flat_map(ToolSource::specs) {
            let handle = Arc::new(self.handle(definition, Arc::new(DeclaredTool(spec)))?);
            registry.insert(handle).map_err(|error| RunError::Invalid(error.to_string()))?;
        }
        Ok(registry)
    }

    async fn open(
        &self,
        definition: &Definition,
        source: &ToolSource,
    ) -> Result<Vec<Arc<dyn Tool>>, RunError> {
        match source {
            ToolSource::Single(tool) => Ok(vec![Arc::clone(tool)]),
            ToolSource::Set { open, .. } => {
                let work = open(StartContext { data_dir: self.data_dir.clone() });
                // Opening is user code: it runs where it can stall nobody.
                match self.pool.run(work, OPEN_WITHIN).await {
                    Ok(Ok(tools)) => Ok(tools),
                    Ok(Err(error)) => Err(tools_error(definition, error.to_string())),
                    Err(error) => Err(tools_error(definition, error.to_string())),
                }
            }
        }
    }

    fn handle(&self, definition: &Definition, tool: Arc<dyn Tool>) -> Result<ToolHandle, RunError> {
        let services = ToolServices { pool: Arc::clone(&self.pool), clock: Arc::clone(&self.clock) };
        ToolHandle::new(tool, services)
            .map_err(|error| RunError::Invalid(format!("scenario `{}`: {error}", definition.name)))
    }

    /// Starts the actor that hands out the tool's places.
    async fn start(&self, number: usize, handle: &Arc<ToolHandle>) -> Result<(), String> {
        let name = format!("tool {} of set {number}", handle.spec().name);
        let address = handle.limits().address().clone();
        let handle = Arc::clone(handle);
        let make = move |_| (ToolLimitsActor, handle.actor_arguments());
        let spec = addressed_child(&name, RestartPolicy::permanent(), address, make);
        self.supervisor.add(spec).await.map_err(|error| error.to_string())
    }
}

/// What a tool declares, without what it does.
struct DeclaredTool(Arc<ToolSpec>);

impl Tool for DeclaredTool {
    fn spec(&self) -> Arc<ToolSpec> {
        Arc::clone(&self.0)
    }

    fn call(&self, _: String, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, ToolError>> {
        Box::pin(async { Err(ToolError::NotDone("the tool was not opened".to_owned())) })
    }
}

fn tools_error(definition: &Definition, reason: String) -> RunError {
    RunError::Tools { scenario: definition.name.to_string(), reason }
}
