//! Tools as the call table meets them: on the user pool, behind their actor, in simulated time.

mod effects;
mod limits;
mod macros;
mod user_code;
mod world;
