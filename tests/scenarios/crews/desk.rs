//! A desk with a tool of each effect, whose ledger beside the store says what was really done, and how often.

use std::io::Write;

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ledger in the data directory: a line for each effect, as a destination would keep it.
const LEDGER: &str = "effects.jsonl";

/// One effect.
#[derive(Serialize, Deserialize)]
struct Line {
    tool: String,
    what: String,
    key: String,
}

/// What a tool is about.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct About {
    /// The item, letter or invoice.
    pub(crate) what: String,
}

/// The tools of a desk.
pub(crate) struct Desk {
    ledger: PathBuf,
}

impl Desk {
    /// Opens the ledger of the data directory.
    #[expect(clippy::unused_async, reason = "a set of tools is opened by an async function")]
    pub(crate) async fn open(ctx: StartContext) -> Result<Self, ToolError> {
        Ok(Self { ledger: ctx.data_dir.join(LEDGER) })
    }

    fn lines(&self) -> Result<Vec<Line>, ToolError> {
        if !self.ledger.exists() {
            return Ok(Vec::new());
        }
        let text = std::fs::read_to_string(&self.ledger)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    fn enter(&self, tool: &str, about: About, ctx: &ToolContext) -> Result<(), ToolError> {
        let line = Line { tool: tool.to_owned(), what: about.what, key: ctx.keys.idempotency.clone() };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.ledger)?;
        // One write: a process that is killed leaves a whole line or none.
        file.write_all(text.as_bytes())?;
        Ok(())
    }
}

#[tools]
impl Desk {
    /// Looks something up, which changes nothing.
    #[tool(effect = "pure", timeout = "20s")]
    pub(crate) async fn look_up(&self, args: About) -> Result<String, ToolError> {
        Ok(format!("{} is known", args.what))
    }

    /// Orders an item; the destination takes an order with a known key for the same one.
    #[tool(effect = "idempotent", timeout = "20s")]
    pub(crate) async fn order_item(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        let answer = format!("{} is ordered", args.what);
        if !self.lines()?.iter().any(|line| line.key == ctx.keys.idempotency) {
            self.enter("order_item", args, ctx)?;
        }
        Ok(answer)
    }

    /// Pays an invoice; the destination can be asked whether it is paid, but would pay it twice.
    #[tool(effect = "reconcile", probe = Self::paid, intent = "what", timeout = "20s")]
    pub(crate) async fn pay_invoice(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        let answer = receipt(&args);
        self.enter("pay_invoice", args, ctx)?;
        Ok(answer)
    }

    async fn paid(&self, args: &About, _: &EffectKeys) -> Result<Probe<String>, ToolError> {
        let is_paid = self.lines()?.iter().any(|line| line.tool == "pay_invoice" && line.what == args.what);
        Ok(if is_paid { Probe::Landed(receipt(args)) } else { Probe::Absent })
    }

    /// Sends a letter, which nobody can ask about and which must not be sent twice.
    #[tool(effect = "once", timeout = "20s")]
    pub(crate) async fn send_letter(&self, args: About, ctx: &ToolContext) -> Result<String, ToolError> {
        let answer = format!("{} is sent", args.what);
        self.enter("send_letter", args, ctx)?;
        Ok(answer)
    }
}

fn receipt(about: &About) -> String {
    format!("{} is paid", about.what)
}

/// Calls a tool about something.
pub(crate) fn call(tool: &str, what: &str) -> ScriptReply {
    and_call(ScriptReply::default(), tool, what)
}

/// Adds a call.
pub(crate) fn and_call(reply: ScriptReply, tool: &str, what: &str) -> ScriptReply {
    reply.and_call(tool, &About { what: what.to_owned() })
}

/// Says what the calls of this turn have answered.
pub(crate) fn answers(request: &ModelRequest) -> String {
    let calls = request.exchanges().iter().flat_map(|exchange| &exchange.calls);
    calls.map(|call| call.answer.as_str()).collect::<Vec<_>>().join(", ")
}
