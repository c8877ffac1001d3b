//! How the lead keeps the ledger without a model: from the question and from what is in the conversation.

use playhouse::LedgerQuestion;
use playhouse::prelude::{Ledger, ModelRequest, Participant, ScriptContext, ScriptReply};
use serde_json::{Value, json};

use super::report::Report;
use super::scripts::{BEGINNINGS, Passages, draft, said, say};
use super::words::{Comparison, shown, words_of};

/// Answers what the ledger asks its lead.
pub(crate) fn lead(request: &ModelRequest, _: &ScriptContext) -> ScriptReply {
    let note = request.brief.as_deref().map(|brief| brief.note.as_str()).unwrap_or_default();
    match Ledger::question_in(note) {
        Some(LedgerQuestion::Facts) => ScriptReply::say(facts(request)),
        Some(LedgerQuestion::Plan) => ScriptReply::say(plan(request)),
        Some(LedgerQuestion::Progress) => ScriptReply::say(progress(request).to_string()),
        _ => answer(request),
    }
}

fn words(request: &ModelRequest) -> Vec<String> {
    request.transcript.iter().next().map(|entry| words_of(&entry.message.content)).unwrap_or_default()
}

fn facts(request: &ModelRequest) -> String {
    let words = shown(&words(request));
    let (known, guess) = match said::<Passages>(request, "reader").next_back() {
        None => (String::new(), "the documents use the words of the question".to_owned()),
        Some(found) => (
            format!("\n- no document holds {} as a whole word", shown(&found.not_found)),
            "the documents use other forms of these words".to_owned(),
        ),
    };
    format!(
        "1. GIVEN OR VERIFIED FACTS\n- the question is about {words}{known}\n2. FACTS TO LOOK UP, and where\n- what the \
         documents say about them: by searching\n3. FACTS TO DERIVE, and from what\n- the answer, from the passages that \
         are found\n4. EDUCATED GUESSES\n- {guess}"
    )
}

fn plan(request: &ModelRequest) -> String {
    let search = match said::<Passages>(request, "reader").next_back() {
        None => "- `reader` searches the documents for the words of the question",
        Some(_) => {
            "The words of the question were searched for as they stand, and the documents use others.\n- `reader` searches \
             by the beginnings of the words"
        }
    };
    format!("{search}\n- `writer` writes the report, each statement with its source")
}

/// Reports on the progress: the newest message tells how far the work is.
fn progress(request: &ModelRequest) -> Value {
    let words = words(request);
    let whole = format!("Search the documents for {}.", shown(&words));
    let beginnings = format!("Search the documents for {}, by the {BEGINNINGS} of the words.", shown(&words));
    let last = request.transcript.last().map(|entry| &entry.message.from);
    let newest = last.map(Participant::as_str).unwrap_or_default();
    let found = said::<Passages>(request, "reader").next_back();
    match (newest, found) {
        ("writer", _) => report(true, true, "the report is written", "writer", "Nothing is left to be done."),
        ("reader", Some(found)) if is_enough(&found) => {
            let told = "Write the report from the passages that were found.";
            report(false, true, "there are passages to write from", "writer", told)
        }
        ("reader", _) => report(false, false, "most words are found nowhere", "reader", &beginnings),
        // A plan has just been made: the first one, or one after a search that found too little.
        (_, None) => report(false, true, "nothing was searched for yet", "reader", &whole),
        (_, Some(_)) => report(false, true, "there is a new plan", "reader", &beginnings),
    }
}

/// Tells whether the passages are worth a report: at least half of the words are found, or other forms were tried already.
fn is_enough(found: &Passages) -> bool {
    let is_last = found.comparison == Comparison::Beginning;
    !found.passages.is_empty() && (is_last || found.not_found.len() * 2 <= found.words.len())
}

fn report(is_satisfied: bool, is_progress: bool, reason: &str, next: &str, told: &str) -> Value {
    json!({
        "is_request_satisfied": { "reason": reason, "answer": is_satisfied },
        "is_in_loop": { "reason": "each search is another one", "answer": false },
        "is_progress_being_made": { "reason": reason, "answer": is_progress },
        "next_speaker": { "reason": reason, "answer": next },
        "instruction_or_question": { "reason": reason, "answer": told },
    })
}

/// Gives the final answer: the writer's report without what the reader has not said; without one, what there is.
fn answer(request: &ModelRequest) -> ScriptReply {
    let known = draft(request);
    let report = match said::<Report>(request, "writer").next_back() {
        None => known,
        Some(mut written) => {
            written.findings.retain(|finding| known.findings.contains(finding));
            written
        }
    };
    let summary = report.summary.clone();
    say(&summary, &report)
}
