//! The whole crash matrix within one process, and the figures of a process.
//!
//! `cargo run -p playhouse-tests --example in-process [-- WHAT...]`; `PLAYHOUSE_SEED=N` chooses other double crashes.

mod matrix;

fn main() -> std::process::ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |what: &str| asked.is_empty() || asked.iter().any(|asked| asked == what);
    let mut is_good = true;
    if is_asked("matrix") {
        is_good &= matrix::run();
    }
    if is_good { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
