//! Whether a run may be gone on with: crash loops, changed definitions, work that names what is no longer there.

use std::sync::Arc;

use playhouse_coordinator::CoordinatorState;
use playhouse_journal::{Event, Kind, NewRecord, RecordKey, RunRow};
use playhouse_messages::{RunFacts, RunJournal, RunLog};
use playhouse_types::{AgentName, Label, Lane, ReviewId, RunId, Seq, Step, TurnId};

use super::error::RunError;
use super::runtime::Inner;
use super::snapshots;
use crate::definition::{Definition, OnChange};

/// After how many starts without progress a run is set aside.
const MAX_STARTS_WITHOUT_PROGRESS: u32 = 3;

/// BLAKE3 of a definition.
type Hash = [u8; 32];

/// Returns the hashes of the definition that the run was worked on with and of the one at hand, if they differ.
pub(crate) fn changed(log: &RunLog, definition: &Definition) -> Option<(Hash, Hash)> {
    let in_force = log.facts(RunFacts::definition_hash)?;
    (in_force != definition.hash).then_some((in_force, definition.hash))
}

/// Puts on record that another definition is in force from here on.
pub(crate) async fn record_change(
    journal: &RunJournal,
    epoch: u64,
    from: Hash,
    to: Hash,
) -> Result<(), RunError> {
    let log = journal.log();
    let epoch = Step(u32::try_from(epoch).unwrap_or(u32::MAX));
    let record = NewRecord {
        lane: Lane::run(),
        incarnation: log.facts(|facts| facts.lane(Lane::RUN).incarnation),
        key: RecordKey::new(TurnId(0), epoch, 0, Kind::DefinitionChanged),
        causation: None,
        label: Label::default(),
        event: Event::DefinitionChanged { from, to },
    };
    let run = log.run();
    journal.append(vec![record]).await.map_err(|source| RunError::Journal { run, source })?;
    Ok(())
}

/// Refuses a run whose scenario has changed and says that it must not, before the run is touched.
pub(crate) async fn refuse_pinned(
    inner: &Arc<Inner>,
    run: RunId,
    definition: &Definition,
) -> Result<(), RunError> {
    if definition.on_change != OnChange::Pin {
        return Ok(());
    }
    let opened = snapshots::open(&*inner.store, run, definition).await?;
    if changed(&opened.log, definition).is_none() {
        return Ok(());
    }
    Err(RunError::Invalid(format!(
        "run `{run}` began with another definition of scenario `{}`, which is pinned: go on with the version that began it",
        definition.name
    )))
}

/// Returns why a run must not go on until a person has looked at it.
///
/// `base` is the coordinator's state as of the base of the log.
pub(crate) fn why_set_aside(
    row: &RunRow,
    log: &RunLog,
    base: &CoordinatorState,
    definition: &Definition,
) -> Option<String> {
    if row.starts_without_progress >= MAX_STARTS_WITHOUT_PROGRESS {
        return Some(format!("started {} times without getting anywhere", row.starts_without_progress));
    }
    if let Some(orphan) = orphan(log, base, definition) {
        return Some(orphan);
    }
    (definition.on_change == OnChange::Quarantine && changed(log, definition).is_some())
        .then(|| format!("scenario `{}` has changed since the run was last worked on", definition.name))
}

/// Finds open work that names an agent or tool that the scenario no longer has: it is never settled in silence.
fn orphan(log: &RunLog, base: &CoordinatorState, definition: &Definition) -> Option<String> {
    let (mut reviews, mut open) = (base.reviews().clone(), base.open().clone());
    for record in log.after(Seq(0)) {
        reviews.apply(record);
        match &record.event {
            Event::TurnAssigned { turn, speaker, .. } => drop(open.insert(*turn, speaker.clone())),
            Event::TurnEnded { turn, .. } => drop(open.remove(turn)),
            _ => {}
        }
    }
    let agent = |name: &AgentName| definition.agents.iter().find(|agent| agent.name == *name);
    let gone = |what: &str, name: &AgentName| {
        Some(format!("{what} names agent `{name}`, which scenario `{}` no longer has", definition.name))
    };
    let is_gone = |name: &AgentName| agent(name).is_none() && !definition.crew.has_crew(name);
    if let Some((turn, speaker)) = open.iter().find(|(_, speaker)| is_gone(speaker)) {
        return gone(&format!("open turn {turn}"), speaker);
    }
    let calls = reviews.calls().map(|(agent, intent)| (intent.call.to_string(), agent, intent.tool.as_str()));
    let asked = reviews
        .iter()
        .filter(|open| matches!(open.review, ReviewId::Approval(_) | ReviewId::Doubt(_)))
        .map(|open| (open.review.to_string(), &open.request.agent, open.request.tool.as_str()));
    calls.chain(asked).find_map(|(what, name, tool)| match agent(name) {
        None => gone(&what, name),
        Some(agent) if agent.tools.iter().any(|known| known.as_str() == tool) => None,
        Some(_) => Some(format!("{what} names tool `{tool}`, which agent `{name}` no longer has")),
    })
}
