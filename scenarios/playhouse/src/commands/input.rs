//! The input of a run, from the command line or a scenario's own.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::command_error::CommandError;
use crate::definition::{CaseInput, Definition, InputForm};

/// Where the input comes from.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(super) struct InputArgs {
    /// The input: as it is if the scenario takes a text, else JSON
    #[arg(long, value_name = "TEXT")]
    input: Option<String>,
    /// A file that holds the input; `-` for stdin
    #[arg(long, value_name = "F")]
    input_file: Option<PathBuf>,
    /// A folder of cases: each becomes a run of one batch
    #[arg(long, value_name = "D")]
    input_dir: Option<PathBuf>,
}

/// What a command runs on.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Input {
    /// One input, as JSON text.
    One(String),
    /// The cases of a folder.
    Cases {
        /// The folder's absolute path.
        path: PathBuf,
        /// Its cases; never empty.
        cases: Vec<CaseInput>,
    },
}

impl InputArgs {
    /// Reads the input: what the command line names, else the scenario's own.
    pub(super) fn read(&self, definition: &Definition) -> Result<Input, CommandError> {
        if let Some(text) = &self.input {
            return as_json(definition, text.clone()).map(Input::One);
        }
        if let Some(path) = &self.input_file {
            return as_json(definition, read_file(path)?).map(Input::One);
        }
        if let Some(path) = self.input_dir.as_ref().or(definition.default_cases.as_ref()) {
            return read_cases(definition, path);
        }
        if let Some(input) = &definition.default_input {
            return Ok(Input::One(input.clone()));
        }
        // A scenario whose input is nothing takes no words to run.
        if definition.input == InputForm::Json && (definition.opening)("null").is_ok() {
            return Ok(Input::One("null".to_owned()));
        }
        let or_folder = if definition.cases.is_some() { " or `--input-dir D`" } else { "" };
        Err(CommandError::NoInput { scenario: definition.name.to_string(), or_folder })
    }
}

fn as_json(definition: &Definition, text: String) -> Result<String, CommandError> {
    match definition.input {
        InputForm::Text => Ok(serde_json::to_string(&text)?),
        InputForm::Json => Ok(text),
    }
}

fn read_file(path: &Path) -> Result<String, CommandError> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(CommandError::Stdin)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })
}

fn read_cases(definition: &Definition, path: &Path) -> Result<Input, CommandError> {
    let Some(load) = &definition.cases else {
        return Err(CommandError::NoCases { scenario: definition.name.to_string() });
    };
    let path =
        path.canonicalize().map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })?;
    let cases = load(&path).map_err(CommandError::Cases)?;
    if cases.is_empty() {
        return Err(CommandError::EmptyFolder { path });
    }
    Ok(Input::Cases { path, cases })
}
