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

/// Longer than an owner may be silent before its runs may be taken.
const SILENCE: Duration = Duration::from_secs(16);

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    let mut random = plan.random(GROUP);
    let points = (0..plan.count(20, 2)).map(|at| {
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
    let parts =
        point.split_once(':').and_then(|(crew, micros)| Some((Crew::named(crew)?, micros.parse().ok()?)));
    let Some((crew, micros)) = parts else {
        return Err(Wrong::new(Harm::Misbehaved, format!("`{point}` is not CREW:MICROSECONDS")));
    };
    let mut stage = Stage::new(crew, Store::Fresh);
    let owner = Limited::start(stage.playhouse.command(&crew.run()));
    if owner.ends_within(Duration::from_micros(micros)) {
        return Ok(Survived::Unreached);
    }
    if !stop_between_transactions(&owner, &stage.playhouse.data_dir().join("playhouse.db")) {
        return Ok(Survived::Unreached);
    }
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
