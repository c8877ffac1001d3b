//! Cassettes on the command line: how one is named, and what is said of one that was recorded.

use playhouse_models::{LostReplies, RecordedModel, Recorder, Recording};
use playhouse_types::ModelName;

use crate::view::{Style, say};

/// Returns the model that was named. A cassette gets its whole path: its run may go on from another folder.
pub(super) fn model_name(text: &str) -> ModelName {
    let path = text.strip_prefix(RecordedModel::PREFIX).map(std::path::absolute);
    match path {
        // A path that is no text is kept as it was written, as is one that is empty: it is refused by whoever opens it.
        Some(Ok(path)) => path.to_str().map_or_else(
            || ModelName::new(text),
            |path| ModelName::new(&format!("{}{path}", RecordedModel::PREFIX)),
        ),
        Some(Err(_)) | None => ModelName::new(text),
    }
}

/// Says what has come of a recording, if there was one: a cassette that lacks something must not pass for a whole one.
pub(super) fn tell_recording(recorder: Option<&Recorder>) {
    let Some(recording) = recorder.map(Recorder::finish) else { return };
    let (whole, lacks) = words(&recording);
    let style = Style::of_stderr();
    say(&style.dim(&whole));
    lacks.iter().for_each(|lack| say(&style.bad(lack)));
}

/// Returns what there is, and what there is not.
fn words(recording: &Recording) -> (String, Vec<String>) {
    let Recording { path, n_replies, cut_line, lost, n_missing } = recording;
    let path = path.display();
    let cut = cut_line.map_or_else(String::new, |line| {
        format!("; its line {line} was cut in the middle and has been taken away")
    });
    let mut lacks = Vec::new();
    if let Some(LostReplies { count, cause }) = lost {
        lacks.push(format!(
            "cassette `{path}` is incomplete: {} not written ({cause}); the runs went on, a replay will stop there: record again",
            replies(*count)
        ));
    }
    if *n_missing > 0 {
        lacks.push(format!(
            "cassette `{path}` is incomplete: {} given to the runs earlier without being recorded; a replay will stop there: record again from the beginning",
            replies(*n_missing as u64)
        ));
    }
    (format!("{} recorded into `{path}`{cut}", replies(*n_replies)), lacks)
}

fn replies(count: u64) -> String {
    if count == 1 { "1 reply was".to_owned() } else { format!("{count} replies were") }
}

#[cfg(test)]
mod tests {
    use super::{model_name, words};
    use playhouse_models::{LostReplies, Recording};

    fn recording() -> Recording {
        Recording { path: "tape".into(), n_replies: 3, cut_line: None, lost: None, n_missing: 0 }
    }

    #[test]
    fn a_cassette_is_named_by_its_whole_path_and_other_models_as_they_are() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(model_name("recorded:tape").as_str(), format!("recorded:{}/tape", here.display()));
        for name in ["recorded:", "recorded:/tape", "gpt-x", "scripted"] {
            assert_eq!(model_name(name).as_str(), name);
        }
    }

    #[test]
    fn a_whole_cassette_lacks_nothing() {
        assert_eq!(words(&recording()), ("3 replies were recorded into `tape`".to_owned(), Vec::new()));
    }

    #[test]
    fn what_a_cassette_lacks_is_told() {
        let lost = Some(LostReplies { count: 2, cause: "no space left".to_owned() });
        let (whole, lacks) = words(&Recording { lost, cut_line: Some(7), n_missing: 1, ..recording() });
        assert!(whole.ends_with("; its line 7 was cut in the middle and has been taken away"), "{whole}");
        let expected = [
            "cassette `tape` is incomplete: 2 replies were not written (no space left); the runs went on, a replay will stop there: record again",
            "cassette `tape` is incomplete: 1 reply was given to the runs earlier without being recorded; a replay will stop there: record again from the beginning",
        ];
        assert_eq!(lacks, expected);
    }
}
