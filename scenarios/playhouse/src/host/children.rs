//! What the actors of a run are made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use playhouse_agents::{Agent, AgentArgs, RunContext, own_specs, request_header};
use playhouse_coordinator::{CheckArguments, Coordinator, CoordinatorArgs, CrewLinks, RunRest};
use playhouse_journal::{JournalRead, PendingCommand};
use playhouse_messages::{Address, AgentMsg, CoordinatorMsg, Mail};
use playhouse_review::{Gate, GateQuery};
use playhouse_runtime::{ChildSpec, Heartbeat, RestartPolicy};
use playhouse_types::{AgentName, Incarnation, Label, Lane};
use ractor::{Message, RpcReplyPort};
use tokio::sync::watch;

use super::incarnations::newest_start;
use super::links::Links;
use super::live_run::{Means, OpenedRun};
use super::model_slot::ModelSlot;
use super::runtime::Inner;
use super::system::addressed_child;
use crate::definition::Definition;

/// Checks arguments that a person has edited as if the agent had written them: schema, then policy.
pub(crate) fn check_arguments(
    definition: &Arc<Definition>,
    tools: &Arc<playhouse_tools::ToolRegistry>,
) -> CheckArguments {
    let (definition, tools) = (Arc::clone(definition), Arc::clone(tools));
    Arc::new(move |request, arguments| {
        let tool = tools
            .get(&request.tool)
            .ok_or_else(|| format!("there is no tool `{}` any more", request.tool))?;
        let arguments = tool.check(arguments).map_err(|failure| failure.detail)?;
        let (agent, spec) = (&request.agent, tool.spec());
        let query = GateQuery { agent, tool: spec, arguments: &arguments, label: Label::default() };
        match definition.policy.gate(&query) {
            Gate::Deny { reason } => Err(format!("denied: {reason}")),
            Gate::Auto | Gate::Approve { .. } => Ok(arguments),
        }
    })
}

/// What the children of a run's supervisor are made of.
pub(super) struct Parts<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) opened: &'a OpenedRun,
    pub(super) context: Arc<RunContext>,
    pub(super) means: Means,
    pub(super) coordinator: &'a Address<CoordinatorMsg>,
    pub(super) agents: &'a BTreeMap<AgentName, Address<AgentMsg>>,
}

impl Parts<'_> {
    /// Makes the header of each agent's requests.
    pub(super) fn models(&self) -> BTreeMap<AgentName, ModelSlot> {
        let crew = &self.opened.definition.crew;
        self.agents_in_order()
            .filter_map(|definition| {
                let model = self.means.models.get(&definition.name)?;
                let specs = definition.tools.iter().filter_map(|name| self.means.tools.get(name.as_str()));
                let specs = specs.map(|tool| Arc::clone(tool.spec())).chain(own_specs(definition));
                let company = crew.company_of(&definition.name);
                let header = request_header(definition, model.name.clone(), &company, specs.collect());
                Some((definition.name.clone(), ModelSlot::new(model, header)))
            })
            .collect()
    }

    /// Describes the agents. They start when they are first given a turn.
    pub(super) fn agent_specs(&self, models: &BTreeMap<AgentName, ModelSlot>) -> Vec<ChildSpec> {
        (1u32..)
            .zip(self.agents_in_order())
            .filter_map(|(place, definition)| {
                let slot = models.get(&definition.name)?.clone();
                let asked = slot.get();
                let address = self.agents.get(&definition.name)?.clone();
                let state = Arc::clone(self.opened.fold.agent(&definition.name)?);
                let args = AgentArgs {
                    definition: Arc::new(definition.clone()),
                    place,
                    incarnation: Incarnation(0),
                    run: Arc::clone(&self.context),
                    state,
                    journal: self.opened.journal.clone(),
                    model: asked.model,
                    header_hash: asked.header_hash,
                    header: asked.header,
                    policy: self.opened.definition.policy.clone(),
                    tools: Arc::clone(&self.means.tools),
                    calls: self.inner.calls.clone(),
                    clock: Arc::clone(&self.inner.clock),
                    bus: Arc::new(self.inner.bus.clone()),
                    address: address.clone(),
                    coordinator: self.coordinator.clone(),
                };
                let make = move |incarnation| {
                    let asked = slot.get();
                    let (model, header, header_hash) = (asked.model, asked.header, asked.header_hash);
                    (Agent, AgentArgs { incarnation, model, header, header_hash, ..args.clone() })
                };
                let mut spec =
                    addressed_child(definition.name.as_str(), definition.restart.clone(), address, make);
                spec.incarnation = newest_start(self.opened.journal.log(), definition.name.as_str());
                spec.is_eager = false;
                spec.heartbeat = Some(heartbeat(|reply| Mail::to_self(AgentMsg::Ping { reply })));
                Some(spec)
            })
            .collect()
    }

    fn agents_in_order(&self) -> impl Iterator<Item = &playhouse_agents::AgentDefinition> {
        self.opened.definition.agents.iter()
    }

    pub(super) fn coordinator_spec(
        &self,
        links: &Arc<Links>,
        rest: &Arc<watch::Sender<Option<RunRest>>>,
        commands: Vec<PendingCommand>,
    ) -> ChildSpec {
        let args = CoordinatorArgs {
            incarnation: Incarnation(0),
            journal: self.opened.journal.clone(),
            state: self.opened.fold.coordinator().clone(),
            history: Arc::clone(&self.inner.store) as Arc<dyn JournalRead>,
            result: Arc::clone(&self.opened.definition.result),
            links: Arc::clone(links) as Arc<dyn CrewLinks>,
            address: self.coordinator.clone(),
            clock: Arc::clone(&self.inner.clock),
            epoch: self.opened.epoch,
            check: check_arguments(&self.opened.definition, &self.means.tools),
            commands,
            rest: Arc::clone(rest),
        };
        let make = move |incarnation| (Coordinator, CoordinatorArgs { incarnation, ..args.clone() });
        let policy = RestartPolicy::transient();
        let mut spec = addressed_child(Lane::RUN, policy, self.coordinator.clone(), make);
        let newest = newest_start(self.opened.journal.log(), Lane::RUN);
        // Its resumption, or that it is a fork, is on record under the coordinator's next incarnation, which starts now.
        let is_resumed = self.opened.epoch > 1;
        spec.incarnation = if is_resumed { Incarnation(newest.0.saturating_sub(1)) } else { newest };
        spec.is_eager = false;
        spec.heartbeat = Some(heartbeat(|reply| Mail::to_self(CoordinatorMsg::Ping { reply })));
        spec
    }
}

/// Describes how a run's supervisor sees that one of its actors is stuck. Their handlers wait for nothing but the journal:
/// a store that needs two minutes for one commit holds the run up, and so does an endless loop in somebody's condition.
fn heartbeat<M: Message>(make: impl Fn(RpcReplyPort<()>) -> M + Send + Sync + 'static) -> Heartbeat {
    Heartbeat::new(Duration::from_secs(30), Duration::from_secs(120), make)
}
