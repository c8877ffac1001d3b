//! A person at the terminal: asks what the runs of this process ask, and leaves the answers in their inboxes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use playhouse_journal::{Command, CommandId, Event, ReadError, RunRow};
use playhouse_messages::BusEvent;
use playhouse_runtime::StreamItem;
use playhouse_types::{ReviewId, RunId, Seq, Verdict};

use super::keyboard::Keyboard;
use super::prompt::{Prompt, Question, Said};
use super::style::Style;
use crate::answer::new_command_id;
use crate::commands::short;
use crate::conversation::{Review, Reviews};
use crate::host::Runtime;

/// How many records are read at once.
const PAGE: usize = 1_000;

/// A run whose reviews are watched.
struct Attended {
    name: String,
    reviews: Reviews,
    seen: Seq,
}

/// Asks a person what the runs of this process ask.
pub(crate) struct Attendant {
    runtime: Runtime,
    by: String,
    prompt: Prompt,
    runs: BTreeMap<RunId, Attended>,
    /// Answers that nobody has taken or refused yet.
    sent: BTreeMap<CommandId, (RunId, ReviewId)>,
    /// Reviews that the person has left open.
    left: BTreeSet<(RunId, ReviewId)>,
    /// What is typed; the terminal is not read before the first question.
    keyboard: Option<Keyboard>,
    is_at_end: bool,
}

impl Attendant {
    /// Waits for questions; answers are given in the name of `by`.
    pub(crate) fn new(runtime: Runtime, by: String) -> Self {
        Self {
            runtime,
            by,
            prompt: Prompt::new(Style::of_stderr()),
            runs: BTreeMap::new(),
            sent: BTreeMap::new(),
            left: BTreeSet::new(),
            keyboard: None,
            is_at_end: false,
        }
    }

    /// Tells whether a question stands on the screen.
    pub(crate) fn is_asking(&self) -> bool {
        self.prompt.is_asking()
    }

    /// Waits for the next line; `None` is the end of input.
    ///
    /// # Cancel safety
    /// No line is lost.
    pub(crate) async fn next_line(&mut self) -> Option<String> {
        self.keyboard.get_or_insert_with(Keyboard::start).next_line().await
    }

    /// Returns how to answer a question that has just been shown. What was typed before it was shown answers nothing:
    /// it was meant for another one.
    pub(crate) fn await_answer(&mut self) -> Option<String> {
        let choices = self.prompt.new_choices()?;
        self.keyboard.get_or_insert_with(Keyboard::start).forget();
        Some(choices)
    }

    /// Takes in what happened; returns what to print. Events are a doorbell: what is asked stands in the journal.
    pub(crate) async fn saw(&mut self, item: &StreamItem) -> String {
        match item {
            StreamItem::Event(BusEvent::Recorded(record)) => {
                if let Event::CommandRefused { id, .. } | Event::CommandAccepted { id, .. } = &record.event {
                    self.sent.remove(id);
                }
                let is_news = is_about_reviews(&record.event);
                let text = if is_news { self.look(record.run).await } else { String::new() };
                self.rest_if_left(record.run);
                text
            }
            StreamItem::Event(_) => String::new(),
            StreamItem::Missed(_) => {
                let rows = self.runtime.journal().runs().await.unwrap_or_else(|error| {
                    tracing::warn!(error = %error, "runs cannot be read");
                    Vec::new()
                });
                let mut text = String::new();
                for row in rows {
                    if self.runtime.inner.is_live(row.run) {
                        text.push_str(&self.look(row.run).await);
                    }
                }
                text
            }
        }
    }

    /// Looks at what a run asks now.
    async fn look(&mut self, run: RunId) -> String {
        if let Err(error) = self.catch_up(run).await {
            tracing::warn!(run.id = %run, error = %error, "reviews cannot be read");
            return String::new();
        }
        let runs = &self.runs;
        let is_open = |run: RunId, review: ReviewId| {
            runs.get(&run).is_some_and(|run| run.reviews.open().any(|open| open.review == review))
        };
        let mut text = self.prompt.keep(is_open);
        let open: Vec<(String, Review)> = match runs.get(&run) {
            Some(attended) => {
                attended.reviews.open().map(|open| (attended.name.clone(), open.clone())).collect()
            }
            None => Vec::new(),
        };
        for (name, review) in open.into_iter().filter(|(_, open)| open.review.call().is_some()) {
            let id = review.review;
            let is_known = self.prompt.has(run, id)
                || self.left.contains(&(run, id))
                || self.sent.values().any(|sent| *sent == (run, id));
            if is_known {
                continue;
            }
            if self.is_at_end {
                self.leave(run, id);
                continue;
            }
            text.push_str(&self.prompt.ask(Question { run, name, review }));
        }
        text
    }

    /// Folds what has been recorded since the last look.
    async fn catch_up(&mut self, run: RunId) -> Result<(), ReadError> {
        let journal = self.runtime.journal();
        let attended = match self.runs.entry(run) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let name = journal.run(run).await?.map_or_else(String::new, |row: RunRow| {
                    row.case.as_ref().map_or_else(|| format!("run {}", short(run)), ToString::to_string)
                });
                vacant.insert(Attended { name, reviews: Reviews::default(), seen: Seq(0) })
            }
        };
        loop {
            let page = journal.records(run, attended.seen, PAGE).await?;
            page.iter().for_each(|record| attended.reviews.apply(record));
            attended.seen = page.last().map_or(attended.seen, |record| record.seq);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Takes a line; returns what to print.
    pub(crate) async fn take(&mut self, line: Option<String>) -> String {
        self.is_at_end |= line.is_none();
        let (said, mut text) = self.prompt.take(line.as_deref());
        if let Some((run, review, said)) = said {
            match said {
                Said::Leave => self.leave(run, review.review),
                Said::Answer(verdict) => {
                    if let Err(error) = self.answer(run, &review, verdict).await {
                        text = format!("  the answer cannot be left: {error}\n{text}");
                        self.leave(run, review.review);
                    }
                }
            }
        }
        if self.is_at_end && self.prompt.is_asking() {
            // Nobody answers the others either.
            return Box::pin(self.take(None)).await;
        }
        text
    }

    async fn answer(&mut self, run: RunId, review: &Review, verdict: Verdict) -> Result<(), ReadError> {
        let (subject_hash, id) = (review.request.subject_hash, new_command_id());
        let (review, by) = (review.review, self.by.clone());
        let command = Command::Decide { review, verdict, by, subject_hash: Some(subject_hash) };
        self.runtime.inbox().submit(run, id.clone(), command).await?;
        // What becomes of it is seen by this task, so not before now.
        self.sent.insert(id, (run, review));
        Ok(())
    }

    /// Leaves a review open. A run of which nothing else is being answered comes to rest.
    fn leave(&mut self, run: RunId, review: ReviewId) {
        self.left.insert((run, review));
        self.rest_if_left(run);
    }

    fn rest_if_left(&self, run: RunId) {
        let is_left = self.left.iter().any(|(left, _)| *left == run);
        if is_left && !self.prompt.has_run(run) && !self.sent.values().any(|(sent, _)| *sent == run) {
            self.runtime.leave_unattended(run);
        }
    }
}

const fn is_about_reviews(event: &Event) -> bool {
    matches!(
        event,
        Event::ReviewOpened { .. }
            | Event::ReviewDecided { .. }
            | Event::ToolInDoubt { .. }
            | Event::CommandRefused { .. }
            | Event::TurnEnded { .. }
            | Event::Resumed { .. }
            | Event::RunConcluded { .. }
    )
}
