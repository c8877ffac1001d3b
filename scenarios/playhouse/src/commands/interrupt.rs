//! Ctrl-C and SIGTERM: the first stops in order, the second at once.

use std::pin::pin;

use playhouse_types::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::command_error::CommandError;
use crate::host::Runtime;
use crate::view::say;

/// The signals that stop a process.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> Result<Self, CommandError> {
        let listen = |kind| signal(kind).map_err(CommandError::Signals);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Waits for `work`, which runs in `runtime`. A signal makes the runtime stop in order, which ends the work as
/// interrupted; a second one ends the process.
pub(super) async fn finish_or_interrupt<T>(
    runtime: &Runtime,
    work: impl Future<Output = T>,
) -> Result<T, CommandError> {
    let mut signals = StopSignals::listen()?;
    let mut work = pin!(work);
    tokio::select! {
        end = &mut work => return Ok(end),
        () = signals.next() => {}
    }
    say("stopping: calls in flight reach their record, then the run rests; press again to stop at once");
    runtime.interrupt();
    tokio::select! {
        end = work => Ok(end),
        () = signals.next() => {
            // What is not on record now is settled by the next `resume`.
            std::process::exit(i32::from(ExitCode::Interrupted.code()));
        }
    }
}
