//! The form of a cassette: a header and one line for each reply.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use playhouse_messages::ModelRequest;
use playhouse_types::{AgentName, CaseName, ModelName, ModelReply, RunId, Step, TurnId};
use serde::{Deserialize, Serialize};

/// The version of the form that this build writes, and the newest one that it reads.
pub(super) const VERSION: u32 = 1;

/// Why a cassette cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CassetteError {
    /// It cannot be read or made.
    #[error("cassette `{}` cannot be opened", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a folder, a pipe or the like.
    #[error("cassette `{}` is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Somebody records into it at this moment.
    #[error("cassette `{}` is being recorded at this moment: wait until that has ended, or name another file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Its first line is not the header of a cassette.
    #[error("`{}` is not a cassette: its first line is not `{{\"playhouse_cassette\":{VERSION}}}`", path.display())]
    NotACassette {
        /// The file.
        path: PathBuf,
    },
    /// A newer build has written it.
    #[error("cassette `{}` has format {version}, this build reads formats up to {VERSION}: use a newer build", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A line is not a reply.
    #[error("line {line} of cassette `{}` is not a recorded reply: mend or delete it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    playhouse_cassette: u32,
}

/// Returns the first line of a cassette.
pub(super) fn header_line() -> String {
    format!("{{\"playhouse_cassette\":{VERSION}}}\n")
}

/// What a model is asked, whichever model, in whichever run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct RequestId([u8; 32]);

impl RequestId {
    pub(super) fn of(request: &ModelRequest) -> Self {
        Self(request.hash_as(&ModelName::new("")))
    }

    /// Returns the first digits: enough to find the line.
    pub(super) fn prefix(self) -> String {
        String::from(self).chars().take(12).collect()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for RequestId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a request: it has 64 digits of `0-9a-f`");
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(invalid());
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * place..2 * place + 2).ok_or_else(invalid)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

/// Where in its run a reply was asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) turn: TurnId,
    pub(super) step: Step,
}

impl Position {
    pub(super) const fn of(request: &ModelRequest) -> Self {
        Self { turn: request.turn, step: request.step }
    }
}

/// One recorded reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) request: RequestId,
    /// How often the run has had an answer to this request, this one included: from 1.
    pub(super) occurrence: u32,
    pub(super) case: Option<CaseName>,
    /// Which recording this belongs to; a replay does not look for it.
    pub(super) run: RunId,
    pub(super) agent: AgentName,
    #[serde(flatten)]
    pub(super) position: Position,
    /// Who was asked.
    pub(super) model: ModelName,
    /// How often the endpoint was asked.
    pub(super) attempts: u32,
    pub(super) reply: ModelReply,
}

/// What is in a cassette.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The replies in the order of their lines, each with the bytes of its line.
    pub(super) entries: Vec<(Range<usize>, Entry)>,
    /// How many bytes are whole lines; the rest is half a line, left by an end in the middle of writing.
    pub(super) n_whole_bytes: usize,
    /// The number of that half line.
    pub(super) cut_line: Option<usize>,
}

/// Reads the bytes of a cassette. One without a whole header, as an end in the middle of its first line leaves it, is empty.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Contents, CassetteError> {
    let mut contents = Contents::default();
    if header_line().as_bytes().starts_with(bytes) && !bytes.ends_with(b"\n") {
        contents.cut_line = (!bytes.is_empty()).then_some(1);
        return Ok(contents);
    }
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let range = contents.n_whole_bytes..contents.n_whole_bytes + line.len();
        if number == 1 {
            check_header(path, line)?;
        } else if !line.trim_ascii().is_empty() {
            match serde_json::from_slice(line) {
                Ok(entry) => contents.entries.push((range.clone(), entry)),
                Err(_) if !line.ends_with(b"\n") => {
                    contents.cut_line = Some(number);
                    return Ok(contents);
                }
                Err(source) => {
                    return Err(CassetteError::Damaged { path: path.to_owned(), line: number, source });
                }
            }
        }
        contents.n_whole_bytes = range.end;
    }
    Ok(contents)
}

fn check_header(path: &Path, line: &[u8]) -> Result<(), CassetteError> {
    let header: Result<Header, _> = serde_json::from_slice(line);
    match header {
        Ok(Header { playhouse_cassette: version }) if version > VERSION => {
            Err(CassetteError::Newer { path: path.to_owned(), version })
        }
        Ok(Header { playhouse_cassette: 1.. }) => Ok(()),
        _ => Err(CassetteError::NotACassette { path: path.to_owned() }),
    }
}

/// Says that a file cannot be used.
pub(super) fn unavailable(path: &Path) -> impl Fn(io::Error) -> CassetteError {
    move |source| CassetteError::Unavailable { path: path.to_owned(), source }
}

/// Refuses what is there and is no regular file: to open a pipe would wait for its other end.
pub(super) fn refuse_special(path: &Path) -> Result<(), CassetteError> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(CassetteError::NotAFile { path: path.to_owned() }),
        // What is not there, or may not be looked at, is told by whoever opens it.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
