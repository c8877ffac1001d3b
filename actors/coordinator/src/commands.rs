//! What a command from outside comes to: a pure function of the run's state.

use std::sync::Arc;

use playhouse_journal::{Command, CommandId, Event, Kind, PendingCommand, RecordKey};
use playhouse_review::{OpenReview, VerdictError};
use playhouse_types::{
    Label, Message, Participant, ReviewId, ReviewRequest, Step, Timestamp, TurnId, TurnOutcome, Verdict,
};

use crate::{Condition, CoordinatorState, CrewDefinition};

/// Checks arguments that a person has edited, by the tool's schema; returns them in canonical form, or says what is
/// wrong.
pub type CheckArguments = Arc<dyn Fn(&ReviewRequest, &str) -> Result<String, String> + Send + Sync>;

/// How long a message from outside may be: it goes into every later request of every agent.
const MAX_INJECTED_BYTES: usize = 1024 * 1024;

/// Under which epoch and when a command is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acceptance {
    /// The epoch of the owner who takes it.
    pub epoch: u64,
    /// The time.
    pub now: Timestamp,
}

/// Records to append, each with its key, all in one commit.
pub type Consequences = Vec<(RecordKey, Event)>;

impl CoordinatorState {
    /// Says what a command comes to in this state, under the owner's `epoch`. The first record takes the command out of
    /// the inbox.
    #[must_use]
    pub fn accept(&self, pending: PendingCommand, check: &CheckArguments, at: Acceptance) -> Consequences {
        let Acceptance { epoch, now } = at;
        let PendingCommand { id, command } = pending;
        let key = command_key(&id);
        let consequences = match &command {
            _ if self.has_ended() => Err("the run has ended".to_owned()),
            Command::Decide { review, verdict, by, subject_hash } => self
                .reviews()
                .check(*review, verdict, *subject_hash, now)
                .and_then(|open| checked(open, verdict, check))
                .map(|verdict| self.answer(*review, verdict, by, epoch))
                .map_err(|refused| refused.to_string()),
            Command::Pause | Command::Unpause | Command::Inject { .. } | Command::Stop { .. }
                if self.quarantined().is_some() =>
            {
                Err("the run is set aside: say first what becomes of it (`quarantine`)".to_owned())
            }
            Command::Signal { name } => self.check_signal(name).map(|()| Vec::new()),
            Command::Inject { text, .. } => self.inject(text, key_of(key, Kind::MessagePosted)),
            Command::Cancel { .. } | Command::Pause | Command::Unpause | Command::Stop { .. } => {
                Ok(Vec::new())
            }
        };
        match consequences {
            Ok(consequences) => {
                let mut records = vec![(key, Event::CommandAccepted { id, command })];
                records.extend(consequences);
                records
            }
            Err(reason) => {
                vec![(key_of(key, Kind::CommandRefused), Event::CommandRefused { id, reason })]
            }
        }
    }

    /// Refuses a signal that no condition waits for: whoever gave it has mistyped its name or means another run.
    fn check_signal(&self, name: &str) -> Result<(), String> {
        let conditions = self.crew().map(CrewDefinition::all_conditions).unwrap_or_default();
        let parts = conditions.into_iter().flat_map(Condition::parts);
        let mut awaited: Vec<String> = parts
            .filter_map(|part| match part {
                Condition::External(awaited) => Some(awaited.clone()),
                _ => None,
            })
            .collect();
        if awaited.iter().any(|awaited| awaited == name) {
            return Ok(());
        }
        awaited.sort_unstable();
        awaited.dedup();
        Err(match awaited.as_slice() {
            [] => format!("the run waits for no signal, neither `{name}` nor any other"),
            awaited => {
                format!("the run does not wait for the signal `{name}`, only for `{}`", awaited.join("`, `"))
            }
        })
    }

    /// Returns what a message from outside comes to, if anybody will read it.
    fn inject(&self, text: &str, key: RecordKey) -> Result<Consequences, String> {
        if text.trim().is_empty() {
            Err("the message is empty".to_owned())
        } else if text.len() > MAX_INJECTED_BYTES {
            Err(format!("the message has {} bytes, at most {MAX_INJECTED_BYTES} are taken", text.len()))
        } else if self.is_to_end() {
            Err("the run gives no further turn, so nobody would read it".to_owned())
        } else {
            Ok(vec![said_by_a_person(text, key)])
        }
    }

