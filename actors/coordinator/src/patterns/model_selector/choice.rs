//! What a reply chooses: one of the candidates, or nothing.

use playhouse_types::AgentName;
use serde_json::{Value, json};

/// What the note of a turn begins with in which the agent chooses.
const AMONG: &str = "among ";

/// Returns names as a list for a reader.
pub(super) fn listed(candidates: &[AgentName]) -> String {
    candidates.iter().map(AgentName::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns the schema of a choice, as JSON text.
pub(super) fn schema(candidates: &[AgentName]) -> String {
    let names: Vec<&str> = candidates.iter().map(AgentName::as_str).collect();
    json!({
        "type": "object",
        "properties": { "next": { "type": "string", "enum": names } },
        "required": ["next"],
    })
    .to_string()
}

/// Notes the candidates: what the reply is read against.
pub(super) fn among(candidates: &[AgentName]) -> String {
    format!("{AMONG}{}", listed(candidates))
}

/// Reads the candidates back; `None` if the turn was for somebody to speak.
pub(super) fn read_note(note: &str) -> Option<Vec<AgentName>> {
    let names = note.strip_prefix(AMONG)?.split(", ");
    // The names were written by `among`, so they are names.
    Some(names.filter_map(|name| AgentName::new(name).ok()).collect())
}

/// Returns whom a reply chooses; else what is wrong with it, in words for the model.
pub(super) fn read_choice(reply: &str, candidates: &[AgentName]) -> Result<AgentName, String> {
    // What is no JSON is read as words.
    let json = playhouse_tools::read_reply(reply).ok();
    if let Some(next) = json.as_ref().and_then(|json| json.get("next")) {
        let chosen = next.as_str().and_then(|next| candidates.iter().find(|name| name.as_str() == next));
        return chosen.cloned().ok_or_else(|| format!("{} is not one who may speak next", shown(next)));
    }
    let text = reply.replace("\\_", "_");
    let named: Vec<AgentName> =
        candidates.iter().filter(|name| mentions(&text, name.as_str())).cloned().collect();
    match named.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err("it names nobody who may speak next".to_owned()),
        several => Err(format!("it names more than one: {}", listed(several))),
    }
}

fn shown(next: &Value) -> String {
    let text = next.as_str().map_or_else(|| next.to_string(), str::to_owned);
    format!("`{}`", text.chars().take(64).collect::<String>())
}

/// Tells whether a name stands in a text by itself, not as part of another name.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.split(|c| !is_part(c)).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::{among, read_choice, read_note, schema};
    use crate::patterns::test_crew::{name, names};

    #[track_caller]
    fn check(reply: &str, expected: Result<&str, &str>) {
        let candidates = names(&["writer", "writer-2", "fact_checker"]);
        let expected = expected.map(name).map_err(str::to_owned);
        assert_eq!(read_choice(reply, &candidates), expected, "{reply}");
    }

    #[test]
    fn json_names_a_candidate() {
        check(r#"{"next": "writer"}"#, Ok("writer"));
        check("After writer-2:\n```json\n{\"next\": \"writer\"}\n```", Ok("writer"));
    }

    #[test]
    fn a_name_outside_the_candidates_is_never_accepted() {
        check(r#"{"next": "editor"}"#, Err("`editor` is not one who may speak next"));
        check(r#"{"next": ["writer"]}"#, Err("`[\"writer\"]` is not one who may speak next"));
        check("editor", Err("it names nobody who may speak next"));
    }

    #[test]
    fn words_that_name_exactly_one_candidate_are_a_choice() {
        check("I choose **writer**.", Ok("writer"));
        check("writer-2", Ok("writer-2"));
        check("Let fact\\_checker speak, as editor has.", Ok("fact_checker"));
        check("writer, then writer again", Ok("writer"));
        check(r#"{"choice": "writer"}"#, Ok("writer"));
    }

    #[test]
    fn words_that_name_several_or_nobody_are_none() {
        check("writer or fact_checker", Err("it names more than one: writer, fact_checker"));
        for reply in ["", "Writer", "writers", "writer-3", "the_writer"] {
            check(reply, Err("it names nobody who may speak next"));
        }
    }

    #[test]
    fn candidates_are_read_back_and_stand_in_the_schema() {
        let candidates = names(&["a", "b-2"]);
        assert_eq!(read_note(&among(&candidates)), Some(candidates.clone()));
        assert_eq!(read_note(""), None);
        assert!(schema(&candidates).contains(r#""enum":["a","b-2"]"#));
        assert!(playhouse_tools::check_reply(&schema(&candidates), r#"{"next":"c"}"#).is_err());
    }
}
