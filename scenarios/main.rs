//! The `playhouse` binary: every shipped scenario behind one command line.

mod design_debate;
mod invoice_review;
mod research_report;
mod review_panel;
mod support_desk;
mod table;
mod vendor_notice;

use playhouse::prelude::*;

/// Runs make many small allocations in one thread and free them in another, which the system's allocator is slow at:
/// with this one a run costs about half the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    playhouse::main(&[
        scenario!(invoice_review),
        scenario!(vendor_notice),
        scenario!(support_desk),
        scenario!(review_panel),
        scenario!(research_report),
        scenario!(design_debate),
    ])
}
