//! The crash matrix within one process: reference crews, made to crash at every boundary of their records.
//!
//! A *process* is an async runtime of one thread in simulated time; it ends by being dropped with all its tasks. What is
//! outside of it (store, destinations of effects, the model's bill) is a [`World`](world::World) that stays.
//!
//! ```text
//! points(crew, ..) --> survive(crew, point) --> process 1 crashes --> process 2 resumes --> compare with undisturbed
//! ```

mod check;
mod crews;
mod mixed;
mod plan;
mod point;
mod process;
mod world;

pub use check::{Finding, Survived, double_points, points, survive};
pub use crews::ReferenceCrew;
pub use point::{Crash, CrashPoint, Moment, StoreTrouble};
