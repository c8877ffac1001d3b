//! The only tool of the desk that does something: one file, one JSON line for each refund.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, in_units};
use super::ticket::Ticket;

/// The file's name in the data directory, if no other is set.
const DEFAULT_FILE: &str = "support-desk-refunds.jsonl";

/// The tool that refunds.
pub(crate) const REFUND: &str = "refund";

/// What to refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refund {
    /// The number of the order.
    pub(crate) order: String,
    /// The amount in euro cents: above 0, at most what was paid.
    #[schemars(range(min = 1))]
    pub(crate) amount_cents: u64,
    /// Why, in a sentence.
    pub(crate) reason: String,
}

/// What became of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Receipt {
    /// The number of the order.
    pub(crate) order: String,
    /// The amount that went back, in euro cents.
    pub(crate) amount_cents: u64,
    /// Whether this call refunded it.
    pub(crate) status: RefundStatus,
}

/// Whether a call refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    /// It did.
    Refunded,
    /// The order had been refunded before, by another call; nothing was refunded now.
    RefundedBefore,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    order: String,
    amount_cents: u64,
}

impl Line {
    fn receipt(self, keys: &EffectKeys) -> Receipt {
        let is_own = self.key == keys.idempotency;
        let status = if is_own { RefundStatus::Refunded } else { RefundStatus::RefundedBefore };
        Receipt { order: self.order, amount_cents: self.amount_cents, status }
    }
}

/// The tool of the refund clerk, around one file.
#[derive(Debug)]
pub(crate) struct Refunds {
    desk: Desk,
    path: PathBuf,
}

#[tools]
impl Refunds {
    /// Opens the file; the one in the data directory if none is given.
    pub(crate) fn open(ctx: &StartContext, desk: Desk, path: Option<PathBuf>) -> Result<Self, ToolError> {
        let path = path.unwrap_or_else(|| ctx.data_dir.join(DEFAULT_FILE));
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        opened(&path)?;
        Ok(Self { desk, path })
    }

    /// Refunds an order of the customer, at most once.
    ///
    /// Answers `refunded`, or `refunded_before` with what went back then; in that case nothing was refunded now.
    #[tool(
        effect = "reconcile",
        probe = Self::refunded,
        intent = "order",
        scope = "destination",
        timeout = "20s"
    )]
    pub(crate) async fn refund(&self, args: Refund, ctx: &ToolContext) -> Result<Receipt, ToolError> {
        let ticket: Ticket = ctx.input()?;
        let Some(order) = self.desk.order(&ticket, &args.order) else {
            let text =
                format!("the customer has no order `{}`; `find_orders` names those there are", args.order);
            return Err(ToolError::Invalid(text));
        };
        if args.amount_cents == 0 || args.amount_cents > order.paid_cents {
            let paid = in_units(order.paid_cents);
            return Err(ToolError::Invalid(format!("a refund is above 0 and at most what was paid: {paid}")));
        }
        let mut file = opened(&self.path)?;
        // Until the file is closed: another process may be about to refund the same order.
        file.lock()?;
        if let Some(earlier) = found(&mut file, &args.order)? {
            return Ok(earlier.receipt(&ctx.keys));
        }
        let key = ctx.keys.idempotency.clone();
        let line = Line { key, order: args.order, amount_cents: args.amount_cents };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| ToolError::InDoubt(format!("the refund may be on file or not: {error}")))?;
        Ok(line.receipt(&ctx.keys))
    }

    async fn refunded(&self, args: &Refund, keys: &EffectKeys) -> Result<Probe<Receipt>, ToolError> {
        let mut file = opened(&self.path)?;
        file.lock()?;
        let found = found(&mut file, &args.order)?;
        Ok(found.map_or(Probe::Absent, |line| Probe::Landed(line.receipt(keys))))
    }
}

fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Returns the refund of an order, from a file that nobody else writes to meanwhile.
fn found(file: &mut File, order: &str) -> Result<Option<Line>, ToolError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    // Half a line at the end was cut off before its refund counted; what follows must not be glued to it.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if whole < bytes.len() {
        file.set_len(whole as u64)?;
        bytes.truncate(whole);
    }
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_slice(line)?;
        if line.order == order {
            return Ok(Some(line));
        }
    }
    Ok(None)
}
