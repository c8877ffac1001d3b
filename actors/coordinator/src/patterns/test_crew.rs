//! Crews for the tests of patterns.

use std::collections::BTreeMap;

use playhouse_types::{AgentName, OutcomeKind, TurnOutcome};

use crate::test_talk::{Does, Talk};
use crate::{AgentPolicy, Condition, CrewDefinition, Escalation, Pattern};

pub(super) fn name(text: &str) -> AgentName {
    AgentName::new(text).unwrap()
}

pub(super) fn names(texts: &[&str]) -> Vec<AgentName> {
    texts.iter().map(|text| name(text)).collect()
}

/// A crew as the builder makes it: who is asked and is no member is staff.
pub(super) fn crew(
    agents: &[&str],
    pattern: impl Pattern + 'static,
    until: Option<Condition>,
) -> CrewDefinition {
    let agents = names(agents);
    assert_eq!(pattern.faults(&agents), Vec::<String>::new());
    let staff = pattern.staff().into_iter().filter(|asked| !agents.contains(asked)).collect();
    CrewDefinition { agents, staff, pattern: Box::new(pattern), until, ..CrewDefinition::default() }
}

/// A crew from which an agent is dropped when its model fails, and in which a turn is skipped for others.
pub(super) fn forgiving(crew: CrewDefinition, dropped: &[&str]) -> CrewDefinition {
    let skips = || vec![Escalation::SkipTurn; 99];
    let all = crew.agents.iter().chain(&crew.staff);
    let policy = |agent: &AgentName| AgentPolicy {
        on_crash: skips(),
        on_model_failure: match dropped.contains(&agent.as_str()) {
            true => vec![Escalation::DropAgent],
            false => skips(),
        },
    };
    let policies: BTreeMap<AgentName, AgentPolicy> =
        all.map(|agent| (agent.clone(), policy(agent))).collect();
    CrewDefinition { policies, ..crew }
}

/// What ends a turn without a reply.
pub(super) fn failures() -> Vec<TurnOutcome> {
    vec![
        TurnOutcome::Limited { limit: "too long".to_owned() },
        TurnOutcome::Unfit { detail: "no JSON".to_owned() },
        TurnOutcome::Skipped { reason: "it crashed".to_owned() },
        TurnOutcome::ModelFailed { detail: "no model".to_owned() },
        TurnOutcome::Cancelled,
    ]
}

pub(super) fn fails() -> Does {
    Does::Ends(TurnOutcome::ModelFailed { detail: "no model".to_owned() })
}

#[track_caller]
pub(super) fn check_end(talk: &Talk, kind: OutcomeKind, detail: &str) {
    assert_eq!((talk.outcome.kind, talk.outcome.detail.as_str()), (kind, detail));
}

/// Returns what was said without the notes about turns that brought nothing.
pub(super) fn said_by_agents(talk: &Talk) -> Vec<String> {
    talk.said().into_iter().filter(|said| !said.starts_with("runtime: ")).collect()
}
