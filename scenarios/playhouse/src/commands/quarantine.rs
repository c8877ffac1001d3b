//! `playhouse quarantine`: what to do about runs that were set aside.

use clap::{Args, Subcommand};
use playhouse_journal::{JournalRead, ReadError};
use playhouse_types::{ExitCode, ReviewId, RunStatus, Verdict};

use super::command_error::CommandError;
use super::decide::{Decision, answerer, decide};
use super::find_review::{Reviewed, find_review, reviewed_runs};
use super::recording::model_name;
use super::review::print_reviews;
use super::session::{Opened, Session, close, program_name};
use crate::conversation::Review;

/// Lists runs that were set aside after crashing again and again, and decides about them
#[derive(Args, Debug)]
pub(super) struct QuarantineArgs {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Subcommand, Debug)]
enum QuarantineCommand {
    /// Lists the runs that were set aside
    List,
    /// Lets a run go on as it is
    Reopen(Which),
    /// Lets a run go on without its open turns
    Skip(Which),
    /// Lets a run go on without its open turns, with another model or one more message
    Amend(Amend),
    /// Gives a run up
    Abandon(Which),
}

#[derive(Args, Debug)]
struct Which {
    /// The run: its id, the beginning or end of it, or `last`
    run: String,
    /// Who decides [default: the login name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Args, Debug)]
struct Amend {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    change: Change,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Change {
    /// The model that all agents ask from now on
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// A message that is put into the conversation
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

/// Lists or decides.
pub(super) async fn quarantine(
    session: &Session<'_>,
    args: &QuarantineArgs,
) -> Result<ExitCode, CommandError> {
    let (which, verdict) = match &args.command {
        QuarantineCommand::List => return list(session).await,
        QuarantineCommand::Reopen(which) => (which, Verdict::Reopen),
        QuarantineCommand::Skip(which) => (which, Verdict::Skip),
        QuarantineCommand::Abandon(which) => (which, Verdict::Abandon),
        QuarantineCommand::Amend(Amend { which, change }) => {
            let model = change.model.as_deref().map(model_name);
            (which, Verdict::Amend { model, message: change.text.clone() })
        }
    };
    let opened = session.open_run(&which.run).await?;
    let decision = Decision { verdict, by: answerer(which.by.as_deref()), seen: None };
    let code = decide_about(session, &opened, decision).await;
    close(opened.runtime, code).await
}

async fn decide_about(
    session: &Session<'_>,
    opened: &Opened,
    decision: Decision,
) -> Result<ExitCode, CommandError> {
    let journal = opened.runtime.journal();
    let runs = reviewed_runs(journal.as_ref(), std::slice::from_ref(&opened.row)).await;
    let newest = runs.first().and_then(|run| {
        run.reviews.all().iter().rfind(|review| matches!(review.review, ReviewId::Quarantine(_)))
    });
    let Some(review) = newest else {
        let (run, status) = (opened.row.run.to_string(), opened.row.status.as_str());
        return Err(CommandError::NotQuarantined { run, status });
    };
    let name = format!("{}/{}", opened.row.run, review.review);
    let named = find_review(session, &opened.runtime, &name).await?;
    decide(session, &opened.runtime, &named, decision).await
}

async fn list(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_to_read().await? else { return print_quarantined(session, &[]) };
    let code = match quarantined_runs(runtime.journal().as_ref()).await {
        Ok(runs) => print_quarantined(session, &runs),
        Err(error) => Err(error.into()),
    };
    close(runtime, code).await
}

fn print_quarantined(session: &Session<'_>, runs: &[Reviewed]) -> Result<ExitCode, CommandError> {
    let is_quarantine = |review: &&Review| matches!(review.review, ReviewId::Quarantine(_));
    let open: Vec<_> = runs
        .iter()
        .flat_map(|run| run.reviews.open().filter(is_quarantine).map(|review| (&run.row, review)))
        .collect();
    print_reviews(session, &open, "no run is quarantined")?;
    if !open.is_empty() {
        super::decide::note(&format!(
            "decide with: {} quarantine reopen|skip|amend|abandon RUN",
            program_name()
        ));
    }
    Ok(ExitCode::Concluded)
}

async fn quarantined_runs(journal: &dyn JournalRead) -> Result<Vec<Reviewed>, ReadError> {
    let mut rows = journal.runs().await?;
    rows.retain(|row| row.status == RunStatus::Quarantined);
    Ok(reviewed_runs(journal, &rows).await)
}
