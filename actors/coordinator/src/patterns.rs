//! The ways of conversing that come with Playhouse, one file each.

mod round_robin;
mod selector;

pub use round_robin::RoundRobin;
pub use selector::Selector;
