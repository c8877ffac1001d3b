//! The figures of a process, printed as they come.

use std::path::PathBuf;
use std::time::Duration;

use playhouse_tests::{
    agent_restart, always_panicking_agent, failed_starts, open_runs, overload, panicking_agent, reopen,
    store_size,
};

/// Beside the folder of this example.
fn test_scenarios_binary() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let binary = own.parent()?.parent()?.join("playhouse-test-scenarios");
    binary.exists().then_some(binary)
}

pub(crate) fn run(is_asked: &dyn Fn(&str) -> bool) {
    if is_asked("panics") {
        println!("{:?}", panicking_agent(10_000, 100));
        println!("{:?}", always_panicking_agent());
    }
    if is_asked("restart") {
        println!("{:?}", agent_restart(1_000, 200));
    }
    if is_asked("starts") {
        println!("{:?}", failed_starts(1_000));
    }
    if is_asked("overload") {
        println!("{:?}", overload(Duration::from_secs(60), 200));
    }
    if is_asked("store") {
        println!("{:?}", reopen(1_000, 20));
        println!("{:?}", store_size(1_000, 100 * 1024));
    }
    if is_asked("open-runs") {
        match test_scenarios_binary() {
            Some(binary) => println!("{:?}", open_runs(1_000, &binary)),
            None => println!("open runs: build the binary first: cargo build -p playhouse-tests --bins"),
        }
    }
}
