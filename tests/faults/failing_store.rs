//! A store whose disk fails, is slow or is full: nothing acknowledged is lost, and the run goes on once it is mended.
//!
//! Short writes are left out: `strace` can only claim that bytes were written which were not, and no program survives a
//! disk that lies about that.

use std::path::Path;
use std::process::Command;

use playhouse_tests::{Finished, Limited, Table};
use rand::Rng;
use rand::seq::SliceRandom;

use crate::crew::{CREWS, Crew, LIMIT, Stage};
use crate::plan::Plan;
use crate::point::Store;
use crate::strace::{injected, missing, wrapped};
use crate::trials::{Harm, NO_HARM, Survived, Trials, Wrong};

const GROUP: &str = "failing";
const WHAT: &str = "a write or sync fails or takes long, then resumed";
const WHAT_FULL: &str = "the disk is full, then resumed with room";

/// The sizes of a small disk: from too small for a store to too large to be filled.
const DISK_KIB: &[u32] = &[64, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 3_072, 4_096, 6_144];

pub(crate) fn run(plan: &Plan, table: &mut Table) {
    if let Some(point) = plan.only_point(GROUP) {
        let points = vec![point.to_owned()];
        return Trials { group: GROUP, what: "repeated", points, at_least: 0 }.run(plan, table, &cause);
    }
    match missing() {
        Some(why) => table.not_run(WHAT, NO_HARM, &why),
        None => {
            let (points, at_least) = (failures(plan), plan.count(150, 15));
            Trials { group: GROUP, what: WHAT, points, at_least }.run(plan, table, &cause);
        }
    }
    match missing_namespaces() {
        Some(why) => table.not_run(WHAT_FULL, NO_HARM, &why),
        None => {
            let sizes = DISK_KIB.iter().skip(plan.count(0, 4)).step_by(plan.count(1, 4));
            let points: Vec<String> = sizes.map(|size| format!("long-history:disk={size}")).collect();
            let at_least = points.len() / 2;
            Trials { group: GROUP, what: WHAT_FULL, points, at_least }.run(plan, table, &cause);
        }
    }
}

/// Draws failures: each is `CREW:INJECTION`, as `strace` writes it.
fn failures(plan: &Plan) -> Vec<String> {
    let mut random = plan.random(GROUP);
    let mut points = Vec::new();
    for crew in CREWS.iter().filter(|crew| crew.name != "long-history") {
        for nth in 1..=plan.count(60, 60) {
            let at_sync = random.random_range(1..=30);
            points.push(format!("{}:pwrite64:error=EIO:when={}", crew.name, 2 * nth));
            points.push(format!("{}:pwrite64:error=ENOSPC:when={}+", crew.name, 2 * nth + 1));
            points.push(format!("{}:fsync:error=EIO:when={at_sync}", crew.name));
            points.push(format!("{}:fsync:delay_enter=50000:when={at_sync}+9", crew.name));
        }
    }
    points.shuffle(&mut random);
    points.truncate(plan.count(240, 24));
    points
}

/// Returns why there can be no small disk here, if there cannot.
fn missing_namespaces() -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=64k none '{}'", dir.path().display());
    match Command::new("unshare").args(["-rm", "sh", "-c", &mount]).output() {
        Err(error) => Some(format!("`unshare` cannot be started ({error}): install util-linux")),
        Ok(output) if !output.status.success() => {
            let text = String::from_utf8_lossy(&output.stderr);
            Some(format!("user and mount namespaces are not allowed here: {}", text.trim()))
        }
        Ok(_) => None,
    }
}

fn cause(point: &str) -> Result<Survived, Wrong> {
    let parts = point.split_once(':').and_then(|(crew, failure)| Some((Crew::named(crew)?, failure)));
    let Some((crew, failure)) = parts else {
        return Err(Wrong::new(Harm::Misbehaved, format!("`{point}` is not CREW:FAILURE")));
    };
    let mut stage = Stage::new(crew, Store::Fresh);
    let command = stage.playhouse.command(&crew.run());
    let finished = match failure.strip_prefix("disk=") {
        Some(size_kib) => on_small_disk(&stage, size_kib, &command),
        None => Limited::start(injected(failure, &command)).finish_within(LIMIT),
    };
    let finished = finished.ok_or_else(|| Wrong::new(Harm::Misbehaved, "hangs"))?;
    stage.saw(&finished)?;
    let is_delay = failure.contains("delay");
    match finished.code {
        Some(0 | 3) if is_delay => stage.settle(),
        Some(0 | 3) => stage.settle().map(|_| Survived::Unreached),
        Some(6) if !is_delay && says_what_to_do(&finished) => stage.settle(),
        // Refused before anything was begun.
        Some(2) if !is_delay && finished.stderr.contains("cannot be used: check") => stage.settle(),
        code => Err(Wrong::new(Harm::Misbehaved, format!("code {code:?}\n{}", finished.stderr))),
    }
}

fn says_what_to_do(finished: &Finished) -> bool {
    ["go on with", "resume", "make room", "start again"].iter().any(|hint| finished.stderr.contains(hint))
}

/// Runs a command with its data directory on a disk of this size, and moves what it leaves to a larger one.
fn on_small_disk(stage: &Stage, size_kib: &str, command: &Command) -> Option<Finished> {
    let (data, carried) = (stage.playhouse.data_dir(), stage.playhouse.dir().join("carried"));
    std::fs::create_dir(&data).unwrap();
    let quoted = |path: &Path| format!("'{}'", path.display());
    let (from, to) = (quoted(&data), quoted(&carried));
    let script = format!(
        "mount -t tmpfs -o size={size_kib}k none {from} || exit 99; \"$@\"; code=$?; cp -a {from} {to}; exit $code"
    );
    let command = wrapped("unshare", &["-rm", "sh", "-c", &script, "sh"], command);
    let finished = Limited::start(command).finish_within(LIMIT);
    std::fs::remove_dir(&data).unwrap();
    std::fs::rename(&carried, &data).unwrap();
    finished
}
