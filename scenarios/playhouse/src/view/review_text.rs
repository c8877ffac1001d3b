//! Reviews and verdicts as text for a person.

use playhouse_types::{ReviewId, ReviewRequest, Verdict};

use super::call_line::call_name;
use super::text::one_line;

/// How many characters of a text are shown in a line.
const LINE_CHARS: usize = 200;

/// Shows what is asked in one line.
#[must_use]
pub(crate) fn review_line(review: ReviewId, request: &ReviewRequest) -> String {
    match review {
        ReviewId::Approval(_) => format!("approve {}?", call_name(&request.tool, &request.arguments)),
        ReviewId::Question(_) => {
            format!("{} asks: {}", request.agent, one_line(&request.arguments, LINE_CHARS))
        }
        ReviewId::Doubt(_) => format!("in doubt: {}", call_name(&request.tool, &request.arguments)),
        ReviewId::Quarantine(_) => format!("quarantined: {}", one_line(&request.reason, LINE_CHARS)),
    }
}

/// Shows an answer in one line.
#[must_use]
pub(crate) fn verdict_line(verdict: &Verdict, by: &str) -> String {
    let (word, by) = (verdict.as_str(), one_line(by, LINE_CHARS));
    let detail = match verdict {
        Verdict::ApproveWith { arguments } => one_line(arguments, LINE_CHARS),
        Verdict::Reject { reason } => one_line(reason, LINE_CHARS),
        Verdict::Answer { text } => one_line(text, LINE_CHARS),
        Verdict::Landed { output } => one_line(output, LINE_CHARS),
        Verdict::Amend { model, message } => {
            let model = model.iter().map(|model| format!("model {}", one_line(model.as_str(), LINE_CHARS)));
            let message = message.iter().map(|message| one_line(message, LINE_CHARS));
            model.chain(message).collect::<Vec<_>>().join(", ")
        }
        Verdict::Approve | Verdict::DidNotHappen | Verdict::Abandon | Verdict::Reopen | Verdict::Skip => {
            String::new()
        }
    };
    if detail.is_empty() { format!("{word} by {by}") } else { format!("{word} by {by}: {detail}") }
}

#[cfg(test)]
mod tests {
    use super::verdict_line;
    use playhouse_types::Verdict;

    #[test]
    fn an_answer_is_told_with_its_text_and_steers_no_terminal() {
        let reject = Verdict::Reject { reason: "no\u{1b}[2J".to_owned() };
        assert_eq!(verdict_line(&reject, "ann"), "rejected by ann: no\\u{1b}[2J");
        assert_eq!(verdict_line(&Verdict::Approve, "a\nb"), "approved by a\\nb");
    }
}
