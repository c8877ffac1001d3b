//! Speed and memory, each figure beside its target and a floor that was measured in the same run.
//!
//! ```text
//! cargo bench -p playhouse-tests --bench bench               # all rows, some minutes
//! cargo bench -p playhouse-tests --bench bench -- --quick    # fewer repetitions
//! cargo bench -p playhouse-tests --bench bench -- http       # only these rows: start, crew, participants, http, commits, reopen
//! ```
//!
//! Time is CPU time of this process (user and system, all threads), which a busy machine disturbs least; only the rows on
//! slow commits and on going on with a run count time of the clock. The table is Markdown, for the README.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run shall say so at once"
)]

mod commits;
mod crew;
mod floor;
mod measure;
mod over_http;
mod participants;
mod process_start;
mod reopen;
mod server;

use std::process::ExitCode;

use playhouse_tests::Table;

/// The allocator of the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often things are repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effort {
    Full,
    Quick,
}

impl Effort {
    /// Returns how often to repeat what is repeated `full` times for the README.
    fn times(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => (full / 10).max(1),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        // This binary again, as a process of its own.
        ["serve"] => server::serve(),
        ["reopen", dir, run] => reopen::go_on(dir, run),
        ["measure", program, arguments @ ..] => measure::print_usage_of(program, arguments),
        // Cargo adds `--bench`; `cargo test --benches` does not, and only wants to know that this starts.
        _ if !arguments.contains(&"--bench") => {}
        _ => return print_table(&arguments),
    }
    ExitCode::SUCCESS
}

/// Measures one group of rows.
type Measure = fn(Effort, &mut Table);

const GROUPS: &[(&str, Measure)] = &[
    ("start", process_start::measure),
    ("crew", crew::measure),
    ("participants", participants::measure),
    ("http", over_http::measure),
    ("commits", commits::measure),
    ("reopen", reopen::measure),
];

fn print_table(arguments: &[&str]) -> ExitCode {
    let is_group = |argument: &str| GROUPS.iter().any(|(name, _)| *name == argument);
    let is_known = |argument: &str| ["--bench", "--quick"].contains(&argument) || is_group(argument);
    if let Some(unknown) = arguments.iter().find(|argument| !is_known(argument)) {
        let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        eprintln!("error: there is no group `{unknown}`; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let effort = if arguments.contains(&"--quick") { Effort::Quick } else { Effort::Full };
    let is_any_named = arguments.iter().any(|argument| is_group(argument));
    let mut table = Table::default();
    for (_, measure) in GROUPS.iter().filter(|(name, _)| !is_any_named || arguments.contains(name)) {
        measure(effort, &mut table);
    }
    println!("{table}");
    ExitCode::SUCCESS
}
