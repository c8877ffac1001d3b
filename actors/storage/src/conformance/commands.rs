//! The command inbox.

use playhouse_journal::{Command, CommandId, CommandInbox, PendingCommand, ReadError};
use playhouse_types::RunId;

use super::sample::{admitted, commit, read, same};
use super::{FIRST, Harness, SECOND};
use crate::{RunAppend, Store};

fn command(name: &str) -> PendingCommand {
    PendingCommand {
        id: CommandId(name.to_owned()),
        command: Command::Cancel { reason: format!("\"{name}\" asked") },
    }
}

async fn submit(store: &impl Store, run: RunId, command: &PendingCommand) {
    store.submit(run, command.id.clone(), command.command.clone()).await.unwrap();
}

/// Oldest first, each run apart, a repeated id once.
pub async fn commands_wait_in_their_order(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let (one, two) = (admitted(&store, FIRST, 1).await, admitted(&store, FIRST, 2).await);
    let commands = ["z", "a", "m"].map(command);
    for command in &commands {
        submit(&store, one.id, command).await;
    }
    submit(&store, two.id, &commands[1]).await;
    let other = Command::Cancel { reason: "something else under a used id".to_owned() };
    store.submit(one.id, commands[0].id.clone(), other).await.unwrap();
    assert_eq!(store.pending(one.id).await.unwrap(), commands);
    assert_eq!(store.pending(two.id).await.unwrap(), commands[1..2]);
}

/// A repetition that arrives late does not bring a command back.
pub async fn a_command_has_one_effect_also_after_it_was_acknowledged(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = admitted(&store, FIRST, 0).await;
    let [first, second] = ["first", "second"].map(command);
    submit(&store, run.id, &first).await;
    submit(&store, run.id, &second).await;
    let append = RunAppend { acknowledged: vec![first.id.clone()], ..run.append(&["taken"]) };
    commit(&store, vec![append]).await;
    submit(&store, run.id, &first).await;
    assert_eq!(store.pending(run.id).await.unwrap(), [second]);
    same(&run, &read(&store, &run).await);
}

/// A fenced owner takes no command from the next one.
pub async fn an_acknowledgement_commits_with_its_record_or_not_at_all(harness: &impl Harness) {
    let store = harness.open(FIRST);
    let mut run = admitted(&store, FIRST, 0).await;
    let cancel = command("cancel");
    submit(&store, run.id, &cancel).await;
    store.claim(run.id, false).await.unwrap();
    let fenced = RunAppend { acknowledged: vec![cancel.id.clone()], ..run.append(&["taken"]) };
    assert!(store.commit(vec![fenced]).await.unwrap()[0].is_err());
    assert_eq!(store.pending(run.id).await.unwrap(), [cancel]);
}

/// Asking needs no ownership, only an existing run.
pub async fn another_process_may_leave_a_command(harness: &impl Harness) {
    let (owner, other) = (harness.open(FIRST), harness.open(SECOND));
    let run = admitted(&owner, FIRST, 0).await;
    let cancel = command("cancel");
    submit(&other, run.id, &cancel).await;
    assert_eq!(owner.pending(run.id).await.unwrap(), std::slice::from_ref(&cancel));
    let unknown = RunId::from_u128(77);
    let refused = other.submit(unknown, cancel.id, cancel.command).await.unwrap_err();
    assert!(matches!(refused, ReadError::UnknownRun { run } if run == unknown), "{refused}");
}
