//! Transcripts of shipped scenarios, stored to be read and compared: `PLAYHOUSE_UPDATE_SAMPLES=1` writes them anew.

use std::fmt::Write;
use std::path::PathBuf;

use playhouse_tests::{Playhouse, workspace_root};
use serde_json::Value;

/// Says that the stored transcripts are to be written.
const UPDATE: &str = "PLAYHOUSE_UPDATE_SAMPLES";

/// Compares the newest run of a data directory with the stored transcript of this name.
#[track_caller]
pub(crate) fn check(playhouse: &Playhouse, name: &str) {
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    let transcript = transcript(&shown);
    let path: PathBuf = workspace_root().join("tests/it/golden").join(format!("{name}.txt"));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &transcript).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(transcript, stored, "`{}`: {UPDATE}=1 writes it anew", path.display());
}

/// Writes what was said, done and decided, as people read it.
fn transcript(shown: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut transcript = String::new();
    for message in shown["messages"].as_array().unwrap() {
        for call in message["tool_calls"].as_array().unwrap() {
            let (tool, args, result) = (text(&call["tool"]), &call["args"], text(&call["result"]));
            writeln!(transcript, "--- {} calls {tool} {args}\n{result}", text(&message["from"])).unwrap();
        }
        let heard = match text(&message["to"]).as_str() {
            "conversation" => String::new(),
            other => format!(" to {other}"),
        };
        writeln!(transcript, "--- {}{heard}\n{}", text(&message["from"]), text(&message["content"])).unwrap();
    }
    let outcome = &shown["outcome"];
    writeln!(transcript, "=== {}: {}", text(&outcome["kind"]), text(&outcome["detail"])).unwrap();
    writeln!(transcript, "{}", serde_json::to_string_pretty(&shown["result"]).unwrap()).unwrap();
    transcript
}
