//! What the agents say without a model: pure functions of what a model would be asked.
//!
//! They know nothing but the conversation and the answers of their own tools, and handle whatever documents lie
//! in a folder. Each message is a sentence for people and one line of JSON for the agents that follow.

mod analyst;
mod auditor;
mod cashier;
mod clerk;
mod extract;
mod gathering;
mod message;
#[cfg(test)]
mod tests;

pub(crate) use self::{analyst::analyst, auditor::auditor, cashier::cashier, clerk::clerk};
