//! Recording and replaying: what is found under which request and occurrence, and what a file may go through.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use playhouse_messages::{Model, ModelAnswer, ModelCall};
use playhouse_models::{AnsweredBefore, CassetteError, Occurrences, RecordedModel, Recorder, RecordingModel};
use playhouse_types::{
    CaseName, FinishReason, ModelFailure, ModelFailureKind, ModelName, ModelReply, Participant, RunId, Step,
    TokenUsage, TurnId,
};
use tempfile::TempDir;

use crate::support::{call, header};

const HEADER: &str = "{\"playhouse_cassette\":1}\n";

/// Answers with the number of its asking, after failing as often as it is told.
#[derive(Default)]
struct Counting {
    n_asked: AtomicU32,
    n_failures: Mutex<u32>,
}

impl Counting {
    fn n_asked(&self) -> u32 {
        self.n_asked.load(Ordering::Relaxed)
    }

    fn fail_next(&self) {
        *self.n_failures.lock().unwrap() += 1;
    }
}

impl Model for Counting {
    fn complete(&self, call: ModelCall) -> BoxFuture<'_, Result<ModelAnswer, ModelFailure>> {
        let number = self.n_asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut n_failures = self.n_failures.lock().unwrap();
        let outcome = if *n_failures > 0 {
            *n_failures -= 1;
            let (model, kind) = (call.request.header.model.clone(), ModelFailureKind::Transient);
            Err(ModelFailure { model, kind, detail: "gone".to_owned(), attempts: 3, retry_after: None })
        } else {
            let reply = ModelReply {
                content: format!("reply {number}"),
                tool_calls: Vec::new(),
                finish: FinishReason::Length,
                usage: TokenUsage { input_tokens: 10, output_tokens: 2, ..TokenUsage::default() },
                cost_microusd: Some(7),
                response_model: Some("gpt-x-0613".to_owned()),
            };
            Ok(ModelAnswer { reply, attempts: 2 })
        };
        Box::pin(std::future::ready(outcome))
    }
}

/// A cassette in a folder of its own, and the model that is recorded.
struct Studio {
    dir: TempDir,
    model: Arc<Counting>,
}

/// One process that records.
struct Session {
    occurrences: Arc<Occurrences>,
    recorder: Arc<Recorder>,
    model: RecordingModel,
}

impl Session {
    fn begin(&self, run: u128, case: Option<&str>, before: &[AnsweredBefore]) {
        let run = RunId::from_u128(run);
        self.occurrences.begin(run, case.map(|case| CaseName::new(case).unwrap()), before);
        self.recorder.begin(run, before);
    }

    async fn ask(&self, call: ModelCall) -> String {
        self.model.complete(call).await.unwrap().reply.content
    }
}

impl Studio {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), model: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("tape.jsonl")
    }

    fn record(&self) -> Session {
        let occurrences = Arc::new(Occurrences::default());
        let recorder = Arc::new(Recorder::open(&self.path(), Arc::clone(&occurrences)).unwrap());
        let model = RecordingModel::new(Arc::clone(&self.model) as Arc<dyn Model>, Arc::clone(&recorder));
        Session { occurrences, recorder, model }
    }

    fn play(&self) -> (Arc<Occurrences>, RecordedModel) {
        let occurrences = Arc::new(Occurrences::default());
        let model = RecordedModel::open(&self.path(), Arc::clone(&occurrences)).unwrap();
        (occurrences, model)
    }

    /// Replays one run of these calls.
    async fn replay(&self, case: Option<&str>, calls: Vec<ModelCall>) -> Vec<String> {
        let (occurrences, model) = self.play();
        let case = case.map(|case| CaseName::new(case).unwrap());
        occurrences.begin(RunId::from_u128(99), case, &[]);
        let mut said = Vec::new();
        for mut call in calls {
            call.frames.run = RunId::from_u128(99);
            said.push(match model.complete(call).await {
                Ok(answer) => answer.reply.content,
                Err(failure) => failure.detail,
            });
        }
        said
    }

    fn n_lines(&self) -> usize {
        fs::read_to_string(self.path()).unwrap().lines().count() - 1
    }
}

/// A call to `model` in `run`, where `text` was said last.
fn asking(model: &str, run: u128, turn: u32, text: &str) -> ModelCall {
    let mut header = header();
    header.model = ModelName::new(model);
    let (mut call, _) = call(header, &[(Participant::User, text)], Vec::new());
    (call.request.turn, call.frames.run) = (TurnId(turn), RunId::from_u128(run));
    call
}

