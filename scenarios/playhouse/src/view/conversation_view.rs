//! What a watcher sees of each event. Pure: events in, text out.

mod streamed;
mod watched_run;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use playhouse_journal::{Command, Event, Record};
use playhouse_messages::BusEvent;
use playhouse_types::{
    AgentName, CallId, CaseName, Lane, Message, ModelReply, Participant, ReviewId, RunId, RunOutcome,
    Timestamp, TurnId, TurnOutcome, Usage,
};

use self::streamed::Streamed;
use self::watched_run::WatchedRun;
use super::call_line::{call_end, call_name};
use super::review_text::{review_line, verdict_line};
use super::speaker::Speaker;
use super::style::Style;
use super::text::{block, duration, one_line};
use crate::conversation::CallEnd;

/// How many characters of an opening a batch shows.
const OPENING_CHARS: usize = 100;

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 300;

/// How many runs are watched at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Audience {
    /// One run: replies appear as they are written.
    One,
    /// Several: whole replies, each line under the name of its case.
    Many,
}

/// A tool call that has begun.
struct OpenCall {
    name: String,
    since: Timestamp,
}

/// Turns events into text for a person.
pub(crate) struct ConversationView {
    style: Style,
    audience: Audience,
    cases: BTreeMap<RunId, CaseName>,
    /// The runs that have not ended.
    runs: BTreeMap<RunId, WatchedRun>,
    calls: BTreeMap<(RunId, CallId), OpenCall>,
    /// What each open turn has shown last, so that its message is not shown again.
    said: BTreeMap<(RunId, TurnId), String>,
    streamed: Option<Streamed>,
    /// Actors that ended abnormally and have not started again: who starts without that was only resumed.
    crashed: BTreeSet<(RunId, Lane)>,
}

impl ConversationView {
    /// Makes a view that has seen nothing. `cases` names the runs that were admitted before it began.
    pub(crate) fn new(style: Style, audience: Audience, cases: BTreeMap<RunId, CaseName>) -> Self {
        let (runs, calls, said) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { style, audience, cases, runs, calls, said, streamed: None, crashed: BTreeSet::new() }
    }

    /// Returns what to print for an event: nothing, whole lines, or a piece of a line that is still being written.
    pub(crate) fn show(&mut self, event: &BusEvent) -> String {
        match event {
            BusEvent::Recorded(record) => self.recorded(record),
            BusEvent::Token { .. } if self.audience == Audience::Many => String::new(),
            BusEvent::Token { run, turn, step, speaker, attempt, offset, text } => {
                let (place, watched) = ((*run, *turn, *step, *attempt), self.runs.entry(*run).or_default());
                if watched.is_early(*turn) {
                    return String::new();
                }
                let begin = || Streamed::begin(place, watched.speaker(*turn, speaker.as_str()));
                self.streamed.get_or_insert_with(begin).push(place, *offset, text, self.style)
            }
            BusEvent::Retracted { run, turn, step, speaker, attempt, reason, retry_in } => {
                let void = self.streamed.take_if(|streamed| streamed.is_at(*run, *turn, *step));
                let line_end = void.map_or("", |streamed| streamed.line_end());
                let speaker = self.speaker(*run, *turn, speaker.as_str());
                let line = retraction(&speaker.shown(Style::Plain), *attempt, reason, *retry_in);
                let line = format!("{}{}", speaker.mark(), self.style.bad(&line));
                format!("{line_end}{}", self.line(*run, &line))
            }
        }
    }

    /// Returns what to print when events were missed.
    pub(crate) fn missed(&mut self, count: u64) -> String {
        self.runs.values_mut().for_each(WatchedRun::missed);
        let text = self.style.dim(&format!("  ({count} events not shown; the journal has them)"));
        self.interrupting(&format!("{text}\n"))
    }

