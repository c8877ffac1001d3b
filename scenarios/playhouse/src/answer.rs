//! Answers of persons: their names for ever, and whether edited arguments fit.

use playhouse_journal::CommandId;
use playhouse_types::{ReviewId, Verdict};

use crate::definition::{Definition, ToolSource};

/// Returns the same id for the same parts: repeating a command is harmless.
pub(crate) fn command_id(parts: &[&[u8]]) -> CommandId {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    CommandId(hasher.finalize().to_hex().to_string())
}

/// Returns the id of an answer: the same answer of the same person to the same subject is one command.
pub(crate) fn decision_id(
    review: ReviewId,
    verdict: &Verdict,
    by: &str,
    subject_hash: &[u8; 32],
) -> Result<CommandId, serde_json::Error> {
    let (review, verdict) = (review.to_string(), serde_json::to_string(verdict)?);
    Ok(command_id(&[b"decide", review.as_bytes(), verdict.as_bytes(), by.as_bytes(), subject_hash]))
}

/// Checks arguments for a tool of a scenario; the error says what would be right.
pub(crate) fn check_edited(definition: &Definition, tool: &str, arguments: &str) -> Result<String, String> {
    let specs = definition.tools.iter().flat_map(ToolSource::specs);
    let Some(spec) = specs.into_iter().find(|spec| spec.name.as_str() == tool) else {
        return Err(format!("scenario `{}` has no tool `{tool}` any more", definition.name));
    };
    playhouse_tools::check_arguments(&spec, arguments).map_err(|failure| failure.detail)
}

#[cfg(test)]
mod tests {
    use super::decision_id;
    use crate::test_records::call;
    use playhouse_types::{ReviewId, Verdict};

    #[test]
    fn the_same_answer_is_one_command_and_another_is_another() {
        let review = ReviewId::Approval(call(1, 1, 0));
        let id = |verdict: &Verdict, by: &str, hash| decision_id(review, verdict, by, &[hash; 32]).unwrap();
        let (approve, abandon) = (Verdict::Approve, Verdict::Abandon);
        assert_eq!(id(&approve, "ann", 1), id(&approve, "ann", 1));
        for other in [id(&abandon, "ann", 1), id(&approve, "bob", 1), id(&approve, "ann", 2)] {
            assert_ne!(other, id(&approve, "ann", 1));
        }
    }
}
