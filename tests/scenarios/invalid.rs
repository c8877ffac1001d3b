//! Scenarios that do not build, each for its own reason.

pub(crate) mod empty;
pub(crate) mod endless;
pub(crate) mod everything;
pub(crate) mod tool_twice;
pub(crate) mod twins;