fn gpt(run: u128, turn: u32, text: &str) -> ModelCall {
    asking("gpt-x", run, turn, text)
}

fn tape(turn: u32, text: &str) -> ModelCall {
    asking("recorded:tape.jsonl", 99, turn, text)
}

fn answered(call: &ModelCall) -> AnsweredBefore {
    AnsweredBefore {
        turn: call.request.turn,
        step: Step(1),
        model: call.request.header.model.clone(),
        request_hash: call.request.hash(),
    }
}

#[tokio::test]
async fn a_recording_answers_another_model_name_with_the_same_reply_in_pieces() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    let recorded = session.model.complete(gpt(1, 1, "hello")).await.unwrap();
    drop(session);
    let (occurrences, model) = studio.play();
    occurrences.begin(RunId::from_u128(2), None, &[]);
    let (mut call, bus) = call(header(), &[(Participant::User, "hello")], Vec::new());
    call.frames.run = RunId::from_u128(2);
    assert_eq!(model.complete(call).await.unwrap(), recorded);
    assert_eq!(bus.lines(), ["1:0:repl", "1:4:y 1"]);
    assert!(model.is_priced());
    assert_eq!(studio.model.n_asked(), 1);
    let mode = fs::metadata(studio.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds what was said");
}

#[tokio::test]
async fn the_same_request_is_answered_in_order_and_not_once_more() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    for turn in 1..=2 {
        session.ask(gpt(1, turn, "again")).await;
    }
    drop(session);
    let said = studio.replay(None, (5..=7).map(|turn| tape(turn, "again")).collect()).await;
    assert_eq!(said[..2], ["reply 1", "reply 2"]);
    let path = studio.path();
    let parts = [
        format!("cassette `{}` has no reply to agent `clerk` in turn 7, step 1 (request ", path.display()),
        "): this is occurrence 3 of it, and 2 of 2 replies answer it there; ".to_owned(),
        format!("record again with `--record {}`", path.display()),
    ];
    assert!(parts.iter().all(|part| said[2].contains(part)), "{}", said[2]);
}

#[tokio::test]
async fn what_is_missing_is_a_permanent_failure_that_says_where_and_what_to_do() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    session.ask(gpt(1, 1, "hello")).await;
    drop(session);
    let (occurrences, model) = studio.play();
    occurrences.begin(RunId::from_u128(99), Some(CaseName::new("ahorn").unwrap()), &[]);
    let failure = model.complete(tape(4, "something else")).await.unwrap_err();
    assert_eq!((failure.kind, failure.model.as_str()), (ModelFailureKind::Permanent, "recorded:tape.jsonl"));
    let request = failure.detail.split("(request ").nth(1).unwrap();
    assert!(request.chars().take(12).all(|digit| digit.is_ascii_hexdigit()), "{request}");
    let parts = ["in turn 4, step 1 of case `ahorn` (", "none of 1 replies answers it there; record again"];
    assert!(parts.iter().all(|part| failure.detail.contains(part)), "{}", failure.detail);
}

#[tokio::test]
async fn a_failure_is_not_recorded_and_does_not_count() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    studio.model.fail_next();
    assert!(session.model.complete(gpt(1, 1, "hello")).await.is_err());
    assert_eq!(session.ask(gpt(1, 2, "hello")).await, "reply 2");
    drop(session);
    assert_eq!(studio.replay(None, vec![tape(1, "hello")]).await, ["reply 2"]);
}

#[tokio::test]
async fn cases_of_a_batch_do_not_take_each_others_replies() {
    let studio = Studio::new();
    let session = studio.record();
    let cases = ["ahorn", "birke", "dorn"];
    for (run, case) in (1..).zip(cases) {
        session.begin(run, Some(case), &[]);
        session.ask(gpt(run, 1, "the same")).await;
    }
    drop(session);
    for (case, reply) in cases.into_iter().zip(["reply 1", "reply 2", "reply 3"]) {
        assert_eq!(studio.replay(Some(case), vec![tape(1, "the same")]).await, [reply]);
    }
    // A case of another name, and a run alone, get the newest of any case.
    for case in [Some("eiche"), None] {
        assert_eq!(studio.replay(case, vec![tape(1, "the same")]).await, ["reply 3"]);
    }
}

