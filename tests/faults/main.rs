//! The fault matrix: the real binary is killed, starved and stopped, and must go on as if nothing had happened.
//!
//! ```text
//! cargo bench -p playhouse-tests --bench faults                      # everything, for the README
//! cargo bench -p playhouse-tests --bench faults -- --quick           # a seeded sample, within three minutes
//! cargo bench -p playhouse-tests --bench faults -- kills damage      # only these groups
//! cargo bench -p playhouse-tests --bench faults -- --seed 7
//! cargo bench -p playhouse-tests --bench faults -- --repeat 'kills:single-agent:kept:pwrite64=17'
//! cargo test --workspace --bench faults -- --quick                   # unoptimized, with what the tests have built
//! ```
//!
//! Groups: `kills` of the real binary at writes, syncs and random times; crashes `inside` the process; model `calls`
//! that a kill repeats; `agents` that panic; `open` runs after a kill; `overload`; `damage` of the file; two `owners`;
//! a wrong `clock`; a `failing` disk; a `model` server that misbehaves.
//!
//! A failure names the command that repeats it alone. The exit code is 1 if anything was lost, was done twice or came
//! out differently; a missed figure of speed or memory is only shown. What cannot be tried on this machine is shown as
//! not run, which is not met. The table is Markdown, for the README.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness that cannot run shall say so at once"
)]

mod agents;
mod crew;
mod damage;
mod failing_store;
mod inside;
mod kills;
mod model;
mod model_calls;
mod overload;
mod owners;
mod person;
mod plan;
mod point;
mod random_kills;
mod reopening;
mod strace;
mod trials;
mod units;
mod wall_clock;

use std::process::ExitCode;

use playhouse_tests::Table;

use self::plan::Plan;

/// A part of the matrix; those of one name are run together.
struct Group {
    name: &'static str,
    run: fn(&Plan, &mut Table),
}

/// All groups, in the order of the table.
const GROUPS: &[Group] = &[
    Group { name: "kills", run: kills::run },
    Group { name: "inside", run: inside::run },
    Group { name: "calls", run: model_calls::run },
    Group { name: "agents", run: agents::panics },
    Group { name: "agents", run: agents::restart },
    Group { name: "open", run: reopening::many },
    Group { name: "overload", run: overload::run },
    Group { name: "agents", run: agents::starts },
    Group { name: "damage", run: damage::run },
    Group { name: "owners", run: owners::run },
    Group { name: "clock", run: wall_clock::run },
    Group { name: "open", run: reopening::long },
    Group { name: "open", run: reopening::size },
    Group { name: "failing", run: failing_store::run },
    Group { name: "model", run: model::run },
];

/// Groups that measure memory: run before others have used some.
const MEASURED_FIRST: [&str; 2] = ["overload", "open"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        // `cargo test --benches` only wants to know that this starts; `cargo bench` adds `--bench`.
        return ExitCode::SUCCESS;
    }
    let mut names: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    names.sort_unstable();
    names.dedup();
    let plan = match Plan::read(&arguments, &names) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let table = measure(&plan);
    let speed = if cfg!(debug_assertions) { "unoptimized" } else { "optimized" };
    println!("{table}\nSeed {}, {:?}, {speed}.", plan.seed, plan.effort);
    if table.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs the groups that are asked for and returns their rows in the order of the table.
fn measure(plan: &Plan) -> Table {
    let mut parts: Vec<(usize, &Group)> =
        GROUPS.iter().enumerate().filter(|(_, group)| plan.includes(group.name)).collect();
    let turn = |group: &Group| MEASURED_FIRST.iter().position(|name| *name == group.name);
    parts.sort_by_key(|(_, group)| turn(group).unwrap_or(MEASURED_FIRST.len()));
    let mut tables: Vec<(usize, Table)> = Vec::new();
    for (place, group) in parts {
        eprintln!("== {}", group.name);
        let began = started();
        let mut table = Table::default();
        (group.run)(plan, &mut table);
        eprintln!("-- {} took {:.0?}", group.name, began.elapsed());
        tables.push((place, table));
    }
    tables.sort_by_key(|(place, _)| *place);
    let mut all = Table::default();
    tables.into_iter().for_each(|(_, table)| all.append(table));
    all
}

#[expect(clippy::disallowed_methods, reason = "how long a group takes decides what a quick matrix can hold")]
fn started() -> std::time::Instant {
    std::time::Instant::now()
}
