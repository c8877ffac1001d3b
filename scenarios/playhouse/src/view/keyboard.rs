//! The keyboard of a terminal: the lines that a person types, and forgetting what was typed too early.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::read;
use tokio::sync::mpsc;

/// How many typed lines may wait: more than a person types ahead. Others are dropped.
const TYPED_AHEAD: usize = 64;

/// How many bytes are read at once: a terminal holds no longer line.
const READ_BYTES: usize = 4096;

/// What is typed, line by line.
pub(crate) struct Keyboard {
    lines: mpsc::Receiver<String>,
    /// What was read and is no whole line yet. Locked while the terminal is read or its input is forgotten: nothing that
    /// was typed is in neither place.
    begun: Arc<Mutex<Vec<u8>>>,
}

impl Keyboard {
    /// Reads standard input on a thread of its own, which nothing waits for: it may be reading when the process ends.
    pub(crate) fn start() -> Self {
        let (tx, lines) = mpsc::channel(TYPED_AHEAD);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let reader = Arc::clone(&begun);
        std::thread::spawn(move || {
            // An end and an error are the same to whoever asks: no further line comes.
            while let Ok(true) = read_once(&reader, &tx) {}
        });
        Self { lines, begun }
    }

    /// Waits for the next line; `None` is the end of input.
    ///
    /// # Cancel safety
    /// No line is lost.
    pub(crate) async fn next_line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Forgets all that was typed up to now, lines and the beginning of one.
    pub(crate) fn forget(&mut self) {
        let mut begun = lock(&self.begun);
        if let Err(error) = tcflush(std::io::stdin(), FlushArg::TCIFLUSH) {
            tracing::debug!(error = %error, "standard input is no terminal");
        }
        begun.clear();
        while self.lines.try_recv().is_ok() {}
    }
}

fn lock(begun: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // A poisoned lock holds whole bytes all the same.
    begun.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for input and passes the lines on that it ends; `false` at the end of input, or if nobody wants lines any more.
fn read_once(begun: &Mutex<Vec<u8>>, lines: &mpsc::Sender<String>) -> Result<bool, Errno> {
    wait_for_input(PollTimeout::NONE)?;
    let mut begun = lock(begun);
    // It may have been forgotten meanwhile; to read now would hold the lock until somebody types.
    if !wait_for_input(PollTimeout::ZERO)? {
        return Ok(true);
    }
    let mut bytes = [0; READ_BYTES];
    let n_bytes = match read(std::io::stdin(), &mut bytes) {
        Ok(n_bytes) => n_bytes,
        Err(Errno::EINTR | Errno::EAGAIN) => return Ok(true),
        Err(error) => return Err(error),
    };
    begun.extend(bytes.iter().take(n_bytes));
    let is_wanted = pass_lines(&mut begun, lines);
    Ok(n_bytes > 0 && is_wanted)
}

fn pass_lines(begun: &mut Vec<u8>, lines: &mpsc::Sender<String>) -> bool {
    while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = begun.drain(..=end).collect();
        let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        if matches!(lines.try_send(line), Err(mpsc::error::TrySendError::Closed(_))) {
            return false;
        }
    }
    true
}

fn wait_for_input(timeout: PollTimeout) -> Result<bool, Errno> {
    let stdin = std::io::stdin();
    match poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(n_ready) => Ok(n_ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::pass_lines;
    use tokio::sync::mpsc;

    #[test]
    fn whole_lines_are_passed_on_and_the_beginning_of_one_is_kept() {
        let (tx, mut rx) = mpsc::channel(2);
        let mut begun = b"one\r\ntwo\nthree\nfo".to_vec();
        // The third finds no room and is dropped.
        assert!(pass_lines(&mut begun, &tx));
        assert_eq!(begun, b"fo");
        assert_eq!((rx.try_recv().unwrap(), rx.try_recv().unwrap()), ("one".to_owned(), "two".to_owned()));
        assert!(rx.try_recv().is_err());
        drop(rx);
        begun.push(b'\n');
        assert!(!pass_lines(&mut begun, &tx));
    }
}
