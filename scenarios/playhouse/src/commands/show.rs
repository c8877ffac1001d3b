//! `playhouse show`: the conversation of one run.

use std::fmt::Write;

use clap::Args;
use playhouse_journal::{Fork, JournalRead, RunRow};
use playhouse_types::{ExitCode, Usage};

use super::command_error::CommandError;
use super::find_review::review_name;
use super::json::{ConversationJson, UsageJson};
use super::output::{print, print_json};
use super::results::case_table;
use super::session::{Opened, Session, children, close, read_records};
use super::talk::talk;
use super::time::{rfc3339, short_time};
use super::usage_table::usage_table;
use crate::Conversation;
use crate::conversation::ReviewState;
use crate::view::{
    actor_name, block, duration, one_line, review_line, turning_point, usage_line, verdict_line,
};

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 300;

/// Shows the conversation of a run, its tool calls and how it ended.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// The run: its id, the beginning or end of it, or `last`
    run: String,
}

/// Shows one run.
pub(super) async fn show(session: &Session<'_>, args: &ShowArgs) -> Result<ExitCode, CommandError> {
    let opened = session.read_run(&args.run).await?;
    let journal = opened.runtime.journal();
    let shown = if opened.row.is_batch {
        show_batch(session, &opened, journal.as_ref()).await
    } else {
        show_run(session, &opened.row, journal.as_ref()).await
    };
    close(opened.runtime, shown.map(|()| ExitCode::Concluded)).await
}

async fn show_run(
    session: &Session<'_>,
    row: &RunRow,
    journal: &dyn JournalRead,
) -> Result<(), CommandError> {
    let conversation = Conversation::fold(&read_records(journal, row.run).await?);
    if session.is_json() {
        let result = conversation.result().map(ToOwned::to_owned);
        let usage = UsageJson::of_run(*conversation.usage(), conversation.usage_breakdown());
        print_json(&ConversationJson::new(row, &conversation, result, usage)?)
    } else {
        Ok(print(&text(row, &conversation))?)
    }
}

async fn show_batch(
    session: &Session<'_>,
    opened: &Opened,
    journal: &dyn JournalRead,
) -> Result<(), CommandError> {
    let row = &opened.row;
    let records = read_records(journal, row.run).await?;
    let children = children(&opened.rows, row.run, &records);
    let mut usage = Usage::default();
    children.iter().for_each(|child| usage += child.usage);
    if session.is_json() {
        let conversation = Conversation::fold(&records);
        let result = conversation.result().map(ToOwned::to_owned);
        let usage = UsageJson::of_sum(usage);
        return print_json(&ConversationJson::new(row, &conversation, result, usage)?);
    }
    let mut shown = header(row, None);
    shown.push_str(&case_table(&children));
    // Writing to a string cannot fail.
    let _ = writeln!(shown, "usage: {}", usage_line(&usage));
    Ok(print(&shown)?)
}

fn header(row: &RunRow, fork: Option<&Fork>) -> String {
    let mut text = format!("run {}  scenario {}", row.run, row.scenario);
    // Writing to a string cannot fail.
    if let Some(case) = &row.case {
        let _ = write!(text, "  case {case}");
    }
    if let Some(parent) = row.parent {
        let _ = write!(text, "  batch {parent}");
    }
    if let Some(Fork { from, at, .. }) = fork {
        let _ = write!(text, "  fork of {from} at record {at}");
    }
    let _ = write!(text, "\nstarted {} UTC", short_time(row.started_at));
    if let Some(ended_at) = row.ended_at {
        let _ = write!(text, ", took {}", duration(ended_at.since(row.started_at)));
    }
    let _ = writeln!(text, ", trace {:032x}\n", row.trace.trace_id);
    text
}

/// Shows a run for a person. What models and tools wrote is escaped and indented.
fn text(row: &RunRow, conversation: &Conversation) -> String {
    let mut shown = header(row, conversation.fork());
    shown.push_str(&talk(conversation));
    shown.push('\n');
    let used = usage_table(conversation.usage_breakdown());
    if !used.is_empty() {
        shown.push_str(&used);
        shown.push('\n');
    }
    shown.push_str(&footer(row, conversation));
    shown
}

fn footer(row: &RunRow, conversation: &Conversation) -> String {
    let mut text = String::new();
    for review in conversation.reviews() {
        let state = match &review.state {
            ReviewState::Open => "open".to_owned(),
            ReviewState::Withdrawn => "withdrawn".to_owned(),
            ReviewState::Decided { verdict, by, .. } => verdict_line(verdict, by),
        };
        let (name, what) = (review_name(row.run, review.review), review_line(review.review, &review.request));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "review: {name}: {what} {state}");
    }
    for (_, event) in conversation.turning_points() {
        let _ = writeln!(text, "event: {}", turning_point(event).unwrap_or_default());
    }
    for restart in conversation.restarts() {
        let cause = restart.cause.as_ref().map(|(_, reason)| format!(": {}", one_line(reason, REASON_CHARS)));
        let (actor, incarnation) = (actor_name(&restart.actor), restart.incarnation);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "restart: {actor} as start {incarnation} from record {} after {}{}",
            restart.checkpoint,
            duration(restart.down),
            cause.unwrap_or_default()
        );
    }
    let _ = writeln!(text, "usage: {} in {} turns", usage_line(conversation.usage()), row.turns);
    let detail = row.outcome.as_ref().map(|outcome| format!(": {}", one_line(&outcome.detail, REASON_CHARS)));
    let _ = writeln!(text, "outcome: {}{}", row.status.as_str(), detail.unwrap_or_default());
    if let Some(ended_at) = row.ended_at {
        let _ = writeln!(text, "ended: {}", rfc3339(ended_at));
    }
    if let Some(result) = conversation.result() {
        let _ = writeln!(text, "result: {}", block(result, "  "));
    }
    text
}
