//! Reference crews for the fault matrix: small, scripted, quick, each with every effect on record outside the store.

pub(crate) mod desk;
pub(crate) mod fan_out;
pub(crate) mod long_history;
pub(crate) mod reviewed;
pub(crate) mod single_agent;
pub(crate) mod three_chat;
