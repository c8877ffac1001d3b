//! What the lead is asked, and what it posts. Source of the questions: Magentic-One (arXiv 2411.04468), section 4.

use playhouse_messages::TranscriptView;

use crate::ConversationView;

/// How much of the request is repeated, in bytes; the conversation holds all of it.
const MAX_REQUEST: usize = 4_000;

const SECTIONS: &str = "Use these four headings and no others:\n\
    1. GIVEN OR VERIFIED FACTS\n2. FACTS TO LOOK UP, and where\n3. FACTS TO DERIVE, and from what\n4. EDUCATED GUESSES";

/// Asks for the fact sheet, or after a stall to bring it up to date.
pub(super) fn facts(view: &ConversationView<'_>, n_replans: u32, old: Option<&str>) -> String {
    let request = request(view);
    if n_replans == 0 {
        return format!(
            "{request}\n\nBefore anybody works on it, write down what is known and what has to be found out: names, \
             dates, figures and the like. {SECTIONS}\nDo not plan any steps yet."
        );
    }
    let old = old.map(|old| format!("\n\nThe fact sheet so far:\n\n{old}")).unwrap_or_default();
    format!(
        "{request}\n\nThe work has stalled, but the conversation may hold something new. Write the fact sheet anew, \
         with everything that was learned: move guesses that proved true to the facts, drop those that proved wrong, \
         and add or update at least one guess. {SECTIONS}{old}"
    )
}

/// Asks for a plan, or after a stall for another one.
pub(super) fn plan(view: &ConversationView<'_>, n_replans: u32, facts: Option<&str>) -> String {
    let (request, team) = (request(view), team(view));
    let facts = facts.map(|facts| format!("\n\nThe fact sheet:\n\n{facts}")).unwrap_or_default();
    let ask = if n_replans == 0 {
        "Make a short plan in bullet points that leads to a full answer."
    } else {
        "The work has stalled. Say briefly what went wrong at its root, then make a new short plan in bullet points that \
         does not repeat the same mistakes."
    };
    format!(
        "{request}\n\n{team}{facts}\n\n{ask} Not every member has to be involved; nobody else can be asked."
    )
}

/// What the members read of facts and plan.
pub(super) fn shown_plan(view: &ConversationView<'_>, facts: Option<&str>, plan: &str) -> String {
    let facts = facts.map(|facts| format!("What is known:\n\n{facts}\n\n")).unwrap_or_default();
    format!("{}\n\n{facts}The plan:\n\n{plan}", team(view))
}

/// Asks for the progress report; `trouble` is what went wrong since the last one.
pub(super) fn progress(view: &ConversationView<'_>, trouble: Option<&str>) -> String {
    let (request, team) = (request(view), team(view));
    let trouble = trouble.map(|trouble| format!("\n\nNote: {trouble}.")).unwrap_or_default();
    format!(
        "{request}\n\n{team}{trouble}\n\nReport on the progress, each time with the reason first:\n\
         - is_request_satisfied: is the request satisfied in full? Only if nothing is left to be done.\n\
         - is_in_loop: are the same things asked or answered again and again, be it over several turns?\n\
         - is_progress_being_made: do the newest messages add something? True if the work has just begun; false if \
         something stands in the way.\n\
         - next_speaker: which member speaks next? Any, if the request is satisfied.\n\
         - instruction_or_question: what is that member to do or to answer? Speak to it directly and tell it all it needs.\n\
         Reply with one JSON object of this form and nothing else:\n\
         {{\"is_request_satisfied\": {{\"reason\": \"...\", \"answer\": false}}, \
         \"is_in_loop\": {{\"reason\": \"...\", \"answer\": false}}, \
         \"is_progress_being_made\": {{\"reason\": \"...\", \"answer\": true}}, \
         \"next_speaker\": {{\"reason\": \"...\", \"answer\": \"...\"}}, \
         \"instruction_or_question\": {{\"reason\": \"...\", \"answer\": \"...\"}}}}"
    )
}

/// Asks for the answer to a request that is satisfied.
pub(super) fn final_answer(view: &ConversationView<'_>) -> String {
    format!(
        "{}\n\nThe work is done. From what was found in the conversation, give the final answer to the request, as if \
         you spoke to the person who made it.",
        request(view)
    )
}

/// Asks for as good an answer as there can be.
pub(super) fn best_answer(view: &ConversationView<'_>, why: &str) -> String {
    format!(
        "{}\n\nThe work ends here: {why}. From what was found in the conversation, give the best answer to the request \
         that is possible, as if you spoke to the person who made it, and say what is missing or uncertain.",
        request(view)
    )
}

/// Cuts a text to a number of bytes, at the end of a character.
pub(super) fn shortened(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max_bytes);
    format!("{} [...]", text.get(..end).unwrap_or_default())
}

fn request(view: &ConversationView<'_>) -> String {
    let opening = TranscriptView::new(std::sync::Arc::clone(view.transcript), 1);
    let request = opening.last().map_or("", |entry| entry.message.content.as_str());
    format!("The request:\n\n{}", shortened(request, MAX_REQUEST))
}

fn team(view: &ConversationView<'_>) -> String {
    format!("The members who work on it:\n\n{}", view.roster(view.agents))
}
