//! Scenarios for tests and benchmarks, most of which go wrong on purpose, behind the command line of every scenario
//! binary.

#![expect(clippy::panic, reason = "some of these scenarios are there to panic")]

mod asker;
mod crashing;
mod crews;
mod doubtful;
mod endless_talk;
mod escalating;
mod expiring;
mod greeting;
mod invalid;
mod long_talk;
mod panicking_pattern;
mod panicking_script;
mod panicking_tool;
mod patient;
mod silent;

use playhouse::prelude::*;

use self::crews::{fan_out, long_history, reviewed, single_agent, three_chat};
use self::invalid::{empty, endless, everything, tool_twice, twins};

/// The allocator of the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    playhouse::main(&[
        scenario!(asker),
        scenario!(crashing),
        scenario!(doubtful),
        scenario!(endless_talk),
        scenario!(escalating),
        scenario!(expiring),
        scenario!(greeting),
        scenario!(long_talk),
        scenario!(panicking_pattern),
        scenario!(panicking_script),
        scenario!(panicking_tool),
        scenario!(patient),
        scenario!(silent),
        scenario!(single_agent),
        scenario!(three_chat),
        scenario!(fan_out),
        scenario!(long_history),
        scenario!(reviewed),
        scenario!(empty),
        scenario!(twins),
        scenario!(endless),
        scenario!(tool_twice),
        scenario!(everything),
    ])
}
