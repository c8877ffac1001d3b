//! The tools of a scenario, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use playhouse_types::{ToolFailure, ToolFailureKind, ToolName};

use crate::ToolHandle;

/// How many names a model is told: enough for any sane list of tools, and a bound on the text.
const MAX_LISTED: usize = 50;
/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be meant by the other.
const ALIKE: f64 = 0.75;

/// Two tools have the same name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are two tools with the name `{name}`")]
pub struct DuplicateTool {
    /// The name.
    pub name: ToolName,
}

/// Tools by name.
#[derive(Clone, Debug, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<ToolName, Arc<ToolHandle>>,
}

impl ToolRegistry {
    /// Adds a tool.
    ///
    /// # Errors
    /// [`DuplicateTool`] if there is one of its name; that one stays.
    pub fn insert(&mut self, tool: Arc<ToolHandle>) -> Result<(), DuplicateTool> {
        let name = tool.spec().name.clone();
        if self.tools.contains_key(&name) {
            return Err(DuplicateTool { name });
        }
        self.tools.insert(name, tool);
        Ok(())
    }

    /// Returns the tool of a name, as a model wrote it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<ToolHandle>> {
        self.tools.get(name)
    }

    /// Returns all tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ToolHandle>> {
        self.tools.values()
    }
}

/// Returns what to tell a model that called a tool it is not offered: the nearest name, and what it may call.
#[must_use]
pub fn unknown_tool<'a>(name: &str, offered: impl IntoIterator<Item = &'a ToolName>) -> ToolFailure {
    let mut offered: Vec<&str> = offered.into_iter().map(ToolName::as_str).collect();
    offered.sort_unstable();
    offered.dedup();
    // A name has at most 64 characters; whatever else a model wrote is not worth repeating.
    let name: String = name.chars().take(64).collect();
    let mut alike: Vec<(f64, &str)> = offered
        .iter()
        .map(|other| (strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase()), *other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let nearest: Vec<&str> = alike.into_iter().take(3).map(|(_, name)| name).collect();
    let mut detail = format!("there is no tool `{}`", name.escape_debug());
    if !nearest.is_empty() {
        detail = format!("{detail}; did you mean {}?", quoted(&nearest).join(" or "));
    }
    let listed = quoted(offered.get(..MAX_LISTED).unwrap_or(&offered)).join(", ");
    let detail = match offered.len() {
        0 => format!("{detail}; you have no tools"),
        n_offered if n_offered > MAX_LISTED => format!("{detail}; you may call {listed} and others"),
        _ => format!("{detail}; you may call {listed}"),
    };
    ToolFailure { kind: ToolFailureKind::UnknownTool, detail: detail.replace("?; you", "? You") }
}

#[cfg(test)]
mod tests {
    use super::unknown_tool;
    use playhouse_types::ToolName;

    #[track_caller]
    fn check(name: &str, offered: &[&str], says: &str) {
        let offered: Vec<ToolName> = offered.iter().map(|name| ToolName::new(name).unwrap()).collect();
        assert_eq!(unknown_tool(name, &offered).detail, says);
    }

    #[test]
    fn a_near_name_is_proposed() {
        check(
            "readDocument",
            &["release_payment", "read_document"],
            "there is no tool `readDocument`; did you mean `read_document`? You may call `read_document`, `release_payment`",
        );
    }

    #[test]
    fn a_far_name_gets_the_list_only() {
        check("zzz", &["pay"], "there is no tool `zzz`; you may call `pay`");
        check("zzz", &[], "there is no tool `zzz`; you have no tools");
    }

    #[test]
    fn a_name_that_is_none_is_repeated_briefly_and_escaped() {
        let failure = unknown_tool(&format!("a\n{}", "x".repeat(9_000)), []);
        assert!(failure.detail.starts_with("there is no tool `a\\nxxx") && failure.detail.len() < 120);
    }
}
