//! Ids that come from the system: runs and process starts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits of Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: it has 26 characters of `0-9a-z` without i, l, o, u")]
pub struct InvalidId {
    /// The refused text.
    pub text: String,
}

fn encode(value: u128) -> String {
    (0..26)
        .rev()
        .filter_map(|place| DIGITS.get((value >> (place * 5)) as usize & 31))
        .map(|digit| char::from(*digit))
        .collect()
}

fn decode(text: &str) -> Result<u128, InvalidId> {
    let invalid = || InvalidId { text: text.to_owned() };
    // 26 digits hold 130 bits: the first one may only be 0 to 7.
    if text.len() != 26 || !text.starts_with(|c| ('0'..='7').contains(&c)) {
        return Err(invalid());
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = DIGITS.iter().position(|d| *d == byte.to_ascii_lowercase()).ok_or_else(invalid)?;
        Ok((value << 5) | digit as u128)
    })
}

macro_rules! system_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 128 bits of a version 7 UUID (RFC 9562, section 5.7), printed as 26 digits of Crockford's base 32, so that
        /// ids sort by the time they were made.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// Takes the 128 bits of an id.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            /// Returns the 128 bits.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decode(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                encode(id.0)
            }
        }
    };
}

system_id! {
    /// Names one run (or batch) for ever.
    RunId
}
system_id! {
    /// Names one start of a process: the owner of runs.
    BootId
}

#[cfg(test)]
mod tests {
    use super::RunId;

    #[test]
    fn an_id_reads_back_as_it_prints() {
        for value in [0, 1, u128::MAX, 0x0192_8374_6556_7788_99aa_bbcc_ddee_ff00] {
            let id = RunId::from_u128(value);
            assert_eq!(id.to_string().len(), 26);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn ids_sort_as_their_texts() {
        let (low, high) = (RunId::from_u128(7), RunId::from_u128(1 << 90));
        assert!(low < high && low.to_string() < high.to_string());
    }

    #[test]
    fn a_text_of_another_form_is_refused() {
        for bad in ["", "abc", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "0000000000000000000000000u"] {
            assert_eq!(bad.parse::<RunId>().unwrap_err().text, bad);
        }
    }
}
