//! Finding a run by its id, the beginning or end of it, or `last`.

use std::path::Path;

use playhouse_journal::RunRow;
use playhouse_types::RunId;

use super::command_error::CommandError;
use super::session::program_name;
use crate::nearest::nearest;

/// The fewest characters that may stand for an id.
const SHORTEST: usize = 4;

/// Returns the run that `text` means: an id, at least four characters of its beginning or end, or `last` for the newest
/// that is not part of a batch.
pub(super) fn find_run<'a>(
    rows: &'a [RunRow],
    text: &str,
    data_dir: &Path,
) -> Result<&'a RunRow, CommandError> {
    let unknown = |hint: String| CommandError::UnknownRun {
        text: text.to_owned(),
        data_dir: data_dir.to_owned(),
        hint,
    };
    if rows.is_empty() {
        return Err(unknown("; it has no runs".to_owned()));
    }
    if text == "last" {
        let newest = rows.iter().rev().find(|row| row.parent.is_none());
        return newest.ok_or_else(|| unknown(String::new()));
    }
    let wanted = text.to_ascii_lowercase();
    if let Some(exact) = rows.iter().find(|row| row.run.to_string() == wanted) {
        return Ok(exact);
    }
    let meant: Vec<&RunRow> = rows.iter().filter(|row| is_meant(row.run, text)).collect();
    match meant.as_slice() {
        [row] => Ok(row),
        [] => {
            let ids: Vec<String> = rows.iter().rev().map(|row| row.run.to_string()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let hint = if wanted.len() == 26 { nearest(&wanted, &ids) } else { None };
            Err(unknown(hint.unwrap_or_else(|| format!("; `{} runs` lists those there are", program_name()))))
        }
        several => Err(CommandError::AmbiguousRun {
            text: text.to_owned(),
            count: several.len(),
            program: program_name(),
        }),
    }
}

/// Tells whether `text` is an id or enough of its beginning or end.
pub(super) fn is_meant(run: RunId, text: &str) -> bool {
    let (id, wanted) = (run.to_string(), text.to_ascii_lowercase());
    wanted.len() >= SHORTEST && (id.starts_with(&wanted) || id.ends_with(&wanted))
}

#[cfg(test)]
mod tests {
    use super::find_run;
    use playhouse_journal::{RunKey, RunRow};
    use playhouse_types::{RunId, ScenarioName, Timestamp, TraceContext};
    use std::path::Path;

    fn rows() -> Vec<RunRow> {
        let row = |id: &str| {
            let name = ScenarioName::new("demo").unwrap();
            RunRow::admitted(
                id.parse::<RunId>().unwrap(),
                name,
                Timestamp(0),
                TraceContext::default(),
                RunKey([0; 32]),
            )
        };
        let mut child = row("01aaaaaaaaaaaaaaaaaaaacccc");
        let parent = row("01aaaaaaaaaaaaaaaaaaaabbbb");
        child.parent = Some(parent.run);
        vec![row("01aaaaaaaaaaaaaaaaaaaaaaaa"), parent, child]
    }

    #[track_caller]
    fn check(text: &str, expected: Result<usize, &str>) {
        let rows = rows();
        match (find_run(&rows, text, Path::new("data")), expected) {
            (Ok(found), Ok(place)) => assert_eq!(found, &rows[place]),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn an_id_or_a_part_of_it_names_a_run() {
        check("01aaaaaaaaaaaaaaaaaaaabbbb", Ok(1));
        check("bbbb", Ok(1));
        check("CCCC", Ok(2));
        check("01aaaaaaaaaaaaaaaaaaaaaa", Ok(0));
    }

    #[test]
    fn the_last_run_is_no_part_of_a_batch() {
        check("last", Ok(1));
    }

    #[test]
    fn what_names_none_or_several_is_refused() {
        check("01aa", Err("3 runs"));
        check("b", Err("there is no run `b`"));
        check("zzzz", Err("runs` lists"));
        assert!(find_run(&[], "last", Path::new("data")).unwrap_err().to_string().contains("has no runs"));
    }
}
