//! Replies of models in a file: recorded while runs go on, and answered from again without any endpoint.
//!
//! A *cassette* has one JSON line for each reply, after a header with the version of its form. A reply is found by its
//! request and occurrence: the `n`-th time that one run asks the same. The request is what the model would read
//! ([`playhouse_messages::ModelRequest::hash_as`]): neither the model's name, nor run, time or ids. Failures are not recorded, and an asking
//! that failed does not count, so that a recording with hiccups replays without them.
//!
//! Replies are written before they are used: what is in a journal is in the cassette that was recorded beside it, whenever
//! the process was killed. A cassette holds conversations and is made readable for its owner only; it never holds a key.

mod cassette;
mod occurrences;
mod player;
mod recorder;
mod tape;

pub use cassette::CassetteError;
pub use occurrences::{AnsweredBefore, Occurrences};
pub use player::RecordedModel;
pub use recorder::{LostReplies, Recorder, Recording, RecordingModel};
