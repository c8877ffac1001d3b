//! Manifests and the names at the root.

/// What stands at the root besides dotfiles.
const ROOT: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "actors",
    "protocols",
    "scenarios",
    "tests",
    "observability",
    // Cargo's own, ignored by git.
    "target",
];

/// Returns the names that do not belong at the root.
pub(super) fn root_name_faults(names: &[String]) -> Vec<String> {
    let is_wrong = |name: &&String| !name.starts_with('.') && !ROOT.contains(&name.as_str());
    names.iter().filter(is_wrong).map(|name| format!("`{name}` does not belong at the root")).collect()
}

/// Returns the lines of a table of a manifest, without spaces.
fn table(manifest: &str, name: &str) -> Vec<String> {
    let header = format!("[{name}]");
    let lines = manifest.lines().map(str::trim);
    let body = lines.skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    body.map(|line| line.split('#').next().unwrap_or_default().replace(' ', "")).collect()
}

/// Checks what the workspace says about its crates.
pub(super) fn root_faults(manifest: &str) -> Vec<String> {
    let has = |name: &str, line: &str| table(manifest, name).iter().any(|found| found == line);
    let mut faults = Vec::new();
    if !has("workspace.lints.rust", "unsafe_code=\"forbid\"") {
        faults.push("the workspace does not forbid unsafe code".to_owned());
    }
    if has("profile.release", "panic=\"abort\"") {
        faults.push("panics must unwind: supervisors catch them".to_owned());
    }
    faults
}

/// Checks that a crate takes over the lints of the workspace.
pub(super) fn lint_faults(name: &str, manifest: &str) -> Option<String> {
    let takes_over = table(manifest, "lints").iter().any(|line| line == "workspace=true");
    (!takes_over).then(|| format!("`{name}` does not take over the lints of the workspace"))
}

#[cfg(test)]
mod tests {
    use super::{lint_faults, root_faults, root_name_faults};

    #[test]
    fn a_stray_name_at_the_root_is_a_fault() {
        let names = ["Cargo.toml", ".github", "tests", "notes.md"].map(str::to_owned);
        assert_eq!(root_name_faults(&names), ["`notes.md` does not belong at the root"]);
    }

    #[test]
    fn lints_that_are_not_taken_over_are_a_fault() {
        assert_eq!(lint_faults("a", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), None);
        assert!(lint_faults("a", "[package]\nname = \"a\"\n[lints]\n[x]\nworkspace = true\n").is_some());
        assert!(lint_faults("a", "[lints]\n# workspace = true\n").is_some());
    }

    #[test]
    fn unsafe_code_that_is_only_denied_is_a_fault() {
        assert!(root_faults("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n").is_empty());
        assert_eq!(root_faults("[workspace.lints.rust]\nunsafe_code = \"deny\"\n").len(), 1);
        assert_eq!(root_faults("[profile.release]\npanic = \"abort\"\n").len(), 2);
    }
}
