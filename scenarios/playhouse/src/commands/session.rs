//! What all commands share: the scenarios of the binary, the common options, the way to the store.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::Args;
use playhouse_journal::{JournalRead, ReadError, Record, RunRow};
use playhouse_types::{ExitCode, RunId, Seq};

use super::command_error::CommandError;
use super::find_run::{find_run, is_meant};
use super::find_scenario::find_scenario;
use super::recording::tell_recording;
use super::tell;
use crate::ScenarioEntry;
use crate::definition::Definition;
use crate::host::{Runtime, RuntimeOptions};

/// Where runs are kept unless said otherwise.
const DEFAULT_DATA_DIR: &str = ".playhouse";

/// Where runs are kept if that is not the default: what is said can be copied and means the same runs.
static OTHER_DATA_DIR: OnceLock<PathBuf> = OnceLock::new();

/// How many records are read at once.
const PAGE: usize = 1_000;

/// Options that every command takes.
#[derive(Args, Debug)]
pub(super) struct CommonArgs {
    /// Prints results as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Where runs are kept
    #[arg(long, global = true, value_name = "D", env = "PLAYHOUSE_DATA_DIR", default_value = DEFAULT_DATA_DIR)]
    data_dir: PathBuf,
}

/// What all commands share.
pub(super) struct Session<'a> {
    scenarios: &'a [ScenarioEntry],
    common: CommonArgs,
    is_attended: bool,
    prices: Option<PathBuf>,
    record: Option<PathBuf>,
}

impl<'a> Session<'a> {
    /// Makes the session of one command; `is_attended` if a person answers what runs ask. A data directory that is named by an empty text counts as not named.
    pub(super) fn new(scenarios: &'a [ScenarioEntry], mut common: CommonArgs, is_attended: bool) -> Self {
        if common.data_dir.as_os_str().is_empty() {
            common.data_dir = PathBuf::from(DEFAULT_DATA_DIR);
        }
        if common.data_dir != Path::new(DEFAULT_DATA_DIR) {
            // A process serves one command.
            let _ = OTHER_DATA_DIR.set(common.data_dir.clone());
        }
        Self { scenarios, common, is_attended, prices: None, record: None }
    }

    /// Takes model prices from a file.
    pub(super) fn with_prices(mut self, prices: Option<PathBuf>) -> Self {
        self.prices = prices;
        self
    }

    /// Records the replies of models into a file.
    pub(super) fn with_record(mut self, record: Option<PathBuf>) -> Self {
        self.record = record;
        self
    }

    pub(super) const fn scenarios(&self) -> &'a [ScenarioEntry] {
        self.scenarios
    }

    pub(super) const fn is_json(&self) -> bool {
        self.common.json
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.common.data_dir
    }

    /// Returns the options of a runtime as the command line and the environment say.
    pub(super) fn options(&self) -> RuntimeOptions {
        let options = RuntimeOptions::new(&self.common.data_dir).with_environment();
        let (prices, record) = (self.prices.clone(), self.record.clone());
        RuntimeOptions { attended: self.is_attended, prices, record, ..options }
    }

    /// Opens the store for a command that changes something; `None` if there is none yet, so that none is made.
    pub(super) async fn open_existing(&self) -> Result<Option<Runtime>, CommandError> {
        if !self.common.data_dir.exists() {
            return Ok(None);
        }
        Ok(Some(Runtime::open_with(self.options()).await?))
    }

    /// Opens the store for a command that only looks, which needs no right to write; `None` if there is none yet.
    pub(super) async fn open_to_read(&self) -> Result<Option<Runtime>, CommandError> {
        Ok(Runtime::open_to_read(self.options()).await?)
    }

    /// Opens the store for a command that changes something, and finds the run that `text` names.
    pub(super) async fn open_run(&self, text: &str) -> Result<Opened, CommandError> {
        self.find(self.open_existing().await?, text).await
    }

    /// Opens the store for a command that only looks, and finds the run that `text` names.
    pub(super) async fn read_run(&self, text: &str) -> Result<Opened, CommandError> {
        self.find(self.open_to_read().await?, text).await
    }

    async fn find(&self, runtime: Option<Runtime>, text: &str) -> Result<Opened, CommandError> {
        let Some(runtime) = runtime else {
            find_run(&[], text, self.data_dir())?;
            return Err(CommandError::UnknownRun {
                text: text.to_owned(),
                data_dir: self.common.data_dir.clone(),
                hint: String::new(),
            });
        };
        let rows = runtime.journal().runs().await?;
        let row = match find_run(&rows, text, self.data_dir()) {
            Ok(row) => row.clone(),
            Err(unknown @ CommandError::UnknownRun { .. }) => {
                let damaged = runtime.journal().damaged_runs().await?;
                let meant = damaged.into_iter().find(|damaged| is_meant(damaged.run, text));
                return Err(meant.map_or(unknown, CommandError::damaged));
            }
            Err(ambiguous) => return Err(ambiguous),
        };
        Ok(Opened { runtime, rows, row })
    }

    /// Builds the definition that a stored run needs; the error is a sentence for a person.
    pub(super) fn stored_definition(
        &self,
        name: &str,
        parameters_json: &str,
    ) -> Result<Arc<Definition>, String> {
        let entry = find_scenario(self.scenarios, name).map_err(|error| error.to_string())?;
        entry.build(parameters_json).map_err(|error| error.to_string())
    }
}

