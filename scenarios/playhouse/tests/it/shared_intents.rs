//! The same effect asked for again by another run: done once, whoever asks.

use std::path::Path;
use std::sync::Arc;

use futures::future::{Either, join_all, select};
use playhouse::{
    CaseInput, CaseName, Command, CommandId, Definition, Kind, Record, Resumed, ReviewId, RunEnd, RunHandle,
    RunId, RunRest, Runtime, RuntimeOptions, RuntimeParts, Seq, StartBatch, StartFork, StartRun, Verdict,
};
use playhouse_storage::{MemoryStore, Store};
use playhouse_storage_sqlite::SqliteStore;
use playhouse_types::{BootId, CallId, Step, Timestamp, TurnId};

use self::mail::Mail;
use self::unreadable::UnreadableIndex;

mod mail;
mod unreadable;

/// The call by which every run of these tests sends its letter.
const CALL: CallId = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };

const fn boot(number: u128) -> BootId {
    BootId::from_u128(number)
}

/// Opens a process over a store; tools run within its async runtime and end with it.
async fn open(number: u128, store: Arc<dyn Store>) -> Runtime {
    let parts = RuntimeParts::new(boot(number), store).simulated(Timestamp(1_800_000_000_000_000));
    Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap()
}

fn sqlite(number: u128, dir: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(dir, boot(number), Arc::new(|| Timestamp(0))).unwrap())
}

async fn start(runtime: &Runtime, definition: &Arc<Definition>) -> RunHandle {
    let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
    runtime.start(Arc::clone(definition), start).await.unwrap()
}

/// Runs to the end and returns the result: what the call answered.
async fn answer(runtime: &Runtime, definition: &Arc<Definition>) -> String {
    said(&start(runtime, definition).await.finished().await.unwrap())
}

fn said(end: &RunEnd) -> String {
    assert!(matches!(end.rest, RunRest::Concluded(_)), "{end:?}");
    end.result.clone().unwrap()
}

