//! How one attempt fails, and what that means.

use std::error::Error;
use std::time::Duration;

use async_openai::error::ApiError;
use playhouse_http::HttpError;
use playhouse_messages::EndpointHealth;
use playhouse_types::{ModelFailureKind, ModelName};

use crate::wire;

/// How many characters of an endpoint's own words go into a failure.
const MAX_QUOTE_CHARS: usize = 300;

/// An attempt that brought no reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AttemptFailure {
    pub(crate) kind: ModelFailureKind,
    /// What happened, without the endpoint's name.
    pub(crate) detail: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) health: EndpointHealth,
}

impl AttemptFailure {
    fn new(kind: ModelFailureKind, health: EndpointHealth, detail: String) -> Self {
        Self { kind, detail, retry_after: None, health }
    }

    /// The endpoint is in trouble; the same call may succeed later.
    pub(crate) fn transient(detail: impl Into<String>) -> Self {
        Self::new(ModelFailureKind::Transient, EndpointHealth::Failed, detail.into())
    }

    /// The call ended for a reason that says nothing about the endpoint.
    pub(crate) fn given_up(detail: impl Into<String>) -> Self {
        Self::new(ModelFailureKind::Transient, EndpointHealth::Unknown, detail.into())
    }

    /// Nobody wants the answer any more.
    pub(crate) fn cancelled() -> Self {
        Self::new(ModelFailureKind::Cancelled, EndpointHealth::Unknown, "the call was cancelled".to_owned())
    }

    /// The same call will fail again.
    pub(crate) fn permanent(detail: impl Into<String>) -> Self {
        Self::new(ModelFailureKind::Permanent, EndpointHealth::Healthy, detail.into())
    }

    /// The answer is not a reply.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ModelFailureKind::Malformed, EndpointHealth::Healthy, detail.into())
    }

    /// The model or its filter declined.
    pub(crate) fn refusal(detail: impl Into<String>) -> Self {
        Self::new(ModelFailureKind::Refusal, EndpointHealth::Healthy, detail.into())
    }

    /// The answer is a web page.
    pub(crate) fn html() -> Self {
        Self::malformed(
            "it answered with a web page: this does not look like an OpenAI-compatible endpoint; check `OPENAI_BASE_URL` (it usually ends in `/v1`)",
        )
    }

    /// Reads a failure of the connection.
    pub(crate) fn from_http(error: &HttpError) -> Self {
        let mut cause: &dyn Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let mut detail = error.to_string();
        if error.source().is_some() {
            detail = format!("{detail}: {}", quote(&cause.to_string()));
        }
        match error {
            HttpError::Redirect { .. } => Self::permanent(format!("{detail}; check `OPENAI_BASE_URL`")),
            HttpError::UnknownHost(_) => Self::transient(format!("{detail}; check `OPENAI_BASE_URL`")),
            HttpError::InvalidRequest(_) | HttpError::Setup(_) | HttpError::Tls(_) => Self::permanent(detail),
            _ => Self::transient(detail),
        }
    }

    /// Reads an answer with an error status.
    pub(crate) fn from_status(
        status: u16,
        body: &[u8],
        retry_after: Option<Duration>,
        model: &ModelName,
    ) -> Self {
        let error = wire::api_error(body);
        let said = error.as_ref().map_or_else(|| said(body), |error| quote(&error.message));
        let told = |advice: &str| format!("status {status}{advice}: {said}");
        if let Some(named) = error.as_ref().and_then(|error| named_kind(error, status)) {
            return named.with_detail(told);
        }
        let failure = match status {
            401 | 403 => Self::permanent(told("; check `OPENAI_API_KEY`")),
            404 => Self::permanent(told(&format!("; check the model name `{model}` and `OPENAI_BASE_URL`"))),
            413 => Self::new(ModelFailureKind::ContextOverflow, EndpointHealth::Healthy, told("")),
            429 => {
                let health = retry_after.map_or(EndpointHealth::Healthy, EndpointHealth::Throttled);
                Self::new(ModelFailureKind::Transient, health, told("; it is asked too often"))
            }
            409 | 425 => Self::new(ModelFailureKind::Transient, EndpointHealth::Healthy, told("")),
            408 | 500.. => Self::transient(told("")),
            _ => Self::permanent(told("")),
        };
        Self { retry_after, ..failure }
    }

    /// Reads an error object that came with status 200.
    pub(crate) fn from_error_object(json: &[u8]) -> Self {
        let Some(error) = wire::api_error(json) else {
            return Self::malformed("it answered with an error that says nothing");
        };
        let told = |advice: &str| format!("an error with status 200{advice}: {}", quote(&error.message));
        let status = error.code.as_deref().and_then(|code| code.parse().ok()).unwrap_or(200);
        if let Some(named) = named_kind(&error, status) {
            return named.with_detail(told);
        }
        let is_named = |names: &[&str]| {
            [&error.code, &error.r#type].into_iter().flatten().any(|name| names.contains(&name.as_str()))
        };
        let passing =
            ["rate_limit_exceeded", "rate_limit_error", "server_error", "overloaded_error", "timeout"];
        match status {
            408 | 429 | 500..=599 => Self::transient(told("")),
            _ if is_named(&passing) => Self::transient(told("")),
            _ => Self::malformed(told("")),
        }
    }
}

