//! Where something stands: turn, step, call, sequence, time. Ids made from positions survive every restart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// Returns the one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

counter! {
    /// One agent's go; turns of a run count from 1, 0 stands for "outside any turn".
    TurnId(u32)
}
counter! {
    /// One model call within a turn; steps count from 1, 0 stands for "outside any step".
    Step(u32)
}
counter! {
    /// A start of an actor: the first is 1.
    Incarnation(u32)
}
counter! {
    /// A record's place in its run, from 1.
    Seq(u64)
}

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the time `duration` later, at most the last one that exists.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns how long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    /// Takes the nearest time that exists.
    fn from(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Self(0).plus(after),
            Err(before) => {
                Self(i64::try_from(before.duration().as_micros()).map_or(i64::MIN, i64::saturating_neg))
            }
        }
    }
}

/// One tool call, named by its position: stable in every incarnation, whatever id a model made up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallId {
    /// The turn it belongs to.
    pub turn: TurnId,
    /// The model call that asked for it.
    pub step: Step,
    /// Its place among the calls of that reply, from 0.
    pub ordinal: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call_{}_{}_{}", self.turn, self.step, self.ordinal)
    }
}

impl FromStr for CallId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not a call id such as `call_3_1_0`");
        let numbers: Vec<u32> = text
            .strip_prefix("call_")
            .ok_or_else(invalid)?
            .split('_')
            .map(|part| part.parse().map_err(|_| invalid()))
            .collect::<Result<_, _>>()?;
        match numbers.as_slice() {
            [turn, step, ordinal] => Ok(Self { turn: TurnId(*turn), step: Step(*step), ordinal: *ordinal }),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for CallId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CallId> for String {
    fn from(call: CallId) -> String {
        call.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{CallId, Step, Timestamp, TurnId};
    use std::time::Duration;

    #[test]
    fn a_call_id_reads_back_as_it_prints() {
        let call = CallId { turn: TurnId(3), step: Step(1), ordinal: 0 };
        assert_eq!(call.to_string(), "call_3_1_0");
        assert_eq!("call_3_1_0".parse(), Ok(call));
        for bad in ["call_3_1", "call_a_1_0", "3_1_0", "call_1_2_3_4"] {
            assert!(bad.parse::<CallId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn time_never_runs_below_zero_or_over_its_end() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(i64::MAX - 1).plus(Duration::from_secs(1)), Timestamp(i64::MAX));
    }
}
