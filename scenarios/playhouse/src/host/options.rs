//! How a runtime is opened.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What survives the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Everything, synced before it is acknowledged. The default.
    #[default]
    Strict,
    /// Nothing: the store is in memory. For benchmarks and tests.
    Ephemeral,
}

/// A key or password: never printed, never serialized.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a runtime is opened.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// Where runs are kept.
    pub data_dir: PathBuf,
    /// What survives the process.
    pub durability: Durability,
    /// The model for agents that name none, after the command line's choice for a run (`PLAYHOUSE_MODEL`).
    pub model: Option<String>,
    /// The base URL of an OpenAI-compatible endpoint (`OPENAI_BASE_URL`).
    pub base_url: Option<String>,
    /// The endpoint's key (`OPENAI_API_KEY`).
    pub api_key: Option<Secret>,
    /// A price file that overrides the built-in table.
    pub prices: Option<PathBuf>,
    /// A file that all replies of models are recorded into, to be replayed by the model `recorded:FILE`.
    pub record: Option<PathBuf>,
    /// Whether replies are streamed; `false` for endpoints that cannot.
    pub stream: bool,
    /// Whether somebody is there who answers reviews: runs wait for the answer instead of coming to rest.
    pub attended: bool,
    /// An artificial delay of every commit, for benchmarks and fault tests.
    pub commit_delay: Duration,
}

impl RuntimeOptions {
    /// Keeps runs in `data_dir`, durably, with what the environment says about models left out.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Strict,
            model: None,
            base_url: None,
            api_key: None,
            prices: None,
            record: None,
            stream: true,
            attended: false,
            commit_delay: Duration::ZERO,
        }
    }

    /// Keeps runs in memory.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { durability: Durability::Ephemeral, ..Self::new(".") }
    }

    /// Takes model, endpoint and key from `PLAYHOUSE_MODEL`, `OPENAI_BASE_URL` and `OPENAI_API_KEY`; empty counts as unset.
    #[must_use]
    pub fn with_environment(mut self) -> Self {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.model = read("PLAYHOUSE_MODEL");
        self.base_url = read("OPENAI_BASE_URL");
        self.api_key = read("OPENAI_API_KEY").map(Secret::new);
        self
    }
}
