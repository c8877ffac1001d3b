//! `#[tool]` and `#[tools]`: turn functions and methods into tools.
//!
//! The code they write refers to one module only, `::playhouse::macros_support`; `crate = path` names another crate
//! that has it. Nothing is written when something is wrong: all errors of an item are reported at once, each at the
//! word at fault.
//!
//! Attributes of `#[tool(..)]`, all optional:
//!
//! | attribute | means | default |
//! |---|---|---|
//! | `effect = "pure"` | `pure`, `idempotent`, `reconcile` or `once` | `once` |
//! | `probe = path` | asks the destination whether an effect landed; for `reconcile` | |
//! | `settles_within = "2s"` | how long until the destination surely shows an effect; for `reconcile` | 0 |
//! | `intent = "supplier, invoice"` | the argument fields that make two calls mean the same effect | none |
//! | `scope = "tenant"` | who may mean the same: `run`, `batch` or `tenant` (its runs), `destination` (for `reconcile`: asks the probe before the first send) | `run` |
//! | `timeout = "5s"` | how long one call may take; `ms`, `s` or `m` | 60 s |
//! | `concurrency = 8` | how many calls run at once, over all runs | 16 |
//! | `rate = "20/s"` | how many calls start per second (`/s`) or minute (`/m`), over all runs | no limit |
//! | `retries = 2` | how often a call that surely did nothing is tried again | 0 |
//! | `output_limit = "64KiB"` | how much output is kept; `B`, `KiB` or `MiB`, at least `256B` | 64 KiB |
//! | `approval = "required"` | `none`, or `required`: a person has to approve each call | `none` |
//! | `name = "other"` | its name for models | the function's name |
//! | `crate = path` | the crate with `macros_support` (for `#[tools]`: on the impl) | `::playhouse` |

mod declared;
mod expansion;
mod setting;
mod signature;
mod tool;
mod tools;

use proc_macro::TokenStream;

/// Turns an `async fn` into a tool: a unit struct of its name and visibility that implements `Tool`.
///
/// ```text
/// /// Reads one document of the case.
/// #[tool(effect = "pure", timeout = "5s")]
/// async fn read_document(args: ReadDocument, ctx: &ToolContext) -> Result<Document, ToolError> { .. }
/// ```
///
/// The doc comment, up to the first heading, is what the model reads. The arguments (one value that is deserialized
/// and has a schema) and the context may each be left out. The answer is serialized as JSON, or is a `ToolOutput`. The
/// body stays callable: `read_document.call(args, &ctx).await`. A probe is an
/// `async fn(&Args, &EffectKeys) -> Result<Probe<Answer>, ToolError>`, without `&Args` for a tool without arguments.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(attributes.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Collects the `#[tool]` methods of an impl into a set of tools that share its value: implements `ToolSet`.
///
/// ```text
/// #[tools]
/// impl Payments {
///     /// Pays an invoice.
///     #[tool(effect = "reconcile", probe = Self::paid, intent = "supplier, invoice", scope = "destination")]
///     async fn pay(&self, args: Payment, ctx: &ToolContext) -> Result<Receipt, ToolError> { .. }
///
///     async fn paid(&self, args: &Payment, keys: &EffectKeys) -> Result<Probe<Receipt>, ToolError> { .. }
/// }
/// ```
///
/// All methods stay as they are. A probe that begins with `Self` is a method, any other a function.
#[proc_macro_attribute]
pub fn tools(attributes: TokenStream, item: TokenStream) -> TokenStream {
    tools::expand(attributes.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
