//! How long a crashed agent is away.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use playhouse::{Runtime, RuntimeOptions, RuntimeParts};
use playhouse_journal::Kind;
use playhouse_messages::Moment;
use playhouse_storage::MemoryStore;
use playhouse_types::BootId;

use super::percentile::p99;
use super::talk::{Act, ActingFaults, start, talk};

/// How long a crashed agent is away, without the wait between restarts.
#[derive(Clone, Copy, Debug)]
pub struct AgentRestart {
    /// From the panic until `ActorRestarted` is on record: the 99th of 100.
    pub restarted: Duration,
    /// From the panic until the next incarnation goes on with the turn: the 99th of 100.
    pub taken_up: Duration,
    /// How many were measured.
    pub n_restarts: usize,
}

#[derive(Default)]
struct Times {
    panicked_in: u32,
    panicked_at: Option<Instant>,
    restarted: Vec<Duration>,
    taken_up: Vec<Duration>,
}

impl Times {
    #[expect(clippy::disallowed_methods, reason = "real time is measured")]
    fn note(&mut self, n_messages: u32, moment: Moment<'_>) -> Act {
        match moment {
            Moment::Before([record])
                if record.key.kind == Kind::ModelIntent && record.key.turn.0 > n_messages =>
            {
                if self.panicked_in < record.key.turn.0 {
                    self.panicked_in = record.key.turn.0;
                    self.panicked_at = Some(Instant::now());
                    return Act::Panic;
                }
                self.taken_up.extend(self.panicked_at.take().map(|at| at.elapsed()));
            }
            Moment::Appended([record]) if record.key.kind == Kind::ActorRestarted => {
                self.restarted.extend(self.panicked_at.map(|at| at.elapsed()));
            }
            _ => {}
        }
        Act::GoOn
    }
}

/// Crashes an agent with a history of `n_messages` messages in each of the next `n_restarts` turns, in memory.
///
/// # Panics
/// If the run cannot be started.
#[must_use]
pub fn agent_restart(n_messages: u32, n_restarts: u32) -> AgentRestart {
    let times = Arc::new(Mutex::new(Times::default()));
    let noted = Arc::clone(&times);
    let faults = ActingFaults(move |_, moment: Moment<'_>| noted.lock().unwrap().note(n_messages, moment));
    let executor = playhouse::async_runtime().unwrap();
    executor.block_on(async {
        let boot = BootId::from_u128(1);
        let parts = RuntimeParts::new(boot, Arc::new(MemoryStore::new(boot))).with_faults(Arc::new(faults));
        let runtime = Runtime::open_over(RuntimeOptions::ephemeral(), parts).await.unwrap();
        let scenario = talk("restarting", n_messages + n_restarts, "Go on.");
        start(&runtime, &scenario).await.finished().await.unwrap();
        runtime.close().await.unwrap();
    });
    let times = std::mem::take(&mut *times.lock().unwrap());
    let n_restarts = times.taken_up.len();
    AgentRestart { restarted: p99(times.restarted), taken_up: p99(times.taken_up), n_restarts }
}
