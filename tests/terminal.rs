//! A person at a terminal, as the binary sees one.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;

use crate::finished::Finished;

/// How long a process may show nothing before it counts as hanging, in milliseconds.
const PATIENCE_MS: u16 = 60_000;

/// A process whose standard input and error are a terminal; it is killed with this value if it still runs.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    screen: File,
    /// All that has been shown so far.
    shown: String,
    /// Up to where it has been waited for.
    seen: usize,
}

impl Terminal {
    /// Starts a command at a terminal of its own; its result goes to a pipe.
    ///
    /// # Panics
    /// If this machine has no terminal left.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        Self::spawn(command, |_| None)
    }

    /// Starts a command at a terminal of its own, which shows its result too.
    ///
    /// # Panics
    /// If this machine has no terminal left.
    #[must_use]
    pub fn start_with_output(command: Command) -> Self {
        Self::spawn(command, |tty| Some(tty.try_clone().unwrap()))
    }

    fn spawn(mut command: Command, stdout: impl FnOnce(&File) -> Option<File>) -> Self {
        let pty = openpty(None, None).unwrap();
        let tty = File::from(pty.slave);
        if let Some(stdout) = stdout(&tty) {
            command.stdout(Stdio::from(stdout));
        }
        command.stdin(Stdio::from(tty.try_clone().unwrap())).stderr(Stdio::from(tty)).env("TERM", "dumb");
        let child = command.spawn().unwrap();
        // The command holds the terminal open: without it, the end of the process would not be seen.
        drop(command);
        Self { child, screen: File::from(pty.master), shown: String::new(), seen: 0 }
    }

    /// Waits until this text is shown, after what was waited for before.
    ///
    /// # Panics
    /// If the process ends without showing it, or shows nothing more for a minute.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(self.read(), "`{text}` is not shown\n{}", self.shown);
        }
    }

    /// Returns all that has been waited for.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.shown[..self.seen]
    }

    /// Types a line.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn type_line(&mut self, line: &str) {
        self.type_text(&format!("{line}\n"));
    }

    /// Types a text without Enter behind it.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn type_text(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    /// Presses Ctrl-D: the end of input.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn end_input(&mut self) {
        self.screen.write_all(b"\x04").unwrap();
    }

    #[track_caller]
    fn read(&mut self) -> bool {
        let ready =
            poll(&mut [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE_MS));
        assert_ne!(ready, Ok(0), "nothing more is shown, and the process goes on\n{}", self.shown);
        let mut bytes = [0; 4096];
        // An error is how a terminal says that nobody holds its other end any more.
        let n_bytes = self.screen.read(&mut bytes).unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..n_bytes]));
        n_bytes > 0
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// If that is not possible, or the process shows nothing more for a minute and does not end.
    #[must_use]
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        while self.read() {}
        let mut stdout = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        Finished { code, stdout, stderr: std::mem::take(&mut self.shown) }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, or its test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