    fn recorded(&mut self, record: &Record) -> String {
        let run = record.run;
        self.runs.entry(run).or_default().apply(&record.event);
        match &record.event {
            Event::RunAdmitted(admitted) => {
                if let Some(case) = &admitted.case {
                    self.cases.insert(run, case.clone());
                    return String::new();
                }
                let line = format!("run {run} of {}, seed {}", admitted.scenario, admitted.seed);
                self.interrupting(&format!("{}\n", self.style.dim(&line)))
            }
            Event::BatchAdmitted(admitted) => {
                let cases = admitted.cases.iter().map(|case| (case.run, case.case.clone()));
                self.cases.extend(cases);
                let (scenario, count, seed) = (&admitted.scenario, admitted.cases.len(), admitted.seed);
                let path = one_line(&admitted.input_path, REASON_CHARS);
                let line = format!("batch {run} of {scenario}: {count} cases of {path}, seed {seed}");
                self.interrupting(&format!("{}\n", self.style.dim(&line)))
            }
            Event::ModelResult { reply, .. } => self.replied(record, reply),
            Event::MessagePosted { message } => self.posted(run, message),
            Event::ToolIntent(intent) => {
                let name = call_name(intent.tool.as_str(), &intent.arguments);
                self.calls.insert((run, intent.call), OpenCall { name, since: record.time });
                String::new()
            }
            Event::Consulted { call, whom, task } => {
                let open = OpenCall { name: format!("ask_{whom}"), since: record.time };
                self.calls.insert((run, *call), open);
                let caller = self.speaker(run, call.turn, record.lane.as_str());
                let asks = format!("  -> {} asks {whom}: ", caller.shown(Style::Plain));
                let line = self.style.dim(&format!("{asks}{}", one_line(task, REASON_CHARS)));
                self.line(run, &format!("{}{line}", caller.mark()))
            }
            Event::ToolResult { call, output, full_bytes, recovered, .. } => {
                let (output, full_bytes, recovered) = (output.clone(), *full_bytes, *recovered);
                self.called(record, *call, &CallEnd::Answered { output, full_bytes, recovered })
            }
            Event::ToolFailed { call, failure } => {
                self.called(record, *call, &CallEnd::Failed(failure.detail.clone()))
            }
            Event::ToolDenied { call, reason } => {
                self.called(record, *call, &CallEnd::Denied(reason.clone()))
            }
            Event::ToolInDoubt { call, detail } => {
                self.called(record, *call, &CallEnd::InDoubt(detail.clone()))
            }
            _ => self.happened(record),
        }
    }

    /// Shows what is neither said nor called.
    fn happened(&mut self, record: &Record) -> String {
        let reason = |text: &str| one_line(text, REASON_CHARS);
        let line = match &record.event {
            Event::ModelFailed { failure, .. } => {
                let speaker = self.speaker(record.run, record.key.turn, record.lane.as_str());
                let line = format!("  !! {}: {}", speaker.shown(Style::Plain), reason(&failure.to_string()));
                return self.line(record.run, &format!("{}{}", speaker.mark(), self.style.bad(&line)));
            }
            Event::TurnEnded { turn, outcome } => return self.turn_ended(record, *turn, outcome),
            Event::ActorFailed { actor, reason: why, .. } => {
                self.crashed.insert((record.run, actor.clone()));
                format!("!! {} crashed: {}", actor_name(actor), reason(why))
            }
            Event::ActorRestarted { actor, incarnation, checkpoint, down_micros } => {
                let mark = if self.crashed.remove(&(record.run, actor.clone())) { "!!" } else { "--" };
                let (name, down) = (actor_name(actor), duration(Duration::from_micros(*down_micros)));
                format!("{mark} {name} is back after {down}: start {incarnation}, from record {checkpoint}")
            }
            Event::Resumed { clean: true, .. } => "-- the run goes on".to_owned(),
            Event::Resumed { clean: false, .. } => "-- the run goes on after an unclean end".to_owned(),
            Event::Suspended { reason: why } => format!("-- the run rests: {}", reason(why)),
            Event::Quarantined { reason: why } => format!("!! the run is quarantined: {}", reason(why)),
            Event::Cancelled { reason: why } => format!("-- cancelled: {}", reason(why)),
            Event::RunConcluded { outcome, usage, .. } => return self.concluded(record.run, outcome, usage),
            event => match turning_point(event).or_else(|| review_event(record)) {
                Some(line) => line,
                None => return String::new(),
            },
        };
        let line = if line.starts_with("!!") { self.style.bad(&line) } else { self.style.dim(&line) };
        self.line(record.run, &format!("  {line}"))
    }

    fn replied(&mut self, record: &Record, reply: &ModelReply) -> String {
        let run = record.run;
        let streamed = self.streamed.take_if(|it| it.is_at(run, record.key.turn, record.key.step));
        self.said.insert((run, record.key.turn), reply.content.clone());
        match streamed {
            Some(streamed) => streamed.finish(&reply.content, self.style),
            None if reply.content.is_empty() => String::new(),
            None => {
                let speaker = self.speaker(run, record.key.turn, record.lane.as_str());
                self.said_by(run, &speaker, &reply.content)
            }
        }
    }