    /// Returns what an answer that fits comes to.
    fn answer(&self, review: ReviewId, verdict: Verdict, by: &str, epoch: u64) -> Consequences {
        let mut records = Vec::new();
        if matches!(verdict, Verdict::Skip | Verdict::Amend { .. }) {
            for turn in self.open().keys() {
                records.extend(self.skip(*turn, &format!("skipped by {by}")));
            }
        }
        if let Verdict::Amend { model, message } = &verdict {
            records.extend(model.iter().map(|model| {
                let (model, reason) = (model.clone(), format!("chosen by {by}"));
                (self.measure_key(Kind::ModelReplaced), Event::ModelReplaced { agent: None, model, reason })
            }));
            let epoch = Step(u32::try_from(epoch).unwrap_or(u32::MAX));
            let key = RecordKey::new(TurnId(0), epoch, 1, Kind::MessagePosted);
            records.extend(message.iter().map(|text| said_by_a_person(text, key)));
        }
        let decided = Event::ReviewDecided { review, verdict, by: by.to_owned() };
        records.push((RecordKey::of_review(Kind::ReviewDecided, review), decided));
        records
    }

    /// Ends a turn without its speaker, with a note for the others.
    pub(crate) fn skip(&self, turn: TurnId, reason: &str) -> Consequences {
        // What only the pattern would have read is missed by nobody else.
        let is_noted = !self.is_private(turn);
        let mut records: Consequences = is_noted.then(|| self.note(turn, reason)).into_iter().collect();
        if self.open().contains_key(&turn) {
            let outcome = TurnOutcome::Skipped { reason: reason.to_owned() };
            let key = RecordKey::new(turn, Step(0), 0, Kind::TurnEnded);
            records.push((key, Event::TurnEnded { turn, outcome }));
        }
        records
    }

    /// Says in the conversation that a turn brought nothing.
    fn note(&self, turn: TurnId, reason: &str) -> (RecordKey, Event) {
        let who = self.open().get(&turn).map(|speaker| format!(" of {speaker}")).unwrap_or_default();
        let content = format!("Turn {turn}{who} brought nothing: {reason}.");
        let message = Message { turn, from: Participant::Runtime, content, label: Label::default() };
        (RecordKey::new(turn, Step(0), 0, Kind::MessagePosted), Event::MessagePosted { message })
    }

    /// Returns the key of the next change of an agent or model.
    pub(crate) fn measure_key(&self, kind: Kind) -> RecordKey {
        RecordKey::new(TurnId(0), Step(self.n_measures() + 1), 0, kind)
    }
}

/// Returns an answer with edited arguments in canonical form, if they are right.
fn checked(open: &OpenReview, verdict: &Verdict, check: &CheckArguments) -> Result<Verdict, VerdictError> {
    match verdict {
        Verdict::ApproveWith { arguments } => check(&open.request, arguments)
            .map(|arguments| Verdict::ApproveWith { arguments })
            .map_err(|reason| VerdictError::Invalid { review: open.review, reason }),
        verdict => Ok(verdict.clone()),
    }
}

/// A message of a person who is no agent of the run.
fn said_by_a_person(text: &str, key: RecordKey) -> (RecordKey, Event) {
    let message = Message {
        turn: TurnId(0),
        from: Participant::User,
        content: text.to_owned(),
        label: Label::default(),
    };
    (key, Event::MessagePosted { message })
}

/// Returns the key of a command's record: 64 bits of BLAKE3 of its id, so that taking it twice leaves one record.
fn command_key(id: &CommandId) -> RecordKey {
    let hash = blake3::hash(id.0.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    let (step, ordinal) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    RecordKey::new(TurnId(0), Step(step), ordinal, Kind::CommandAccepted)
}

fn key_of(key: RecordKey, kind: Kind) -> RecordKey {
    RecordKey { kind, ..key }
}
