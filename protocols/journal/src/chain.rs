//! The hash chain of one run.

use std::fmt;

use playhouse_types::{RunId, Seq};
use serde::{Deserialize, Serialize, Serializer};

/// Separates these hashes from every other use of BLAKE3.
const DOMAIN: &[u8] = b"playhouse journal record v1";

/// The BLAKE3 hash of a record and, through it, of all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(transparent)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// Hashes a record's bytes onto the chain of `run`: `BLAKE3(domain, run, previous, bytes)`.
    #[must_use]
    pub fn of(run: RunId, previous: Self, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN).update(&run.as_u128().to_be_bytes()).update(&previous.0).update(bytes);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The end of a chain, onto which the next record goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ChainHead {
    /// The last record's place; 0 if there is none.
    pub seq: Seq,
    /// The last record's hash; zeros if there is none.
    pub hash: ChainHash,
}
