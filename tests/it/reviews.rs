//! Reviews, end to end: who waits for a person, who answers from where, and what is done once.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use playhouse_tests::{Playhouse, Terminal, workspace_root};
use serde_json::{Value, json};

/// How often a test looks before it gives up: some minutes, since each look starts a process.
const MANY_LOOKS: usize = 2_000;

/// Shipped cases of `vendor-notice`, in a folder of their own.
struct Letters {
    playhouse: Playhouse,
    folder: PathBuf,
}

impl Letters {
    fn of(case: &str) -> Self {
        Self::of_cases(&[case])
    }

    fn of_cases(cases: &[&str]) -> Self {
        let playhouse = Playhouse::new();
        let folder = playhouse.dir().join("cases");
        fs::create_dir(&folder).unwrap();
        for case in cases {
            let file = format!("{case}.json");
            let shipped = workspace_root().join("scenarios/data/vendor-notice").join(&file);
            fs::copy(shipped, folder.join(&file)).unwrap();
        }
        Self { playhouse, folder }
    }

    /// The words of `run`, with these behind them.
    fn words<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["run", "vendor-notice", "--json", "--input-dir", self.folder.to_str().unwrap()], more].concat()
    }

    fn run_until_it_waits(&self) {
        let _ = self.playhouse.run(&self.words(&["--no-input"])).with_code(3).telling(&["review list"]);
    }

    fn open(&self) -> Vec<Value> {
        self.playhouse.run(&["review", "list", "--json"]).with_code(0).json().as_array().unwrap().clone()
    }

    fn resume(&self) -> Value {
        self.playhouse.run(&["resume", "last", "--json", "--no-input"]).with_code(0).json()[0].clone()
    }

    fn outbox(&self) -> Vec<Value> {
        // An outbox that nothing was put in need not be there.
        let text = fs::read_to_string(self.playhouse.data_dir().join("vendor-notice-outbox.jsonl"));
        text.unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn shown_reviews(&self, id: &Value) -> Value {
        let run = id.as_str().unwrap().split('/').next().unwrap().to_owned();
        self.playhouse.run(&["show", &run, "--json"]).with_code(0).json()["reviews"].clone()
    }
}

#[test]
fn an_approved_letter_is_sent_once_and_the_first_answer_wins() {
    let letters = Letters::of("feldmark");
    letters.run_until_it_waits();
    assert_eq!(letters.outbox(), Vec::<Value>::new());
    let open = letters.open();
    let id = open[0]["id"].as_str().unwrap();
    assert_eq!((open.len(), &open[0]["kind"], &open[0]["case"]), (1, &json!("approval"), &json!("feldmark")));
    let approve = ["review", "approve", id, "--by", "ann"];
    let approved = letters.playhouse.run(&approve).with_code(0).telling(&["resume"]);
    assert!(approved.stdout.contains("approved by ann"), "{}", approved.stdout);
    // The same answer again is the same answer; another one comes too late.
    let _ = letters.playhouse.run(&approve).with_code(0);
    let late = ["review", "reject", id, "--by", "bob", "--reason", "no"];
    let _ = letters.playhouse.run(&late).with_code(1).telling(&["answered before: approved by ann"]);
    assert_eq!(letters.open(), Vec::<Value>::new());
    assert_eq!(letters.resume()["status"], "sent");
    assert_eq!(letters.outbox().len(), 1);
    let reviews = letters.shown_reviews(&open[0]["id"]);
    assert_eq!((&reviews[0]["status"], &reviews[0]["by"]), (&json!("decided"), &json!("ann")), "{reviews:#}");
}

