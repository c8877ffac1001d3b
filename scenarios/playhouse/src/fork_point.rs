//! Where a run can be forked: at a record after which nothing is in flight and nobody is waited for.

use std::collections::BTreeSet;
use std::sync::Arc;

use playhouse_journal::{Command, Event, Record};
use playhouse_types::{CallId, ReviewId, Seq, Step, TurnId};

/// What stands open after some record: a fold of the records up to it.
#[derive(Default)]
struct OpenEnds {
    model_calls: BTreeSet<(TurnId, Step)>,
    /// Tool calls with an intent and no end, and those that nobody knows the end of.
    tool_calls: BTreeSet<CallId>,
    reviews: BTreeSet<ReviewId>,
    is_admitted: bool,
    is_at_rest: bool,
    /// Going on with a paused run leaves it paused.
    is_paused: bool,
    has_ended: bool,
}

impl OpenEnds {
    fn apply(&mut self, record: &Record) {
        let (turn, step) = (record.key.turn, record.key.step);
        match &record.event {
            // The first message belongs to the admission.
            Event::MessagePosted { .. } => self.is_admitted = true,
            Event::ModelIntent(_) => drop(self.model_calls.insert((turn, step))),
            Event::ModelResult { .. } | Event::ModelFailed { .. } => {
                self.model_calls.remove(&(turn, step));
            }
            Event::ToolIntent(intent) => drop(self.tool_calls.insert(intent.call)),
            Event::Consulted { call, .. } => drop(self.tool_calls.insert(*call)),
            Event::ToolInDoubt { call, .. } => drop(self.tool_calls.insert(*call)),
            Event::ToolResult { call, .. }
            | Event::ToolFailed { call, .. }
            | Event::ToolDenied { call, .. } => drop(self.tool_calls.remove(call)),
            Event::ReviewOpened { review, .. } => drop(self.reviews.insert(*review)),
            Event::ReviewDecided { review, .. } => {
                self.reviews.remove(review);
                match review {
                    ReviewId::Doubt(call) => drop(self.tool_calls.remove(call)),
                    ReviewId::Quarantine(_) => self.is_at_rest = false,
                    ReviewId::Approval(_) | ReviewId::Question(_) => {}
                }
            }
            Event::TurnEnded { turn, .. } => self.end_turn(*turn),
            Event::Suspended { .. } | Event::Quarantined { .. } => self.is_at_rest = true,
            Event::CommandAccepted { command: Command::Pause, .. } => self.is_paused = true,
            Event::CommandAccepted { command: Command::Unpause, .. } => {
                (self.is_paused, self.is_at_rest) = (false, false);
            }
            Event::Resumed { .. } => self.is_at_rest = false,
            Event::RunConcluded { .. }
            | Event::Cancelled { .. }
            | Event::CommandAccepted { command: Command::Cancel { .. } | Command::Stop { .. }, .. } => {
                self.has_ended = true;
            }
            _ => {}
        }
    }

    /// A turn that has ended waits for nothing, whether it was done or taken from its agent.
    fn end_turn(&mut self, turn: TurnId) {
        self.model_calls.retain(|(other, _)| *other != turn);
        self.tool_calls.retain(|call| call.turn != turn);
        self.reviews.retain(|review| review.call().is_none_or(|call| call.turn != turn));
    }

    fn is_empty(&self) -> bool {
        self.is_admitted
            && !self.is_at_rest
            && !self.is_paused
            && !self.has_ended
            && self.model_calls.is_empty()
            && self.tool_calls.is_empty()
            && self.reviews.is_empty()
    }
}

/// Returns the last record up to `at` at which a run with these records can be forked; `None` if there is none.
///
/// After it no call and no review is open, the run neither rests, is paused nor has ended, and no decision is taken apart whose
/// records belong together.
pub(crate) fn fork_point(records: &[Arc<Record>], at: Seq) -> Option<Seq> {
    let mut open = OpenEnds::default();
    let mut point = None;
    let followers = records.iter().skip(1).map(Some).chain(std::iter::once(None));
    for (record, next) in records.iter().zip(followers).take_while(|(record, _)| record.seq <= at) {
        open.apply(record);
        if open.is_empty() && !next.is_some_and(|next| are_one_decision(record, next)) {
            point = Some(record.seq);
        }
    }
    point
}

/// Tells whether an actor appended both records in one go.
fn are_one_decision(record: &Record, next: &Record) -> bool {
    record.causation.is_some()
        && (record.causation, &record.lane, record.incarnation, record.epoch)
            == (next.causation, &next.lane, next.incarnation, next.epoch)
}

#[cfg(test)]
mod tests {
    use super::fork_point;
    use crate::test_records::{answer, call, intent, posted, records, reply};
    use playhouse_journal::{Command, CommandId, Event, Record};
    use playhouse_types::{Effect, Participant, ReviewId, ReviewRequest, Seq, TurnId, TurnOutcome, Verdict};
    use std::sync::Arc;

