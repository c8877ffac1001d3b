//! The tools an agent lists, and sets of tools that share state.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use playhouse_messages::{Tool, ToolError, ToolSet};
use playhouse_types::ToolSpec;

use crate::definition::{OpenTools, StartContext, ToolSource};

/// A set of tools with shared state, as [`ScenarioBuilder::tools`](crate::ScenarioBuilder::tools) returns it.
///
/// Cheap to clone; borrows nothing.
#[derive(Clone)]
pub struct ToolsId(Arc<OpenSet>);

struct OpenSet {
    specs: Vec<Arc<ToolSpec>>,
    open: OpenTools,
}

impl ToolsId {
    /// Makes a set that is opened by an async function at the start of the first run.
    pub(crate) fn new<T, F, Opening>(open: F) -> Self
    where
        T: ToolSet + 'static,
        F: Fn(StartContext) -> Opening + Send + Sync + 'static,
        Opening: Future<Output = Result<T, ToolError>> + Send + 'static,
    {
        let open: OpenTools = Arc::new(move |ctx| {
            let opening = open(ctx);
            Box::pin(async move { Ok(Arc::new(opening.await?).tools()) })
        });
        Self(Arc::new(OpenSet { specs: T::specs(), open }))
    }

    /// Returns what the tools declare.
    pub(crate) fn specs(&self) -> &[Arc<ToolSpec>] {
        &self.0.specs
    }

    /// Tells whether both are the same set, not only alike.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn source(&self) -> ToolSource {
        ToolSource::Set { specs: self.0.specs.clone(), open: Arc::clone(&self.0.open) }
    }
}

impl fmt::Debug for ToolsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.specs().iter().map(|spec| &spec.name)).finish()
    }
}

/// A tool without state, with the type that tells it from another of the same name.
#[derive(Clone, Debug)]
pub(crate) struct SingleTool {
    kind: TypeId,
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) tool: Arc<dyn Tool>,
}

impl SingleTool {
    pub(crate) fn new<T: Tool + 'static>(tool: T) -> Self {
        Self { kind: TypeId::of::<T>(), spec: tool.spec(), tool: Arc::new(tool) }
    }

    /// Tells whether both are the same tool: of one type and with the same declaration.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.spec == other.spec
    }
}

/// One entry of an agent's list.
#[derive(Clone, Debug)]
pub(crate) enum ListedTools {
    /// A tool without state.
    Single(SingleTool),
    /// All tools of a set.
    Set(ToolsId),
}

impl ListedTools {
    pub(crate) fn specs(&self) -> &[Arc<ToolSpec>] {
        match self {
            Self::Single(single) => std::slice::from_ref(&single.spec),
            Self::Set(set) => set.specs(),
        }
    }
}
