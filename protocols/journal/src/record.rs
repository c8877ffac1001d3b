//! A record, before and after it has its place in the chain.

use playhouse_types::{Incarnation, Label, Lane, RunId, Seq, TenantId, Timestamp};
use serde::Serialize;

use crate::{ChainHash, Event, RecordKey};

/// What an actor asks to be written; place, time and hash are given by the journal writer.
#[derive(Clone, PartialEq, Debug)]
pub struct NewRecord {
    /// The line it belongs to.
    pub lane: Lane,
    /// The writer's incarnation.
    pub incarnation: Incarnation,
    /// Its key.
    pub key: RecordKey,
    /// The record that caused it.
    pub causation: Option<Seq>,
    /// How far its content can be trusted.
    pub label: Label,
    /// What happened.
    pub event: Event,
}

/// A fact in its place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Record {
    /// The run.
    pub run: RunId,
    /// Its place in the run, from 1 without gaps.
    pub seq: Seq,
    /// The hash of the record before it.
    pub prev_hash: ChainHash,
    /// Its own hash.
    pub hash: ChainHash,
    /// The epoch of the owner that wrote it.
    pub epoch: u64,
    /// The incarnation of the actor that wrote it.
    pub incarnation: Incarnation,
    /// The line it belongs to.
    pub lane: Lane,
    /// The record before it in its lane.
    pub lane_prev: Option<Seq>,
    /// Its key.
    pub key: RecordKey,
    /// The version of the event's form.
    pub schema_version: u16,
    /// When it was appended.
    pub time: Timestamp,
    /// Whose it is.
    pub tenant: TenantId,
    /// How far its content can be trusted.
    pub label: Label,
    /// The record that caused it.
    pub causation: Option<Seq>,
    /// What happened.
    pub event: Event,
}
