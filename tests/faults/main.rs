//! Scenarios that go wrong on purpose, behind the command line of every scenario binary.

#![expect(clippy::panic, reason = "some of these scenarios are there to panic")]

mod asker;
mod doubtful;
mod endless_talk;
mod invalid;
mod panicking_pattern;
mod panicking_script;
mod panicking_tool;
mod patient;
mod silent;

use playhouse::prelude::*;

fn main() -> ExitCode {
    playhouse::main(&[
        scenario!(asker),
        scenario!(doubtful),
        scenario!(endless_talk),
        scenario!(panicking_pattern),
        scenario!(panicking_script),
        scenario!(panicking_tool),
        scenario!(patient),
        scenario!(silent),
        scenario!(invalid::empty),
        scenario!(invalid::twins),
        scenario!(invalid::endless),
        scenario!(invalid::tool_twice),
        scenario!(invalid::everything),
    ])
}
