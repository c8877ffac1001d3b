//! The outbox: one file, one JSON line for each letter that has left.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use playhouse::prelude::{Path, PathBuf, StartContext, ToolContext, ToolError, tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::NoticeKind;

/// The outbox's name in the data directory, if no other is set.
const DEFAULT_OUTBOX: &str = "vendor-notice-outbox.jsonl";

/// The tool that sends.
pub(crate) const SEND_LETTER: &str = "send_letter";

/// A letter to a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Letter {
    /// Who is written to, as the case names it.
    pub(crate) vendor: String,
    /// Where the letter goes.
    pub(crate) address: String,
    /// What it is about.
    pub(crate) notice: NoticeKind,
    /// The invoice that is rejected, if it is about one.
    #[serde(default)]
    pub(crate) invoice: Option<String>,
    /// The invoice's amount in minor units of the currency.
    #[serde(default)]
    pub(crate) amount_minor: Option<u64>,
    /// What the vendor reads.
    #[schemars(length(min = 1))]
    pub(crate) body: String,
}

/// What the post office says of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// Who is written to.
    pub(crate) vendor: String,
    /// That it has left.
    pub(crate) posted: bool,
}

/// The tools of the sender, around one outbox.
#[derive(Debug)]
pub(crate) struct Outbox {
    file: Mutex<File>,
}

#[tools]
impl Outbox {
    /// Opens the outbox; the one in the data directory if none is given.
    pub(crate) async fn open(ctx: StartContext, path: Option<PathBuf>) -> Result<Self, ToolError> {
        let path = path.unwrap_or_else(|| ctx.data_dir.join(DEFAULT_OUTBOX));
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Sends a letter. It cannot be taken back, and must not be sent twice.
    #[tool(effect = "once", timeout = "20s")]
    pub(crate) async fn send_letter(&self, args: Letter, _ctx: &ToolContext) -> Result<Posted, ToolError> {
        let mut line = serde_json::to_string(&args)?;
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write, so that letters of several processes do not mix.
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        Ok(Posted { vendor: args.vendor, posted: true })
    }
}
