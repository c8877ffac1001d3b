//! Late results: a file of lines for each run, beside the database, so that it takes them when the database does not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use playhouse_storage::{LateError, LateResult, LateResults, StoreError};
use playhouse_types::RunId;

/// The folder of the files.
pub(crate) fn folder(dir: &Path) -> PathBuf {
    dir.join("late")
}

fn file(dir: &Path, run: RunId) -> PathBuf {
    folder(dir).join(format!("{run}.jsonl"))
}

/// Appends a result to the file of a run, durable when it returns. Blocks.
///
/// No lock is taken, because a process that was stopped would keep it: a line is one write at the end of the file.
pub(crate) fn keep(dir: &Path, run: RunId, late: &LateResult) -> Result<(), LateError> {
    keep_with(dir, run, late, sync_folder)
}

fn keep_with(
    dir: &Path,
    run: RunId,
    late: &LateResult,
    mut sync_folder: impl FnMut(&Path) -> io::Result<()>,
) -> Result<(), LateError> {
    let failed = |error| LateError::Store(failed(dir, error));
    fs::create_dir_all(folder(dir)).map_err(failed)?;
    let mut file =
        OpenOptions::new().create(true).read(true).append(true).open(file(dir, run)).map_err(failed)?;
    let n_bytes = file.metadata().map_err(failed)?.len();
    let mut line = late.to_line(run, n_bytes)?;
    if is_cut_off(&mut file, n_bytes).map_err(failed)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line).and_then(|()| file.sync_all()).map_err(failed)?;
    // Every time: whoever made the file may have ended before its name was durable, and late results are rare.
    sync_folder(dir).and_then(|()| sync_folder(&folder(dir))).map_err(failed)
}

/// Tells whether the last line lacks its end, because the process that wrote it ended.
fn is_cut_off(file: &mut File, n_bytes: u64) -> io::Result<bool> {
    if n_bytes == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Reads the results of a run. Blocks.
pub(crate) fn read(dir: &Path, run: RunId) -> Result<LateResults, StoreError> {
    match fs::read(file(dir, run)) {
        Ok(lines) => Ok(LateResults::from_lines(run, &lines)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(LateResults::default()),
        Err(error) => Err(failed(dir, error)),
    }
}

/// Returns the runs that have late results. Blocks.
pub(crate) fn runs(dir: &Path) -> Result<Vec<RunId>, StoreError> {
    let entries = match fs::read_dir(folder(dir)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(|error| failed(dir, error))?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| failed(dir, error))?.file_name();
        // Files of other names are not ours to judge.
        runs.extend(name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse::<RunId>().ok()));
    }
    runs.sort_unstable();
    Ok(runs)
}

/// Makes the names in a folder as durable as what they name.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn failed(dir: &Path, error: io::Error) -> StoreError {
    let path = dir.to_owned();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Failed { path, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use playhouse_journal::{Event, Kind, RecordKey};
    use playhouse_storage::LateResult;
    use playhouse_types::{Incarnation, RunId, Step, Timestamp, TurnId};

    use super::{file, folder, keep_with};

    #[test]
    fn the_name_of_a_file_that_another_process_made_is_made_durable() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::from_u128(7);
        let late = LateResult {
            key: RecordKey::new(TurnId(1), Step(0), 0, Kind::ToolResult),
            epoch: 1,
            incarnation: Incarnation(1),
            time: Timestamp(5),
            event: Event::Suspended { reason: "late".to_owned() },
        };
        // What a process leaves that ended between the creation and the sync of the folder.
        std::fs::create_dir(folder(dir.path())).unwrap();
        std::fs::write(file(dir.path(), run), "").unwrap();
        let mut synced: Vec<PathBuf> = Vec::new();
        keep_with(dir.path(), run, &late, |path| {
            synced.push(path.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(synced, [dir.path().to_owned(), folder(dir.path())]);
    }
}
