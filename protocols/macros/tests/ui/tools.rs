//! Mistakes on impls.
use playhouse_macros::tools;

struct None;

#[tools(create = a)]
impl None {}

struct Payments;

#[tools]
impl Payments {
    async fn open() -> Self {
        Self
    }
}

struct Others;

#[tools]
impl Others {
    /// Pays.
    #[tool(crate = there)]
    async fn mutable(&mut self) -> Result<(), ToolError> {}

    /// Pays.
    #[tool(name = "pay")]
    async fn first(&self) -> Result<(), ToolError> {}

    /// Pays.
    #[tool(name = "pay")]
    async fn second(&self) -> Result<(), ToolError> {}
}

fn main() {}
