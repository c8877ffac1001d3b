//! Which model answers which agent, and the clients of the endpoints in use.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use playhouse_http::{HttpClient, HttpLimits};
use playhouse_messages::{Address, Clock, Model, ModelLimits};
use playhouse_models::{
    Delivery, DrawsFactory, EndpointLimits, ModelClient, ModelClientArguments, ModelConfig, ModelSettings,
    OpenAiModel, OpenAiParts, OpenAiSettings, PriceTable, ScriptedModel,
};
use playhouse_runtime::{KeyedDraws, RestartPolicy};
use playhouse_types::{AgentName, ModelName};
use tokio::sync::Mutex;

use super::cassettes::Cassettes;
use super::error::{OpenError, RunError};
use super::options::{RuntimeOptions, Secret};
use super::system::{SupervisorRef, addressed_child};
use crate::definition::Definition;

/// How many messages may wait for a model client: four for each call that may wait for a place.
const MAILBOX: usize = 4096;

/// An agent's model, by name and as the client that asks it.
#[derive(Clone)]
pub(crate) struct AgentModel {
    pub(crate) name: ModelName,
    pub(crate) client: Arc<dyn Model>,
}

/// The model clients of this process.
pub(crate) struct Endpoints {
    options: RuntimeOptions,
    prices: Arc<PriceTable>,
    supervisor: SupervisorRef,
    clock: Arc<dyn Clock>,
    /// Shared by all endpoints: one pool of connections.
    http: Mutex<Option<HttpClient>>,
    clients: Mutex<HashMap<String, Arc<dyn Model>>>,
    pub(crate) cassettes: Cassettes,
}

impl Endpoints {
    /// Reads the price file and opens the cassette that is to be recorded; asks nobody yet.
    pub(crate) fn new(
        options: RuntimeOptions,
        supervisor: SupervisorRef,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut prices = PriceTable::built_in();
        if let Some(path) = &options.prices {
            let file = PriceTable::from_file(path).map_err(|error| OpenError::Invalid(error.to_string()))?;
            prices = prices.with(file);
        }
        let prices = Arc::new(prices);
        let cassettes = Cassettes::open(options.record.as_deref())?;
        let (http, clients) = (Mutex::default(), Mutex::default());
        Ok(Self { options, prices, supervisor, clock, http, clients, cassettes })
    }

    /// Finds a model for each agent: the choice for this run, the agent's own, the environment's, or the scripts.
    pub(crate) async fn of(
        &self,
        definition: &Definition,
        choice: Option<&ModelName>,
    ) -> Result<BTreeMap<AgentName, AgentModel>, RunError> {
        let named = self.name_models(definition, choice)?;
        if definition.crew.limit.limits_cost()
            || definition.crew.until.as_ref().is_some_and(playhouse_coordinator::Condition::limits_cost)
        {
            self.require_prices(&named).await?;
        }
        let mut models = BTreeMap::new();
        let mut scripted: Option<Arc<dyn Model>> = None;
        for (agent, name) in named {
            let client = if name.as_str() == ModelName::SCRIPTED {
                Arc::clone(scripted.get_or_insert_with(|| self.scripted(definition)))
            } else {
                self.client(name.as_str()).await?
            };
            models.insert(agent, AgentModel { name, client });
        }
        Ok(models)
    }

    /// Finds one model by name for an agent of a scenario.
    pub(crate) async fn named(
        &self,
        definition: &Definition,
        agent: &AgentName,
        model: &ModelName,
    ) -> Result<AgentModel, RunError> {
        let has_script = definition.agents.iter().any(|known| known.name == *agent && known.script.is_some());
        if model.as_str() != ModelName::SCRIPTED {
            return Ok(AgentModel { name: model.clone(), client: self.client(model.as_str()).await? });
        }
        if has_script {
            return Ok(AgentModel { name: model.clone(), client: self.scripted(definition) });
        }
        Err(RunError::Invalid(format!("agent `{agent}` of scenario `{}` has no script", definition.name)))
    }

