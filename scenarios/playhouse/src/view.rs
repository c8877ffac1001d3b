//! The live view: a conversation as it happens, on stderr, and the logs beside it.

mod attendant;
mod call_line;
mod conversation_view;
mod json_lines;
mod keyboard;
mod live;
mod logs;
mod progress;
mod prompt;
mod review_text;
mod speaker;
mod style;
mod text;

pub(crate) use attendant::Attendant;
pub(crate) use call_line::{call_end, call_name};
pub(crate) use conversation_view::{
    Audience, ConversationView, actor_name, turn_outcome, turning_point, usage_line, usd,
};
pub(crate) use json_lines::json_lines;
pub(crate) use live::{LiveView, say};
pub(crate) use logs::start_logs;
pub(crate) use progress::Progress;
pub(crate) use review_text::{review_line, verdict_line};
pub(crate) use speaker::Speaker;
pub(crate) use style::Style;
pub(crate) use text::{block, bytes, duration, json_text, one_line};
