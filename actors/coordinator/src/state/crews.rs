//! The crews of a run: which turn is whose, and how one that takes part in another begins and ends.

use super::{
    AgentName, Arc, Brief, CoordinatorState, Decision, Event, Label, Message, OpenTurn, OutcomeKind,
    Participant, Record, RunOutcome, Team, TeamDecision, ThreadId, Threads, Timestamp, TurnId, TurnOutcome,
};
use playhouse_types::ReplyTo;

impl CoordinatorState {
    /// Returns the open turns of agents: those of crews have no speaker of their own.
    pub(super) fn open_turns(&self) -> impl Iterator<Item = (TurnId, &OpenTurn)> {
        let open = self.teams.values().flat_map(|team| &team.open);
        open.map(|(turn, open)| (*turn, open)).filter(|(turn, _)| !self.teams.contains_key(&ThreadId(*turn)))
    }

    /// Returns an open turn of an agent.
    pub(super) fn turn(&self, turn: TurnId) -> Option<&OpenTurn> {
        let open = self.teams.get(&self.thread_of(turn))?.open.get(&turn)?;
        (!self.teams.contains_key(&ThreadId(turn))).then_some(open)
    }

    /// Tells whether only the pattern reads what is said in an open turn.
    pub(crate) fn is_private(&self, turn: TurnId) -> bool {
        let brief = self.turn(turn).and_then(|open| open.brief.as_ref());
        brief.is_some_and(|brief| brief.reply_to.is_private())
    }

    pub(super) fn thread_of(&self, turn: TurnId) -> ThreadId {
        self.threads.get(&turn).copied().unwrap_or_default()
    }

    /// Returns the conversation that a turn is part of, and those around it.
    pub(super) fn line_of(&self, turn: TurnId) -> Vec<ThreadId> {
        let mut line = vec![self.thread_of(turn)];
        while let Some((parent, _)) =
            line.last().and_then(|thread| self.teams.get(thread)).and_then(|team| team.parent.as_ref())
        {
            line.push(*parent);
        }
        line
    }

    /// Lets the crews take in a record: that of a turn only the one whose turn it is.
    pub(super) fn tell_crews(&mut self, record: &Record) {
        let turn = match &record.event {
            Event::MessagePosted { message } => message.turn,
            _ => record.key.turn,
        };
        if turn == TurnId(0) && !matches!(record.event, Event::MessagePosted { .. }) {
            return self.teams.values_mut().for_each(|team| team.apply(record));
        }
        if matches!(&record.event, Event::MessagePosted { message } if message.from != Participant::User) {
            for around in self.line_of(turn).into_iter().skip(1) {
                if let Some(team) = self.teams.get_mut(&around) {
                    team.tally.hear_within();
                }
            }
        }
        let thread = self.thread_of(turn);
        let Some(team) = self.teams.get_mut(&thread) else { return };
        team.apply(record);
        let Event::TurnAssigned { turn, speaker, .. } = &record.event else { return };
        if let Some(crew) = team.crew.crews.get(speaker).cloned() {
            let opened = Team::new(crew, ThreadId(*turn), Some((thread, speaker.clone())));
            self.teams.insert(opened.thread, opened);
        }
    }

    /// Forgets the crew whose turn has ended, and those within it.
    pub(super) fn close(&mut self, turn: TurnId) {
        let Some(team) = self.teams.remove(&ThreadId(turn)) else { return };
        team.open.keys().for_each(|turn| self.close(*turn));
        // Keep the memory of a long run flat: nothing more is said there.
        self.threads.retain(|_, thread| *thread != team.thread);
    }

