//! Results that arrive too late for the journal: after another process took the run over, or after the store failed.
//!
//! They are kept apart, as lines of JSON beside the database, so that a person who decides about a call in doubt can see
//! what became of it. A fold never reads them.

use playhouse_journal::{Event, RecordKey, SCHEMA_VERSION};
use playhouse_types::{Incarnation, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::StoreError;

/// How many bytes of late results a store keeps for one run: far more than the calls that can be in flight return, so
/// that only a fault reaches it.
pub const LATE_LIMIT_BYTES: u64 = 64 << 20;

/// Separates these checksums from every other use of BLAKE3.
const DOMAIN: &[u8] = b"playhouse late result v1";

/// A result that arrived too late for the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LateResult {
    /// The key that its record would have: which call it is of.
    pub key: RecordKey,
    /// The epoch under which the call was sent.
    pub epoch: u64,
    /// The incarnation that sent it.
    pub incarnation: Incarnation,
    /// When it arrived.
    pub time: Timestamp,
    /// What came back.
    pub event: Event,
}

/// The late results of one run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LateResults {
    /// Those that can be read, in the order in which they were kept. One result may be there more than once.
    pub results: Vec<LateResult>,
    /// How many lines cannot be read: damaged, of a newer version, or cut off when a process ended while another one
    /// wrote on. A cut-off last line is no result and not counted.
    pub n_unreadable: usize,
}

/// Why a late result was not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LateError {
    /// There is no room for it.
    #[error("run `{run}` has {kept_bytes} bytes of late results already, {LATE_LIMIT_BYTES} are the limit")]
    TooMany {
        /// The run.
        run: RunId,
        /// How many are kept.
        kept_bytes: u64,
    },
    /// It has no JSON form.
    #[error("a late result cannot be encoded")]
    Unencodable(#[from] serde_json::Error),
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A line: the checksum covers the run and the text of `late` as it stands.
#[derive(Serialize, Deserialize)]
struct Line {
    version: u16,
    checksum: String,
    late: Box<RawValue>,
}

impl LateResult {
    /// Encodes the result as a line for a run that has `kept_bytes` bytes of them already.
    ///
    /// # Errors
    /// [`LateError::TooMany`], [`LateError::Unencodable`].
    pub fn to_line(&self, run: RunId, kept_bytes: u64) -> Result<Vec<u8>, LateError> {
        let late = serde_json::value::to_raw_value(self)?;
        let checksum = checksum(run, SCHEMA_VERSION, late.get());
        let mut line = serde_json::to_vec(&Line { version: SCHEMA_VERSION, checksum, late })?;
        line.push(b'\n');
        if kept_bytes.saturating_add(line.len() as u64) > LATE_LIMIT_BYTES {
            return Err(LateError::TooMany { run, kept_bytes });
        }
        Ok(line)
    }
}

impl LateResults {
    /// Decodes the lines of a run.
    #[must_use]
    pub fn from_lines(run: RunId, lines: &[u8]) -> Self {
        let mut read = Self::default();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = line.strip_suffix(b"\n").map_or((line, false), |text| (text, true));
            match decode(run, text) {
                Some(late) => read.results.push(late),
                // A blank line separates a cut-off one from the next.
                None => read.n_unreadable += usize::from(is_whole && !text.is_empty()),
            }
        }
        read
    }
}

fn decode(run: RunId, text: &[u8]) -> Option<LateResult> {
    let line: Line = serde_json::from_slice(text).ok()?;
    let is_intact = line.checksum == checksum(run, line.version, line.late.get());
    if !is_intact || line.version > SCHEMA_VERSION {
        return None;
    }
    serde_json::from_str(line.late.get()).ok()
}

fn checksum(run: RunId, version: u16, late: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(DOMAIN).update(&run.as_u128().to_be_bytes()).update(&version.to_be_bytes());
    hasher.update(late.as_bytes()).finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use playhouse_journal::{Event, Kind, RecordKey};
    use playhouse_types::{Incarnation, RunId, Step, Timestamp, TurnId};

    use super::{LATE_LIMIT_BYTES, LateError, LateResult, LateResults};

    const RUN: RunId = RunId::from_u128(7);

    fn late(reason: &str) -> LateResult {
        LateResult {
            key: RecordKey::new(TurnId(3), Step(1), 2, Kind::ToolResult),
            epoch: u64::MAX,
            incarnation: Incarnation(4),
            time: Timestamp(5),
            event: Event::Suspended { reason: reason.to_owned() },
        }
    }

    #[test]
    fn every_flipped_bit_of_a_line_is_unreadable_and_spares_its_neighbors() {
        let lines = ["one", "two\nlines", "three"].map(|text| late(text).to_line(RUN, 0).unwrap());
        let kept = [late("one"), late("two\nlines"), late("three")];
        assert_eq!(LateResults::from_lines(RUN, &lines.concat()).results, kept);
        for bit in 0..(lines[1].len() - 1) * 8 {
            let mut damaged = lines.clone();
            damaged[1][bit / 8] ^= 1 << (bit % 8);
            let read = LateResults::from_lines(RUN, &damaged.concat());
            assert_eq!(read.results, [kept[0].clone(), kept[2].clone()], "bit {bit}");
            assert!(read.n_unreadable > 0, "bit {bit}");
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_no_result() {
        let (first, second) =
            (late("first").to_line(RUN, 0).unwrap(), late("second").to_line(RUN, 0).unwrap());
        for n_bytes in 0..second.len() - 1 {
            let lines = [&first[..], &second[..n_bytes]].concat();
            let read = LateResults::from_lines(RUN, &lines);
            assert_eq!(read, LateResults { results: vec![late("first")], n_unreadable: 0 }, "{n_bytes}");
        }
        let without_its_end = [&first[..], &second[..second.len() - 1]].concat();
        assert_eq!(LateResults::from_lines(RUN, &without_its_end).results.len(), 2);
    }

    #[test]
    fn a_line_of_another_run_is_unreadable() {
        let line = late("one").to_line(RUN, 0).unwrap();
        let read = LateResults::from_lines(RunId::from_u128(8), &line);
        assert_eq!(read, LateResults { results: Vec::new(), n_unreadable: 1 });
    }

    #[test]
    fn late_results_are_bounded() {
        let refused = late("one").to_line(RUN, LATE_LIMIT_BYTES - 10).unwrap_err();
        assert!(matches!(refused, LateError::TooMany { run: RUN, .. }), "{refused}");
    }
}
