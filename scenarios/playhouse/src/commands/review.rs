//! `playhouse review`: what runs ask of persons, and the persons' answers.

mod list;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use playhouse_types::{ExitCode, Verdict};

use super::command_error::CommandError;
use super::decide::{Decision, answerer, decide};
use super::find_review::{Reviewed, find_review, reviewed_runs};
use super::session::{Session, close, program_name};

pub(super) use self::list::print_reviews;

/// Shows and answers what waits for a person: approvals, questions, calls in doubt, quarantined runs
#[derive(Args, Debug)]
pub(super) struct ReviewArgs {
    #[command(subcommand)]
    command: ReviewCommand,
}

#[derive(Subcommand, Debug)]
enum ReviewCommand {
    /// Lists all open reviews
    List,
    /// Shows one review: what is asked, on which grounds, and how to answer
    Show(Name),
    /// Lets a call run as it is
    Approve(Answer),
    /// Lets a call run with other arguments
    Edit(Edit),
    /// Refuses a call or a question
    Reject(Reject),
    /// Answers a question, or says what became of a call in doubt
    Answer(Reply),
}

/// Which review.
#[derive(Args, Debug)]
struct Name {
    /// The review as `list` names it: RUN/REVIEW, REVIEW alone if only one run has it open, or `last`
    id: String,
}

/// Which review, and who answers.
#[derive(Args, Debug)]
struct Answer {
    #[command(flatten)]
    name: Name,
    /// Who answers [default: the login name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The subject that was looked at, as `show` prints it: an answer to another one is refused
    #[arg(long, value_name = "HASH")]
    seen: Option<String>,
}

#[derive(Args, Debug)]
struct Edit {
    #[command(flatten)]
    answer: Answer,
    /// The arguments as JSON, or `@FILE` with a file that holds them
    #[arg(long, value_name = "JSON|@F")]
    args: String,
}

#[derive(Args, Debug)]
struct Reject {
    #[command(flatten)]
    answer: Answer,
    /// What to tell the agent
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Args, Debug)]
struct Reply {
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    what: What,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// The answer to a question
    text: Option<String>,
    /// The call in doubt had its effect; the text is what the tool would have answered
    #[arg(long, value_name = "TEXT")]
    happened: Option<String>,
    /// The call in doubt had no effect
    #[arg(long)]
    did_not_happen: bool,
    /// Nobody will ever know
    #[arg(long)]
    abandon: bool,
}

impl What {
    fn verdict(&self) -> Verdict {
        match (&self.text, &self.happened) {
            (Some(text), _) => Verdict::Answer { text: text.clone() },
            (_, Some(output)) => Verdict::Landed { output: output.clone() },
            _ if self.did_not_happen => Verdict::DidNotHappen,
            _ => Verdict::Abandon,
        }
    }
}

/// Shows or answers reviews.
pub(super) async fn review(session: &Session<'_>, args: &ReviewArgs) -> Result<ExitCode, CommandError> {
    let (answer, verdict) = match &args.command {
        ReviewCommand::List => return list_open(session).await,
        ReviewCommand::Show(name) => return show_one(session, name).await,
        ReviewCommand::Approve(answer) => (answer, Verdict::Approve),
        ReviewCommand::Edit(Edit { answer, args }) => {
            (answer, Verdict::ApproveWith { arguments: text_or_file(args)? })
        }
        ReviewCommand::Reject(Reject { answer, reason }) => {
            (answer, Verdict::Reject { reason: reason.clone() })
        }
        ReviewCommand::Answer(Reply { answer, what }) => (answer, what.verdict()),
    };
    let Some(runtime) = session.open_existing().await? else { return Err(nothing(&answer.name)) };
    let (by, seen) = (answerer(answer.by.as_deref()), answer.seen.clone());
    let code = match find_review(session, &runtime, &answer.name.id).await {
        Ok(named) => decide(session, &runtime, &named, Decision { verdict, by, seen }).await,
        Err(error) => Err(error),
    };
    close(runtime, code).await
}

async fn list_open(session: &Session<'_>) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_to_read().await? else { return print_open(session, &[]) };
    let journal = runtime.journal();
    let code = match journal.runs().await {
        Ok(rows) => print_open(session, &reviewed_runs(journal.as_ref(), &rows).await),
        Err(error) => Err(error.into()),
    };
    close(runtime, code).await
}

fn print_open(session: &Session<'_>, runs: &[Reviewed]) -> Result<ExitCode, CommandError> {
    let open: Vec<_> =
        runs.iter().flat_map(|run| run.reviews.open().map(|review| (&run.row, review))).collect();
    print_reviews(session, &open, "nothing waits for a person")?;
    Ok(ExitCode::Concluded)
}

async fn show_one(session: &Session<'_>, name: &Name) -> Result<ExitCode, CommandError> {
    let Some(runtime) = session.open_to_read().await? else { return Err(nothing(name)) };
    let shown = match find_review(session, &runtime, &name.id).await {
        Ok(named) => show::show(session, &runtime, &named).await,
        Err(error) => Err(error),
    };
    close(runtime, shown.map(|()| ExitCode::Concluded)).await
}

fn nothing(Name { id }: &Name) -> CommandError {
    CommandError::UnknownReview { text: id.clone(), program: program_name() }
}

fn text_or_file(text: &str) -> Result<String, CommandError> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let path = PathBuf::from(path);
    std::fs::read_to_string(&path).map_err(|source| CommandError::Unreadable { path, source })
}
