//! The fault matrix: the real binary is killed, starved and stopped, and must go on as if nothing had happened.
//!
//! ```text
//! cargo bench -p playhouse-tests --bench faults                      # everything, for the README
//! cargo bench -p playhouse-tests --bench faults -- --quick           # a seeded sample, within three minutes
//! cargo bench -p playhouse-tests --bench faults -- strace random     # only these groups
//! cargo bench -p playhouse-tests --bench faults -- --seed 7
//! cargo bench -p playhouse-tests --bench faults -- --repeat 'strace:single-agent:kept:pwrite64=17'
//! cargo test --workspace --bench faults -- --quick                   # unoptimized, with what the tests have built
//! ```
//!
//! A failure names the command that repeats it alone. The exit code is 1 if anything was lost, was done twice or came
//! out differently; a missed figure of speed or memory is only shown. What cannot be tried on this machine is shown as
//! not run. The table is Markdown, for the README.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness that cannot run shall say so at once"
)]

mod crew;
mod failing_store;
mod model;
mod model_calls;
mod owners;
mod plan;
mod point;
mod random_kills;
mod strace;
mod strace_kills;
mod trials;
mod wall_clock;

use std::process::ExitCode;

use playhouse_tests::Table;

use self::plan::Plan;

/// A part of the matrix that can be run alone.
struct Group {
    name: &'static str,
    run: fn(&Plan, &mut Table),
}

/// All groups, in the order of the table.
const GROUPS: &[Group] = &[
    Group { name: "strace", run: strace_kills::run },
    Group { name: "random", run: random_kills::run },
    Group { name: "calls", run: model_calls::run },
    Group { name: "failing", run: failing_store::run },
    Group { name: "owners", run: owners::run },
    Group { name: "clock", run: wall_clock::run },
    Group { name: "model", run: model::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        // `cargo test --benches` only wants to know that this starts; `cargo bench` adds `--bench`.
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    let plan = match Plan::read(&arguments, &names) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::default();
    for group in GROUPS.iter().filter(|group| plan.includes(group.name)) {
        eprintln!("== {}", group.name);
        (group.run)(&plan, &mut table);
    }
    println!("\nSeed {}, {:?}.{table}", plan.seed, plan.effort);
    if table.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