    type Place = (&'static str, (u32, u32, u32), Event);

    /// The beginning of every run, two records; it is the caller's part to go on.
    fn run(rest: Vec<Place>) -> Vec<Arc<Record>> {
        let admitted = crate::test_records::short_run().swap_remove(0).event;
        let mut all =
            vec![("run", (0, 0, 0), admitted), ("run", (0, 0, 0), posted(0, Participant::User, "go"))];
        all.extend(rest);
        records(all).into_iter().map(Arc::new).collect()
    }

    fn asked() -> Place {
        let intent = playhouse_journal::ModelIntent {
            model: playhouse_types::ModelName::new("m"),
            request_hash: [0; 32],
            attempt: 0,
        };
        ("clerk", (1, 1, 0), Event::ModelIntent(intent))
    }

    #[track_caller]
    fn check(records: &[Arc<Record>], at: u64, expected: Option<u64>) {
        assert_eq!(fork_point(records, Seq(at)), expected.map(Seq));
    }

    #[test]
    fn nothing_is_left_before_the_first_message() {
        check(&run(vec![]), 1, None);
        check(&run(vec![]), 2, Some(2));
        check(&[], 5, None);
    }

    #[test]
    fn a_call_in_flight_is_left_out_with_its_intent() {
        let records = run(vec![
            asked(),
            ("clerk", (1, 1, 0), reply("", &[("read", "{}")])),
            ("clerk", (1, 1, 0), intent(call(1, 1, 0), "read", "{}")),
            ("clerk", (1, 1, 0), answer(call(1, 1, 0), "text")),
        ]);
        check(&records, 3, Some(2));
        check(&records, 4, Some(4));
        check(&records, 5, Some(4));
        check(&records, 6, Some(6));
    }

    #[test]
    fn a_call_in_doubt_is_in_flight_until_a_person_has_decided() {
        let (id, review) = (call(1, 1, 0), ReviewId::Doubt(call(1, 1, 0)));
        let records = run(vec![
            ("clerk", (1, 1, 0), intent(id, "pay", "{}")),
            ("clerk", (1, 1, 0), Event::ToolInDoubt { call: id, detail: "lost".to_owned() }),
            (
                "run",
                (1, 1, 2),
                Event::ReviewDecided { review, verdict: Verdict::DidNotHappen, by: "me".to_owned() },
            ),
        ]);
        check(&records, 4, Some(2));
        check(&records, 5, Some(5));
    }

    #[test]
    fn an_open_review_is_left_out() {
        let review = ReviewId::Approval(call(1, 1, 0));
        let request = ReviewRequest {
            agent: crate::test_records::agent("clerk"),
            tool: "pay".to_owned(),
            arguments: "{}".to_owned(),
            effect: Effect::Once,
            subject_hash: [0; 32],
            reason: "large".to_owned(),
            expires_at: None,
            on_expiry: playhouse_types::OnExpiry::Deny,
        };
        let opened = Event::ReviewOpened { review, request: Box::new(request) };
        let records = run(vec![("clerk", (1, 1, 0), opened)]);
        check(&records, 3, Some(2));
    }

    #[test]
    fn what_ends_a_run_is_left_out_and_a_rest_that_is_over_is_not() {
        let suspended = || ("run", (0, 1, 0), Event::Suspended { reason: "in doubt".to_owned() });
        let resumed = ("run", (0, 2, 0), Event::Resumed { epoch: 2, clean: true });
        let records = run(vec![suspended(), resumed]);
        check(&records, 3, Some(2));
        check(&records, 4, Some(4));
        let reason = || "enough".to_owned();
        for command in [Command::Cancel { reason: reason() }, Command::Stop { reason: reason() }] {
            let accepted = Event::CommandAccepted { id: CommandId("1".to_owned()), command };
            let ended = Event::TurnEnded { turn: TurnId(1), outcome: TurnOutcome::Cancelled };
            check(&run(vec![("run", (0, 9, 9), accepted), ("clerk", (1, 0, 0), ended)]), 4, Some(2));
        }
    }

    #[test]
    fn a_pause_is_left_out_until_it_is_over() {
        let command = |step, command| {
            let id = CommandId(format!("{step}"));
            ("run", (0, step, 9), Event::CommandAccepted { id, command })
        };
        let resumed = || ("run", (0, 2, 0), Event::Resumed { epoch: 2, clean: true });
        let suspended = ("run", (0, 1, 0), Event::Suspended { reason: "paused".to_owned() });
        let records = run(vec![
            command(1, Command::Pause),
            suspended,
            // Going on does not end it.
            resumed(),
            command(2, Command::Unpause),
            resumed(),
        ]);
        for (at, expected) in [(3, 2), (4, 2), (5, 2), (6, 6), (7, 7)] {
            check(&records, at, Some(expected));
        }
    }

    #[test]
    fn records_of_one_decision_stay_together() {
        let mut records = run(vec![
            ("clerk", (1, 0, 0), posted(1, Participant::Agent(crate::test_records::agent("clerk")), "hi")),
            ("clerk", (1, 0, 0), Event::TurnEnded { turn: TurnId(1), outcome: TurnOutcome::Replied }),
        ]);
        for record in records.iter_mut().skip(2) {
            Arc::make_mut(record).causation = Some(Seq(2));
        }
        check(&records, 3, Some(2));
        check(&records, 4, Some(4));
    }
}
