//! `playhouse new`: a project of one's own, ready to run.

mod lock_file;
mod template;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use playhouse_types::ExitCode;

use self::template::Template;
use super::command_error::CommandError;
use super::output::{print, print_json};
use super::session::Session;
use crate::view::say;

/// The checkout that this binary was built from.
const OWN_CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where the package `playhouse` is in a checkout.
const PACKAGE: &str = "scenarios/playhouse";

/// Writes a new project into ./NAME: a crew of two scripted agents with a tool, and a test
#[derive(Args, Debug)]
pub(super) struct NewArgs {
    /// The name of folder, package and scenario: lower-case letters, digits and `-`
    name: String,
    /// A checkout of Playhouse that the project builds against [default: the one this program was built from]
    #[arg(long, value_name = "RUNTIME")]
    path: Option<PathBuf>,
}

/// Why no project was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NewError {
    #[error(
        "`{name}` cannot be the name of a package: use lower-case letters, digits and `-`, beginning with a letter"
    )]
    InvalidName { name: String },
    #[error("`{name}` is the name of {what}: choose another")]
    TakenName { name: String, what: &'static str },
    #[error("`{path}` exists already: choose another name, or move it away")]
    Exists { path: PathBuf },
    #[error(
        "`{path}` is not a checkout of Playhouse (it has no `scenarios/playhouse/Cargo.toml`): name one with `--path`"
    )]
    NoCheckout { path: PathBuf },
    #[error("`{path}` cannot be written")]
    NotWritten { path: PathBuf, source: io::Error },
    #[error("`{path}` cannot be read")]
    NotRead { path: PathBuf, source: io::Error },
}

/// Writes a project.
pub(super) fn new(session: &Session<'_>, args: &NewArgs) -> Result<ExitCode, CommandError> {
    let folder =
        write_project(Path::new(""), &args.name, args.path.as_deref().unwrap_or(Path::new(OWN_CHECKOUT)))?;
    if session.is_json() {
        print_json(&serde_json::json!({ "path": folder }))?;
    } else {
        print(&folder.display().to_string())?;
    }
    say(&format!("a crew to start from; try:\n  cd {0}\n  cargo run -- run {0}\n  cargo test", args.name));
    Ok(ExitCode::Concluded)
}

/// Writes the project `name` into a folder of that name within `parent`, and returns its absolute path.
fn write_project(parent: &Path, name: &str, runtime: &Path) -> Result<PathBuf, NewError> {
    check_name(name)?;
    let folder = parent.join(name);
    if folder.symlink_metadata().is_ok() {
        return Err(NewError::Exists { path: folder });
    }
    let no_checkout = || NewError::NoCheckout { path: runtime.to_owned() };
    let runtime = runtime.canonicalize().map_err(|_| no_checkout())?;
    let package = runtime.join(PACKAGE);
    let manifest = std::fs::read_to_string(package.join("Cargo.toml")).map_err(|_| no_checkout())?;
    if !manifest.lines().any(|line| line.trim() == "name = \"playhouse\"") {
        return Err(no_checkout());
    }
    let lock = runtime.join("Cargo.lock");
    let lock = match std::fs::read_to_string(&lock) {
        Ok(text) => Some(lock_file::with_package(&text, name)),
        // Without a lock file cargo chooses the versions itself, if it has a network.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(NewError::NotRead { path: lock, source }),
    };
    let template = Template::new(name, &package);
    for (path, text) in template.files().into_iter().chain(lock.map(|text| ("Cargo.lock", text))) {
        write(&folder.join(path), &text)?;
    }
    folder.canonicalize().map_err(|source| NewError::NotRead { path: folder, source })
}

fn write(path: &Path, text: &str) -> Result<(), NewError> {
    let not_written = |source| NewError::NotWritten { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(not_written)?;
    }
    std::fs::write(path, text).map_err(not_written)
}

/// Accepts names that are a folder, a package, a binary, a scenario and, with `_` for `-`, a module.
fn check_name(name: &str) -> Result<(), NewError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins_well || name.ends_with('-') || name.len() > 64 || !name.chars().all(is_allowed) {
        return Err(NewError::InvalidName { name: name.to_owned() });
    }
    match name {
        "main" | "test" | "core" | "std" | "alloc" | "build" | "deps" | "examples" | "incremental" => {
            Err(NewError::TakenName { name: name.to_owned(), what: "something of Rust or cargo" })
        }
        "playhouse" | "serde" | "schemars" => {
            Err(NewError::TakenName { name: name.to_owned(), what: "a package that the project needs" })
        }
        word if template::is_keyword(word) => {
            Err(NewError::TakenName { name: name.to_owned(), what: "a word of Rust" })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
