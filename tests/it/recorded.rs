//! `--record FILE` and `--model recorded:FILE`, from outside: a run against an endpoint can be had again without it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use playhouse_tests::{Answer, AskedModel, CaseFolder, Endpoint, Playhouse};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::endpoint_crew::crew;

/// The model calls of the two cases: clerk and auditor ask three times, analyst and cashier twice.
const N_CALLS: usize = 20;

/// Two cases, a cassette, and prices for the model that is recorded.
struct Studio {
    folder: CaseFolder,
    dir: TempDir,
}

impl Studio {
    fn new() -> Self {
        let folder = CaseFolder::new(&[]).copy("ahorn-4711", "ahorn", &[]).copy("dorn-1001", "dorn", &[]);
        let dir = TempDir::new().unwrap();
        let prices = r#"{"any-name": {"input": 1000000, "output": 2000000}}"#;
        fs::write(dir.path().join("prices.json"), prices).unwrap();
        Self { folder, dir }
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("tape.jsonl")
    }

    fn model(&self) -> String {
        format!("recorded:{}", self.file("tape.jsonl"))
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path()).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the command that settles the cases, with a model.
    fn run<'a>(&'a self, model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let folder = self.folder.argument();
        let run = ["run", "invoice-review", "--json", "--no-input", "--input-dir", folder, "--model", model];
        [&run[..], more].concat()
    }

    /// Records the cases with an endpoint that is gone afterwards.
    fn record(&self) -> Playhouse {
        let endpoint = Endpoint::start(crew);
        let playhouse = Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url());
        let (tape, prices) = (self.file("tape.jsonl"), self.file("prices.json"));
        let arguments = self.run("any-name", &["--record", &tape, "--prices", &prices]);
        let _ = playhouse.run(&arguments).with_code(0).telling(&["20 replies were recorded into"]);
        playhouse
    }

    /// Replays the cassette where no endpoint is, and checks that it comes to the same.
    #[track_caller]
    fn check_replayed(&self, recorded: &Playhouse) -> Playhouse {
        let playhouse = Playhouse::new().with("OPENAI_BASE_URL", &Endpoint::nobody());
        let model = self.model();
        let _ = playhouse.run(&self.run(&model, &[])).with_code(0);
        assert_eq!(usage(&playhouse), usage(recorded), "usage and costs are what they were");
        check_same(recorded, &playhouse);
        playhouse
    }
}

/// Returns the canonical records of a batch and its cases, without what may differ: the model's name and the attempts
/// that a kill has cut short, both of which are in the intents of model calls.
fn journals(playhouse: &Playhouse) -> Vec<Value> {
    let text = playhouse.run(&["journal", "last", "--canonical"]).with_code(0).stdout;
    let mut records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.retain(|record| record["kind"] != "ModelIntent");
    records.iter_mut().for_each(blank);
    records
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "model" | "lost" | "concurrency" => *value = Value::Null,
                    _ => blank(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(blank),
        _ => {}
    }
}

/// Checks that two batches have the same records.
#[track_caller]
fn check_same(first: &Playhouse, second: &Playhouse) {
    let (first, second) = (journals(first), journals(second));
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());
    assert!(first.len() > 3 * N_CALLS, "{} records", first.len());
}

/// Returns the usage of the batch, without the calls that a kill has cut short.
fn usage(playhouse: &Playhouse) -> Value {
    let mut usage = playhouse.run(&["show", "last", "--json"]).with_code(0).json()["usage"].take();
    blank(&mut usage);
    usage
}

/// An endpoint that answers so many requests and then tells that it does not answer the next.
fn endpoint_until(n_answers: usize) -> (Endpoint, Receiver<()>) {
    let (asked_once_more, told) = channel();
    let n_asked = AtomicUsize::new(0);
    let endpoint = Endpoint::start(move |asked: &AskedModel| {
        if n_asked.fetch_add(1, Ordering::Relaxed) < n_answers {
            return crew(asked);
        }
        // A test that has seen enough does not listen any more.
        let _ = asked_once_more.send(());
        Answer::Silent
    });
    (endpoint, told)
}

