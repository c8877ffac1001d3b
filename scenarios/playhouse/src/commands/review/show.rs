//! `playhouse review show`: everything a person needs for an answer.

use std::fmt::Write;

use playhouse_journal::Event;
use playhouse_types::{Message, OnExpiry, ReviewId};
use serde::Serialize;
use serde_json::Value;

use super::list::kind;
use crate::Conversation;
use crate::commands::command_error::CommandError;
use crate::commands::find_review::{Named, review_name};
use crate::commands::json::{ReviewJson, arguments_json};
use crate::commands::output::{print, print_json};
use crate::commands::session::{Session, program_name, read_records};
use crate::commands::time::{rfc3339, short_time};
use crate::conversation::{Review, ReviewState};
use crate::host::{OpenError, Runtime};
use crate::view::{block, json_lines, one_line, verdict_line};

/// How many messages of the conversation are shown.
const N_MESSAGES: usize = 5;

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 600;

/// How many digits of the subject's hash stand for it.
const SEEN_DIGITS: usize = 12;

/// A review as `review show --json` shows it.
#[derive(Serialize)]
struct ShownReview<'a> {
    #[serde(flatten)]
    review: ReviewJson,
    run: String,
    scenario: &'a str,
    case: Option<&'a str>,
    kind: &'static str,
    agent: &'a str,
    effect: Value,
    opened_at: String,
    expires_at: Option<String>,
    on_expiry: OnExpiry,
    subject: String,
    late_results: Vec<String>,
    messages: Vec<ShownMessage<'a>>,
    answers: Vec<String>,
}

#[derive(Serialize)]
struct ShownMessage<'a> {
    from: String,
    content: &'a str,
}

/// Shows one review.
pub(super) async fn show(
    session: &Session<'_>,
    runtime: &Runtime,
    named: &Named,
) -> Result<(), CommandError> {
    let records = read_records(runtime.journal().as_ref(), named.row.run).await?;
    let conversation = Conversation::fold(&records);
    let late = late_results(runtime, named).await?;
    if session.is_json() {
        print_json(&json(named, &conversation, late))
    } else {
        Ok(print(&text(named, &conversation, &late))?)
    }
}

/// Returns what the call under review answered when nobody waited any more, in words: it tells what became of a doubt.
async fn late_results(runtime: &Runtime, named: &Named) -> Result<Vec<String>, CommandError> {
    let Some(id) = named.review.review.call() else { return Ok(Vec::new()) };
    let kept = runtime.inner.store.late(named.row.run).await.map_err(OpenError::from)?;
    let told = |event: &Event| match event {
        Event::ToolResult { call, output, .. } if *call == id => Some(format!("it answered: {output}")),
        Event::ToolFailed { call, failure } if *call == id => Some(format!("it failed: {failure}")),
        Event::ToolInDoubt { call, detail } if *call == id => Some(format!("still in doubt: {detail}")),
        _ => None,
    };
    Ok(kept.results.iter().filter_map(|late| told(&late.event)).collect())
}

fn last_messages(conversation: &Conversation) -> &[Message] {
    let messages = conversation.messages();
    messages.get(messages.len().saturating_sub(N_MESSAGES)..).unwrap_or_default()
}

fn json<'a>(named: &'a Named, conversation: &'a Conversation, late_results: Vec<String>) -> ShownReview<'a> {
    let (row, review) = (&named.row, &named.review);
    let messages = last_messages(conversation).iter();
    ShownReview {
        review: ReviewJson::new(row.run, review),
        run: row.run.to_string(),
        scenario: row.scenario.as_str(),
        case: row.case.as_ref().map(playhouse_types::CaseName::as_str),
        kind: kind(review.review),
        agent: review.request.agent.as_str(),
        effect: serde_json::json!(review.request.effect),
        opened_at: rfc3339(review.opened_at),
        expires_at: review.request.expires_at.map(rfc3339),
        on_expiry: review.request.on_expiry,
        subject: subject(review),
        late_results,
        messages: messages
            .map(|message| ShownMessage { from: message.from.to_string(), content: &message.content })
            .collect(),
        answers: answers(named),
    }
}

/// Returns enough of the subject's hash to tell it from others.
fn subject(review: &Review) -> String {
    let digits = review.request.subject_hash.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().chars().take(SEEN_DIGITS).collect()
}

