//! `playhouse review list`: what waits for a person.

use playhouse_journal::RunRow;
use playhouse_types::ReviewId;
use serde::Serialize;
use serde_json::Value;

use crate::commands::command_error::CommandError;
use crate::commands::find_review::review_name;
use crate::commands::json::arguments_json;
use crate::commands::output::{print, print_json};
use crate::commands::session::Session;
use crate::commands::table::{table, trim};
use crate::commands::time::{rfc3339, short_time};
use crate::conversation::Review;
use crate::view::{one_line, review_line, say};

/// How many characters of a subject a table shows.
const SUBJECT_CHARS: usize = 80;

/// An open review as `review list --json` shows it.
#[derive(Serialize)]
struct ListedReview<'a> {
    id: String,
    run: String,
    scenario: &'a str,
    case: Option<&'a str>,
    kind: &'static str,
    agent: &'a str,
    tool: &'a str,
    arguments: Value,
    reason: &'a str,
    opened_at: String,
    expires_at: Option<String>,
}

impl<'a> ListedReview<'a> {
    fn new(row: &'a RunRow, review: &'a Review) -> Self {
        let request = &review.request;
        Self {
            id: review_name(row.run, review.review),
            run: row.run.to_string(),
            scenario: row.scenario.as_str(),
            case: row.case.as_ref().map(playhouse_types::CaseName::as_str),
            kind: kind(review.review),
            agent: request.agent.as_str(),
            tool: &request.tool,
            arguments: arguments_json(&request.arguments),
            reason: &request.reason,
            opened_at: rfc3339(review.opened_at),
            expires_at: request.expires_at.map(rfc3339),
        }
    }
}

/// Returns what kind of review this is, for programs.
pub(super) const fn kind(review: ReviewId) -> &'static str {
    match review {
        ReviewId::Approval(_) => "approval",
        ReviewId::Question(_) => "question",
        ReviewId::Doubt(_) => "doubt",
        ReviewId::Quarantine(_) => "quarantine",
    }
}

/// Prints reviews with their runs; `empty` is said if there are none.
pub(in crate::commands) fn print_reviews(
    session: &Session<'_>,
    reviews: &[(&RunRow, &Review)],
    empty: &str,
) -> Result<(), CommandError> {
    if session.is_json() {
        let listed: Vec<_> = reviews.iter().map(|(row, review)| ListedReview::new(row, review)).collect();
        print_json(&listed)
    } else if reviews.is_empty() {
        say(&format!("{empty} in `{}`", session.data_dir().display()));
        Ok(())
    } else {
        Ok(print(&text(reviews))?)
    }
}

fn text(reviews: &[(&RunRow, &Review)]) -> String {
    let mut table = table(["ID", "SCENARIO/CASE", "WHAT", "SINCE (UTC)", "EXPIRES (UTC)"]);
    for (row, review) in reviews {
        let scenario = match &row.case {
            Some(case) => format!("{}/{case}", row.scenario),
            None => row.scenario.to_string(),
        };
        table.add_row([
            review_name(row.run, review.review),
            scenario,
            one_line(&review_line(review.review, &review.request), SUBJECT_CHARS),
            short_time(review.opened_at),
            review.request.expires_at.map_or_else(|| "never".to_owned(), short_time),
        ]);
    }
    trim(&table)
}

#[cfg(test)]
mod tests {
    use super::{ListedReview, text};
    use crate::Conversation;
    use crate::test_records::{approval_run, records, row};
    use serde_json::json;

    #[test]
    fn an_open_review_is_listed_with_what_it_is_about() {
        let conversation = Conversation::fold(&records(approval_run()));
        let (row, review) = (row(), &conversation.reviews()[0]);
        let shown = text(&[(&row, review)]);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("ID"), "{shown}");
        for part in ["00000007/approval-1.1.0", "demo", "approve send(amount=5)?", "1970-01-01 00:01:30"] {
            assert!(lines[1].contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn an_open_review_has_the_documented_fields() {
        let conversation = Conversation::fold(&records(approval_run()));
        let (row, review) = (row(), &conversation.reviews()[0]);
        let expected = json!({
            "id": "00000007/approval-1.1.0",
            "run": "00000000000000000000000007",
            "scenario": "demo",
            "case": null,
            "kind": "approval",
            "agent": "clerk",
            "tool": "send",
            "arguments": { "amount": 5 },
            "reason": "a letter",
            "opened_at": "1970-01-01T00:00:00.004000Z",
            "expires_at": "1970-01-01T00:01:30.000000Z",
        });
        assert_eq!(serde_json::to_value(ListedReview::new(&row, review)).unwrap(), expected);
    }
}
