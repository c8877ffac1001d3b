//! `playhouse journal`: the records of a run.

use clap::Args;
use playhouse_journal::{JournalRead, canonical};
use playhouse_types::{ExitCode, RunId, Seq};

use super::command_error::CommandError;
use super::json::{canonical_json, record_json};
use super::output::print;
use super::session::{Opened, Session, children, close, read_records};

/// How many records are read and printed at once.
const PAGE: usize = 500;

/// Prints the records of a run, one JSON object a line.
#[derive(Args, Debug)]
pub(super) struct JournalArgs {
    /// The run: its id, the beginning or end of it, or `last`
    run: String,
    /// Prints only what two runs of one seed and input have in common, in a fixed order; for a batch also its cases
    #[arg(long)]
    canonical: bool,
}

/// Prints the journal of a run.
pub(super) async fn journal(session: &Session<'_>, args: &JournalArgs) -> Result<ExitCode, CommandError> {
    let opened = session.read_run(&args.run).await?;
    let journal = opened.runtime.journal();
    let printed = if args.canonical {
        print_canonical(&opened, journal.as_ref()).await
    } else {
        print_records(journal.as_ref(), opened.row.run).await
    };
    close(opened.runtime, printed.map(|()| ExitCode::Concluded)).await
}

async fn print_records(journal: &dyn JournalRead, run: RunId) -> Result<(), CommandError> {
    let mut after = Seq(0);
    loop {
        let page = journal.records(run, after, PAGE).await?;
        let lines: Result<Vec<String>, serde_json::Error> = page.iter().map(record_json).collect();
        print(&lines?.into_iter().map(|line| line + "\n").collect::<String>())?;
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.seq,
            _ => return Ok(()),
        }
    }
}

/// Prints the canonical journal; of a batch first its own, then that of each case in order.
async fn print_canonical(opened: &Opened, journal: &dyn JournalRead) -> Result<(), CommandError> {
    let records = read_records(journal, opened.row.run).await?;
    let mut text = String::new();
    for record in canonical(&records) {
        text.push_str(&(canonical_json(&record)? + "\n"));
    }
    for child in children(&opened.rows, opened.row.run, &records) {
        for record in canonical(&read_records(journal, child.run).await?) {
            text.push_str(&(canonical_json(&record)? + "\n"));
        }
    }
    Ok(print(&text)?)
}
