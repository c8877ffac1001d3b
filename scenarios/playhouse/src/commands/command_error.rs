//! Why a command did not do what it was asked.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use playhouse_journal::{CodecError, DamagedRun, ReadError};
use playhouse_review::VerdictError;
use playhouse_types::{ExitCode, RunId};

use super::new::NewError;
use super::session::program_name;
use crate::entry::EntryError;
use crate::host::{OpenError, RunError};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("there is no scenario `{name}` in this binary{hint}")]
    UnknownScenario { name: String, hint: String },
    #[error("there is no run `{text}` in `{data_dir}`{hint}")]
    UnknownRun { text: String, data_dir: PathBuf, hint: String },
    #[error(
        "`{text}` is the beginning or end of {count} runs: write more of the id (`{program} runs` lists them)"
    )]
    AmbiguousRun { text: String, count: usize, program: String },
    #[error(
        "run `{run}` is damaged, its row in the store cannot be read: {source}; `{program} doctor --check-store` shows all damage; restore the data directory from a copy, or go on without the run: others are not affected"
    )]
    DamagedRun { run: RunId, source: CodecError, program: String },
    #[error("there is no review `{text}`; `{program} review list` lists those that are open")]
    UnknownReview { text: String, program: String },
    #[error(
        "no open run has a review `{text}`; `{program} review list` lists what waits for a person, and `RUN/{text}` names a review of a run that has ended"
    )]
    NoOpenReview { text: String, program: String },
    #[error("`{text}` is {state} in {} runs: name one of `{}`", names.len(), some(names))]
    AmbiguousReview { text: String, state: &'static str, names: Vec<String> },
    #[error("review `{review}` needs no answer any more: its turn is over (its run is {status})")]
    WithdrawnReview { review: String, status: &'static str },
    #[error("review `{review}` needs no answer any more: its run has ended, it is {status}")]
    EndedReview { review: String, status: &'static str },
    #[error("run `{run}` is not quarantined, it is {status}")]
    NotQuarantined { run: String, status: &'static str },
    #[error("all cases of batch `{batch}` have ended; `{program} resume {batch}` finishes it")]
    NoOpenCase { batch: RunId, program: String },
    #[error("{what} `{run}` has ended: it is {status}")]
    Ended { what: &'static str, run: String, status: &'static str },
    #[error(transparent)]
    Verdict(#[from] VerdictError),
    #[error("scenario `{scenario}` needs an input: `--input TEXT`, `--input-file F`{or_folder}")]
    NoInput { scenario: String, or_folder: &'static str },
    #[error("scenario `{scenario}` reads no cases: use `--input` or `--input-file` instead of `--input-dir`")]
    NoCases { scenario: String },
    #[error("`{path}` holds no case")]
    EmptyFolder { path: PathBuf },
    #[error("{0}")]
    Cases(String),
    #[error("`{path}` cannot be read")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("stdin cannot be read")]
    Stdin(#[source] io::Error),
    #[error("{count} scenario(s) of this binary cannot be run")]
    InvalidScenarios { count: usize },
    #[error("the process cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
    #[error("the output has no JSON form")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    New(#[from] NewError),
}

/// How many names an error lists.
const N_NAMES: usize = 5;

fn some(names: &[String]) -> String {
    names.iter().take(N_NAMES).map(String::as_str).collect::<Vec<_>>().join("`, `")
}

impl CommandError {
    /// Says that a run cannot be used.
    pub(super) fn damaged(DamagedRun { run, source }: DamagedRun) -> Self {
        Self::DamagedRun { run, source, program: program_name() }
    }

    /// Returns what the process ends with.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Open(error) => error.exit_code(),
            Self::Run(error) => error.exit_code(),
            Self::WithdrawnReview { .. }
            | Self::EndedReview { .. }
            | Self::NotQuarantined { .. }
            | Self::NoOpenCase { .. }
            | Self::Ended { .. }
            | Self::DamagedRun { .. } => ExitCode::Failed,
            Self::Verdict(VerdictError::Closed { .. } | VerdictError::Stale { .. }) => ExitCode::Failed,
            Self::Read(ReadError::UnknownRun { .. }) => ExitCode::Usage,
            Self::Read(ReadError::Corrupt { .. }) | Self::Signals(_) | Self::Output(_) | Self::Json(_) => {
                ExitCode::Failed
            }
            Self::Read(_) => ExitCode::StoreFailed,
            _ => ExitCode::Usage,
        }
    }

    /// Tells whether the reader of stdout has left, as `head` does.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns the error and its causes in one line; a cause that is already told is left out.
    pub(super) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(source) = cause {
            let next = source.to_string();
            if !text.ends_with(&next) {
                text = format!("{text}: {next}");
            }
            cause = source.source();
        }
        text
    }
}
