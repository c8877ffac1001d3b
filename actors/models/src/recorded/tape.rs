//! The file of a cassette that is being recorded.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::cassette::{CassetteError, Contents, Entry, header_line, read, refuse_special, unavailable};

/// Readable and writable for its owner only: it holds conversations.
const MODE: u32 = 0o600;

/// A cassette that nobody else records or reads while this value lives. It ends with a whole line after each call.
pub(super) struct Tape {
    file: File,
    n_bytes: u64,
    /// Half a line could not be taken away: what follows would be damage in the middle of the file.
    is_broken: bool,
}

impl Tape {
    /// Opens a cassette to go on with it, or makes one; returns what is in it. Half a line at its end is taken away.
    pub(super) fn open(path: &Path) -> Result<(Self, Contents), CassetteError> {
        refuse_special(path)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(MODE);
        let mut file = options.open(path).map_err(unavailable(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CassetteError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unavailable(path)(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unavailable(path))?;
        let contents = read(path, &bytes)?;
        let mut tape = Self { file, n_bytes: contents.n_whole_bytes as u64, is_broken: false };
        tape.mend(&contents, &bytes).map_err(unavailable(path))?;
        Ok((tape, contents))
    }

    /// Makes the file begin with a header and end with a whole line.
    fn mend(&mut self, contents: &Contents, bytes: &[u8]) -> io::Result<()> {
        if contents.cut_line.is_some() {
            self.file.set_len(self.n_bytes)?;
        }
        if self.n_bytes == 0 {
            self.append(header_line().as_bytes())?;
        } else if contents.cut_line.is_none() && !bytes.ends_with(b"\n") {
            self.append(b"\n")?;
        }
        Ok(())
    }

    /// Writes a line in one go; returns where it is.
    pub(super) fn write(&mut self, entry: &Entry) -> io::Result<Range<u64>> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.append(&line)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<Range<u64>> {
        if self.is_broken {
            return Err(io::Error::other("half a line is at its end"));
        }
        let start = self.n_bytes;
        if let Err(cause) = self.file.write_all(bytes) {
            self.take_back(start);
            return Err(cause);
        }
        self.n_bytes += bytes.len() as u64;
        Ok(start..self.n_bytes)
    }

    /// Takes away what got through of a line before the disk was full.
    fn take_back(&mut self, n_bytes: u64) {
        self.is_broken = self.file.set_len(n_bytes).is_err();
    }

    /// Waits until the disk has everything.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Reads a line again; `None` if it is not what was written.
    pub(super) fn entry(&mut self, range: &Range<u64>) -> Option<Entry> {
        let mut line = vec![0; usize::try_from(range.end - range.start).ok()?];
        self.file.seek(SeekFrom::Start(range.start)).ok()?;
        self.file.read_exact(&mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Write;

    use tempfile::TempDir;

    use super::Tape;
    use crate::recorded::cassette::header_line;

    #[test]
    fn nothing_is_written_behind_half_a_line_that_could_not_be_taken_away() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("tape.jsonl");
        let (mut tape, _) = Tape::open(&path).unwrap();
        // As a disk that takes nothing, not even a new length.
        let writable = std::mem::replace(&mut tape.file, File::open(&path).unwrap());
        assert!(tape.append(b"half a li").is_err());
        tape.file = writable;
        assert!(tape.append(b"a whole line\n").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), header_line());
    }

    #[test]
    fn half_a_line_that_a_full_disk_has_taken_is_taken_away() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("tape.jsonl");
        let (mut tape, _) = Tape::open(&path).unwrap();
        // What got through before the disk was full.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half a li").unwrap();
        tape.take_back(tape.n_bytes);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), header_line());
        assert!(tape.append(b"a whole line\n").is_ok());
    }
}
