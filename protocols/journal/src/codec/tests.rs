use playhouse_types::{Incarnation, Label, Lane, Participant, RunId, Step, TenantId, Timestamp, TurnId};
use proptest::prelude::*;

use super::{CodecError, RunPlace, StoredRecord, open, seal};
use crate::{ChainHash, ChainHead, Event, Kind, NewRecord, Record, RecordKey, RunKey};

const RUN: RunId = RunId::from_u128(7);
const KEY: RunKey = RunKey([3; 32]);

fn message(ordinal: u32, content: String) -> NewRecord {
    let message = playhouse_types::Message {
        turn: TurnId(ordinal),
        from: Participant::User,
        content,
        label: Label::default(),
    };
    NewRecord {
        lane: Lane::run(),
        incarnation: Incarnation(1),
        key: RecordKey::new(TurnId(ordinal), Step(0), ordinal, Kind::MessagePosted),
        causation: None,
        label: Label::default(),
        event: Event::MessagePosted { message },
    }
}

fn chain(contents: &[String]) -> Vec<(Record, StoredRecord)> {
    let tenant = TenantId::default();
    let mut head = ChainHead::default();
    let mut chain = Vec::new();
    for (ordinal, content) in contents.iter().enumerate() {
        let time = Timestamp(ordinal as i64);
        let place = RunPlace { run: RUN, key: &KEY, tenant: &tenant, epoch: 1, lane_prev: None, time };
        let sealed = seal(&place, head, message(ordinal as u32, content.clone())).unwrap();
        head = ChainHead { seq: sealed.1.seq, hash: sealed.1.hash };
        chain.push(sealed);
    }
    chain
}

fn read(stored: &[StoredRecord]) -> Result<Vec<Record>, CodecError> {
    let mut head = ChainHead::default();
    stored
        .iter()
        .map(|stored| {
            let record = open(RUN, &KEY, head, stored)?;
            head = ChainHead { seq: record.seq, hash: record.hash };
            Ok(record)
        })
        .collect()
}

fn stored(contents: &[&str]) -> Vec<StoredRecord> {
    let contents: Vec<String> = contents.iter().map(|text| (*text).to_owned()).collect();
    chain(&contents).into_iter().map(|(_, stored)| stored).collect()
}

proptest! {
    #[test]
    fn a_chain_reads_back_as_it_was_sealed(contents in proptest::collection::vec(".{0,900}", 0..8)) {
        let (records, stored): (Vec<_>, Vec<_>) = chain(&contents).into_iter().unzip();
        prop_assert_eq!(read(&stored).unwrap(), records);
    }

    #[test]
    fn random_bytes_are_refused_and_never_panic(header in proptest::collection::vec(any::<u8>(), 0..200)) {
        let hash = ChainHash::of(RUN, ChainHash::default(), &header);
        let stored = StoredRecord { seq: playhouse_types::Seq(1), hash, header, body: None };
        prop_assert!(open(RUN, &KEY, ChainHead::default(), &stored).is_err());
    }
}

#[test]
fn every_flipped_bit_of_a_header_or_a_body_is_refused() {
    let honest = stored(&["short", &"long ".repeat(200)]);
    for index in 0..honest.len() {
        for bit in 0..honest[index].header.len() * 8 {
            let mut damaged = honest.clone();
            damaged[index].header[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_err(), "record {index}, header bit {bit}");
        }
        let body_bits = honest[index].body.as_ref().map_or(0, |body| body.bytes.len() * 8);
        for bit in 0..body_bits {
            let mut damaged = honest.clone();
            damaged[index].body.as_mut().unwrap().bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_err(), "record {index}, body bit {bit}");
        }
    }
}

#[test]
fn every_flipped_bit_beside_the_bytes_and_every_missing_end_is_refused() {
    let honest = stored(&["short", &"long ".repeat(200), "last"]);
    let refused = |what: &str, change: &dyn Fn(&mut Vec<StoredRecord>)| {
        let mut damaged = honest.clone();
        change(&mut damaged);
        assert_ne!(damaged, honest, "{what} changes nothing");
        assert!(read(&damaged).is_err(), "{what}");
    };
    for index in 0..honest.len() {
        for bit in 0..256 {
            refused("hash", &|records| records[index].hash.0[bit / 8] ^= 1 << (bit % 8));
            if honest[index].body.is_some() {
                refused("address", &|records| {
                    records[index].body.as_mut().unwrap().address[bit / 8] ^= 1 << (bit % 8);
                });
            }
        }
        for bit in 0..64 {
            refused("seq", &|records| records[index].seq.0 ^= 1 << bit);
        }
        for n_bytes in 0..honest[index].header.len() {
            refused("header", &|records| records[index].header.truncate(n_bytes));
        }
        for n_bytes in 0..honest[index].body.as_ref().map_or(0, |body| body.bytes.len()) {
            refused("body", &|records| records[index].body.as_mut().unwrap().bytes.truncate(n_bytes));
        }
    }
    refused("a lost body", &|records| records[1].body = None);
}

#[test]
fn a_missing_or_swapped_record_is_named() {
    let mut records = stored(&["a", "b", "c"]);
    records.remove(1);
    let gap = CodecError::Gap { expected: playhouse_types::Seq(2), found: playhouse_types::Seq(3) };
    assert_eq!(read(&records).unwrap_err(), gap);

    let other = stored(&["x", "b", "c"]);
    let mut spliced = stored(&["a", "b", "c"]);
    spliced[0] = other[0].clone();
    assert_eq!(read(&spliced).unwrap_err(), CodecError::BrokenChain { seq: playhouse_types::Seq(2) });
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let mut records = stored(&["a"]);
    // The version is the first varint of the header.
    records[0].header[0] = 99;
    records[0].hash = ChainHash::of(RUN, ChainHash::default(), &records[0].header);
    assert_eq!(read(&records).unwrap_err(), CodecError::TooNew { seq: playhouse_types::Seq(1), version: 99 });
}