#[tokio::test]
async fn many_runs_record_into_one_file_at_once() {
    let studio = Studio::new();
    let session = Arc::new(studio.record());
    let asked = (1..=64).map(|run| {
        let session = Arc::clone(&session);
        session.begin(run, Some(&format!("case-{run}")), &[]);
        tokio::spawn(async move {
            for turn in 1..=3 {
                session.ask(gpt(run, turn, "the same")).await;
            }
        })
    });
    for task in asked.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(session.recorder.recording().n_replies, 192);
    drop(session);
    assert_eq!(studio.n_lines(), 192);
    let mut said = Vec::new();
    for run in 1..=64 {
        let calls = (1..=3).map(|turn| tape(turn, "the same")).collect();
        said.extend(studio.replay(Some(&format!("case-{run}")), calls).await);
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), 192, "each has its own");
}

#[tokio::test]
async fn a_new_recording_wins_over_older_ones() {
    let studio = Studio::new();
    for run in 1..=2 {
        let session = studio.record();
        session.begin(run, None, &[]);
        session.ask(gpt(run, 1, "hello")).await;
    }
    assert_eq!(studio.replay(None, vec![tape(1, "hello")]).await, ["reply 2"]);
}

#[tokio::test]
async fn a_cassette_is_priced_when_what_it_answers_with_is_and_of_older_recordings_nothing_is_kept() {
    let studio = Studio::new();
    let record = async |run: u128, case: Option<&str>| {
        let session = studio.record();
        session.begin(run, case, &[]);
        session.ask(gpt(run, 1, "hello")).await;
        session.ask(gpt(run, 2, "hello")).await;
    };
    record(1, None).await;
    let text = fs::read_to_string(studio.path()).unwrap();
    fs::write(studio.path(), text.replace("\"cost_microusd\":7", "\"cost_microusd\":null")).unwrap();
    assert!(!studio.play().1.is_priced());
    record(2, Some("ahorn")).await;
    assert!(!studio.play().1.is_priced(), "that of a run of one input can still be answered with");
    record(3, None).await;
    assert!(studio.play().1.is_priced());
    for (case, replies) in [(Some("ahorn"), ["reply 3", "reply 4"]), (None, ["reply 5", "reply 6"])] {
        assert_eq!(studio.replay(case, vec![tape(1, "hello"), tape(2, "hello")]).await, replies);
    }
}

#[tokio::test]
async fn a_run_that_goes_on_records_what_its_journal_lacks_and_nothing_twice() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    for turn in 1..=2 {
        session.ask(gpt(1, turn, "again")).await;
    }
    drop(session);
    // Killed between the cassette and the journal: the first reply is in both, the second in the cassette only.
    let session = studio.record();
    session.begin(1, None, &[answered(&gpt(1, 1, "again"))]);
    assert_eq!(session.ask(gpt(1, 2, "again")).await, "reply 2");
    assert_eq!(studio.model.n_asked(), 2, "what was paid is not paid again");
    assert_eq!(session.ask(gpt(1, 3, "again")).await, "reply 3");
    assert_eq!(session.recorder.recording().n_missing, 0);
    drop(session);
    assert_eq!(studio.n_lines(), 3);
    let said = studio.replay(None, (1..=3).map(|turn| tape(turn, "again")).collect()).await;
    assert_eq!(said, ["reply 1", "reply 2", "reply 3"]);
}

#[tokio::test]
async fn a_recording_that_begins_in_the_middle_of_a_run_says_what_it_lacks() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[answered(&gpt(1, 1, "again")), answered(&gpt(1, 2, "hello"))]);
    assert_eq!(session.ask(gpt(1, 3, "again")).await, "reply 1");
    assert_eq!(session.recorder.recording().n_missing, 2);
    drop(session);
    let said = studio.replay(None, vec![tape(1, "again")]).await;
    assert!(said[0].contains("1 of 1 replies answer it there"), "{}", said[0]);
}

#[tokio::test]
async fn a_replay_that_goes_on_or_changes_its_model_counts_on() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    for turn in 1..=3 {
        session.ask(gpt(1, turn, "again")).await;
    }
    drop(session);
    let (occurrences, model) = studio.play();
    // Its first reply came from the endpoint, as before a fork, its second from the cassette.
    let before = [answered(&gpt(1, 1, "again")), answered(&tape(2, "again"))];
    occurrences.begin(RunId::from_u128(99), None, &before);
    assert_eq!(model.complete(tape(3, "again")).await.unwrap().reply.content, "reply 3");
}

