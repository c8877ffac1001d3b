//! The ways of conversing that come with Playhouse, one file each.

mod concurrent;
mod debate;
mod given_turns;
mod graph;
mod guarded;
mod handoff;
mod hierarchical;
mod layers;
mod ledger;
mod mixture_of_agents;
mod model_selector;
mod reflection;
mod round_robin;
mod selector;
mod tasks;
#[cfg(test)]
mod test_crew;

pub use concurrent::Concurrent;
pub use debate::Debate;
pub use graph::Graph;
pub use handoff::Handoff;
pub use hierarchical::Hierarchical;
pub use ledger::{Ledger, LedgerQuestion};
pub use mixture_of_agents::MixtureOfAgents;
pub use model_selector::ModelSelector;
pub use reflection::Reflection;
pub use round_robin::RoundRobin;
pub use selector::Selector;
pub use tasks::{OnUnfit, Task, Tasks};