#[test]
fn an_edited_letter_is_sent_as_edited_and_only_if_it_fits() {
    let letters = Letters::of("granith");
    letters.run_until_it_waits();
    let open = letters.open();
    let id = open[0]["id"].as_str().unwrap();
    let edit = |args: &str| letters.playhouse.run(&["review", "edit", id, "--args", args]);
    let _ = edit(r#"{"vendor": "x"}"#).with_code(2).telling(&["`address` is missing"]);
    let _ = edit("@nowhere.json").with_code(2).telling(&["nowhere.json"]);
    let mut arguments = open[0]["arguments"].clone();
    arguments["body"] = json!("Please call us.");
    fs::write(letters.playhouse.dir().join("args.json"), arguments.to_string()).unwrap();
    let _ = edit("@args.json").with_code(0);
    assert_eq!(letters.resume()["status"], "sent");
    assert_eq!(letters.outbox()[0]["body"], "Please call us.");
}

#[test]
fn a_letter_that_names_no_amount_is_approved_by_a_person() {
    let letters = Letters::of("eschenbach");
    let file = letters.folder.join("eschenbach.json");
    let mut case: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let _ = case.as_object_mut().unwrap().remove("amount_minor").unwrap();
    fs::write(&file, case.to_string()).unwrap();
    letters.run_until_it_waits();
    let open = letters.open();
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("approval")), "{open:?}");
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn a_rejected_letter_is_not_sent() {
    let letters = Letters::of("feldmark");
    letters.run_until_it_waits();
    let _ = letters.playhouse.run(&["review", "reject", "last", "--reason", "call them"]).with_code(0);
    let settled = letters.resume();
    assert_eq!(settled["status"], "not_sent");
    assert!(settled["detail"].as_str().unwrap().contains("call them"), "{settled}");
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn a_question_is_answered_by_a_person() {
    let letters = Letters::of("hollerbusch");
    letters.run_until_it_waits();
    let shown = letters.playhouse.run(&["review", "show", "last"]).with_code(0).stdout;
    assert!(shown.contains("Which address") && shown.contains("review answer"), "{shown}");
    let answer = ["review", "answer", "question-1.1.0", "Kitchen Row 1"];
    let _ = letters.playhouse.run(&answer).with_code(0);
    assert_eq!(letters.resume()["status"], "sent");
    assert_eq!(letters.outbox()[0]["address"], "Kitchen Row 1");
}

#[test]
fn an_answer_that_cannot_be_is_refused_and_changes_nothing() {
    let letters = Letters::of("feldmark");
    let _ = letters.playhouse.run(&["review", "list"]).with_code(0).telling(&["nothing waits"]);
    let _ = letters.playhouse.run(&["review", "approve", "last"]).with_code(2).telling(&["review list"]);
    letters.run_until_it_waits();
    let check = |words: &[&str], code, part: &str| {
        let words = [&["review"], words].concat();
        let _ = letters.playhouse.run(&words).with_code(code).telling(&[part]);
    };
    check(&["approve", "approval-9.9.9"], 2, "no open run has a review");
    check(&["approve", "last", "--seen", "0123"], 1, "about something else");
    check(&["answer", "last", "yes"], 2, "approve, edit or reject");
    check(&["answer", "last"], 2, "--did-not-happen");
    assert_eq!(letters.open().len(), 1);
}

#[test]
fn a_waiting_run_can_be_cancelled() {
    let letters = Letters::of("feldmark");
    letters.run_until_it_waits();
    let id = letters.open()[0]["id"].as_str().unwrap().to_owned();
    let cancelled = letters.playhouse.run(&["cancel", "last", "--reason", "not needed"]).with_code(0);
    assert!(cancelled.stdout.contains("cancelled"), "{}", cancelled.stdout);
    assert_eq!(letters.open(), Vec::<Value>::new());
    let told = ["no answer any more", "its run has ended, it is cancelled"];
    let _ = letters.playhouse.run(&["review", "approve", &id]).with_code(1).telling(&told);
    let _ = letters.playhouse.run(&["resume", "last", "--no-input"]).with_code(1);
    let _ = letters.playhouse.run(&["cancel", "last"]).with_code(1).telling(&["has ended"]);
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn a_doubt_of_a_run_that_has_ended_waits_for_nobody() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    assert_eq!(playhouse.run(&["run", "doubtful", "--no-input"]).code, Some(3));
    let listed = || playhouse.run(&["review", "list", "--json"]).with_code(0).json();
    let id = listed()[0]["id"].as_str().unwrap().to_owned();
    let _ = playhouse.run(&["cancel", "last"]).with_code(0);
    assert_eq!(listed(), json!([]));
    let journal = || playhouse.run(&["journal", "last"]).with_code(0).stdout;
    let before = journal();
    let answer = |id: &str| playhouse.run(&["review", "answer", id, "--did-not-happen"]);
    let _ = answer(&id).with_code(1).telling(&[&id, "its run has ended, it is cancelled"]);
    let _ = answer("doubt-1.1.0").with_code(2).telling(&["no open run has a review", "RUN/doubt-1.1.0"]);
    assert_eq!(journal(), before, "an answer that nobody needs is not on record");
    // It is told all the same.
    let shown = playhouse.run(&["review", "show", &id]).with_code(0).stdout;
    assert!(shown.contains("nobody needs an answer any more"), "{shown}");
}

#[test]
fn an_answer_that_was_taken_is_told_after_the_run_has_ended() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    assert_eq!(playhouse.run(&["run", "doubtful", "--no-input"]).code, Some(3));
    let id = playhouse.run(&["review", "list", "--json"]).json()[0]["id"].as_str().unwrap().to_owned();
    let happened = ["review", "answer", &id, "--happened", "ding", "--by", "ann"];
    let _ = playhouse.run(&happened).with_code(0);
    let _ = playhouse.run(&["resume", "last", "--no-input"]).with_code(0);
    let again = playhouse.run(&happened).with_code(0).telling(&["is concluded"]);
    assert!(!again.stderr.contains("resume"), "{again:?}");
    let other = ["review", "answer", &id, "--did-not-happen", "--by", "bob"];
    let _ = playhouse.run(&other).with_code(1).telling(&["answered before", "by ann"]);
}

