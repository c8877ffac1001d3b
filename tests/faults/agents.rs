//! Agents that panic: in mid-conversation, always, with a long history, and at start.

use playhouse_tests::{Table, agent_restart, always_panicking_agent, failed_starts, panicking_agent};

use crate::plan::Plan;
use crate::units::milliseconds;

/// Every how many messages the agent panics.
const EVERY: u32 = 100;

pub(crate) fn panics(plan: &Plan, table: &mut Table) {
    let n_turns = plan.count(10_000, 1_000);
    let of_many = panicking_agent(u32::try_from(n_turns).unwrap(), EVERY);
    let measured = format!(
        "{} lost of {} turns ({} crashes)",
        of_many.n_turns.saturating_sub(of_many.n_replied),
        of_many.n_turns,
        of_many.n_crashes
    );
    let is_whole = of_many.n_turns == n_turns && of_many.n_replied == n_turns;
    let holds = is_whole && of_many.n_crashes == n_turns / EVERY as usize;
    let what = format!("{n_turns} messages to an agent that panics once on every 100th");
    table.must_hold(&what, "0 lost, 0 silently dropped", &measured, holds);
    let of_one = always_panicking_agent();
    let measured = format!("{} after {} crashes", of_one.outcome, of_one.n_crashes);
    let holds = of_one.outcome.starts_with("Quarantined") && of_one.n_crashes > 1 && of_one.n_replied == 0;
    table.must_hold("one that always panics", "quarantined and counted", &measured, holds);
}

pub(crate) fn restart(plan: &Plan, table: &mut Table) {
    let n_restarts = plan.count(200, 100);
    let restart = agent_restart(1_000, u32::try_from(n_restarts).unwrap());
    assert_eq!(restart.n_restarts, n_restarts);
    let what = "agent restart with a 1,000-message history, without backoff, until it goes on (p99)";
    table.at_most(what, 20.0, milliseconds(restart.taken_up));
}

pub(crate) fn starts(plan: &Plan, table: &mut Table) {
    let n_children = plan.count(1_000, 200);
    let starts = failed_starts(n_children);
    let what = format!("{n_children} agents that panic at start");
    let measured = format!("{} escalated once", starts.n_escalated_once);
    table.must_hold(&what, "one escalation each", &measured, starts.n_escalated_once == n_children);
    table.at_most("admin calls meanwhile (p99)", 50.0, milliseconds(starts.admin));
}
