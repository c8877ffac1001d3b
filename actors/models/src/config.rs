//! Which model is asked, where, and with which key.

use std::fmt;

use playhouse_http::Url;
use playhouse_types::ModelName;

/// The vendor's endpoint, used if there is a key but no address.
pub const VENDOR_BASE_URL: &str = "https://api.openai.com/v1";

/// A secret that opens an endpoint. It is never printed, serialized or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`ModelConfigError::InvalidKey`] if it cannot stand in a header: it must be printable ASCII.
    pub fn new(key: &str) -> Result<Self, ModelConfigError> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ModelConfigError::InvalidKey);
        }
        Ok(Self(key.to_owned()))
    }

    /// Returns the secret, for the one header that carries it and for removing it from texts.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An OpenAI-compatible endpoint and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    key: Option<ApiKey>,
}

impl Endpoint {
    /// Takes the address that ends before `/chat/completions`, usually in `/v1`; a query is kept and sent.
    ///
    /// # Errors
    /// [`ModelConfigError::InvalidUrl`] if it is not an `http` or `https` address, or has a user or password in it.
    pub fn new(base_url: &str, key: Option<ApiKey>) -> Result<Self, ModelConfigError> {
        let invalid = |reason| ModelConfigError::InvalidUrl { reason };
        let mut base: Url = base_url.trim().parse().map_err(|_| invalid("it is not an absolute address"))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(invalid("it begins with neither `http://` nor `https://`"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid("it holds a user or password; use `OPENAI_API_KEY`"));
        }
        // People paste the full address; both mean the same.
        let path = base.path().trim_end_matches('/').trim_end_matches("/chat/completions").to_owned();
        base.set_path(&path);
        base.set_fragment(None);
        Ok(Self { base, key })
    }

    /// Returns the key.
    pub(crate) const fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// Returns the address with its query.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// Tells whether this is the vendor's own endpoint, which knows parameters that others may not.
    pub(crate) fn is_vendor(&self) -> bool {
        self.base.host_str() == Some("api.openai.com")
    }
}

impl fmt::Display for Endpoint {
    /// Shows the address without its query, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.base.clone();
        shown.set_query(None);
        f.write_str(shown.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.to_string()).field("key", &self.key).finish()
    }
}

/// Why no endpoint can be asked; a usage error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelConfigError {
    /// No model was named.
    #[error("no model is named: use `--model NAME` or set `PLAYHOUSE_MODEL`")]
    NoModel,
    /// Neither an address nor a key is set.
    #[error(
        "no model endpoint is set: set `OPENAI_API_KEY` for the vendor's endpoint, or `OPENAI_BASE_URL` for any other that is OpenAI-compatible (both if it needs a key)"
    )]
    NoEndpoint,
    /// The address cannot be used. It is not repeated here: it may hold a secret.
    #[error("`OPENAI_BASE_URL` cannot be used: {reason}")]
    InvalidUrl {
        /// Why.
        reason: &'static str,
    },
    /// The key cannot stand in a header. It is not repeated here.
    #[error("`OPENAI_API_KEY` holds characters that no key has: spaces, line ends or non-ASCII")]
    InvalidKey,
}

/// What the command line and the environment say about models; all as they were found, nothing is read here.
#[derive(Clone, Copy, Default)]
pub struct ModelSettings<'a> {
    /// `--model`, or what stands in for it.
    pub model: Option<&'a str>,
    /// The value of `OPENAI_BASE_URL`.
    pub base_url: Option<&'a str>,
    /// The value of `OPENAI_API_KEY`.
    pub api_key: Option<&'a str>,
}

impl fmt::Debug for ModelSettings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base_url, api_key) = (self.base_url.map(|_| "***"), self.api_key.map(|_| "***"));
        f.debug_struct("ModelSettings")
            .field("model", &self.model)
            .field("base_url", &base_url)
            .field("api_key", &api_key)
            .finish()
    }
}

