//! Answering a review from the command line.

use playhouse_journal::{Command, Event, JournalRead};
use playhouse_review::VerdictError;
use playhouse_types::{ExitCode, Seq, Verdict};
use serde::Serialize;

use super::command_error::CommandError;
use super::find_review::{Named, has_ended, review_name};
use super::leave_command::leave_commands;
use super::output::{print, print_json};
use super::resumption::go_on_hint;
use super::session::Session;
use crate::answer::{check_edited, new_command_id};
use crate::conversation::ReviewState;
use crate::host::Answered;
use crate::host::Runtime;
use crate::view::{Style, one_line, say};

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 300;

/// A verdict, and who gives it on which grounds.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) by: String,
    /// The beginning of the subject's hash as it was shown, in hexadecimal digits.
    pub(super) seen: Option<String>,
}

/// What became of an answer, as `--json` shows it.
#[derive(Serialize)]
struct DecisionJson<'a> {
    run: String,
    review: String,
    verdict: &'static str,
    by: &'a str,
    #[serde(flatten)]
    answered: &'a Answered,
}

/// Returns who answers if nobody is named: the login name.
pub(super) fn answerer(by: Option<&str>) -> String {
    let login = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = by.map(ToOwned::to_owned).or_else(login).filter(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| "operator".to_owned())
}

/// Checks an answer, leaves it for the run, and says what became of it and what to type next.
pub(super) async fn decide(
    session: &Session<'_>,
    runtime: &Runtime,
    named: &Named,
    decision: Decision,
) -> Result<ExitCode, CommandError> {
    let (run, review) = (named.row.run, named.review.review);
    let Decision { verdict, by, seen } = decision;
    let subject_hash = named.review.request.subject_hash;
    refuse_if_over(named)?;
    if seen.is_some_and(|seen| !is_beginning(&seen, &subject_hash)) {
        return Err(VerdictError::Stale { review }.into());
    }
    let is_known = |verdict: &Verdict| {
        matches!(&named.review.state, ReviewState::Decided { verdict: known, by: who, .. }
            if known == verdict && *who == by)
    };
    let checked = checked(session, runtime, named, verdict.clone()).await;
    let is_repeated = checked.as_ref().is_ok_and(is_known);
    if !is_repeated {
        // That somebody was first outweighs that the arguments are wrong.
        named.reviews.check(review, &verdict, Some(subject_hash))?;
    }
    let verdict = checked?;
    let answered = if is_repeated {
        Answered::Accepted
    } else {
        let command = Command::Decide {
            review,
            verdict: verdict.clone(),
            by: by.clone(),
            subject_hash: Some(subject_hash),
        };
        let answers = leave_commands(session, runtime, &[(run, new_command_id(), command)]).await?;
        answers.into_iter().next().unwrap_or(Answered::Left)
    };
    let name = review_name(run, review);
    if session.is_json() {
        let (run, review) = (run.to_string(), review.to_string());
        print_json(&DecisionJson { run, review, verdict: verdict.as_str(), by: &by, answered: &answered })?;
    } else {
        print(&told(&name, &verdict, &by, &answered))?;
    }
    match answered {
        Answered::Refused(_) => Ok(ExitCode::Failed),
        Answered::Accepted | Answered::Left => {
            go_on_hint(runtime, run).await?;
            Ok(ExitCode::Concluded)
        }
    }
}

/// Refuses an answer that nobody needs any more. One that was given is told even if the run has ended.
fn refuse_if_over(named: &Named) -> Result<(), CommandError> {
    let (row, state) = (&named.row, &named.review.state);
    let (review, status) = (review_name(row.run, named.review.review), row.status.as_str());
    match state {
        ReviewState::Decided { .. } => Ok(()),
        _ if has_ended(row) => Err(CommandError::EndedReview { review, status }),
        ReviewState::Withdrawn => Err(CommandError::WithdrawnReview { review, status }),
        ReviewState::Open => Ok(()),
    }
}

fn told(name: &str, verdict: &Verdict, by: &str, answered: &Answered) -> String {
    let (by, verdict) = (one_line(by, REASON_CHARS), verdict.as_str());
    match answered {
        Answered::Accepted => format!("{name}: {verdict} by {by}"),
        Answered::Refused(reason) => format!("{name}: refused, {}", one_line(reason, REASON_CHARS)),
        Answered::Left => {
            format!(
                "{name}: {verdict} by {by}; left for the process that works on the run, which has not taken it yet"
            )
        }
    }
}

fn is_beginning(digits: &str, hash: &[u8; 32]) -> bool {
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hash.starts_with(&digits.to_ascii_lowercase())
}

/// Tests arguments that a person puts in place against the tool as this binary knows it.
async fn checked(
    session: &Session<'_>,
    runtime: &Runtime,
    named: &Named,
    verdict: Verdict,
) -> Result<Verdict, CommandError> {
    let Verdict::ApproveWith { arguments } = verdict else { return Ok(verdict) };
    let review = named.review.review;
    let invalid = |reason| VerdictError::Invalid { review, reason };
    let parameters = parameters(runtime.journal().as_ref(), named).await?;
    let definition = session.stored_definition(named.row.scenario.as_str(), &parameters).map_err(invalid)?;
    let arguments = check_edited(&definition, &named.review.request.tool, &arguments).map_err(invalid)?;
    Ok(Verdict::ApproveWith { arguments })
}

async fn parameters(journal: &dyn JournalRead, named: &Named) -> Result<String, CommandError> {
    let first = journal.records(named.row.run, Seq(0), 1).await?;
    match first.first().map(|record| &record.event) {
        Some(Event::RunAdmitted(admitted)) => Ok(admitted.parameters.clone()),
        _ => Ok("{}".to_owned()),
    }
}

/// Says on stderr what is worth knowing beside a result.
pub(super) fn note(text: &str) {
    say(&Style::of_stderr().dim(text));
}

#[cfg(test)]
mod tests {
    use super::is_beginning;

    #[test]
    fn a_subject_is_known_by_the_beginning_of_its_hash() {
        assert!(is_beginning("0A0a", &[10; 32]));
        assert!(!is_beginning("0a0b", &[10; 32]));
    }
}
