//! The ways of conversing that come with Playhouse, one file each.

mod given_turns;
mod handoff;
mod model_selector;
mod round_robin;
mod selector;
#[cfg(test)]
mod test_crew;

pub use handoff::Handoff;
pub use model_selector::ModelSelector;
pub use round_robin::RoundRobin;
pub use selector::Selector;
