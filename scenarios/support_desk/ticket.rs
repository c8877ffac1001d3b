//! The input: what a customer writes.

use std::fs;

use jiff::civil::{Date, date};
use playhouse::prelude::*;
use serde::{Deserialize, Serialize};

/// The most bytes of a message: about ten pages. More is no question, and no model would read it all.
const MAX_MESSAGE_BYTES: usize = 32 * 1024;

/// One ticket, as journaled when its run is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(crate) struct Ticket {
    /// The customer who was signed in when writing it.
    pub(crate) customer: String,
    /// The day on which it came.
    pub(crate) received: Date,
    /// What the customer wrote; not empty.
    pub(crate) message: String,
}

/// A ticket as somebody has written it down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    customer: String,
    received: String,
    message: String,
}

impl TryFrom<Unchecked> for Ticket {
    type Error = String;

    fn try_from(Unchecked { customer, received, message }: Unchecked) -> Result<Self, String> {
        if customer.trim().is_empty() {
            return Err("`customer` of the ticket is empty".to_owned());
        }
        if message.trim().is_empty() {
            return Err("`message` of the ticket is empty".to_owned());
        }
        if message.len() > MAX_MESSAGE_BYTES {
            let n_bytes = message.len();
            return Err(format!(
                "`message` of the ticket has {n_bytes} bytes, and may have {MAX_MESSAGE_BYTES} at most"
            ));
        }
        let received = received.parse().map_err(|_| {
            format!("`received` of the ticket is `{received}`, which is no day such as 2026-03-14")
        })?;
        Ok(Self { customer, received, message })
    }
}

impl Ticket {
    /// Returns the first message of a run: the ticket, whole.
    pub(crate) fn opening(&self) -> String {
        // A ticket consists of texts and a day, so it has a JSON form.
        format!("Settle this ticket.\n{}", serde_json::to_string(self).unwrap_or_default())
    }

    /// Returns the ticket in a first message.
    pub(crate) fn opened(opening: &str) -> Option<Self> {
        serde_json::from_str(opening.lines().next_back()?).ok()
    }
}

/// Returns the ticket that is settled if the command line names none.
pub(crate) fn shipped() -> Ticket {
    let message = "Hello, my kettle from order O-1041 does not switch on any more. I have tried another socket. \
                   I would like my money back. And I cannot log in any more: is my account locked?";
    Ticket { customer: "C-7".to_owned(), received: date(2026, 3, 14), message: message.to_owned() }
}

/// Reads the tickets of a folder: each `*.json` file is one, named after the file.
///
/// # Errors
/// Names the file at fault.
pub(crate) fn load_cases(folder: &Path) -> Result<Vec<(CaseName, Ticket)>, InputError> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<(CaseName, Ticket), InputError> {
    let in_file = |detail: String| InputError::new(format!("`{}`: {detail}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = CaseName::new(stem).map_err(|error| in_file(error.to_string()))?;
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let ticket = serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))?;
    Ok((name, ticket))
}
