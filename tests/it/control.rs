//! What a person can do to a run from another process, while it is worked on and while it rests.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use playhouse_tests::{Answer, AskedModel, Endpoint, Playhouse, Reply, Started};
use serde_json::{Value, json};

/// What a person says in the middle of a run.
const MESSAGE: &str = "Say the word.";

/// A run of `asker` whose model has been asked and holds its first answer back.
struct Held {
    playhouse: Playhouse,
    endpoint: Endpoint,
    run: Started,
    release: Sender<()>,
}

/// Says DONE once it has read the message, and something else before.
fn answer(asked: &AskedModel) -> Answer {
    let is_read = asked.messages().iter().any(|message| message["content"] == MESSAGE);
    Answer::Reply(Reply::say(if is_read { "DONE" } else { "Not yet." }))
}

impl Held {
    fn start() -> Self {
        let (release, released): (_, Receiver<()>) = channel();
        let (asked, was_asked) = channel();
        let held = Mutex::new(Some(released));
        let endpoint = Endpoint::start(move |request| {
            if let Some(released) = held.lock().unwrap().take() {
                asked.send(()).unwrap();
                // An error means that the test has failed and is gone.
                let _ = released.recv();
            }
            answer(request)
        });
        let binary = env!("CARGO_BIN_EXE_playhouse-test-scenarios");
        let playhouse = Playhouse::of(binary).with("OPENAI_BASE_URL", endpoint.base_url());
        let run = playhouse.start(&["run", "asker", "--model", "any", "--json"]);
        was_asked.recv().unwrap();
        Self { playhouse, endpoint, run, release }
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
        self.release.send(()).unwrap();
        let finished = self.run.finish().with_code(code);
        (self.playhouse, self.endpoint, finished.json())
    }
}

#[test]
fn a_message_from_another_process_is_read_from_the_next_turn_on() {
    let held = Held::start();
    held.tell(&["inject", "last", MESSAGE, "--by", "ann"], "has the message");
    held.check_replay();
    let (playhouse, endpoint, result) = held.go_on(0);
    assert_eq!((result, endpoint.n_requests()), (json!("DONE"), 2));
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    let said = |message: &Value| (message["from"].clone(), message["content"].clone());
    let messages: Vec<_> = shown["messages"].as_array().unwrap().iter().map(said).collect();
    let expected = [("user", "Go on."), ("user", MESSAGE), ("asker", "Not yet."), ("asker", "DONE")];
    assert_eq!(messages, expected.map(|(from, content)| (json!(from), json!(content))));
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
    let Held { playhouse, endpoint, run, release } = Held::start();
    let _ = run.kill();
    drop(release);
    let told = playhouse.run(&["stop", "last", "--json"]).with_code(0).telling(&["resume"]);
    assert_eq!(told.json()[0]["outcome"], "accepted");
    assert_eq!(playhouse.run(&["resume", "last", "--json"]).with_code(4).json(), json!("Not yet."));
    assert_eq!(endpoint.n_requests(), 2, "the turn that was under way was finished");
    let _ = playhouse.run(&["replay", "last"]).with_code(0);
}
