//! Going on after the process was killed: with many runs, with a long one, and what a long one takes on disk.

use std::path::Path;

use playhouse_tests::{Table, open_runs, reopen, reopen_from_process_start, store_size};

use crate::plan::Plan;
use crate::units::{mebibytes, milliseconds, seconds};

fn test_scenarios() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_playhouse-test-scenarios"))
}

pub(crate) fn many(plan: &Plan, table: &mut Table) {
    let n_runs = plan.count(1_000, 100);
    let open = open_runs(n_runs, test_scenarios());
    let what = format!("{n_runs} open runs, process killed and started: first progress (p99)");
    table.at_most(&what, 2.0, seconds(open.first_progress));
    table.at_most("memory of that process (peak)", 512.0, mebibytes(open.peak_bytes));
    let measured = format!("{} of {n_runs}", open.n_progressed);
    table.must_hold("runs that went on", "all", &measured, open.n_progressed == n_runs);
}

pub(crate) fn long(plan: &Plan, table: &mut Table) {
    let reopened = reopen(1_000, plan.count(20, 3));
    table.at_most("reopen a 1,000-turn run, warm (median)", 5.0, milliseconds(reopened.warm));
    let time = reopen_from_process_start(1_000, plan.count(20, 3), test_scenarios());
    let what = "from process start to its first further reply on record (median)";
    table.at_most(what, 40.0, milliseconds(time));
}

pub(crate) fn size(_: &Plan, table: &mut Table) {
    let size = store_size(1_000, 100 << 10);
    let what = "store size after a WAL checkpoint, 1,000 turns of a 100 KiB conversation";
    table.at_most(what, 1.0, mebibytes(size.store_bytes));
}
