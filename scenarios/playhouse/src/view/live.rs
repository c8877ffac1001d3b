//! Prints what happens while it happens.

use std::io::Write;
use std::time::Duration;

use playhouse_journal::Event;
use playhouse_messages::RunEvent;
use playhouse_runtime::{EventStream, StreamItem};
use playhouse_types::RunId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::conversation_view::ConversationView;
use super::progress::Progress;

/// How long the end of a run may take to reach the watcher after the run has come to rest.
const LAST_EVENTS: Duration = Duration::from_millis(250);

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
    pub(crate) fn start(events: EventStream, view: ConversationView, progress: Option<Progress>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let watcher = Watcher { events, view, progress, ended: Vec::new() };
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

struct Watcher {
    events: EventStream,
    view: ConversationView,
    progress: Option<Progress>,
    /// Runs that have been seen to end or come to rest.
    ended: Vec<RunId>,
}

impl Watcher {
    async fn watch(mut self, mut stopped: oneshot::Receiver<Vec<RunId>>) {
        let last = loop {
            tokio::select! {
                biased;
                item = self.events.next() => match item {
                    Some(item) => self.print(&item),
                    None => break Vec::new(),
                },
                last = &mut stopped => break last.unwrap_or_default(),
            }
        };
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

    fn print(&mut self, item: &StreamItem) {
        let mut text = match item {
            StreamItem::Event(event) => self.view.show(event),
            StreamItem::Missed(count) => self.view.missed(*count),
        };
        if let StreamItem::Event(RunEvent::Recorded(record)) = item {
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
        match &self.progress {
            Some(progress) => progress.suspend(|| write_stderr(&text)),
            None => write_stderr(&text),
        }
    }
}
