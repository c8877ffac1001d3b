//! What a person can do to a run from another process, while it is worked on and while it rests.

use futures::executor::block_on;
use playhouse_tests::{Endpoint, Playhouse, Started};
use serde_json::{Value, json};

use crate::held_model::{HeldModel, MESSAGE};

/// A run of `asker` whose model has been asked and holds its first answer back.
struct Held {
    playhouse: Playhouse,
    model: HeldModel,
    run: Started,
}

impl Held {
    fn start() -> Self {
        let mut model = HeldModel::start();
        let binary = env!("CARGO_BIN_EXE_playhouse-test-scenarios");
        let playhouse = Playhouse::of(binary).with("OPENAI_BASE_URL", model.endpoint.base_url());
        let run = playhouse.start(&["run", "asker", "--model", "any", "--json"]);
        block_on(model.is_asked());
        Self { playhouse, model, run }
    }

    fn tell(&self, words: &[&str], expected: &str) {
        let told = self.playhouse.run(words).with_code(0);
        assert!(told.stdout.contains(expected), "{}", told.stdout);
    }

    fn last(&self) -> Value {
        self.playhouse.run(&["runs", "--json"]).with_code(0).json()[0].clone()
    }

    fn check_replay(&self) {
        let _ = self.playhouse.run(&["replay", "last"]).with_code(0);
    }

    /// Lets the model answer, and says how the process ended.
    fn go_on(self, code: i32) -> (Playhouse, Endpoint, Value) {
        self.model.let_go();
        let finished = self.run.finish().with_code(code);
        (self.playhouse, self.model.endpoint, finished.json())
    }

    /// Kills the process in the middle of its model call, once its turn is on record: a model is asked before that.
    fn kill(self) -> (Playhouse, Endpoint) {
        let is_on_record = || {
            let journal = self.playhouse.run(&["journal", "last"]).with_code(0);
            journal.stdout.contains("TurnAssigned")
        };
        assert!((0..100).any(|_| is_on_record()), "the turn is not on record");
        let _ = self.run.kill();
        self.model.let_go();
        (self.playhouse, self.model.endpoint)
    }
}

/// Checks that the message stands in the conversation once, after the first message and before the first answer.
#[track_caller]
fn check_messages(playhouse: &Playhouse) {
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    let said = |message: &Value| (message["from"].clone(), message["content"].clone());
    let messages: Vec<_> = shown["messages"].as_array().unwrap().iter().map(said).collect();
    let expected = [("user", "Go on."), ("user", MESSAGE), ("asker", "Not yet."), ("asker", "DONE")];
    assert_eq!(messages, expected.map(|(from, content)| (json!(from), json!(content))));
}

#[test]
fn a_message_from_another_process_is_read_from_the_next_turn_on() {
    let held = Held::start();
    held.tell(&["inject", "last", MESSAGE, "--by", "ann"], "has the message");
    held.check_replay();
    let (playhouse, endpoint, result) = held.go_on(0);
    assert_eq!((result, endpoint.n_requests()), (json!("DONE"), 2));
    check_messages(&playhouse);
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
    let late = playhouse.run(&["inject", "last", "Anybody?"]).with_code(1);
    let _ = late.telling(&["has ended"]);
}

#[test]
fn a_run_that_is_stopped_from_another_process_ends_after_its_turn() {
    let held = Held::start();
    held.tell(&["stop", "last", "--reason", "enough for today"], "gets no further turn");
    let refused = held.playhouse.run(&["inject", "last", MESSAGE]).with_code(1);
    assert!(refused.stdout.contains("nobody would read it"), "{}", refused.stdout);
    assert_eq!(held.last()["status"], "running");
    let (playhouse, endpoint, result) = held.go_on(4);
    assert_eq!((result, endpoint.n_requests()), (json!("Not yet."), 1), "what was done is kept");
    let row = playhouse.run(&["runs", "--json"]).with_code(0).json()[0].clone();
    assert_eq!((&row["status"], &row["turns"]), (&json!("limited"), &json!(1)), "{row:#}");
    assert_eq!(row["outcome"], json!({ "kind": "limited", "detail": "enough for today" }));
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_run_that_rests_takes_a_message_and_reads_it_when_it_goes_on() {
    let held = Held::start();
    held.tell(&["pause", "last"], "paused");
    let (playhouse, endpoint, _) = held.go_on(3);
    let told = playhouse.run(&["inject", "last", MESSAGE]).with_code(0).telling(&["unpause"]);
    assert!(told.stdout.contains("has the message"), "{}", told.stdout);
    let _ = playhouse.run(&["unpause", "last"]).with_code(0);
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(0).json(), json!("DONE"));
    assert_eq!(endpoint.n_requests(), 2);
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_run_that_rests_between_two_turns_ends_as_soon_as_it_is_stopped() {
    let held = Held::start();
    held.tell(&["pause", "last"], "paused");
    let (playhouse, endpoint, _) = held.go_on(3);
    let _ = playhouse.run(&["stop", "last"]).with_code(0).telling(&["is limited"]);
    let _ = playhouse.run(&["resume", "last"]).with_code(4);
    assert_eq!(endpoint.n_requests(), 1);
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_run_that_died_in_a_turn_ends_after_it_once_it_is_gone_on_with() {
    let (playhouse, endpoint) = Held::start().kill();
    let told = playhouse.run(&["stop", "last", "--json"]).with_code(0).telling(&["resume"]);
    assert_eq!(told.json()[0]["outcome"], "accepted");
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(4).json(), json!("Not yet."));
    assert_eq!(endpoint.n_requests(), 2, "the turn that was under way was finished");
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_message_that_a_process_took_before_it_was_killed_is_there_once() {
    let held = Held::start();
    held.tell(&["inject", "last", MESSAGE], "has the message");
    let (playhouse, _endpoint) = held.kill();
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(0).json(), json!("DONE"));
    check_messages(&playhouse);
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_message_for_a_run_whose_process_was_killed_is_there_once() {
    let (playhouse, _endpoint) = Held::start().kill();
    let told = playhouse.run(&["inject", "last", MESSAGE]).with_code(0).telling(&["resume"]);
    assert!(told.stdout.contains("has the message"), "{}", told.stdout);
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(0).json(), json!("DONE"));
    check_messages(&playhouse);
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}

#[test]
fn a_cancel_from_another_process_ends_a_model_call_in_flight() {
    let held = Held::start();
    held.tell(&["cancel", "last", "--reason", "not needed"], "cancelled");
    // The model still holds its answer.
    let finished = held.run.finish().with_code(1);
    held.model.let_go();
    assert!(finished.stderr.contains("not needed"), "{}", finished.stderr);
    let row = held.playhouse.run(&["runs", "--json"]).with_code(0).json()[0].clone();
    assert_eq!((&row["status"], held.model.endpoint.n_requests()), (&json!("cancelled"), 1), "{row:#}");
    let _ = held.playhouse.run(&["replay", "last"]).with_code(0);
}