    fn posted(&mut self, run: RunId, message: &Message) -> String {
        let place = (run, message.turn);
        if self.said.get(&place).is_some_and(|said| *said == message.content) {
            self.said.remove(&place);
            return String::new();
        }
        let author = self.runs.entry(run).or_default().author(message);
        if message.from == Participant::User && self.audience == Audience::Many {
            return self.said_by(run, &author, &one_line(&message.content, OPENING_CHARS));
        }
        self.said_by(run, &author, &message.content)
    }

    /// Shows how a turn ended, and what a crew came to that nobody else hears: it has no model that has said it.
    fn turn_ended(&mut self, record: &Record, turn: TurnId, outcome: &TurnOutcome) -> String {
        let run = record.run;
        let watched = self.runs.entry(run).or_default();
        let is_private = watched.places().reply_to(turn).is_private();
        let name = watched.places().speaker(turn).map_or_else(|| record.lane.as_str(), AgentName::as_str);
        let speaker = watched.speaker(turn, name);
        watched.end(turn);
        let said = match outcome {
            // Posted once those who spoke at the same time have ended, too.
            TurnOutcome::Answered { .. } if !is_private => return String::new(),
            _ => self.said.remove(&(run, turn)),
        };
        match (outcome, turn_outcome(outcome)) {
            (TurnOutcome::Answered { content }, _) if said.is_none() => self.said_by(run, &speaker, content),
            (_, Some(outcome)) => {
                let line = format!("  -- turn {turn} of {}: {outcome}", speaker.shown(Style::Plain));
                self.line(run, &format!("{}{}", speaker.mark(), self.style.dim(&line)))
            }
            (_, None) => String::new(),
        }
    }

    fn speaker(&mut self, run: RunId, turn: TurnId, name: &str) -> Speaker {
        self.runs.entry(run).or_default().speaker(turn, name)
    }

    fn said_by(&mut self, run: RunId, speaker: &Speaker, content: &str) -> String {
        let prefix = self.prefix(run);
        let text = block(content, &format!("{prefix}{}", speaker.indent()));
        let text = format!("{prefix}{}{}: {text}\n", speaker.mark(), speaker.shown(self.style));
        self.interrupting(&text)
    }

    fn called(&mut self, record: &Record, call: CallId, end: &CallEnd) -> String {
        let open = self.calls.remove(&(record.run, call));
        let (name, took) = match open {
            Some(open) => (open.name, format!(" {}", duration(record.time.since(open.since)))),
            None => (call.to_string(), String::new()),
        };
        let line = format!("  -> {name} {}{took}", call_end(Some(end)));
        let line = match end {
            CallEnd::Answered { .. } => self.style.dim(&line),
            _ => self.style.bad(&line),
        };
        let mark = self.speaker(record.run, call.turn, record.lane.as_str()).mark();
        self.line(record.run, &format!("{mark}{line}"))
    }

    fn concluded(&mut self, run: RunId, outcome: &RunOutcome, usage: &Usage) -> String {
        self.runs.remove(&run);
        self.said.retain(|(of, _), _| *of != run);
        let detail = one_line(&outcome.detail, REASON_CHARS);
        let status = self.style.strong(outcome.kind.status().as_str());
        self.line(run, &format!("== {status}: {detail} ({})", usage_line(usage)))
    }

    fn line(&mut self, run: RunId, text: &str) -> String {
        let line = format!("{}{text}\n", self.prefix(run));
        self.interrupting(&line)
    }

    /// Puts whole lines between the pieces of a reply that is being written.
    fn interrupting(&mut self, lines: &str) -> String {
        let line_end = self.streamed.as_mut().map_or("", Streamed::interrupt);
        format!("{line_end}{lines}")
    }

    fn prefix(&self, run: RunId) -> String {
        match (self.audience, self.cases.get(&run)) {
            (Audience::One, _) => String::new(),
            (Audience::Many, Some(case)) => format!("{} ", self.style.strong(&format!("[{case}]"))),
            (Audience::Many, None) => {
                format!("{} ", self.style.strong(&format!("[{}]", crate::commands::short(run))))
            }
        }
    }
}

fn retraction(speaker: &str, attempt: u32, reason: &str, retry_in: Option<Duration>) -> String {
    let next = match retry_in {
        Some(wait) => format!("next attempt in {}", duration(wait)),
        None => "no further attempt".to_owned(),
    };
    let reason = one_line(reason, REASON_CHARS);
    format!("  ~~ {speaker}: attempt {attempt} failed, what it said is void ({reason}); {next}")
}

