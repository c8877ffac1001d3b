//! The `playhouse` binary: every shipped scenario behind one command line.

mod invoice_review;
mod support_desk;
mod vendor_notice;

use playhouse::prelude::*;

/// Runs make many small allocations in one thread and free them in another, which the system's allocator is slow at:
/// with this one a run costs about half the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    playhouse::main(&[scenario!(invoice_review), scenario!(support_desk), scenario!(vendor_notice)])
}
