//! A destination that sends what it is given, each time, and cannot be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use playhouse::Definition;
use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};

/// A letter.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Letter {
    to: String,
}

struct Office {
    n_sent: AtomicUsize,
    begun: Notify,
    may_answer: Semaphore,
}

/// The destination, outside of all processes. Clones share it.
#[derive(Clone)]
pub(super) struct Mail(Arc<Office>);

impl Default for Mail {
    fn default() -> Self {
        let mail = Self::held();
        mail.let_go();
        mail
    }
}

impl Mail {
    /// Sends at once and answers only when it is let go.
    pub(super) fn held() -> Self {
        let (n_sent, begun, may_answer) = (AtomicUsize::new(0), Notify::new(), Semaphore::new(0));
        Self(Arc::new(Office { n_sent, begun, may_answer }))
    }

    /// Answers what waits, and everything from now on.
    pub(super) fn let_go(&self) {
        self.0.may_answer.add_permits(1);
    }

    /// Waits until a letter was sent.
    pub(super) async fn sending(&self) {
        self.0.begun.notified().await;
    }

    pub(super) fn n_sent(&self) -> usize {
        self.0.n_sent.load(Ordering::Relaxed)
    }

    /// Makes a crew whose agent sends one letter by `tool` and then says what came of it.
    pub(super) fn crew(&self, tool: &'static str) -> Arc<Definition> {
        self.crew_that_insists(tool, 1)
    }

    /// As [`Mail::crew`]; its agent asks for the same letter `n_times`.
    pub(super) fn crew_that_insists(&self, tool: &'static str, n_times: usize) -> Arc<Definition> {
        let mut scenario: playhouse::ScenarioBuilder<String, String> = Scenario::builder("mail");
        let mail = self.clone();
        let tools = scenario.tools(move |_| {
            let mail = mail.clone();
            async move { Ok(mail) }
        });
        let clerk = scenario.agent("clerk", |agent| {
            agent.tools(&tools).script(move |request: &ModelRequest, _: &ScriptContext| {
                match request.exchanges().last() {
                    Some(exchange) if request.exchanges().len() == n_times => {
                        ScriptReply::say(format!("DONE: {}", exchange.calls[0].answer))
                    }
                    _ => ScriptReply::call(tool, &Letter { to: "ann".to_owned() }),
                }
            })
        });
        scenario.crew(RoundRobin::new(), [&clerk]).until(says("DONE"));
        scenario.build().unwrap().definition()
    }

    async fn post(&self, letter: &Letter) -> String {
        let number = self.0.n_sent.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.begun.notify_one();
        // It is never closed, and the permit is given back at once.
        let _ = self.0.may_answer.acquire().await;
        format!("letter {number} to {}", letter.to)
    }
}

#[tools]
impl Mail {
    /// Sends a letter that no other run sends again.
    #[tool(effect = "once", intent = "to", scope = "tenant")]
    async fn send(&self, args: Letter) -> Result<String, ToolError> {
        Ok(self.post(&args).await)
    }

    /// Sends a letter that no other case sends again.
    #[tool(effect = "once", intent = "to", scope = "batch")]
    async fn send_in_batch(&self, args: Letter) -> Result<String, ToolError> {
        Ok(self.post(&args).await)
    }

    /// Sends a letter that this run does not send again.
    #[tool(effect = "once", intent = "to")]
    async fn send_in_run(&self, args: Letter) -> Result<String, ToolError> {
        Ok(self.post(&args).await)
    }
}