async fn resume(runtime: &Runtime, run: RunId, definition: &Arc<Definition>) -> RunEnd {
    let definition = Arc::clone(definition);
    let find = move |_: &_, _: &str| Ok(Arc::clone(&definition));
    match runtime.resume(run, &find, false).await.unwrap() {
        Resumed::Run(handle) => handle.finished().await.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refusal(run: RunId) -> String {
    format!("the same effect was asked for in run `{run}`, call {CALL}, whose end is not known yet")
}

#[tokio::test]
async fn of_two_runs_that_ask_at_once_one_sends_and_the_other_is_refused_until_the_answer_is_there() {
    let (mail, store) = (Mail::held(), Arc::new(MemoryStore::new(boot(1))));
    let runtime = open(1, store).await;
    let definition = mail.crew("send");
    let (one, two) = (start(&runtime, &definition).await, start(&runtime, &definition).await);
    let runs = [one.run, two.run];
    let ended = select(Box::pin(one.finished()), Box::pin(two.finished())).await;
    let (refused, sender, sending) = match ended {
        Either::Left((refused, sending)) => (refused.unwrap(), runs[1], sending),
        Either::Right((refused, sending)) => (refused.unwrap(), runs[0], sending),
    };
    assert!(said(&refused).contains(&refusal(sender)), "{refused:?}");
    mail.let_go();
    assert!(said(&sending.await.unwrap()).contains("letter 1 to ann"));
    // The answer is there from then on, for every run.
    let third = start(&runtime, &definition).await;
    let run = third.run;
    assert!(said(&third.finished().await.unwrap()).contains("letter 1 to ann"));
    let records = runtime.journal().records(run, Seq(0), 1_000).await.unwrap();
    let is_recovered =
        |record: &Record| matches!(&record.event, playhouse::Event::ToolResult { recovered: true, .. });
    assert!(records.iter().any(is_recovered));
    assert_eq!(mail.n_sent(), 1);
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn many_runs_of_two_processes_that_ask_at_once_have_one_effect() {
    let (mail, dir) = (Mail::default(), tempfile::tempdir().unwrap());
    let (one, two) = (open(1, sqlite(1, dir.path())).await, open(2, sqlite(2, dir.path())).await);
    let definition = mail.crew("send");
    let asked = (0..8).map(|number| answer(if number % 2 == 0 { &one } else { &two }, &definition));
    let answers = join_all(asked).await;
    let is_answer = |answer: &&String| answer.contains("letter 1 to ann");
    let is_refusal = |answer: &&String| answer.contains("the same effect was asked for in run");
    let n_answers = answers.iter().filter(is_answer).count();
    assert!(n_answers >= 1, "{answers:?}");
    assert_eq!(n_answers + answers.iter().filter(is_refusal).count(), 8, "{answers:?}");
    assert!(answer(&two, &definition).await.contains("letter 1 to ann"));
    assert_eq!(mail.n_sent(), 1);
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test]
async fn a_call_whose_process_was_killed_stands_in_the_way_until_a_person_says_that_it_did_not_happen() {
    let root = Arc::new(MemoryStore::new(boot(9)));
    let (mail, other_mail) = (Mail::held(), Mail::default());
    let killed = {
        let (store, mail) = (Arc::new(root.second_owner(boot(1))), mail.clone());
        let process = move || {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let run = executor.block_on(async {
                let runtime = open(1, Arc::clone(&store) as Arc<dyn Store>).await;
                let handle = start(&runtime, &mail.crew("send")).await;
                mail.sending().await;
                handle.run
            });
            drop(executor);
            store.kill();
            run
        };
        std::thread::spawn(process).join().unwrap()
    };
    let runtime = open(2, Arc::new(root.second_owner(boot(2)))).await;
    let definition = other_mail.crew("send");
    assert!(answer(&runtime, &definition).await.contains(&refusal(killed)), "nobody has gone on with it");
    assert!(matches!(resume(&runtime, killed, &definition).await.rest, RunRest::Suspended(_)));
    assert!(answer(&runtime, &definition).await.contains(&refusal(killed)), "it is in doubt");
    let review = ReviewId::Doubt(CALL);
    let by = "a person".to_owned();
    let verdict = Command::Decide { review, verdict: Verdict::DidNotHappen, by, subject_hash: None };
    runtime.inbox().submit(killed, CommandId("decide".to_owned()), verdict).await.unwrap();
    said(&resume(&runtime, killed, &definition).await);
    assert!(answer(&runtime, &definition).await.contains("letter 1 to ann"));
    assert_eq!((mail.n_sent(), other_mail.n_sent()), (1, 1));
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn the_scope_of_a_batch_reaches_over_its_cases_and_no_further() {
    let (mail, store) = (Mail::default(), Arc::new(MemoryStore::new(boot(1))));
    let runtime = open(1, store).await;
    let definition = mail.crew("send_in_batch");
    for n_batches in 1..=2 {
        let case =
            |name: &str| CaseInput { case: CaseName::new(name).unwrap(), input: "\"Begin.\"".to_owned() };
        let cases = ["a", "b", "c"].map(case).to_vec();
        let input_path = "/cases".into();
        let batch = StartBatch { cases, input_path, seed: 1, model: None, concurrency: 1 };
        let batch = runtime.start_batch(Arc::clone(&definition), batch).await.unwrap();
        let end = batch.finished().await.unwrap();
        assert_eq!(end.result.matches(&format!("letter {n_batches} to ann")).count(), 3, "{end:?}");
        assert_eq!(mail.n_sent(), n_batches);
    }
    // A run without a batch is one of its own.
    for n_sent in 3..=4 {
        assert!(answer(&runtime, &definition).await.contains(&format!("letter {n_sent} to ann")));
    }
    assert!(answer(&runtime, &mail.crew("send_in_run")).await.contains("letter 5 to ann"));
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn a_fork_of_a_case_does_not_repeat_what_was_done_before_it() {
    let (mail, store) = (Mail::default(), Arc::new(MemoryStore::new(boot(1))));
    let runtime = open(1, store).await;
    let definition = mail.crew_that_insists("send_in_batch", 2);
    let case = CaseInput { case: CaseName::new("a").unwrap(), input: "\"Begin.\"".to_owned() };
    let (cases, input_path) = (vec![case], "/cases".into());
    let batch = StartBatch { cases, input_path, seed: 1, model: None, concurrency: 1 };
    let batch = runtime.start_batch(Arc::clone(&definition), batch).await.unwrap();
    let end = batch.finished().await.unwrap();
    let run = end.cases[0].1.as_ref().unwrap().row.run;
    let records = runtime.journal().records(run, Seq(0), 1_000).await.unwrap();
    let first = records.iter().find(|record| record.key.kind == Kind::ToolResult).unwrap();
    let fork = StartFork { at: first.seq, model: None, seed: None, effects: true };
    let found = Arc::clone(&definition);
    let find = move |_: &_, _: &str| Ok(Arc::clone(&found));
    let fork = runtime.fork(run, &find, fork).await.unwrap();
    assert_eq!(fork.at, first.seq);
    let fork_run = fork.handle.run;
    assert!(said(&fork.handle.finished().await.unwrap()).contains("letter 1 to ann"));
    assert_eq!(mail.n_sent(), 1);
    // The keys are derived again as they were made, also those that the fork shares.
    for run in [end.row.run, fork_run] {
        let replayed = runtime.replay(run, &find).await.unwrap();
        let all = || std::iter::once(&replayed).chain(&replayed.cases);
        assert!(
            all().all(|one| one.differences.is_empty() && one.changed.is_empty() && one.damage.is_empty()),
            "{replayed:?}"
        );
        assert!(all().any(|one| one.n_decisions > 0));
    }
    runtime.close().await.unwrap();
}

#[tokio::test]
async fn nothing_is_sent_when_nobody_can_tell_whether_it_was() {
    let (mail, store) = (Mail::default(), MemoryStore::new(boot(1)));
    let runtime = open(1, Arc::new(UnreadableIndex(store))).await;
    let refused = answer(&runtime, &mail.crew("send")).await;
    let why = "it cannot be told whether another run has asked for the same effect";
    assert!(refused.contains(why) && mail.n_sent() == 0, "{refused}");
    assert!(answer(&runtime, &mail.crew("send_in_run")).await.contains("letter 1 to ann"));
    runtime.close().await.unwrap();
}