    fn name_models(
        &self,
        definition: &Definition,
        choice: Option<&ModelName>,
    ) -> Result<BTreeMap<AgentName, ModelName>, RunError> {
        let default = self.options.model.as_deref().map(ModelName::new);
        let scripted = || ModelName::new(ModelName::SCRIPTED);
        let all_scripted = definition.agents.iter().all(|agent| agent.script.is_some());
        let mut named = BTreeMap::new();
        let mut without = Vec::new();
        for agent in &definition.agents {
            let fallback = || all_scripted.then(scripted);
            let name = choice.or(agent.model.as_ref()).or(default.as_ref()).cloned().or_else(fallback);
            match name {
                Some(name) if name.as_str() == ModelName::SCRIPTED && agent.script.is_none() => {
                    without.push(agent.name.as_str());
                }
                Some(name) => drop(named.insert(agent.name.clone(), name)),
                None if agent.script.is_none() => without.push(agent.name.as_str()),
                // A script serves this agent; those without one are named below.
                None => drop(named.insert(agent.name.clone(), scripted())),
            }
        }
        if without.is_empty() {
            return Ok(named);
        }
        let agents = without.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Err(RunError::Invalid(format!(
            "scenario `{}` has agents without a script and no model is named: {agents}; name one with `--model NAME` or PLAYHOUSE_MODEL",
            definition.name
        )))
    }

    /// A limit in money needs to know what everything costs.
    async fn require_prices(&self, named: &BTreeMap<AgentName, ModelName>) -> Result<(), RunError> {
        for model in named.values().filter(|name| name.as_str() != ModelName::SCRIPTED) {
            match self.cassettes.recorded(model.as_str()).await? {
                Some(recorded) if !recorded.is_priced() => {
                    return Err(RunError::Invalid(format!(
                        "the scenario limits the cost, but `{model}` has replies whose cost is not known: record again with `--prices FILE`"
                    )));
                }
                None if self.prices.price(model.as_str()).is_none() => {
                    return Err(RunError::Invalid(format!(
                        "the scenario limits the cost, but the price of model `{model}` is not known: give it with `--prices FILE`"
                    )));
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn scripted(&self, definition: &Definition) -> Arc<dyn Model> {
        let scripts = definition
            .agents
            .iter()
            .filter_map(|agent| Some((agent.name.clone(), agent.script.clone()?)))
            .collect();
        self.cassettes.recording(Arc::new(ScriptedModel::new(scripts, draws(), Arc::clone(&self.clock))))
    }

    /// Returns the client of a model that is no script, whose replies are recorded if any are.
    async fn client(&self, model: &str) -> Result<Arc<dyn Model>, RunError> {
        let client = match self.cassettes.recorded(model).await? {
            Some(recorded) => recorded,
            None => self.endpoint(model).await?,
        };
        Ok(self.cassettes.recording(client))
    }

    /// Returns the client of the endpoint, starting it on first use. One endpoint and key serve all models and runs.
    async fn endpoint(&self, model: &str) -> Result<Arc<dyn Model>, RunError> {
        let settings = ModelSettings {
            model: Some(model),
            base_url: self.options.base_url.as_deref(),
            api_key: self.options.api_key.as_ref().map(Secret::expose),
        };
        let config = ModelConfig::resolve(&settings).map_err(|error| RunError::Invalid(error.to_string()))?;
        let key = format!("{:?}", config.endpoint);
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(&key) {
            return Ok(Arc::clone(client));
        }
        let limits = ModelLimits::new(self.start_limits(clients.len()).await?);
        let mut http = self.http.lock().await;
        let http = http.get_or_insert_with(|| HttpClient::new(HttpLimits::default())).clone();
        let delivery = if self.options.stream { Delivery::Streamed } else { Delivery::Whole };
        let settings = OpenAiSettings { delivery, ..OpenAiSettings::default() };
        let (prices, clock) = (Arc::clone(&self.prices), Arc::clone(&self.clock));
        let parts =
            OpenAiParts { endpoint: config.endpoint, settings, http, limits, prices, clock, draws: draws() };
        let client = OpenAiModel::new(parts).map_err(|error| RunError::Invalid(error.to_string()))?;
        let client: Arc<dyn Model> = Arc::new(client);
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }

    /// Starts the actor that keeps the endpoint's limits.
    async fn start_limits(
        &self,
        number: usize,
    ) -> Result<Address<playhouse_messages::ModelLimitsMsg>, RunError> {
        let address = Address::new(MAILBOX);
        let args = ModelClientArguments { limits: EndpointLimits::default(), clock: Arc::clone(&self.clock) };
        let make = move |_| (ModelClient, args.clone());
        let name = format!("model endpoint {number}");
        let spec = addressed_child(&name, RestartPolicy::permanent(), address.clone(), make);
        self.supervisor.add(spec).await.map_err(|error| RunError::Invalid(error.to_string()))?;
        Ok(address)
    }
}

fn draws() -> DrawsFactory {
    Arc::new(|seed, agent, turn, step| Box::new(KeyedDraws::new(seed, agent, turn, step)))
}