/// An open store and a run in it.
pub(super) struct Opened {
    pub(super) runtime: Runtime,
    /// All runs, oldest first.
    pub(super) rows: Vec<RunRow>,
    /// The run that was named.
    pub(super) row: RunRow,
}

/// Closes a runtime behind a command that came to `outcome`. That the store failed, be it at this last moment, outweighs
/// what the command came to.
pub(super) async fn close(
    runtime: Runtime,
    outcome: Result<ExitCode, CommandError>,
) -> Result<ExitCode, CommandError> {
    let recorder = runtime.recorder();
    let closed = runtime.close().await.map_err(CommandError::from);
    tell_recording(recorder.as_deref());
    let Err(failed) = closed else { return outcome };
    match outcome {
        // It has been told already.
        Err(error) if error.exit_code() == ExitCode::StoreFailed => Err(error),
        Ok(ExitCode::StoreFailed) => Ok(ExitCode::StoreFailed),
        Ok(code) => Ok(tell(&failed).worse(code)),
        Err(error) if error.is_closed_pipe() => Err(failed),
        Err(error) => Ok(tell(&error).worse(tell(&failed))),
    }
}

/// Reads all records of a run.
pub(super) async fn read_records(journal: &dyn JournalRead, run: RunId) -> Result<Vec<Record>, ReadError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(Seq(0), |record| record.seq);
        let page = journal.records(run, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        records.extend(page);
        if is_last {
            return Ok(records);
        }
    }
}

/// Returns the rows of a batch's cases in the order of its cases; the children that are in `rows` if it has no record.
pub(super) fn children(rows: &[RunRow], batch: RunId, records: &[Record]) -> Vec<RunRow> {
    let order: Vec<RunId> = records
        .iter()
        .filter_map(|record| match &record.event {
            playhouse_journal::Event::BatchAdmitted(admitted) => {
                Some(admitted.cases.iter().map(|case| case.run))
            }
            _ => None,
        })
        .flatten()
        .collect();
    let mut children: Vec<RunRow> = rows.iter().filter(|row| row.parent == Some(batch)).cloned().collect();
    children.sort_by_key(|row| order.iter().position(|run| *run == row.run));
    children
}

/// Tells whether there is a person to ask: at a terminal, and not told to ask nobody.
pub(super) fn is_attended(no_input: bool) -> bool {
    !no_input && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Returns how this program is called, for hints that can be copied: its name, and where runs are kept if that is not the
/// default.
pub(super) fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from);
    let name = path.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    called(name.unwrap_or("playhouse"), OTHER_DATA_DIR.get().map(PathBuf::as_path))
}

fn called(name: &str, data_dir: Option<&Path>) -> String {
    let Some(data_dir) = data_dir else { return name.to_owned() };
    let path = data_dir.display().to_string();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+,:@%=".contains(character);
    if path.chars().all(is_plain) {
        format!("{name} --data-dir {path}")
    } else {
        format!("{name} --data-dir '{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::called;
    use std::path::Path;

    #[test]
    fn a_hint_names_a_data_directory_that_is_not_the_default() {
        let call = |path| called("playhouse", Some(Path::new(path)));
        assert_eq!(called("playhouse", None), "playhouse");
        assert_eq!(call("/srv/runs"), "playhouse --data-dir /srv/runs");
        assert_eq!(call("my runs"), "playhouse --data-dir 'my runs'");
        assert_eq!(call("it's"), r"playhouse --data-dir 'it'\''s'");
    }
}
