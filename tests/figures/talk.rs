//! A conversation of scripted agents, and what stops or crashes it at a record.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use playhouse::prelude::*;
use playhouse::{Backoff, Definition, RunHandle, Runtime, StartRun};
use playhouse_messages::{Faults, Moment};
use playhouse_types::RunId;

/// What happens at a moment of a record.
pub(super) enum Act {
    /// Who writes goes on.
    GoOn,
    /// Who writes panics.
    Panic,
    /// Who writes stays there for ever.
    Stay,
}

/// Acts as a closure says.
pub(super) struct ActingFaults<F>(pub(super) F);

impl<F: Fn(RunId, Moment<'_>) -> Act + Send + Sync> Faults for ActingFaults<F> {
    fn reached(&self, run: RunId, moment: Moment<'_>) -> BoxFuture<'static, ()> {
        match (self.0)(run, moment) {
            Act::GoOn => futures::future::ready(()).boxed(),
            // Without the panic hook: planned panics need no backtraces.
            Act::Panic => std::panic::resume_unwind(Box::new("as planned")),
            Act::Stay => futures::future::pending().boxed(),
        }
    }
}

/// Two agents in turn, `n_turns` of them; they are started again without wait, as often as it takes.
pub(super) fn talk(name: &str, n_turns: u32, text: &str) -> Arc<Definition> {
    let mut scenario = Scenario::<String, String>::builder(name);
    let agents = ["host", "guest"].map(|name| {
        let text = text.to_owned();
        scenario.agent(name, |agent| {
            let restart = Restart::transient().max(u32::MAX, Duration::from_secs(60));
            agent
                .restart(restart.backoff(Backoff { first: Duration::ZERO, max: Duration::ZERO, jitter: 0.0 }))
                .script(move |_: &ModelRequest, _: &ScriptContext| text.clone())
        })
    });
    scenario.crew(RoundRobin::new(), &agents).until(turns(n_turns)).limit(turns(n_turns + 1));
    scenario.build().unwrap().definition()
}

pub(super) async fn start(runtime: &Runtime, scenario: &Arc<Definition>) -> RunHandle {
    let start = StartRun { input: "\"Begin.\"".to_owned(), seed: 1, model: None };
    runtime.start(Arc::clone(scenario), start).await.unwrap()
}
