//! A wall clock that is wrong, stands still or jumps: timers and order do not depend on it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use playhouse_tests::{Limited, Table};
use rand::Rng;

use crate::crew::{CREWS, Crew, LIMIT, RESTARTING, Stage};
use crate::plan::Plan;
use crate::point::Store;
use crate::strace::wrapped;
use crate::trials::{Harm, NO_HARM, Survived, Trials, Wrong};

const GROUP: &str = "clock";
const WHAT: &str = "clock +1 h, -1 h, frozen, jump in mid-backoff";

/// A clock that does not move.
const FROZEN: &str = "2026-01-01 00:00:00";

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    if library().is_none() {
        return table.not_run(
            WHAT,
            NO_HARM,
            "`faketime` is missing: install it (`apt-get install faketime`)",
        );
    }
    let mut random = plan.random(GROUP);
    let mut points = Vec::new();
    for crew in CREWS.iter().filter(|crew| crew.name != "long-history").chain([&RESTARTING]) {
        points.extend(["+3600s", "-3600s", "frozen"].map(|clock| format!("{}:{clock}", crew.name)));
        for _ in 0..plan.count(10, 1) {
            let most = u64::try_from(crew.undisturbed_time().as_micros()).unwrap();
            for clock in ["+3600s", "-3600s"] {
                let micros = random.random_range(0..most);
                points.push(format!("{}:{clock}@{micros}", crew.name));
                points.push(format!("{}:{clock}!{micros}", crew.name));
            }
        }
    }
    Trials { group: GROUP, what: WHAT, points, at_least: plan.count(70, 15) }.run(plan, table, &cause);
}

/// Returns the library that shows processes another time, from its distribution package.
fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    // `$LIB` in its path is for the dynamic linker, so whether it is there shows only in use.
    let find = || {
        let print = ["-m", "-f", "2000-01-01 00:00:00", "sh", "-c", "date +%Y; echo \"$LD_PRELOAD\""];
        let output = Command::new("faketime").args(print).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (year, path) = text.trim().split_once('\n')?;
        (year == "2000").then(|| PathBuf::from(path))
    };
    LIBRARY.get_or_init(find).as_ref()
}

/// `CREW:CLOCK`, with `@MICROS` if the clock jumps then, and `!MICROS` if the process is killed then and resumed so.
fn cause(point: &str) -> Result<Survived, Wrong> {
    let unread = || Wrong::new(Harm::Misbehaved, format!("`{point}` is not CREW:CLOCK"));
    let (crew, clock) = point.split_once(':').ok_or_else(unread)?;
    let crew = Crew::named(crew).ok_or_else(unread)?;
    let time = |micros: &str| micros.parse().map(Duration::from_micros).map_err(|_| unread());
    let mut stage = Stage::new(crew, Store::Fresh);
    let file = stage.playhouse.dir().join("clock");
    let begin = |clock: &str, command: &Command| {
        std::fs::write(&file, if clock == "frozen" { FROZEN } else { clock }).unwrap();
        Limited::start(with_clock(&file, command))
    };
    let command = stage.playhouse.command(&crew.run());
    let process = if let Some((clock, micros)) = clock.split_once('@') {
        let process = begin("+0", &command);
        if !process.ends_within(time(micros)?) {
            std::fs::write(&file, clock).unwrap();
        }
        process
    } else if let Some((clock, micros)) = clock.split_once('!') {
        let process = Limited::start(command);
        if !process.ends_within(time(micros)?) {
            stage.saw(&process.kill())?;
        }
        begin(clock, &stage.next_command()?)
    } else {
        begin(clock, &command)
    };
    let finished = process.finish_within(LIMIT).ok_or_else(|| Wrong::new(Harm::Misbehaved, "hangs"))?;
    stage.saw(&finished)?;
    match finished.code {
        Some(0 | 3) => stage.settle(),
        code => Err(Wrong::new(Harm::Misbehaved, format!("code {code:?}\n{}", finished.stderr))),
    }
}

/// Shows a command the time that a file says; the monotonic clock stays as it is.
fn with_clock(file: &std::path::Path, command: &Command) -> Command {
    let mut command = wrapped("env", &[], command);
    if let Some(library) = library() {
        command.env("LD_PRELOAD", library);
    }
    command.env("FAKETIME_TIMESTAMP_FILE", file).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command
}