#[test]
fn a_batch_is_had_again_from_its_recording_without_the_endpoint() {
    let studio = Studio::new();
    let recorded = studio.record();
    assert_eq!(usage(&recorded)["model_calls"], N_CALLS);
    assert!(usage(&recorded)["cost_microusd"].as_u64().unwrap() > 200, "{}", usage(&recorded));
    let replayed = studio.check_replayed(&recorded);
    // What is on record of a replay can be checked and forked like that of any run.
    let checked = replayed.run(&["replay", "last", "--json"]).with_code(0).json();
    assert_eq!(checked["equal"], true, "{checked:#}");
    let runs = replayed.run(&["runs", "--json"]).with_code(0).json();
    let case = runs.as_array().unwrap().iter().find(|run| run["case"] == "dorn").unwrap();
    let run = case["run"].as_str().unwrap();
    let n_records = replayed.run(&["journal", run]).with_code(0).stdout.lines().count();
    for at in [n_records / 4, n_records / 2, 3 * n_records / 4] {
        let fork = replayed.run(&["fork", run, "--at", &at.to_string(), "--effects", "--json"]);
        assert_eq!(fork.with_code(0).json()["decision"], "ask", "forked at {at}");
    }
}

#[test]
fn a_recording_of_a_folder_serves_for_one_of_its_cases() {
    let studio = Studio::new();
    let _ = studio.record();
    let playhouse = Playhouse::new();
    let (model, folder) = (studio.model(), CaseFolder::new(&[]).copy("dorn-1001", "dorn", &[]));
    let run = [
        "run",
        "invoice-review",
        "--json",
        "--no-input",
        "--input-dir",
        folder.argument(),
        "--model",
        &model,
    ];
    assert_eq!(playhouse.run(&run).with_code(0).json()[0]["decision"], "ask");
}

#[test]
fn a_cassette_is_found_from_another_folder() {
    let studio = Studio::new();
    let _ = studio.record();
    let playhouse = Playhouse::new();
    let mut command = playhouse.command(&studio.run("recorded:tape.jsonl", &[]));
    let replayed = command.current_dir(studio.dir.path()).output().unwrap();
    assert_eq!(replayed.status.code(), Some(0), "{}", String::from_utf8_lossy(&replayed.stderr));
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    let case = runs.as_array().unwrap().iter().find(|run| run["case"] == "dorn").unwrap();
    let fork = ["fork", case["run"].as_str().unwrap(), "--at", "2", "--effects", "--json"];
    assert_eq!(playhouse.run(&fork).with_code(0).json()["decision"], "ask");
}

#[test]
fn what_a_cassette_lacks_is_named() {
    let studio = Studio::new();
    let _ = studio.record();
    let text = fs::read_to_string(studio.path()).unwrap();
    let is_lost = |line: &&str| line.contains("\"case\":\"dorn\"") && line.contains("\"agent\":\"auditor\"");
    let lost: Value = serde_json::from_str(text.lines().find(is_lost).unwrap()).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !is_lost(line)).collect();
    fs::write(studio.path(), kept.join("\n")).unwrap();
    let playhouse = Playhouse::new();
    let model = studio.model();
    let finished = playhouse.run(&studio.run(&model, &[])).without_panic();
    assert_ne!(finished.code, Some(0));
    let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
    let case = runs.as_array().unwrap().iter().find(|run| run["case"] == "dorn").unwrap();
    let journal = playhouse.run(&["journal", case["run"].as_str().unwrap()]).with_code(0).stdout;
    let failure =
        journal.lines().find(|line| line.contains("\"Permanent\"") || line.contains("\"permanent\""));
    let failure = failure.unwrap_or_else(|| panic!("{journal}"));
    let request = &lost["request"].as_str().unwrap()[..12];
    let place = format!("to agent `auditor` in turn {}, step 1 of case `dorn`", lost["turn"]);
    let todo = format!("record again with `--record {}`", studio.path().display());
    for part in [request, &place, &todo, &studio.path().display().to_string()] {
        assert!(failure.contains(part), "{part} is not in {failure}");
    }
}

