//! A scenario as the host runs it: what the builders produce, without the user's types.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use playhouse_agents::AgentDefinition;
use playhouse_coordinator::{CrewDefinition, ResultFn};
use playhouse_messages::{Tool, ToolError};
use playhouse_review::ReviewPolicy;
use playhouse_types::{CaseName, ScenarioName, ToolSpec};

/// What a set of tools gets when it is opened.
#[derive(Clone, Debug)]
pub struct StartContext {
    /// Where the runtime keeps its data; files of a scenario may stand there too.
    pub data_dir: PathBuf,
}

/// Opens a set of tools.
pub type OpenTools =
    Arc<dyn Fn(StartContext) -> BoxFuture<'static, Result<Vec<Arc<dyn Tool>>, ToolError>> + Send + Sync>;

/// Where tools come from.
#[derive(Clone)]
pub enum ToolSource {
    /// A tool without state.
    Single(Arc<dyn Tool>),
    /// Tools with shared state, opened once per process before the first run that uses them.
    Set {
        /// What they declare, known before they are opened.
        specs: Vec<Arc<ToolSpec>>,
        /// How they are opened.
        open: OpenTools,
    },
}

impl ToolSource {
    /// Returns what the tools declare.
    #[must_use]
    pub fn specs(&self) -> Vec<Arc<ToolSpec>> {
        match self {
            Self::Single(tool) => vec![tool.spec()],
            Self::Set { specs, .. } => specs.clone(),
        }
    }
}

/// How a person writes the input of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InputForm {
    /// As it is: the input is a JSON string of what was written.
    Text,
    /// As JSON.
    Json,
}

/// One case of an input folder, as JSON text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseInput {
    /// Its name, unique in the folder.
    pub case: CaseName,
    /// Its input as JSON text.
    pub input: String,
}

/// Reads the cases of a folder; errors name the path.
pub type LoadCases = Arc<dyn Fn(&Path) -> Result<Vec<CaseInput>, String> + Send + Sync>;

/// Makes the first message of a run from its input (JSON text).
pub type OpeningMessage = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// Prints what a person wants to see of the results (JSON texts by case, in order) below the conversation.
pub type Report = Arc<dyn Fn(&[(Option<CaseName>, String)]) -> String + Send + Sync>;

/// What becomes of a run whose scenario has changed since it was last worked on.
///
/// Recorded work is never done again, so any change can be gone on with; this says whether it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnChange {
    /// It goes on with the new definition, which goes on record. The default.
    #[default]
    Continue,
    /// It is not touched: only the definition that began it may go on.
    Pin,
    /// It is set aside until a person says what to do.
    Quarantine,
}

/// A scenario, complete and checked.
#[derive(Clone)]
pub struct Definition {
    /// Its name.
    pub name: ScenarioName,
    /// What it does, in a line.
    pub about: String,
    /// Its parameters, all of them, as JSON text.
    pub parameters: String,
    /// How a person writes the input of one run.
    pub input: InputForm,
    /// Its agents in the order of their declaration.
    pub agents: Vec<AgentDefinition>,
    /// Its conversation.
    pub crew: CrewDefinition,
    /// Its tools.
    pub tools: Vec<ToolSource>,
    /// How the first message is made.
    pub opening: OpeningMessage,
    /// How the result is made.
    pub result: ResultFn,
    /// How cases are read, if it settles batches.
    pub cases: Option<LoadCases>,
    /// The input that is used if none is named, as JSON text.
    pub default_input: Option<String>,
    /// The folder of cases that is used if none is named.
    pub default_cases: Option<PathBuf>,
    /// How results are shown to a person, if not as JSON.
    pub report: Option<Report>,
    /// Which tool calls a person is asked about.
    pub policy: ReviewPolicy,
    /// What becomes of a run that is resumed after the scenario has changed.
    pub on_change: OnChange,
    /// BLAKE3 of names, instructions, tools and conditions: tells whether the scenario changed since.
    pub hash: [u8; 32],
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("name", &self.name)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}
