//! Mistakes on functions.
use playhouse_macros::tool;

/// Reads.
#[tool(efect = "pure", color = "red", timeout = "5s", timeout = "6s")]
async fn unknown_and_duplicate() -> Result<(), ToolError> {}

/// Reads.
#[tool(effect = "impure", timeout = 5, rate = "often", concurrency = 0, output_limit = "1B")]
async fn bad_values() -> Result<(), ToolError> {}

/// Reads.
#[tool]
fn not_async(args: Args) -> Result<(), ToolError> {}

/// Reads.
#[tool]
async fn too_many(args: Args, ctx: &ToolContext, more: u8) -> Result<(), ToolError> {}

/// Reads.
#[tool]
async fn no_context(args: Args, more: Args) -> Result<(), ToolError> {}

/// Reads.
#[tool]
async fn borrowed(args: &Args) -> Result<(), ToolError> {}

/// Pays.
#[tool(effect = "reconcile")]
async fn no_probe(args: Args) -> Result<(), ToolError> {}

/// Pays.
#[tool(effect = "once", probe = paid, scope = "destination", settles_within = "1s")]
async fn useless_probe(args: Args) -> Result<(), ToolError> {}

/// Pays.
#[tool(intent = "")]
async fn empty_intent(args: Args) -> Result<(), ToolError> {}

/// Pays.
#[tool(scope = "tenant")]
async fn scope_without_intent(args: Args) -> Result<(), ToolError> {}

/// Pays.
#[tool(intent = "invoice", scope = "world")]
async fn unknown_scope(args: Args) -> Result<(), ToolError> {}

#[tool(name = "two words")]
async fn undocumented(args: Args) -> u8 {}

/// Is no function.
#[tool]
struct NoFunction;

fn main() {}
