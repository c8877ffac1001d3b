//! Names that people choose: validated strings, cheap to clone.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: use 1 to 64 letters, digits, `-` or `_`")]
pub struct InvalidName {
    /// The refused text.
    pub text: String,
}

/// Accepts 1 to 64 ASCII letters, digits, `-` and `_`: what every model endpoint takes as a function name.
fn check(text: &str) -> Result<(), InvalidName> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        Ok(())
    } else {
        Err(InvalidName { text: text.to_owned() })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            /// # Errors
            /// [`InvalidName`] if `text` is not 1 to 64 ASCII letters, digits, `-` or `_`.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// Makes a name of any text: what cannot be in a name becomes `-`, what is too long is cut.
            #[must_use]
            pub fn of_text(text: &str) -> Self {
                let cleaned = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
                let name: String = text.chars().map(cleaned).take(64).collect();
                Self(if name.is_empty() { "-".into() } else { name.into() })
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name! {
    /// An agent's name: its identity across incarnations.
    AgentName
}
name! {
    /// A tool's name, as agents list it and models call it.
    ToolName
}
name! {
    /// A scenario's name, as typed on the command line.
    ScenarioName
}
name! {
    /// The name of one case of a batch, unique in it.
    CaseName
}
name! {
    /// A line of records within a run, written by one actor: `run` for the coordinator, else the agent's name.
    Lane
}

impl Lane {
    /// The reserved name of the coordinator's lane.
    pub const RUN: &'static str = "run";

    /// Returns the coordinator's lane.
    #[must_use]
    pub fn run() -> Self {
        Self(Self::RUN.into())
    }

    /// Tells whether this is the coordinator's lane.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.as_str() == Self::RUN
    }
}

impl From<&AgentName> for Lane {
    fn from(agent: &AgentName) -> Self {
        Self(agent.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentName, Lane};

    #[test]
    fn a_name_holds_letters_digits_dash_and_underscore() {
        assert_eq!(AgentName::new("clerk-2_b").unwrap().to_string(), "clerk-2_b");
        for bad in ["", "two words", "dots.are.out", "naïve", &"x".repeat(65)] {
            assert_eq!(AgentName::new(bad).unwrap_err().text, bad);
        }
    }

    #[test]
    fn an_agent_writes_to_the_lane_of_its_name() {
        assert_eq!(Lane::from(&AgentName::new("clerk").unwrap()).as_str(), "clerk");
        assert!(Lane::run().is_run());
    }
}
