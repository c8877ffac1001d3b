//! The lock file of a new project: that of the checkout, so that it builds offline with the same versions.

/// What the project itself depends on, as its `Cargo.toml` says.
const DEPENDENCIES: &[&str] = &["playhouse", "schemars", "serde"];

/// Adds the project's own package to a lock file; cargo drops what the project does not need by itself.
///
/// With its entry there, nothing is left for cargo to choose, so it does not ask the registry.
pub(super) fn with_package(lock_file: &str, name: &str) -> String {
    let dependencies: String =
        DEPENDENCIES.iter().map(|dependency| format!(" \"{dependency}\",\n")).collect();
    let package =
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n{dependencies}]\n");
    format!("{}\n{package}", lock_file.trim_end())
}
