//! The progress report: its schema, and what of a reply can be used.

use playhouse_tools::read_reply;
use playhouse_types::AgentName;
use serde::Deserialize;

use super::prompts::shortened;
use super::state::Task;

/// How much of a reason is kept, in bytes: it is for people who read what happened.
const MAX_REASON: usize = 300;

/// What a progress report says to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// The request is satisfied, for this reason.
    Satisfied { reason: String },
    /// A member goes on.
    GoOn { task: Task, is_stalled: bool },
}

#[derive(Deserialize)]
struct Report {
    is_request_satisfied: Judgment<bool>,
    is_in_loop: Judgment<bool>,
    is_progress_being_made: Judgment<bool>,
    // Not needed once the request is satisfied.
    next_speaker: Option<Judgment<String>>,
    instruction_or_question: Option<Judgment<String>>,
}

#[derive(Deserialize)]
struct Judgment<T> {
    #[serde(default)]
    reason: String,
    answer: T,
}

/// Returns the schema of a progress report that names one of these candidates.
///
/// Written by hand, as the order counts: a model that follows it gives the reason before the answer.
pub(super) fn schema(candidates: &[AgentName]) -> String {
    let judgment = |answer: &str| {
        format!(
            r#"{{"type":"object","properties":{{"reason":{{"type":"string"}},"answer":{answer}}},"required":["reason","answer"],"additionalProperties":false}}"#
        )
    };
    let names: Vec<String> = candidates.iter().map(|name| format!("\"{name}\"")).collect();
    let (yes_or_no, text) = (judgment(r#"{"type":"boolean"}"#), judgment(r#"{"type":"string"}"#));
    let name = judgment(&format!(r#"{{"type":"string","enum":[{}]}}"#, names.join(",")));
    format!(
        r#"{{"type":"object","properties":{{"is_request_satisfied":{yes_or_no},"is_in_loop":{yes_or_no},"is_progress_being_made":{yes_or_no},"next_speaker":{name},"instruction_or_question":{text}}},"required":["is_request_satisfied","is_in_loop","is_progress_being_made","next_speaker","instruction_or_question"],"additionalProperties":false}}"#
    )
}

/// Reads a progress report. The lead's agent has checked the schema, but a crew may lead, too, and not every rule is in it.
///
/// # Errors
/// Why it cannot be used, for the lead.
pub(super) fn read(reply: &str, candidates: &[AgentName]) -> Result<Progress, String> {
    let report: Report = serde_json::from_value(read_reply(reply)?)
        .map_err(|error| format!("the report cannot be read: {error}"))?;
    if report.is_request_satisfied.answer {
        let reason = shortened(&report.is_request_satisfied.reason, MAX_REASON);
        return Ok(Progress::Satisfied { reason });
    }
    let next = report.next_speaker.ok_or("the field `next_speaker` is missing")?;
    let speaker = candidates.iter().find(|name| name.as_str() == next.answer);
    let speaker = speaker.ok_or_else(|| {
        let names: Vec<String> = candidates.iter().map(|name| format!("`{name}`")).collect();
        format!("`{}` cannot speak next; one of these can: {}", shortened(&next.answer, 64), names.join(", "))
    })?;
    let instruction = report.instruction_or_question.map(|told| told.answer.trim().to_owned());
    let instruction = instruction.filter(|told| !told.is_empty());
    let instruction = instruction.ok_or("`instruction_or_question` says nothing")?;
    let reason = shortened(&next.reason, MAX_REASON);
    let is_stalled = report.is_in_loop.answer || !report.is_progress_being_made.answer;
    Ok(Progress::GoOn { task: Task { speaker: speaker.clone(), instruction, reason }, is_stalled })
}

#[cfg(test)]
mod tests {
    use super::{Progress, read, schema};
    use playhouse_tools::check_reply;
    use playhouse_types::AgentName;

    fn names() -> Vec<AgentName> {
        ["a", "b"].map(|name| AgentName::new(name).unwrap()).to_vec()
    }

    fn report(satisfied: bool, next: &str, told: &str) -> String {
        format!(
            r#"{{"is_request_satisfied":{{"reason":"r","answer":{satisfied}}},
            "is_in_loop":{{"reason":"","answer":false}},"is_progress_being_made":{{"reason":"","answer":true}},
            "next_speaker":{{"reason":"fits","answer":"{next}"}},
            "instruction_or_question":{{"reason":"","answer":"{told}"}}}}"#
        )
    }

    #[test]
    fn a_report_that_fits_the_schema_is_read() {
        let reply = report(false, "b", " look ");
        check_reply(&schema(&names()), &reply).unwrap();
        let Ok(Progress::GoOn { task, is_stalled }) = read(&reply, &names()) else { panic!() };
        assert_eq!((task.speaker.as_str(), task.instruction.as_str(), is_stalled), ("b", "look", false));
        let fenced = format!("Here it is:\n```json\n{reply}\n```");
        assert!(read(&fenced, &names()).is_ok());
    }

    #[test]
    fn a_name_outside_the_candidates_is_refused_by_schema_and_reader() {
        let reply = report(false, "c", "look");
        assert!(check_reply(&schema(&names()), &reply).unwrap_err().contains("/next_speaker/answer"));
        let error = read(&reply, &names()).unwrap_err();
        assert_eq!(error, "`c` cannot speak next; one of these can: `a`, `b`");
    }

    #[test]
    fn two_names_are_none() {
        assert!(read(&report(false, "a, b", "look"), &names()).is_err());
    }

    #[test]
    fn once_satisfied_nobody_needs_to_be_named() {
        let satisfied = Ok(Progress::Satisfied { reason: "r".to_owned() });
        assert_eq!(read(&report(true, "nobody", ""), &names()), satisfied);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (reply, says) in [
            ("I am not sure.".to_owned(), "no JSON"),
            ("[]".to_owned(), "cannot be read"),
            (r#"{"is_request_satisfied": true}"#.to_owned(), "cannot be read"),
            (report(false, "a", "  "), "`instruction_or_question` says nothing"),
        ] {
            let error = read(&reply, &names()).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
