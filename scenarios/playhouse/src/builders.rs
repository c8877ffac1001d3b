//! Builders: how a scenario file says what its agents, tools and crew are. No builder does IO.

mod agent;
mod check;
mod colleagues;
mod conditions;
mod crew;
mod crews;
mod describe;
mod duration;
mod error;
mod result;
mod scenario;
mod tool_list;
mod user_error;

pub use agent::{AgentBuilder, AgentId};
pub use crew::CrewBuilder;
pub use duration::{hours, milliseconds, minutes, seconds};
pub use error::{Problem, ScenarioError};
pub use scenario::{ReadCases, Scenario, ScenarioBuilder};
pub use tool_list::ToolsId;
pub use user_error::{InputError, ResultError};