#[tokio::test]
async fn a_request_that_has_changed_is_asked_although_its_place_is_recorded() {
    let studio = Studio::new();
    for (number, text) in [(1, "hello"), (2, "hello, friend")] {
        let session = studio.record();
        session.begin(1, None, &[]);
        assert_eq!(session.ask(gpt(1, 1, text)).await, format!("reply {number}"));
    }
    assert_eq!(studio.n_lines(), 2);
}

#[tokio::test]
async fn half_a_line_is_taken_away_before_recording_goes_on_and_left_out_of_a_replay() {
    let studio = Studio::new();
    let session = studio.record();
    session.begin(1, None, &[]);
    session.ask(gpt(1, 1, "hello")).await;
    session.ask(gpt(1, 2, "hello")).await;
    drop(session);
    let whole = fs::read_to_string(studio.path()).unwrap();
    fs::write(studio.path(), &whole[..whole.len() - 20]).unwrap();
    let said = studio.replay(None, vec![tape(1, "hello"), tape(2, "hello")]).await;
    assert_eq!(said[0], "reply 1");
    assert!(said[1].contains("line 3, its last one, is cut and was left out"), "{}", said[1]);
    let session = studio.record();
    assert_eq!(session.recorder.recording().cut_line, Some(3));
    session.begin(1, None, &[answered(&gpt(1, 1, "hello"))]);
    assert_eq!(session.ask(gpt(1, 2, "hello")).await, "reply 3");
    drop(session);
    let said = studio.replay(None, vec![tape(1, "hello"), tape(2, "hello")]).await;
    assert_eq!(said, ["reply 1", "reply 3"]);
}

#[tokio::test]
async fn a_header_that_is_cut_is_written_again_and_a_missing_line_end_is_added() {
    let studio = Studio::new();
    for beginning in ["", "{\"playhouse_c", "{\"playhouse_cassette\":1}"] {
        fs::write(studio.path(), beginning).unwrap();
        drop(studio.record());
        assert_eq!(fs::read_to_string(studio.path()).unwrap(), HEADER, "{beginning}");
    }
    let session = studio.record();
    session.begin(1, None, &[]);
    session.ask(gpt(1, 1, "hello")).await;
    drop(session);
    let whole = fs::read_to_string(studio.path()).unwrap();
    fs::write(studio.path(), whole.trim_end()).unwrap();
    drop(studio.record());
    assert_eq!(fs::read_to_string(studio.path()).unwrap(), whole);
}

#[tokio::test]
async fn a_cassette_is_recorded_by_one_and_not_replayed_meanwhile() {
    let studio = Studio::new();
    let session = studio.record();
    let open = || Recorder::open(&studio.path(), Arc::default()).unwrap_err();
    assert!(matches!(open(), CassetteError::Busy { .. }));
    let error = RecordedModel::open(&studio.path(), Arc::default()).unwrap_err();
    assert!(error.to_string().contains("is being recorded at this moment"), "{error}");
    drop(session);
    let (_, first) = studio.play();
    let (_, second) = studio.play();
    drop((first, second));
}

#[tokio::test]
async fn what_cannot_be_a_cassette_is_refused_and_left_as_it_is() {
    let studio = Studio::new();
    fs::write(studio.path(), "my notes").unwrap();
    let error = Recorder::open(&studio.path(), Arc::default()).unwrap_err();
    assert!(matches!(error, CassetteError::NotACassette { .. }), "{error}");
    assert_eq!(fs::read_to_string(studio.path()).unwrap(), "my notes");
    for special in [studio.dir.path().to_owned(), PathBuf::from("/dev/null")] {
        let errors = [
            Recorder::open(&special, Arc::default()).unwrap_err(),
            RecordedModel::open(&special, Arc::default()).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| matches!(error, CassetteError::NotAFile { .. })), "{errors:?}");
    }
    let nowhere = studio.dir.path().join("nowhere/tape.jsonl");
    for error in [
        Recorder::open(&nowhere, Arc::default()).unwrap_err(),
        RecordedModel::open(&nowhere, Arc::default()).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), format!("cassette `{}` cannot be opened", nowhere.display()));
    }
}