#[test]
fn a_paused_run_takes_no_further_turn_until_it_is_unpaused() {
    let letters = Letters::of("hollerbusch");
    letters.run_until_it_waits();
    let run = letters.open()[0]["run"].as_str().unwrap().to_owned();
    let _ = letters.playhouse.run(&["pause", &run]).with_code(0).telling(&["unpause"]);
    let _ = letters.playhouse.run(&["review", "answer", "last", "Kitchen Row 1"]).with_code(0);
    let _ = letters.playhouse.run(&["resume", "last", "--no-input"]).with_code(3);
    assert_eq!(letters.outbox(), Vec::<Value>::new());
    let _ = letters.playhouse.run(&["unpause", &run]).with_code(0);
    assert_eq!(letters.resume()["status"], "sent");
}

#[test]
fn a_run_can_be_paused_again_after_it_was_unpaused() {
    let letters = Letters::of("hollerbusch");
    letters.run_until_it_waits();
    let run = letters.open()[0]["run"].as_str().unwrap().to_owned();
    let status = || letters.playhouse.run(&["show", &run, "--json"]).with_code(0).json()["status"].clone();
    for _ in 0..2 {
        let _ = letters.playhouse.run(&["pause", &run]).with_code(0);
        assert_eq!(status(), "paused");
        let _ = letters.playhouse.run(&["unpause", &run]).with_code(0);
        assert_ne!(status(), "paused");
    }
    let _ = letters.playhouse.run(&["pause", &run]).with_code(0);
    let _ = letters.playhouse.run(&["review", "answer", "last", "Kitchen Row 1"]).with_code(0);
    let resumed = letters.playhouse.run(&["resume", &run, "--no-input"]).with_code(3);
    let _ = resumed.telling(&[&format!("unpause {run}")]);
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn a_fork_of_a_paused_run_is_not_paused() {
    let letters = Letters::of("hollerbusch");
    letters.run_until_it_waits();
    let source = letters.open()[0]["run"].as_str().unwrap().to_owned();
    let show = |run: &str| letters.playhouse.run(&["show", run, "--json"]).with_code(0).json();
    let _ = letters.playhouse.run(&["pause", &source]).with_code(0);
    let _ = letters.playhouse.run(&["review", "answer", "last", "Kitchen Row 1"]).with_code(0);
    // It goes on with what is open, and stays paused.
    let _ = letters.playhouse.run(&["resume", &source, "--no-input"]).with_code(3);
    let n_records =
        letters.playhouse.run(&["journal", &source]).with_code(0).stdout.lines().count().to_string();
    let fork = ["fork", &source, "--at", &n_records, "--effects"];
    let _ = letters.playhouse.run(&fork).with_code(3).telling(&["where nothing was open or paused"]);
    // The answer came after the pause: the fork asks for its own.
    let open = letters.open();
    let forked = open[0]["run"].as_str().unwrap();
    assert_eq!((open.len(), forked == source), (1, false), "{open:#?}");
    assert_eq!((&show(&source)["status"], &show(forked)["status"]), (&json!("paused"), &json!("waiting")));
    let _ = letters.playhouse.run(&["review", "answer", "last", "Kitchen Row 2"]).with_code(0);
    let _ = letters.playhouse.run(&["resume", forked, "--no-input"]).with_code(0);
    assert_eq!(show(&source)["status"], "paused");
    assert_eq!(letters.outbox()[0]["address"], "Kitchen Row 2");
    let _ = letters.playhouse.run(&["unpause", &source]).with_code(0);
    let _ = letters.playhouse.run(&["resume", &source, "--no-input"]).with_code(0);
}

#[test]
fn a_letter_that_was_cut_off_is_sent_again_only_if_a_person_has_found_that_it_did_not_leave() {
    let letters = Letters::of("eschenbach");
    let pipe = letters.playhouse.dir().join("outbox");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A full pipe: the letter is being sent for as long as nobody reads.
    let mut options = OpenOptions::new();
    let mut end = options.read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open(&pipe).unwrap();
    while end.write(&[b'x'; 1024]).is_ok() {}
    let outbox = format!("outbox={}", pipe.display());
    let started = letters.playhouse.start(&letters.words(&["--no-input", "--set", &outbox]));
    let is_sending = || {
        let runs = letters.playhouse.run(&["runs", "--json"]).with_code(0).json();
        let case = runs.as_array().unwrap().iter().find(|run| run["case"].is_string()).cloned();
        case.is_some_and(|case| {
            let journal = letters.playhouse.run(&["journal", case["run"].as_str().unwrap()]).with_code(0);
            journal.stdout.contains("\"send_letter\"") && journal.stdout.contains("\"ToolIntent\"")
        })
    };
    assert!((0..MANY_LOOKS).any(|_| is_sending()), "the letter is not being sent\n{:?}", started.kill());
    let _ = started.kill();
    let mut drained = Vec::new();
    // It ends with an error: nobody writes, and nobody has closed.
    let _ = end.read_to_end(&mut drained);
    assert!(drained.iter().all(|byte| *byte == b'x'));
    let waits = || {
        let _ = letters.playhouse.run(&["resume", "last", "--no-input"]).with_code(3);
        assert_eq!(letters.open()[0]["kind"], "doubt");
    };
    waits();
    let _ = letters.playhouse.run(&["review", "answer", "last", "--did-not-happen"]).with_code(0);
    // It leaves now, but a pipe cannot be synced: in doubt again, and not sent again.
    waits();
    waits();
    let _ = letters.playhouse.run(&["review", "answer", "last", "--happened", "posted"]).with_code(0);
    assert_eq!(letters.resume()["status"], "sent");
    let mut sent = Vec::new();
    let _ = end.read_to_end(&mut sent);
    assert_eq!(String::from_utf8(sent).unwrap().lines().count(), 1);
}

#[test]
fn a_person_at_the_terminal_is_asked_and_the_run_goes_on() {
    let letters = Letters::of("feldmark");
    let mut terminal = Terminal::start(letters.playhouse.command(&letters.words(&[])));
    terminal.wait_for("wants to call send_letter");
    terminal.wait_for("> ");
    terminal.type_line("e");
    terminal.wait_for("JSON in one line> ");
    terminal.type_line("{}");
    // What does not fit is asked again.
    terminal.wait_for("`vendor` is missing");
    terminal.wait_for("wants to call send_letter");
    terminal.wait_for("> ");
    terminal.type_line("a");
    let finished = terminal.finish().with_code(0);
    assert_eq!(finished.json()[0]["status"], "sent");
    assert_eq!(letters.outbox().len(), 1);
}

#[test]
fn another_process_answers_what_a_terminal_asks() {
    let letters = Letters::of("feldmark");
    let mut terminal = Terminal::start(letters.playhouse.command(&letters.words(&[])));
    terminal.wait_for("reject, Enter to leave it open> ");
    let approved = letters.playhouse.run(&["review", "approve", "last", "--by", "ann"]).with_code(0);
    assert!(approved.stdout.contains("approved by ann"), "{}", approved.stdout);
    terminal.wait_for("it needs no answer any more");
    let finished = terminal.finish().with_code(0);
    assert_eq!(finished.json()[0]["status"], "sent");
}

#[test]
fn a_review_that_is_left_open_lets_the_run_rest() {
    let letters = Letters::of("feldmark");
    let mut terminal = Terminal::start(letters.playhouse.command(&letters.words(&[])));
    terminal.wait_for("reject, Enter to leave it open> ");
    terminal.type_line("");
    let _ = terminal.finish().with_code(3);
    let mut terminal = Terminal::start(letters.playhouse.command(&["resume", "last"]));
    terminal.wait_for("reject, Enter to leave it open> ");
    terminal.end_input();
    let _ = terminal.finish().with_code(3);
    assert_eq!(letters.open().len(), 1);
}

#[test]
fn a_line_that_was_begun_at_another_question_answers_nothing() {
    let letters = Letters::of_cases(&["feldmark", "granith"]);
    let mut terminal = Terminal::start(letters.playhouse.command(&letters.words(&[])));
    terminal.wait_for("reject, Enter to leave it open> ");
    let asked = if terminal.seen().contains("?? feldmark") { "feldmark" } else { "granith" };
    terminal.type_text("a");
    terminal.wait_for("a");
    assert!((0..MANY_LOOKS).any(|_| letters.open().len() == 2), "{}", terminal.seen());
    let open = letters.open();
    let id = open.iter().find(|review| review["case"] == asked).unwrap()["id"].as_str().unwrap();
    let _ = letters.playhouse.run(&["review", "reject", id, "--reason", "no"]).with_code(0);
    terminal.wait_for("it needs no answer any more");
    terminal.wait_for("reject, Enter to leave it open> ");
    terminal.type_line("");
    let _ = terminal.finish().with_code(3);
    assert_eq!(letters.open().len(), 1);
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn lines_that_were_typed_ahead_answer_no_other_question() {
    let letters = Letters::of_cases(&["feldmark", "granith"]);
    let mut terminal = Terminal::start(letters.playhouse.command(&letters.words(&[])));
    terminal.wait_for("reject, Enter to leave it open> ");
    // The second question waits behind the first.
    assert!((0..MANY_LOOKS).any(|_| letters.open().len() == 2), "{}", terminal.seen());
    terminal.type_text("r\nno\na\n");
    terminal.wait_for("reject, Enter to leave it open> ");
    terminal.type_line("r");
    terminal.wait_for("why> ");
    terminal.type_line("no");
    let _ = terminal.finish().with_code(0);
    assert_eq!(letters.outbox(), Vec::<Value>::new());
}

#[test]
fn an_answer_that_was_refused_can_be_given_again_after_a_restart() {
    let letters = Letters::of("feldmark");
    let mut command = letters.playhouse.command(&letters.words(&[]));
    for _ in 0..2 {
        let mut terminal = Terminal::start(command);
        terminal.wait_for("reject, Enter to leave it open> ");
        terminal.type_line("e");
        terminal.wait_for("JSON in one line> ");
        terminal.type_line("{}");
        terminal.wait_for("`vendor` is missing");
        terminal.wait_for("reject, Enter to leave it open> ");
        terminal.type_line("");
        let _ = terminal.finish().with_code(3);
        command = letters.playhouse.command(&["resume", "last"]);
    }
    assert_eq!(letters.open().len(), 1);
}

#[test]
fn a_review_that_nobody_answers_in_time_counts_as_rejected() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let first = playhouse.run(&["run", "expiring", "--no-input"]).without_panic();
    // Its time may be over before the run rests.
    assert!(matches!(first.code, Some(0 | 3)), "{first:?}");
    let resumed = playhouse.run(&["resume", "last", "--no-input", "--json"]).with_code(0);
    assert_eq!(resumed.json(), json!("failed: true DONE"));
    assert!(!playhouse.data_dir().join("door").exists());
    let _ = playhouse.run(&["review", "approve", "approval-1.1.0"]).with_code(2);
}

#[test]
fn only_a_quarantined_run_is_decided_about() {
    let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
    let _ = playhouse.run(&["quarantine", "list"]).with_code(0).telling(&["no run is quarantined"]);
    let _ = playhouse.run(&["run", "greeting"]).with_code(0);
    let _ = playhouse.run(&["quarantine", "amend", "last"]).with_code(2);
    let _ = playhouse.run(&["quarantine", "skip", "last"]).with_code(1).telling(&["is not quarantined"]);
}

#[test]
fn a_result_steers_no_terminal_and_reaches_a_pipe_as_it_is() {
    let vendor = "Feld\u{202e}mark";
    let case = json!({
        "vendor": vendor, "address": "Dock Road 17", "notice": "rejected", "invoice": "FL-1", "reason": "late",
        "amount_minor": 5
    });
    let (playhouse, case) = (Playhouse::new(), case.to_string());
    let words = ["run", "vendor-notice", "--no-input", "--input", &case];
    let shown = Terminal::start_with_output(playhouse.command(&words)).finish().with_code(0);
    assert!(shown.stderr.contains("\"vendor\": \"Feld\\u{202e}mark\""), "{}", shown.stderr);
    assert!(!shown.stderr.contains('\u{202e}'), "{}", shown.stderr);
    let piped = playhouse.run(&words).with_code(0);
    assert!(piped.stdout.contains(vendor), "{}", piped.stdout);
    let words = [&words[..], &["--json"]].concat();
    let shown = Terminal::start_with_output(playhouse.command(&words)).finish().with_code(0);
    assert!(shown.stderr.contains(r"Feld\u202emark"), "{}", shown.stderr);
}

#[test]
fn a_hint_can_be_copied_whatever_the_data_directory() {
    let letters = Letters::of("feldmark");
    let waiting = letters.playhouse.run(&letters.words(&["--no-input"])).with_code(3);
    let hint = format!(" --data-dir {} review list", letters.playhouse.data_dir().display());
    let _ = waiting.telling(&[&hint]);
    let shown = letters.playhouse.run(&["review", "show", "last"]).with_code(0);
    let hint = format!(" --data-dir {} review approve", letters.playhouse.data_dir().display());
    assert!(shown.stdout.contains(&hint), "{}", shown.stdout);
}

#[test]
fn all_runs_are_an_array_even_if_there_is_one() {
    let letters = Letters::of("feldmark");
    letters.run_until_it_waits();
    let resume =
        |words: &[&str]| letters.playhouse.run(&[&["resume", "--json", "--no-input"], words].concat());
    assert_eq!(resume(&["last"]).with_code(3).json(), json!([null]));
    // The result of a batch is an array itself.
    assert_eq!(resume(&["--all"]).with_code(3).json(), json!([[null]]));
}

#[test]
fn a_batch_whose_cases_have_all_ended_is_finished_by_resuming_it() {
    let letters = Letters::of("feldmark");
    letters.run_until_it_waits();
    let case = letters.open()[0]["run"].as_str().unwrap().to_owned();
    let _ = letters.playhouse.run(&["cancel", &case]).with_code(0);
    let refused = letters.playhouse.run(&["cancel", "last"]).with_code(1);
    let _ = refused.telling(&["have ended", "resume"]);
    let _ = letters.playhouse.run(&["resume", "last", "--no-input"]).with_code(1);
    let _ = letters.playhouse.run(&["cancel", "last"]).with_code(1).telling(&["has ended"]);
}

#[test]
fn a_review_that_several_runs_have_answered_is_not_called_open() {
    let letters = Letters::of_cases(&["feldmark", "granith"]);
    letters.run_until_it_waits();
    let _ = letters.playhouse.run(&["review", "show", "approval-3.1.0"]).with_code(2).telling(&["open in 2"]);
    for review in letters.open() {
        let id = review["id"].as_str().unwrap();
        let _ = letters.playhouse.run(&["review", "reject", id, "--reason", "no"]).with_code(0);
    }
    let several = letters.playhouse.run(&["review", "show", "approval-3.1.0"]).with_code(2);
    let _ = several.telling(&["answered in 2 runs"]);
}