/// A model and the endpoint that has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelConfig {
    /// The model.
    pub model: ModelName,
    /// Where it is asked.
    pub endpoint: Endpoint,
}

impl ModelConfig {
    /// Finds model and endpoint: a key alone means the vendor's endpoint, an address alone needs no key.
    ///
    /// An empty value counts as none.
    /// ```
    /// use playhouse_models::{ModelConfig, ModelSettings};
    ///
    /// let base_url = Some("http://localhost:11434/v1");
    /// let config = ModelConfig::resolve(&ModelSettings { model: Some("llama"), base_url, api_key: None })?;
    /// assert_eq!(config.endpoint.to_string(), "http://localhost:11434/v1");
    /// # Ok::<(), playhouse_models::ModelConfigError>(())
    /// ```
    /// # Errors
    /// [`ModelConfigError`], which names what to set.
    pub fn resolve(settings: &ModelSettings<'_>) -> Result<Self, ModelConfigError> {
        let given =
            |value: Option<&str>| value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
        let model = given(settings.model).ok_or(ModelConfigError::NoModel)?;
        let key = given(settings.api_key).map(|key| ApiKey::new(&key)).transpose()?;
        let base_url = match (given(settings.base_url), &key) {
            (Some(base_url), _) => base_url,
            (None, Some(_)) => VENDOR_BASE_URL.to_owned(),
            (None, None) => return Err(ModelConfigError::NoEndpoint),
        };
        Ok(Self { model: ModelName::new(&model), endpoint: Endpoint::new(&base_url, key)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{ModelConfig, ModelConfigError, ModelSettings};

    #[track_caller]
    fn check(base_url: Option<&str>, api_key: Option<&str>, expected: &str) {
        let settings = ModelSettings { model: Some("m"), base_url, api_key };
        let found = ModelConfig::resolve(&settings).map(|config| format!("{:?}", config.endpoint));
        assert_eq!(found.unwrap_or_else(|error| error.to_string()), expected);
    }

    #[test]
    fn a_key_alone_means_the_vendor() {
        let expected = r#"Endpoint { base: "https://api.openai.com/v1", key: Some(***) }"#;
        check(None, Some("sk-secret"), expected);
        check(Some(""), Some("sk-secret\n"), expected);
    }

    #[test]
    fn an_address_alone_needs_no_key() {
        let expected = r#"Endpoint { base: "http://127.0.0.1:8080/v1", key: None }"#;
        for same in [
            "http://127.0.0.1:8080/v1",
            "http://127.0.0.1:8080/v1/",
            "http://127.0.0.1:8080/v1/chat/completions",
        ] {
            check(Some(same), None, expected);
        }
        check(
            Some("http://localhost?token=secret"),
            None,
            r#"Endpoint { base: "http://localhost", key: None }"#,
        );
    }

    #[test]
    fn with_neither_both_are_named() {
        let error = ModelConfig::resolve(&ModelSettings { model: Some("m"), ..ModelSettings::default() })
            .unwrap_err();
        assert_eq!(error, ModelConfigError::NoEndpoint);
        assert!(
            error.to_string().contains("OPENAI_API_KEY") && error.to_string().contains("OPENAI_BASE_URL")
        );
    }

    #[test]
    fn a_wrong_value_is_refused_and_not_repeated() {
        for wrong in ["secret", "ftp://secret", "http://user:secret@host/v1", "http://"] {
            let settings = ModelSettings { model: Some("m"), base_url: Some(wrong), api_key: None };
            let error = ModelConfig::resolve(&settings).unwrap_err();
            assert!(matches!(error, ModelConfigError::InvalidUrl { .. }), "{wrong}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        check(None, Some("two words"), &ModelConfigError::InvalidKey.to_string());
    }

    #[test]
    fn settings_print_no_secret() {
        let settings =
            ModelSettings { model: Some("m"), base_url: Some("http://h?k=secret"), api_key: Some("secret") };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