fn text(named: &Named, conversation: &Conversation, late: &[String]) -> String {
    let (row, review) = (&named.row, &named.review);
    let request = &review.request;
    let mut text = format!("review {}: ", review_name(row.run, review.review));
    text.push_str(&match &review.state {
        ReviewState::Open => "open\n".to_owned(),
        ReviewState::Withdrawn => "withdrawn, nobody needs an answer any more\n".to_owned(),
        ReviewState::Decided { verdict, by, at } => {
            format!("{}, at {} UTC\n", verdict_line(verdict, by), short_time(*at))
        }
    });
    // Writing to a string cannot fail.
    let _ = write!(text, "run {} of {}", row.run, row.scenario);
    if let Some(case) = &row.case {
        let _ = write!(text, ", case {case}");
    }
    let _ = writeln!(text, ", {}", row.status.as_str());
    let _ = writeln!(text, "asked {} UTC by {}", short_time(review.opened_at), request.agent);
    let _ = writeln!(text, "because: {}", one_line(&request.reason, REASON_CHARS));
    match request.expires_at {
        None => text.push_str("expires: never\n"),
        Some(at) => {
            let then = match request.on_expiry {
                OnExpiry::Deny => "then it counts as rejected",
                OnExpiry::Escalate => "then the run is set aside",
            };
            let _ = writeln!(text, "expires: {} UTC, {then}", short_time(at));
        }
    }
    text.push_str(&subject_text(review));
    for late in late {
        let _ = writeln!(text, "\nkept after the run had another owner: {}", block(late, "  "));
    }
    text.push_str("\nlast messages:\n");
    for message in last_messages(conversation) {
        let _ = writeln!(text, "  {}: {}", message.from, block(&message.content, "    "));
    }
    let answers = answers(named);
    if !answers.is_empty() {
        let _ = write!(text, "\nanswer with one of:\n  {}\n", answers.join("\n  "));
    }
    text
}

/// Shows what would run, exactly; or the question.
fn subject_text(review: &Review) -> String {
    let request = &review.request;
    match review.review {
        ReviewId::Quarantine(_) => String::new(),
        ReviewId::Question(_) => {
            format!("\nquestion: {}\n", block(&json_lines(&request.arguments), "  "))
        }
        ReviewId::Approval(_) | ReviewId::Doubt(_) => {
            let effect = arguments_json(&serde_json::json!(request.effect).to_string());
            format!(
                "\ntool {} (effect {})\narguments:\n  {}\n",
                one_line(&request.tool, REASON_CHARS),
                effect.as_str().unwrap_or_default(),
                block(&json_lines(&request.arguments), "  ")
            )
        }
    }
}

/// Returns the commands that answer an open review.
fn answers(named: &Named) -> Vec<String> {
    let review = &named.review;
    if review.state != ReviewState::Open {
        return Vec::new();
    }
    let (program, id) = (program_name(), review_name(named.row.run, review.review));
    let seen = format!("--seen {}", subject(review));
    let run = named.row.run;
    match review.review {
        ReviewId::Approval(_) => vec![
            format!("{program} review approve {id} {seen}"),
            format!("{program} review edit {id} {seen} --args '{{..}}'"),
            format!("{program} review reject {id} --reason 'TEXT'"),
        ],
        ReviewId::Question(_) => vec![
            format!("{program} review answer {id} 'TEXT'"),
            format!("{program} review reject {id} --reason 'TEXT'"),
        ],
        ReviewId::Doubt(_) => vec![
            format!("{program} review answer {id} --happened 'WHAT THE TOOL WOULD HAVE ANSWERED'"),
            format!("{program} review answer {id} --did-not-happen"),
            format!("{program} review answer {id} --abandon"),
        ],
        ReviewId::Quarantine(_) => vec![
            format!("{program} quarantine reopen {run}"),
            format!("{program} quarantine skip {run}"),
            format!("{program} quarantine amend {run} [--model M] [--text 'TEXT']"),
            format!("{program} quarantine abandon {run}"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::{json, text};
    use crate::Conversation;
    use crate::commands::find_review::Named;
    use crate::conversation::Reviews;
    use crate::test_records::{approval_run, records, row};
    use serde_json::json;

    fn named() -> (Named, Conversation) {
        let records = records(approval_run());
        let mut reviews = Reviews::default();
        records.iter().for_each(|record| reviews.apply(record));
        let review = reviews.all()[0].clone();
        (Named { row: row(), reviews, review }, Conversation::fold(&records))
    }

    #[test]
    fn a_person_sees_what_is_asked_and_how_to_answer() {
        let (named, conversation) = named();
        let shown = text(&named, &conversation, &["it answered: sent".to_owned()]);
        for part in [
            "review 00000007/approval-1.1.0: open",
            "because: a letter",
            "expires: 1970-01-01 00:01:30 UTC, then it counts as rejected",
            "tool send (effect once)",
            "    \"amount\": 5",
            "kept after the run had another owner: it answered: sent",
            "user: go",
            "review approve 00000007/approval-1.1.0 --seen 070707070707",
        ] {
            assert!(shown.contains(part), "`{part}` is missing\n{shown}");
        }
    }

    #[test]
    fn a_shown_review_has_the_documented_fields() {
        let (named, conversation) = named();
        let shown = serde_json::to_value(json(&named, &conversation, Vec::new())).unwrap();
        let fields =
            ["id", "status", "tool", "arguments", "reason", "verdict", "by", "run", "messages", "answers"];
        for field in fields {
            assert!(shown.get(field).is_some(), "{field}: {shown:#}");
        }
        assert_eq!(shown["messages"], json!([{ "from": "user", "content": "go" }]));
    }
}