/// What an error's code or words say, whatever the status.
#[derive(Clone, Copy)]
enum NamedKind {
    NoQuota,
    ContextOverflow,
    ContentFilter,
}

impl NamedKind {
    fn with_detail(self, told: impl Fn(&str) -> String) -> AttemptFailure {
        match self {
            Self::NoQuota => {
                AttemptFailure::permanent(told("; the account has no quota left, check its plan"))
            }
            Self::ContentFilter => AttemptFailure::refusal(told("; its content filter declined")),
            Self::ContextOverflow => {
                let detail = told("; the request is longer than the model's context");
                AttemptFailure::new(ModelFailureKind::ContextOverflow, EndpointHealth::Healthy, detail)
            }
        }
    }
}

fn named_kind(error: &ApiError, status: u16) -> Option<NamedKind> {
    for name in [&error.code, &error.r#type].into_iter().flatten() {
        match name.as_str() {
            "insufficient_quota" | "billing_hard_limit_reached" => return Some(NamedKind::NoQuota),
            "context_length_exceeded" => return Some(NamedKind::ContextOverflow),
            "content_filter" | "content_policy_violation" => return Some(NamedKind::ContentFilter),
            _ => {}
        }
    }
    // Most compatible servers have no code for it.
    let phrases = [
        "maximum context length",
        "context length exceeded",
        "context window",
        "context size",
        "prompt is too long",
    ];
    let message = error.message.to_lowercase();
    let is_long = matches!(status, 200 | 400 | 413 | 422 | 500)
        && phrases.iter().any(|phrase| message.contains(phrase));
    is_long.then_some(NamedKind::ContextOverflow)
}

/// Returns what a body that is not an error object says.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => "without a word".to_owned(),
        page if page.starts_with('<') => "a web page".to_owned(),
        text => quote(text),
    }
}

/// Makes foreign text fit for a line of ours: no control characters, not too long.
pub(crate) fn quote(text: &str) -> String {
    let mut chars = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut quoted: String = chars.by_ref().take(MAX_QUOTE_CHARS).collect();
    if chars.next().is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::AttemptFailure;
    use playhouse_types::ModelFailureKind::{ContextOverflow, Malformed, Permanent, Refusal, Transient};
    use playhouse_types::{ModelFailureKind, ModelName};

    #[track_caller]
    fn check(status: u16, body: &str, kind: ModelFailureKind, says: &str) {
        let failure = AttemptFailure::from_status(status, body.as_bytes(), None, &ModelName::new("m"));
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.detail.contains(says), "{failure:?}");
    }

    #[test]
    fn a_status_decides() {
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            check(status, "", Transient, "without a word");
        }
        check(401, r#"{"error": {"message": "no"}}"#, Permanent, "check `OPENAI_API_KEY`: no");
        check(404, "<html>", Permanent, "check the model name `m`");
        check(400, r#"{"error": "bad"}"#, Permanent, "bad");
    }

    #[test]
    fn a_code_decides_before_the_status() {
        check(429, r#"{"error": {"message": "x", "code": "insufficient_quota"}}"#, Permanent, "no quota");
        check(
            400,
            r#"{"error": {"message": "x", "code": "context_length_exceeded"}}"#,
            ContextOverflow,
            "longer",
        );
        check(
            400,
            r#"{"message": "This model's maximum context length is 4096", "code": 400}"#,
            ContextOverflow,
            "4096",
        );
        check(413, "", ContextOverflow, "413");
        check(400, r#"{"error": {"message": "x", "code": "content_filter"}}"#, Refusal, "filter");
    }

    #[test]
    fn an_error_with_status_200_is_no_reply_unless_it_says_more() {
        let kind = |json: &str| AttemptFailure::from_error_object(json.as_bytes()).kind;
        assert_eq!(kind(r#"{"message": "x"}"#), Malformed);
        assert_eq!(kind(r#"{"message": "x", "code": 502}"#), Transient);
        assert_eq!(kind(r#"{"message": "x", "type": "server_error"}"#), Transient);
        assert_eq!(kind(r#"{"message": "x", "code": "insufficient_quota"}"#), Permanent);
        assert_eq!(kind("{}"), Malformed);
    }

    #[test]
    fn foreign_words_are_short_and_harmless() {
        let body = format!("a\u{1b}[31m\n{}", "x".repeat(5_000));
        let failure = AttemptFailure::from_status(400, body.as_bytes(), None, &ModelName::new("m"));
        assert!(failure.detail.len() < 400 && !failure.detail.contains(char::is_control));
    }
}