    /// Decides what a crew does that has no open turn.
    pub(super) fn decide_for(&self, team: &Team, threads: &Threads, now: Timestamp) -> Option<Decision> {
        let transcript = threads.get(team.thread);
        let next = self.assigned.next();
        let ending = team.decide_on_end(self.moment(team, now)).or_else(|| self.stop());
        if ending.is_none() && self.is_paused {
            return None;
        }
        if team.parent.is_some() && transcript.is_empty() {
            let content = self.crew_turn(team)?.1.question(threads.get(team.parent.as_ref()?.0));
            let message = Message { turn: next, from: Participant::User, content, label: Label::default() };
            return Some(Decision::Say { turn: next, brief: of_thread(team.thread), message });
        }
        let decision = ending.unwrap_or_else(|| team.decide(&transcript, self.troubles.again()));
        Some(match decision {
            TeamDecision::Assign(turns) => self.numbered(turns),
            TeamDecision::Say { from, content, brief } => {
                let message = Message { turn: next, from, content, label: Label::default() };
                Decision::Say { turn: next, brief, message }
            }
            TeamDecision::Post(messages) => Decision::Post(messages),
            TeamDecision::End(outcome) => match self.crew_turn(team) {
                None => Decision::Conclude(outcome),
                Some((turn, open)) => {
                    let said = last_words(threads, team.thread);
                    end_crew(turn, open, said, outcome)
                }
            },
        })
    }

    /// Ends the conversation if no further turn is to be given.
    fn stop(&self) -> Option<TeamDecision> {
        let detail = self.stopped.clone()?;
        Some(TeamDecision::End(RunOutcome { kind: OutcomeKind::Limited, detail }))
    }

    /// Ends the turn of a crew within another, as the run ends: the innermost first.
    pub(super) fn cancel_crew(&self) -> Option<Decision> {
        let (turn, _) = self.teams.values().rev().find_map(|team| self.crew_turn(team))?;
        Some(Decision::EndCrew { turn, message: None, outcome: TurnOutcome::Cancelled })
    }

    /// Returns the turn that a crew has in the one it takes part in.
    fn crew_turn(&self, team: &Team) -> Option<(TurnId, &OpenTurn)> {
        let (parent, _) = team.parent.as_ref()?;
        let turn = team.thread.0;
        Some((turn, self.teams.get(parent)?.open.get(&turn)?))
    }
}

fn of_thread(thread: ThreadId) -> Brief {
    Brief { thread, ..Brief::default() }
}

/// Returns the last message of an agent in a conversation.
fn last_words(threads: &Threads, thread: ThreadId) -> Option<String> {
    let transcript = threads.get(thread);
    let view = playhouse_messages::TranscriptView::new(Arc::clone(&transcript), transcript.len());
    let mut messages = view.iter().rev().map(|entry| &entry.message);
    messages.find(|message| message.from != Participant::User).map(|message| message.content.clone())
}

/// Says in the conversation around it what a crew came to. What it has at a limit is kept; nothing at all is no answer.
fn end_crew(turn: TurnId, open: &OpenTurn, said: Option<String>, outcome: RunOutcome) -> Decision {
    let reply_to = open.brief.as_ref().map(|brief| brief.reply_to).unwrap_or_default();
    let said = said.filter(|_| matches!(outcome.kind, OutcomeKind::Concluded | OutcomeKind::Limited));
    let Some(content) = said else {
        let reason =
            if outcome.kind == OutcomeKind::Failed { outcome.detail } else { "nothing was said".to_owned() };
        // What only the pattern or a colleague would have read is missed by nobody else.
        let note = (!reply_to.is_private()).then(|| note_on(turn, &open.speaker, &reason));
        return Decision::EndCrew { turn, message: note, outcome: TurnOutcome::Skipped { reason } };
    };
    match reply_to {
        ReplyTo::Conversation => {
            let from = Participant::Agent(open.speaker.clone());
            let message = Message { turn, from, content, label: Label::default() };
            Decision::EndCrew { turn, message: Some(message), outcome: TurnOutcome::Replied }
        }
        ReplyTo::ConversationTogether | ReplyTo::Pattern | ReplyTo::Caller(_) => {
            Decision::EndCrew { turn, message: None, outcome: TurnOutcome::Answered { content } }
        }
    }
}

/// Says in the conversation that a turn brought nothing.
pub(crate) fn note_on(turn: TurnId, speaker: &AgentName, reason: &str) -> Message {
    let content = format!("Turn {turn} of {speaker} brought nothing: {reason}.");
    Message { turn, from: Participant::Runtime, content, label: Label::default() }
}