#[test]
fn a_recording_that_was_killed_goes_on_and_holds_every_reply_once() {
    for n_answers in [0, 1, 7, 13] {
        let studio = Studio::new();
        let (endpoint, told) = endpoint_until(n_answers);
        let (tape, prices) = (studio.file("tape.jsonl"), studio.file("prices.json"));
        let record = ["--record", &tape, "--prices", &prices];
        let playhouse = Playhouse::new();
        // One after the other: what was answered before the next is asked is in the cassette.
        let started = studio.run("any-name", &[&record[..], &["--concurrency", "1"]].concat());
        let mut command = playhouse.command(&started);
        let mut child = command.env("OPENAI_BASE_URL", endpoint.base_url()).spawn().unwrap();
        told.recv().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(studio.lines().len(), n_answers);
        drop(endpoint);
        let endpoint = Endpoint::start(crew);
        let resume = [&["resume", "--all", "--json", "--no-input"][..], &record].concat();
        let mut command = playhouse.command(&resume);
        let resumed = command.env("OPENAI_BASE_URL", endpoint.base_url()).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
        assert!(!String::from_utf8_lossy(&resumed.stderr).contains("incomplete"));
        assert_eq!(endpoint.n_requests(), N_CALLS - n_answers, "what was recorded is not paid again");
        drop(endpoint);
        let place =
            |line: &Value| [line["run"].to_string(), line["turn"].to_string(), line["step"].to_string()];
        let mut places: Vec<_> = studio.lines().iter().map(place).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!((places.len(), studio.lines().len()), (N_CALLS, N_CALLS), "{n_answers} answers");
        studio.check_replayed(&playhouse);
    }
}

#[test]
fn a_recording_that_begins_in_the_middle_of_a_run_says_what_it_lacks() {
    let studio = Studio::new();
    let (endpoint, told) = endpoint_until(7);
    let playhouse = Playhouse::new();
    let mut command = playhouse.command(&studio.run("any-name", &["--concurrency", "1"]));
    let mut child = command.env("OPENAI_BASE_URL", endpoint.base_url()).spawn().unwrap();
    told.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(endpoint);
    let endpoint = Endpoint::start(crew);
    let tape = studio.file("tape.jsonl");
    let mut command = playhouse.command(&["resume", "--all", "--no-input", "--record", &tape]);
    let resumed = command.env("OPENAI_BASE_URL", endpoint.base_url()).output().unwrap();
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    assert_eq!(resumed.status.code(), Some(0), "{stderr}");
    for part in ["13 replies were recorded into", "7 replies were given to the runs earlier without being"] {
        assert!(stderr.contains(part), "{part} is not in\n{stderr}");
    }
}

#[test]
fn a_replay_that_was_killed_goes_on_from_the_cassette() {
    let studio = Studio::new();
    let recorded = studio.record();
    let model = studio.model();
    let playhouse = Playhouse::new();
    let mut started = playhouse.start(&studio.run(&model, &[]));
    assert!(started.wait_for_lines(8));
    let _ = started.kill();
    let _ = playhouse.run(&["resume", "--all", "--no-input"]).with_code(0);
    check_same(&recorded, &playhouse);
}

#[test]
fn a_recording_that_was_cut_loses_half_a_line_and_says_so() {
    let studio = Studio::new();
    let _ = studio.record();
    let text = fs::read_to_string(studio.path()).unwrap();
    fs::write(studio.path(), &text[..text.len() - 9]).unwrap();
    let playhouse = Playhouse::new();
    let model = studio.model();
    let finished = playhouse.run(&studio.run(&model, &[])).without_panic();
    assert_ne!(finished.code, Some(0));
    let endpoint = Endpoint::start(crew);
    let again = Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url());
    let tape = studio.file("tape.jsonl");
    let finished = again.run(&studio.run("any-name", &["--record", &tape])).with_code(0);
    let _ = finished.telling(&["20 replies were recorded", "its line 21 was cut in the middle"]);
    // The new recording wins, and its costs are unknown as its prices were.
    let replayed = studio.check_replayed(&again);
    assert_eq!(usage(&replayed)["cost_microusd"], json!(null));
}

