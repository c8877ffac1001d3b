//! Finding reviews: all that are open, or the one that a person names.

use playhouse_journal::{JournalRead, ReadError, RunRow};
use playhouse_types::{ReviewId, RunId, RunStatus, Seq};

use super::command_error::CommandError;
use super::find_run::find_run;
use super::session::{Session, program_name};
use super::short;
use crate::conversation::{Review, Reviews};
use crate::host::Runtime;
use crate::view::{Style, say};

/// How many records are read at once.
const PAGE: usize = 1_000;

/// A run and what persons are asked about it.
pub(super) struct Reviewed {
    pub(super) row: RunRow,
    pub(super) reviews: Reviews,
}

/// A review that a person has named; it need not be open.
pub(super) struct Named {
    pub(super) row: RunRow,
    pub(super) reviews: Reviews,
    pub(super) review: Review,
}

/// Returns the name of a review on the command line.
pub(super) fn review_name(run: RunId, review: ReviewId) -> String {
    format!("{}/{review}", short(run))
}

/// Reads the reviews of one run.
async fn reviewed(journal: &dyn JournalRead, row: &RunRow) -> Result<Reviewed, ReadError> {
    let (mut reviews, mut after) = (Reviews::default(), Seq(0));
    loop {
        let page = journal.records(row.run, after, PAGE).await?;
        page.iter().for_each(|record| reviews.apply(record));
        match page.last() {
            Some(last) if page.len() == PAGE => after = last.seq,
            _ => return Ok(Reviewed { row: row.clone(), reviews }),
        }
    }
}

/// Tells whether a run has ended: what persons were asked about it needs no answer any more.
pub(super) fn has_ended(row: &RunRow) -> bool {
    !row.status.is_open() && row.status != RunStatus::Quarantined
}

/// Returns the runs that may wait for a person. A run that cannot be read is reported and hides no other.
pub(super) async fn reviewed_runs(journal: &dyn JournalRead, rows: &[RunRow]) -> Vec<Reviewed> {
    let mut found = Vec::new();
    for row in rows.iter().filter(|row| !row.is_batch && !has_ended(row)) {
        match reviewed(journal, row).await {
            Ok(reviewed) => found.push(reviewed),
            Err(error) => {
                let line = format!("the reviews of run {} cannot be read: {error}", row.run);
                say(&Style::of_stderr().bad(&line));
            }
        }
    }
    found
}

/// Returns the review that `text` means: `RUN/REVIEW`, the review alone if one run has it open, or `last` for the one
/// that was opened last.
pub(super) async fn find_review(
    session: &Session<'_>,
    runtime: &Runtime,
    text: &str,
) -> Result<Named, CommandError> {
    let journal = runtime.journal();
    let rows = journal.runs().await?;
    if let Some((run, review)) = text.split_once('/') {
        let review = parse(review)?;
        let row = find_run(&rows, run, session.data_dir())?;
        let reviewed = reviewed(journal.as_ref(), row).await?;
        return named(reviewed, review).ok_or_else(|| unknown(text));
    }
    let runs = reviewed_runs(journal.as_ref(), &rows).await;
    if text == "last" {
        let newest = runs
            .iter()
            .flat_map(|run| run.reviews.open().map(|open| (open.opened_at, run.row.run, open.review)))
            .max()
            .ok_or_else(|| unknown(text))?;
        let run = runs.into_iter().find(|run| run.row.run == newest.1);
        return run.and_then(|run| named(run, newest.2)).ok_or_else(|| unknown(text));
    }
    let review = parse(text)?;
    let (open, closed): (Vec<_>, Vec<_>) = runs
        .into_iter()
        .filter(|run| run.reviews.get(review).is_some())
        .partition(|run| run.reviews.open().any(|open| open.review == review));
    // Without an open one, a single answered one is meant: what became of it is the answer.
    let (meant, state) = if open.is_empty() { (closed, "answered") } else { (open, "open") };
    match <[Reviewed; 1]>::try_from(meant) {
        Ok([run]) => named(run, review).ok_or_else(|| unknown(text)),
        // Runs that have ended may be many; whoever means one of them names it.
        Err(none) if none.is_empty() => {
            Err(CommandError::NoOpenReview { text: text.to_owned(), program: program_name() })
        }
        Err(several) => Err(CommandError::AmbiguousReview {
            text: text.to_owned(),
            state,
            names: several.iter().map(|run| review_name(run.row.run, review)).collect(),
        }),
    }
}

fn parse(text: &str) -> Result<ReviewId, CommandError> {
    text.parse().map_err(|_| unknown(text))
}

fn named(run: Reviewed, review: ReviewId) -> Option<Named> {
    let review = run.reviews.get(review)?.clone();
    Some(Named { row: run.row, reviews: run.reviews, review })
}

fn unknown(text: &str) -> CommandError {
    CommandError::UnknownReview { text: text.to_owned(), program: program_name() }
}