/// Shows that a person was asked, answered or was refused.
fn review_event(record: &Record) -> Option<String> {
    let name = |review| format!("{}/{review}", crate::commands::short(record.run));
    Some(match &record.event {
        Event::ReviewOpened { review, request } => {
            let line = review_line(*review, request);
            let reason = one_line(&request.reason, REASON_CHARS);
            match review {
                // Its text says it all.
                ReviewId::Question(_) => format!("?? {}: {line}", name(review)),
                _ => format!("?? {}: {line} ({reason})", name(review)),
            }
        }
        Event::ReviewDecided { review, verdict, by } => {
            format!("?? {}: {}", name(review), verdict_line(verdict, by))
        }
        Event::CommandRefused { reason, .. } => {
            format!("!! a command was refused: {}", one_line(reason, REASON_CHARS))
        }
        Event::CommandAccepted { command: Command::Pause, .. } => "-- paused".to_owned(),
        Event::CommandAccepted { command: Command::Unpause, .. } => "-- unpaused".to_owned(),
        Event::CommandAccepted { command: Command::Signal { name }, .. } => {
            format!("-- signal `{}`", one_line(name, REASON_CHARS))
        }
        Event::CommandAccepted { command: Command::Inject { by, .. }, .. } => {
            format!("-- {} joins in", one_line(by, REASON_CHARS))
        }
        Event::CommandAccepted { command: Command::Stop { reason }, .. } => {
            format!("-- no further turn is given: {}", one_line(reason, REASON_CHARS))
        }
        _ => return None,
    })
}

/// Shows what changed how a run goes on.
pub(crate) fn turning_point(event: &Event) -> Option<String> {
    let reason = |text: &str| one_line(text, REASON_CHARS);
    Some(match event {
        Event::ActorGivenUp { actor, incarnation, reason: why } => {
            format!("!! {} is given up after start {incarnation}: {}", actor_name(actor), reason(why))
        }
        Event::AgentDropped { agent, reason: why } => {
            format!("!! {agent} takes no further part: {}", reason(why))
        }
        Event::ModelReplaced { agent, model, reason: why } => {
            let who = agent.as_ref().map_or("all agents", AgentName::as_str);
            format!("-- model of {who} is now {}: {}", reason(model.as_str()), reason(why))
        }
        Event::DefinitionChanged { .. } => "-- the scenario has changed since the run began".to_owned(),
        Event::Forked(fork) => {
            let model = fork.model.as_ref().map(|model| format!(", model {}", reason(model.as_str())));
            let effects = if fork.effects { "on" } else { "off" };
            let (from, at, seed) = (fork.from, fork.at, fork.seed);
            format!(
                "-- forked from {from} at record {at}, seed {seed}{}, effects {effects}",
                model.unwrap_or_default()
            )
        }
        _ => return None,
    })
}

/// Returns what a person calls the actor that writes a lane.
pub(crate) fn actor_name(lane: &Lane) -> &str {
    if lane.is_run() { "the coordinator" } else { lane.as_str() }
}

/// Shows how a turn ended, unless it ended with a reply.
pub(crate) fn turn_outcome(outcome: &TurnOutcome) -> Option<String> {
    match outcome {
        TurnOutcome::Replied | TurnOutcome::Answered { .. } => None,
        TurnOutcome::HandedOff { to } => Some(format!("handed over to {to}")),
        TurnOutcome::Unfit { detail } => Some(format!("no reply fitted: {}", one_line(detail, REASON_CHARS))),
        TurnOutcome::Limited { limit } => Some(format!("limit reached: {}", one_line(limit, REASON_CHARS))),
        TurnOutcome::ModelFailed { detail } => {
            Some(format!("model failed: {}", one_line(detail, REASON_CHARS)))
        }
        TurnOutcome::Cancelled => Some("cancelled".to_owned()),
        TurnOutcome::Skipped { reason } => Some(format!("skipped: {}", one_line(reason, REASON_CHARS))),
    }
}

/// Shows a price: `0.003100`.
pub(crate) fn usd(microusd: u64) -> String {
    format!("{}.{:06}", microusd / 1_000_000, microusd % 1_000_000)
}

/// Shows what was used: `3 model calls, 2 tool calls, 1200 tokens, 0.0031 USD`.
pub(crate) fn usage_line(usage: &Usage) -> String {
    let counted =
        |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut parts = vec![
        counted(usage.model_calls, "model call", "model calls"),
        counted(usage.tool_calls, "tool call", "tool calls"),
        counted(usage.input_tokens.saturating_add(usage.output_tokens), "token", "tokens"),
    ];
    match usage.cost_microusd {
        Some(0) => {}
        Some(amount) => parts.push(format!("{} USD", usd(amount))),
        None => parts.push("price unknown".to_owned()),
    }
    if usage.lost > 0 {
        parts.push(format!("{} lost", usage.lost));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
