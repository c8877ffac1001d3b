//! The real binary in a directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::binary::playhouse_binary;
use crate::finished::Finished;
use crate::ledger::{LedgerLine, read_ledger};

/// What the environment of this process must not decide.
const UNSET: &[&str] = &[
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "PLAYHOUSE_MODEL",
    "PLAYHOUSE_DATA_DIR",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "COLUMNS",
];

/// A binary and a fresh data directory for it, which goes with this value.
#[derive(Debug)]
pub struct Playhouse {
    binary: PathBuf,
    dir: TempDir,
    environment: Vec<(String, String)>,
}

impl Default for Playhouse {
    fn default() -> Self {
        Self::new()
    }
}

impl Playhouse {
    /// Takes the `playhouse` binary of this workspace.
    ///
    /// # Panics
    /// If it cannot be built, or there is no room for temporary files.
    #[must_use]
    pub fn new() -> Self {
        Self::of(playhouse_binary())
    }

    /// Takes another scenario binary.
    ///
    /// # Panics
    /// If there is no room for temporary files.
    #[must_use]
    pub fn of(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), dir: TempDir::new().unwrap(), environment: Vec::new() }
    }

    /// Sets a variable for every process from now on.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a directory for files beside the data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the data directory; the first command makes it.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Returns the ledger of `invoice-review` in the data directory.
    ///
    /// # Panics
    /// If a line of it is not a payment.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerLine> {
        read_ledger(&self.data_dir().join("invoice-review-ledger.jsonl"))
    }

    /// Returns a command with these arguments, ready to start.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for name in UNSET {
            command.env_remove(name);
        }
        command.current_dir(self.dir.path()).args(arguments).arg("--data-dir").arg(self.data_dir());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Starts a command.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Started {
        Started::spawn(self.command(arguments))
    }
}

/// A process that was started, and is killed with this value if it still runs.
#[derive(Debug)]
pub struct Started {
    child: Child,
    lines: mpsc::Receiver<String>,
    stdout: Option<JoinHandle<String>>,
    stderr: String,
}

impl Started {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (tx, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Read all the time: a process whose pipe is full stands still.
        std::thread::spawn(move || {
            for line in stderr.split(b'\n').map_while(Result::ok) {
                if tx.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let mut stdout = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, lines, stdout: Some(stdout), stderr: String::new() }
    }

    /// Waits until the person has been told `count` more lines; returns whether there were so many.
    pub fn wait_for_lines(&mut self, count: usize) -> bool {
        (0..count).all(|_| self.next_line().is_some())
    }

    /// Waits until the person has been told a line with this text; returns whether it came.
    pub fn wait_for_text(&mut self, text: &str) -> bool {
        loop {
            match self.next_line() {
                Some(line) if line.contains(text) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        // An error means that the process has closed its stderr.
        let line = self.lines.recv().ok()?;
        self.stderr.push_str(&line);
        self.stderr.push('\n');
        Some(line)
    }

    /// Ends the process without giving it a chance, as a power cut would end it.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn kill(mut self) -> Finished {
        self.child.kill().unwrap();
        self.finish()
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        while self.next_line().is_some() {}
        let stdout = self.stdout.take().unwrap().join().unwrap();
        let code = self.child.wait().unwrap().code();
        Finished { code, stdout, stderr: std::mem::take(&mut self.stderr) }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended already, or its test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
