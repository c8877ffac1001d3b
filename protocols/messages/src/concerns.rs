//! Which records concern which agent: one of a thousand reads its own records, not those of all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use playhouse_journal::{Event, Record};
use playhouse_types::{Lane, ReplyTo, Seq, TurnId};

type Places = Arc<boxcar::Vec<Seq>>;

/// The places of records by whom they concern. The journal writer adds, everybody reads.
#[derive(Default)]
pub(crate) struct Concerns {
    of: RwLock<HashMap<Lane, Places>>,
    /// Records of turns whose speaker is not known here, as they began before the base of the log.
    of_any: boxcar::Vec<Seq>,
    turns: Mutex<Turns>,
}

/// Whose the open turns are.
#[derive(Default)]
struct Turns {
    speakers: HashMap<TurnId, Lane>,
    /// The turns of colleagues that were called, and the turn that waits for each.
    called: HashMap<TurnId, TurnId>,
    /// What is told to the speaker of the next assignment.
    told: Option<(TurnId, Seq)>,
}

impl Concerns {
    /// Takes in the next record, before it can be read.
    pub(crate) fn add(&self, record: &Record) {
        // Whole after a panic: nobody but the journal writer changes them, and it is gone then.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if !record.lane.is_run() {
            self.place(&record.lane, record.seq);
        }
        match &record.event {
            Event::Briefed { turn, brief } => {
                turns.told = Some((*turn, record.seq));
                if let ReplyTo::Caller(call) = brief.reply_to {
                    turns.called.insert(*turn, call.turn);
                    self.place_in(&turns, call.turn, record);
                }
            }
            Event::TurnAssigned { turn, speaker, .. } => {
                let lane = Lane::from(speaker);
                if let Some((_, told)) = turns.told.take().filter(|(told, _)| told == turn) {
                    self.place(&lane, told);
                }
                self.place(&lane, record.seq);
                turns.speakers.insert(*turn, lane);
            }
            Event::ReviewDecided { review, .. } => {
                if let Some(call) = review.call() {
                    self.place_in(&turns, call.turn, record);
                }
            }
            Event::TurnEnded { turn, .. } => {
                self.place_in(&turns, *turn, record);
                if let Some(caller) = turns.called.remove(turn) {
                    self.place_in(&turns, caller, record);
                }
                turns.speakers.remove(turn);
            }
            _ => {}
        }
    }

    /// Notes a record for the speaker of a turn, if the record is not its own.
    fn place_in(&self, turns: &Turns, turn: TurnId, record: &Record) {
        match turns.speakers.get(&turn) {
            Some(lane) if *lane == record.lane => {}
            Some(lane) => self.place(lane, record.seq),
            None => drop(self.of_any.push(record.seq)),
        }
    }

    fn place(&self, lane: &Lane, seq: Seq) {
        let known = self.of.read().unwrap_or_else(PoisonError::into_inner).get(lane).cloned();
        let places = known.unwrap_or_else(|| {
            let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(of.entry(lane.clone()).or_default())
        });
        places.push(seq);
    }

    /// Returns the places of the records that concern an agent, after `after` and up to `upto`, in order.
    pub(crate) fn of(&self, lane: &Lane, after: Seq, upto: Seq) -> Vec<Seq> {
        let own = self.of.read().unwrap_or_else(PoisonError::into_inner).get(lane).cloned();
        let mut places: Vec<Seq> = own.iter().flat_map(|own| newest(own, after)).collect();
        places.extend(newest(&self.of_any, after));
        places.retain(|seq| *seq <= upto);
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// Returns the places after `after`, newest first.
fn newest(places: &boxcar::Vec<Seq>, after: Seq) -> impl Iterator<Item = Seq> {
    let entries = (0..places.count()).rev().filter_map(|index| places.get(index).copied());
    // What is told stands before its assignment, so places are in order but for those.
    entries.take_while(move |seq| *seq > after)
}

#[cfg(test)]
mod tests {
    use super::Concerns;
    use playhouse_journal::{ChainHash, Event, Record, RecordKey};
    use playhouse_types::{
        AgentName, Brief, CallId, Incarnation, Label, Lane, ReplyTo, ReviewId, RunId, Seq, Step, TenantId,
        Timestamp, TurnId, TurnOutcome, Verdict,
    };

    fn name(text: &str) -> AgentName {
        AgentName::new(text).unwrap()
    }

    /// Adds records in the lanes that are given with them; returns what concerns `agent` after `after`.
    fn concerning(records: Vec<(&str, Event)>, agent: &str, after: u64) -> Vec<u64> {
        let concerns = Concerns::default();
        for (seq, (lane, event)) in (1..).zip(records) {
            concerns.add(&Record {
                run: RunId::from_u128(1),
                seq: Seq(seq),
                prev_hash: ChainHash::default(),
                hash: ChainHash::default(),
                epoch: 1,
                incarnation: Incarnation(1),
                lane: if lane.is_empty() { Lane::run() } else { Lane::from(&name(lane)) },
                lane_prev: None,
                key: RecordKey::new(TurnId(0), Step(0), 0, event.kind()),
                schema_version: 1,
                time: Timestamp(0),
                tenant: TenantId::default(),
                label: Label::default(),
                causation: None,
                event,
            });
        }
        let places = concerns.of(&Lane::from(&name(agent)), Seq(after), Seq(99));
        places.into_iter().map(|seq| seq.0).collect()
    }

    fn assigned(turn: u32, speaker: &str) -> (&'static str, Event) {
        let (turn, speaker) = (TurnId(turn), name(speaker));
        ("", Event::TurnAssigned { turn, speaker, reason: String::new(), upto: 1 })
    }

    fn told(turn: u32, reply_to: ReplyTo) -> (&'static str, Event) {
        let brief = Brief { reply_to, ..Brief::new("do it") };
        ("", Event::Briefed { turn: TurnId(turn), brief: Box::new(brief) })
    }

    fn ended(lane: &str, turn: u32) -> (&str, Event) {
        (lane, Event::TurnEnded { turn: TurnId(turn), outcome: TurnOutcome::Replied })
    }

    fn spoke(lane: &str) -> (&str, Event) {
        (lane, Event::ReplyRejected { feedback: String::new() })
    }

    #[test]
    fn an_agent_reads_its_own_records_and_those_that_give_and_end_its_turns() {
        let records = || {
            vec![
                told(1, ReplyTo::Pattern),
                assigned(1, "a"),
                spoke("a"),
                ended("a", 1),
                assigned(2, "b"),
                spoke("b"),
                // Skipped by the coordinator.
                ended("", 2),
            ]
        };
        assert_eq!(concerning(records(), "a", 0), [1, 2, 3, 4]);
        assert_eq!(concerning(records(), "b", 0), [5, 6, 7]);
        assert_eq!(concerning(records(), "b", 5), [6, 7]);
        assert_eq!(concerning(records(), "c", 0), [0; 0]);
    }

    #[test]
    fn an_agent_reads_how_the_colleague_came_out_that_it_has_called() {
        let call = CallId { turn: TurnId(1), step: Step(1), ordinal: 0 };
        let records =
            || vec![assigned(1, "a"), told(2, ReplyTo::Caller(call)), assigned(2, "lab"), ended("lab", 2)];
        assert_eq!(concerning(records(), "a", 0), [1, 2, 4]);
        assert_eq!(concerning(records(), "lab", 0), [2, 3, 4]);
    }

    #[test]
    fn an_answer_of_a_person_is_read_by_whom_it_is_for_and_by_all_if_that_is_not_known() {
        let decided = |turn| {
            let call = CallId { turn: TurnId(turn), step: Step(1), ordinal: 0 };
            let verdict = Verdict::Approve;
            ("", Event::ReviewDecided { review: ReviewId::Approval(call), verdict, by: "ann".to_owned() })
        };
        assert_eq!(concerning(vec![assigned(1, "a"), decided(1)], "a", 0), [1, 2]);
        assert_eq!(concerning(vec![assigned(1, "a"), decided(1)], "b", 0), [0; 0]);
        // The turn was given before the base of the log.
        assert_eq!(concerning(vec![decided(1), ended("", 1)], "b", 0), [1, 2]);
    }
}
