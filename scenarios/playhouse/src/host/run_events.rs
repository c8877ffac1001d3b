//! The events of one run for a program: first from the journal, then as they happen.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use playhouse_journal::{Event, JournalRead, ReadError, Record, count_usage};
use playhouse_messages::BusEvent;
use playhouse_runtime::{EventStream, StreamItem};
use playhouse_types::{RunId, Seq, Step, TurnId, Usage};
use tokio::sync::watch;

use super::live_run::RunEnd;
use crate::run_event::{RunEvent, RunUpdate};

/// How many records are read at once, and so held at most.
const PAGE: usize = 1_000;

/// What happens in one run. Bounded: a slow reader holds no run and no memory, it gets
/// [`Lagged`](crate::RunEvent::Lagged) and then what it has missed of the journal.
pub struct RunEvents {
    run: RunId,
    /// The last record that is not shown.
    after: Seq,
    journal: Arc<dyn JournalRead>,
    bus: EventStream,
    end: watch::Receiver<Option<RunEnd>>,
    fold: Fold,
    /// Records that were read and not shown.
    backlog: VecDeque<Record>,
    /// Whether there may be records that the bus has not shown.
    is_behind: bool,
    /// Whether nothing more happens.
    is_over: bool,
}

impl RunEvents {
    /// Begins after the record `after`. `bus` must watch from now on.
    pub(crate) fn new(
        run: RunId,
        after: Seq,
        journal: Arc<dyn JournalRead>,
        bus: EventStream,
        end: watch::Receiver<Option<RunEnd>>,
    ) -> Self {
        let (fold, backlog) = (Fold::default(), VecDeque::new());
        Self { run, after, journal, bus, end, fold, backlog, is_behind: true, is_over: false }
    }

    /// Waits for the next event; `None` once the run has come to rest in this process and all is shown.
    ///
    /// # Errors
    /// [`ReadError`] if what was missed cannot be read from the journal; safe to retry.
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Result<Option<RunUpdate>, ReadError> {
        loop {
            while let Some(record) = self.backlog.pop_front() {
                if let Some(update) = self.take(&record) {
                    return Ok(Some(update));
                }
            }
            if self.is_behind {
                let page = self.journal.records(self.run, self.fold.seen, PAGE).await?;
                self.is_behind = page.len() == PAGE;
                self.backlog = page.into();
            } else if self.is_over {
                return Ok(None);
            } else if let Some(update) = self.watch().await {
                return Ok(Some(update));
            }
        }
    }

    /// Takes the next thing that happens; `None` if it is not to be shown.
    async fn watch(&mut self) -> Option<RunUpdate> {
        let item = tokio::select! {
            biased;
            item = self.bus.next() => item,
            // What the bus does not show of the run any more stands in the journal. An error means that the run's
            // keeper is gone: it rests.
            _ = self.end.wait_for(Option::is_some) => None,
        };
        match item {
            Some(StreamItem::Event(BusEvent::Recorded(record))) if record.run == self.run => {
                if record.seq > self.fold.seen.next() {
                    self.is_behind = true;
                    return None;
                }
                self.take(&record)
            }
            Some(StreamItem::Event(frame)) if self.is_news(&frame) => {
                Some(RunUpdate::of_bus(&frame, self.fold.usage))
            }
            Some(StreamItem::Event(_)) => None,
            Some(StreamItem::Missed(n_missed)) => {
                self.is_behind = true;
                // Once the run rests, busy other runs are not to keep a slow watcher waiting for its end.
                self.is_over = self.end.borrow().is_some();
                Some(RunUpdate::off_record(self.run, RunEvent::Lagged { n_missed }))
            }
            None => {
                (self.is_behind, self.is_over) = (true, true);
                None
            }
        }
    }

    /// Takes in a record; returns it if it is to be shown.
    fn take(&mut self, record: &Record) -> Option<RunUpdate> {
        if record.seq <= self.fold.seen {
            return None;
        }
        self.fold.apply(record);
        (record.seq > self.after).then(|| RunUpdate::of_record(record, self.fold.usage))
    }

    /// Tells whether a frame is of this run and of a reply that has not been shown whole.
    fn is_news(&self, frame: &BusEvent) -> bool {
        match frame {
            BusEvent::Recorded(_) => false,
            BusEvent::Token { run, turn, step, .. } | BusEvent::Retracted { run, turn, step, .. } => {
                *run == self.run && self.fold.is_open(*turn, *step)
            }
        }
    }
}

impl fmt::Debug for RunEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunEvents")
            .field("run", &self.run)
            .field("seen", &self.fold.seen)
            .finish_non_exhaustive()
    }
}

/// What is known of the records that were taken in. Changes only in [`Fold::apply`].
#[derive(Default)]
struct Fold {
    seen: Seq,
    usage: Usage,
    /// The last turn that was given.
    last_turn: TurnId,
    /// The last step of each open turn whose reply is known.
    open: BTreeMap<TurnId, Step>,
}

impl Fold {
    fn apply(&mut self, record: &Record) {
        self.seen = record.seq;
        count_usage(&mut self.usage, &record.event);
        match &record.event {
            Event::TurnAssigned { turn, .. } => {
                self.last_turn = self.last_turn.max(*turn);
                self.open.insert(*turn, Step(0));
            }
            Event::TurnEnded { turn, .. } => drop(self.open.remove(turn)),
            Event::ModelResult { .. } | Event::ModelFailed { .. } => {
                if let Some(step) = self.open.get_mut(&record.key.turn) {
                    *step = (*step).max(record.key.step);
                }
            }
            _ => {}
        }
    }

    /// Tells whether the reply of a step is not known yet. Frames may come before the record of their turn.
    fn is_open(&self, turn: TurnId, step: Step) -> bool {
        self.open.get(&turn).map_or(turn > self.last_turn, |known| step > *known)
    }
}

#[cfg(test)]
mod tests;
