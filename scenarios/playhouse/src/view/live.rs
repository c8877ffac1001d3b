//! Prints what happens while it happens.

use std::io::Write;
use std::time::Duration;

use playhouse_journal::Event;
use playhouse_messages::BusEvent;
use playhouse_runtime::{EventStream, StreamItem};
use playhouse_types::RunId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::attendant::Attendant;
use super::conversation_view::ConversationView;
use super::progress::Progress;

/// How long the end of a run may take to reach the watcher after the run has come to rest.
const LAST_EVENTS: Duration = Duration::from_millis(250);

/// How much may happen unseen while a person thinks, in bytes: some screens full.
const MAX_HELD_BYTES: usize = 64 * 1024;

/// Prints a line for a person.
pub(crate) fn say(line: &str) {
    write_stderr(&format!("{line}\n"));
}

fn write_stderr(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody reads stderr any more: that must not stop a run.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A watcher on a thread of its own: a terminal that is held (Ctrl-S) holds no run.
pub(crate) struct LiveView {
    task: JoinHandle<()>,
    stop: oneshot::Sender<Vec<RunId>>,
}

impl LiveView {
    /// Begins to print what `events` brings.
    pub(crate) fn start(
        events: EventStream,
        view: ConversationView,
        progress: Option<Progress>,
        attendant: Option<Attendant>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let held = Held::default();
        let watcher = Watcher { events, view, progress, attendant, held, ended: Vec::new() };
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || runtime.block_on(watcher.watch(stopped)));
        Self { task, stop }
    }

    /// Prints what is left up to the end of the given runs, and stops.
    pub(crate) async fn finish(self, runs: Vec<RunId>) {
        // The watcher ends by itself once the runtime is closed; then there is nobody to tell.
        let _ = self.stop.send(runs);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "the live view ended early");
        }
    }
}

/// Lines that wait while a question stands on the screen.
#[derive(Default)]
struct Held {
    text: String,
    n_dropped: usize,
}

impl Held {
    fn push(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_HELD_BYTES {
            self.n_dropped += text.lines().count();
        } else {
            self.text.push_str(text);
        }
    }

    fn take(&mut self) -> String {
        let Self { mut text, n_dropped } = std::mem::take(self);
        if n_dropped > 0 {
            text.push_str(&format!("  ({n_dropped} lines not shown; the journal has them)\n"));
        }
        text
    }
}

struct Watcher {
    events: EventStream,
    view: ConversationView,
    progress: Option<Progress>,
    /// Who asks the person, if there is one.
    attendant: Option<Attendant>,
    /// What is printed once the person has answered.
    held: Held,
    /// Runs that have been seen to end or come to rest.
    ended: Vec<RunId>,
}

impl Watcher {
    async fn watch(mut self, mut stopped: oneshot::Receiver<Vec<RunId>>) {
        let last = loop {
            tokio::select! {
                biased;
                item = self.events.next() => match item {
                    Some(item) => self.see(&item).await,
                    None => break Vec::new(),
                },
                line = next_line(&mut self.attendant) => self.answer(line).await,
                last = &mut stopped => break last.unwrap_or_default(),
            }
        };
        self.attendant = None;
        self.release();
        while !last.iter().all(|run| self.ended.contains(run)) {
            match tokio::time::timeout(LAST_EVENTS, self.events.next()).await {
                Ok(Some(item)) => self.print(&item),
                Ok(None) | Err(_) => break,
            }
        }
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }

    /// Shows what happened, and asks the person what it asks.
    async fn see(&mut self, item: &StreamItem) {
        self.print(item);
        if let Some(attendant) = &mut self.attendant {
            let text = attendant.saw(item).await;
            self.ask(&text);
        }
    }

    async fn answer(&mut self, line: Option<String>) {
        if let Some(attendant) = &mut self.attendant {
            let text = attendant.take(line).await;
            self.ask(&text);
        }
    }

    /// Puts a question on the screen, or clears it for what has happened meanwhile.
    fn ask(&mut self, text: &str) {
        if !text.is_empty() {
            if let Some(progress) = &mut self.progress {
                progress.hide();
            }
            write_stderr(text);
        }
        if let Some(choices) = self.attendant.as_mut().and_then(Attendant::await_answer) {
            write_stderr(&choices);
        }
        if !self.is_asking() {
            self.release();
        }
    }

    fn is_asking(&self) -> bool {
        self.attendant.as_ref().is_some_and(Attendant::is_asking)
    }

    fn release(&mut self) {
        let text = self.held.take();
        if !text.is_empty() {
            write_stderr(&text);
        }
        if let Some(progress) = &mut self.progress {
            progress.show();
        }
    }

    fn print(&mut self, item: &StreamItem) {
        let mut text = match item {
            StreamItem::Event(event) => self.view.show(event),
            StreamItem::Missed(count) => self.view.missed(*count),
        };
        if let StreamItem::Event(BusEvent::Recorded(record)) = item {
            let is_end = matches!(
                record.event,
                Event::RunConcluded { .. } | Event::Suspended { .. } | Event::Quarantined { .. }
            );
            if is_end {
                self.ended.push(record.run);
            }
            let line = self.progress.as_mut().and_then(|progress| progress.apply(record));
            text.extend(line);
        }
        if text.is_empty() {
            return;
        }
        if self.is_asking() {
            self.held.push(&text);
            return;
        }
        match &self.progress {
            Some(progress) => progress.suspend(|| write_stderr(&text)),
            None => write_stderr(&text),
        }
    }
}

/// Waits for a line while a question stands on the screen.
async fn next_line(attendant: &mut Option<Attendant>) -> Option<String> {
    match attendant {
        Some(attendant) if attendant.is_asking() => attendant.next_line().await,
        _ => std::future::pending().await,
    }
}
