//! The `playhouse` binary: every shipped scenario behind one command line.

mod invoice_review;

use playhouse::prelude::*;

fn main() -> ExitCode {
    playhouse::main(&[scenario!(invoice_review)])
}
