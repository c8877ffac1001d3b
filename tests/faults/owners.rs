//! Two processes on one store: the owner is stopped, another takes its run over, and the owner wakes up again.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use playhouse_tests::{Limited, Table};
use rand::Rng;
use rusqlite::Connection;

use crate::crew::{Crew, LIMIT, Stage};
use crate::plan::Plan;
use crate::point::Store;
use crate::trials::{Harm, Survived, Trials, Wrong};

const GROUP: &str = "owners";

/// Crews that last long enough to be stopped in the middle.
const CREWS: [&str; 2] = ["long-history", "fan-out"];

/// How often an owner that has ended too soon is tried again, each time stopped in half the time.
const N_TRIES: u32 = 4;

/// Longer than an owner may be silent before its runs may be taken.
const SILENCE: Duration = Duration::from_secs(16);

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let mut random = plan.random(GROUP);
    let points = (0..plan.count(20, 3)).map(|at| {
        // Quick ones only in the crew that surely lasts long enough.
        let crew = Crew::named(CREWS[at % plan.count(CREWS.len(), 1)]).unwrap();
        let most = u64::try_from(crew.undisturbed_time().as_micros()).unwrap();
        // Neither before its run is admitted nor when it is nearly over.
        format!("{}:{}", crew.name, random.random_range(most * 3 / 10..most * 7 / 10))
    });
    let points = points.collect();
    let what = "two processes on one store; owner stopped, taken over with `--takeover`, continued";
    Trials { group: GROUP, what, points, at_least: plan.count(10, 1) }.run(plan, table, &cause);
}

fn cause(point: &str) -> Result<Survived, Wrong> {
    let parts = point
        .split_once(':')
        .and_then(|(crew, micros)| Some((Crew::named(crew)?, micros.parse::<u64>().ok()?)));
    let Some((crew, micros)) = parts else {
        return Err(Wrong::new(Harm::Misbehaved, format!("`{point}` is not CREW:MICROSECONDS")));
    };
    // The undisturbed run may have been slower, on a busier machine.
    let stopped = (0..N_TRIES).find_map(|nth| stopped_owner(crew, Duration::from_micros(micros >> nth)));
    let Some((mut stage, owner)) = stopped else { return Ok(Survived::Unreached) };
    // It stands still, so this only waits.
    let _ = owner.ends_within(SILENCE);
    let taker = Limited::start(stage.playhouse.command(&["resume", "--all", "--takeover", "--json"]));
    let taker = taker.finish_within(LIMIT);
    owner.signal(Signal::SIGCONT);
    let hangs = |who| Wrong::new(Harm::Misbehaved, format!("the {who} hangs"));
    let woken = owner.finish_within(LIMIT).ok_or_else(|| hangs("woken owner"))?;
    let taker = taker.ok_or_else(|| hangs("taker"))?;
    stage.saw(&woken)?;
    stage.saw(&taker)?;
    let has_taken = taker.code == Some(0) && taker.stderr.contains("goes on");
    let is_told = woken.stderr.contains("another process") || woken.stderr.contains("taken over");
    if has_taken && (woken.code == Some(0) || !is_told) {
        let detail = format!("the woken owner ends with {:?}, telling\n{}", woken.code, woken.stderr);
        return Err(Wrong::new(Harm::Misbehaved, detail));
    }
    let survived = stage.settle()?;
    Ok(if has_taken { survived } else { Survived::Unreached })
}

/// Starts an owner and stops it after some time, if it has not ended by then.
fn stopped_owner(crew: &'static Crew, after: Duration) -> Option<(Stage, Limited)> {
    let stage = Stage::new(crew, Store::Fresh);
    let owner = Limited::start(stage.playhouse.command(&crew.run()));
    let is_stopped = !owner.ends_within(after)
        && stop_between_transactions(&owner, &stage.playhouse.data_dir().join("playhouse.db"));
    is_stopped.then_some((stage, owner))
}

/// Stops the owner where it does not hold the write lock of the store, which nobody could break; `false` if it ends.
fn stop_between_transactions(owner: &Limited, store: &Path) -> bool {
    loop {
        owner.signal(Signal::SIGSTOP);
        let locked = Connection::open(store).and_then(|conn| {
            conn.busy_timeout(Duration::ZERO)?;
            conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        });
        if locked.is_ok() {
            return true;
        }
        owner.signal(Signal::SIGCONT);
        if owner.ends_within(Duration::from_micros(500)) {
            return false;
        }
    }
}
