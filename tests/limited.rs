//! Processes that have a limited time, with all that they start.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::finished::Finished;

/// A process in a group of its own.
#[derive(Debug)]
pub struct Limited {
    child: Child,
    outputs: [JoinHandle<String>; 2],
    /// Closed when the process and all that hold its outputs have ended.
    open: mpsc::Receiver<()>,
}

impl Limited {
    /// Starts it.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (tx, open) = mpsc::channel();
        let stderr = read_all(child.stderr.take().unwrap(), tx.clone());
        let stdout = read_all(child.stdout.take().unwrap(), tx);
        Self { child, outputs: [stdout, stderr], open }
    }

    /// Waits for its end; `None` if it lasts longer than `limit`: then it and all it has started are killed.
    #[must_use]
    pub fn finish_within(self, limit: Duration) -> Option<Finished> {
        let is_over = self.ends_within(limit);
        let finished = if is_over { self.collect() } else { self.kill() };
        is_over.then_some(finished)
    }

    /// Waits until it has ended, or for `limit`; returns whether it has.
    #[must_use]
    pub fn ends_within(&self, limit: Duration) -> bool {
        self.open.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    /// Kills it with all that it has started, as a power cut would.
    #[must_use]
    pub fn kill(self) -> Finished {
        // An error means that it has ended already.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        self.collect()
    }

    /// Sends a signal to the process itself.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    fn collect(mut self) -> Finished {
        let code = self.child.wait().unwrap().code();
        let [stdout, stderr] = self.outputs.map(|output| output.join().unwrap());
        Finished { code, stdout, stderr }
    }
}

/// Reads all the time: a process whose pipe is full stands still.
fn read_all(mut output: impl Read + Send + 'static, open: mpsc::Sender<()>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).unwrap();
        drop(open);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
