//! The stored form of a record, and the checks on the way back.

use playhouse_types::{Incarnation, Label, Lane, RunId, Seq, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ChainHash, ChainHead, Event, NewRecord, Record, RecordKey, RunKey};

/// The version that this build writes, and the newest it reads.
pub const SCHEMA_VERSION: u16 = 1;

/// Bodies of this many bytes or more are stored apart from their record.
pub const INLINE_LIMIT_BYTES: usize = 512;

/// Why a stored record cannot be read. None of these is safe to ignore; none goes away by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The hash does not fit the bytes and the record before.
    #[error("record {seq} does not fit the chain: it or the one before it was changed or damaged")]
    BrokenChain {
        /// The record.
        seq: Seq,
    },
    /// A record is missing.
    #[error("record {expected} is missing: record {found} follows")]
    Gap {
        /// The one that should be there.
        expected: Seq,
        /// The one that is.
        found: Seq,
    },
    /// The bytes are not a record.
    #[error("record {seq} cannot be decoded")]
    Undecodable {
        /// The record.
        seq: Seq,
    },
    /// The body is missing or is not the one that the record names.
    #[error("record {seq}: its body is missing or damaged")]
    WrongBody {
        /// The record.
        seq: Seq,
    },
    /// A later version of Playhouse wrote it.
    #[error(
        "record {seq} has schema version {version}, this build reads up to {SCHEMA_VERSION}: use a newer playhouse"
    )]
    TooNew {
        /// The record.
        seq: Seq,
        /// Its version.
        version: u16,
    },
    /// Records at the end of the run are missing.
    #[error("records are missing at the end: the run has {head}, record {found} is the last one there")]
    Truncated {
        /// The last record that was written.
        head: Seq,
        /// The last record that is there.
        found: Seq,
    },
    /// A field of the run's row, which a store keeps beside the records, cannot be decoded.
    #[error("the field `{field}` of its row cannot be decoded")]
    UnreadableRow {
        /// The field.
        field: &'static str,
    },
    /// Something that a store keeps of the run beside the records does not fit its checksum.
    #[error("its {part} was changed or damaged behind the store's back")]
    Damaged {
        /// What it is.
        part: &'static str,
    },
    /// The event cannot be written.
    #[error("an event cannot be encoded")]
    Unencodable,
}

/// A body that is stored apart, under its address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredBody {
    /// BLAKE3 of the bytes, keyed with the run's key.
    pub address: [u8; 32],
    /// The encoded event.
    pub bytes: Vec<u8>,
}

/// A record as a store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRecord {
    /// Its place in the run.
    pub seq: Seq,
    /// Its hash.
    pub hash: ChainHash,
    /// The encoded header, which holds a small body or the address of a large one.
    pub header: Vec<u8>,
    /// The large body.
    pub body: Option<StoredBody>,
}

/// Where the event of a record is.
#[derive(Serialize, Deserialize)]
enum Body {
    Inline(Vec<u8>),
    Stored([u8; 32]),
}

/// The encoded part of a record that the chain covers.
#[derive(Serialize, Deserialize)]
struct Header {
    schema_version: u16,
    epoch: u64,
    incarnation: Incarnation,
    lane: Lane,
    lane_prev: Option<Seq>,
    key: RecordKey,
    time: Timestamp,
    tenant: TenantId,
    label: Label,
    causation: Option<Seq>,
    body: Body,
}