#[test]
fn two_processes_do_not_record_into_one_file() {
    let studio = Studio::new();
    let (endpoint, told) = endpoint_until(3);
    let first = Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url());
    let (tape, model) = (studio.file("tape.jsonl"), studio.model());
    let record = ["--record", tape.as_str(), "--concurrency", "1"];
    let started = first.start(&studio.run("any-name", &record));
    told.recv().unwrap();
    let second = Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url());
    for arguments in [studio.run("any-name", &record), studio.run(&model, &[])] {
        let refused = second.run(&arguments).with_code(2);
        let _ = refused.telling(&["tape.jsonl", "is being recorded at this moment"]);
    }
    assert_eq!(second.run(&["runs", "--json"]).json(), json!([]));
    let _ = started.kill();
    assert_eq!(studio.lines().len(), 3);
}

#[test]
fn a_cassette_that_cannot_be_used_is_refused_before_anything_is_written() {
    let studio = Studio::new();
    let (model, playhouse) = (studio.model(), Playhouse::new());
    let check = |arguments: &[&str], parts: &[&str]| {
        let _ = playhouse.run(arguments).with_code(2).telling(parts);
        assert_eq!(playhouse.run(&["runs", "--json"]).with_code(0).json(), json!([]));
    };
    let replay = studio.run(&model, &[]);
    check(&replay, &["tape.jsonl` cannot be opened: No such file"]);
    check(&studio.run("recorded:", &[]), &["model `recorded:` names no file: write `recorded:FILE`"]);
    for (text, part) in [
        ("{\"playhouse_cassette\":2}\n", "has format 2, this build reads formats up to 1"),
        ("my notes\n", "tape.jsonl` is not a cassette"),
        ("{\"playhouse_cassette\":1}\nmy notes\n", "line 2 of cassette"),
        ("", "is not a cassette"),
    ] {
        fs::write(studio.path(), text).unwrap();
        check(&replay, &["tape.jsonl", part]);
        if !text.is_empty() {
            let tape = studio.file("tape.jsonl");
            check(&studio.run("scripted", &["--record", &tape]), &["tape.jsonl", part]);
            assert_eq!(fs::read_to_string(studio.path()).unwrap(), text, "it is left as it was");
        }
    }
}

#[test]
fn a_run_loses_nothing_when_the_disk_of_its_cassette_is_full() {
    let studio = Studio::new();
    let playhouse = Playhouse::new();
    let tape = studio.file("tape.jsonl");
    // Nothing but the cassette becomes so large, as the store is in memory.
    let command =
        playhouse.command(&studio.run("scripted", &["--record", &tape, "--durability", "ephemeral"]));
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]).arg(command.get_program());
    limited.args(command.get_args()).current_dir(playhouse.dir());
    let finished = limited.output().unwrap();
    let stderr = String::from_utf8_lossy(&finished.stderr);
    assert_eq!(finished.status.code(), Some(0), "{stderr}");
    for part in ["is incomplete", "not written (File too large", "record again"] {
        assert!(stderr.contains(part), "{part} is not in\n{stderr}");
    }
    let results: Value = serde_json::from_slice(&finished.stdout).unwrap();
    assert_eq!(results.as_array().unwrap().len(), 2);
    let text = fs::read_to_string(studio.path()).unwrap();
    assert!(text.ends_with('\n') && text.len() <= 8 << 10, "{} bytes", text.len());
    assert!(!studio.lines().is_empty(), "what there was room for is there, in whole lines");
}
