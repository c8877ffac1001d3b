//! Whose data something is, how far it can be trusted and who may see it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose data this is; `local` unless said otherwise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub String);

impl Default for TenantId {
    fn default() -> Self {
        Self("local".to_owned())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a text comes from somebody who may give orders.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// From the scenario's author or the operator.
    Trusted,
    /// From a document, a tool, a model or anybody else. The default.
    #[default]
    Untrusted,
}

/// Who may see a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// Anybody.
    Public,
    /// Those who work for the tenant. The default.
    #[default]
    Tenant,
    /// Only those whom the run names.
    Secret,
}

/// Trust and secrecy of one piece of content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Label {
    /// Whether it may give orders.
    pub integrity: Integrity,
    /// Who may see it.
    pub confidentiality: Confidentiality,
}

impl Label {
    /// Returns the label of a text made from both: the less trusted, the more secret.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            integrity: self.integrity.max(other.integrity),
            confidentiality: self.confidentiality.max(other.confidentiality),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Confidentiality, Integrity, Label};

    #[test]
    fn a_join_is_the_less_trusted_and_the_more_secret() {
        let order = Label { integrity: Integrity::Trusted, confidentiality: Confidentiality::Secret };
        let page = Label { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Public };
        let joined = Label { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Secret };
        assert_eq!((order.join(page), page.join(order)), (joined, joined));
    }
}