/// Gives a record its place after `head` and its stored form.
///
/// `place` holds what the journal writer knows of the run; the caller moves the head on.
/// # Errors
/// [`CodecError::Unencodable`] if the event has no stored form, which no event of this crate lacks.
pub fn seal(
    run: &RunPlace<'_>,
    head: ChainHead,
    new: NewRecord,
) -> Result<(Record, StoredRecord), CodecError> {
    let bytes = postcard::to_stdvec(&new.event).map_err(|_| CodecError::Unencodable)?;
    let (body, stored) = if bytes.len() < INLINE_LIMIT_BYTES {
        (Body::Inline(bytes), None)
    } else {
        let address = address(run.key, &bytes);
        (Body::Stored(address), Some(StoredBody { address, bytes }))
    };
    let header = Header {
        schema_version: SCHEMA_VERSION,
        epoch: run.epoch,
        incarnation: new.incarnation,
        lane: new.lane,
        lane_prev: run.lane_prev,
        key: new.key,
        time: run.time,
        tenant: run.tenant.clone(),
        label: new.label,
        causation: new.causation,
        body,
    };
    let bytes = postcard::to_stdvec(&header).map_err(|_| CodecError::Unencodable)?;
    let seq = head.seq.next();
    let hash = ChainHash::of(run.run, head.hash, &bytes);
    let record = record(run.run, ChainHead { seq, hash }, head.hash, header, new.event);
    Ok((record, StoredRecord { seq, hash, header: bytes, body: stored }))
}

/// What the journal writer knows of the run a record goes to.
pub struct RunPlace<'a> {
    /// The run.
    pub run: RunId,
    /// The key of its bodies.
    pub key: &'a RunKey,
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// The epoch of its owner.
    pub epoch: u64,
    /// The last record of the same lane.
    pub lane_prev: Option<Seq>,
    /// Now.
    pub time: Timestamp,
}

/// Reads a stored record back and checks it against `before`, the end of the chain before it.
///
/// # Errors
/// [`CodecError`], naming the record: a gap, a broken chain, a wrong body, an unknown version.
pub fn open(
    run: RunId,
    key: &RunKey,
    before: ChainHead,
    stored: &StoredRecord,
) -> Result<Record, CodecError> {
    let seq = stored.seq;
    if seq != before.seq.next() {
        return Err(CodecError::Gap { expected: before.seq.next(), found: seq });
    }
    if ChainHash::of(run, before.hash, &stored.header) != stored.hash {
        return Err(CodecError::BrokenChain { seq });
    }
    let (version, _) =
        postcard::take_from_bytes::<u16>(&stored.header).map_err(|_| CodecError::Undecodable { seq })?;
    if version > SCHEMA_VERSION {
        return Err(CodecError::TooNew { seq, version });
    }
    let mut header: Header = exact(&stored.header).ok_or(CodecError::Undecodable { seq })?;
    let event = match &mut header.body {
        Body::Inline(bytes) => upcast(version, bytes),
        Body::Stored(address) => {
            let body = stored.body.as_ref().ok_or(CodecError::WrongBody { seq })?;
            if body.address != *address || self::address(key, &body.bytes) != *address {
                return Err(CodecError::WrongBody { seq });
            }
            upcast(version, &body.bytes)
        }
    };
    let event = event.ok_or(CodecError::Undecodable { seq })?;
    if event.kind() != header.key.kind {
        return Err(CodecError::Undecodable { seq });
    }
    Ok(record(run, ChainHead { seq, hash: stored.hash }, before.hash, header, event))
}

/// Reads an event of any version that was ever released. Older ones get an arm of their own here.
fn upcast(_version: u16, bytes: &[u8]) -> Option<Event> {
    exact(bytes)
}

/// Decodes all of `bytes`: trailing bytes are damage.
fn exact<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

fn address(key: &RunKey, bytes: &[u8]) -> [u8; 32] {
    *blake3::keyed_hash(&key.0, bytes).as_bytes()
}

fn record(run: RunId, at: ChainHead, prev_hash: ChainHash, header: Header, event: Event) -> Record {
    Record {
        run,
        seq: at.seq,
        prev_hash,
        hash: at.hash,
        epoch: header.epoch,
        incarnation: header.incarnation,
        lane: header.lane,
        lane_prev: header.lane_prev,
        key: header.key,
        schema_version: header.schema_version,
        time: header.time,
        tenant: header.tenant,
        label: header.label,
        causation: header.causation,
        event,
    }
}

#[cfg(test)]
mod tests;
