//! How far a batch is: a bar on a terminal, plain lines otherwise.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use playhouse_journal::{Event, Record};
use playhouse_types::{RunStatus, Timestamp};

use super::text::duration;

/// The cases of a batch that have ended, and how.
pub(crate) struct Progress {
    total: u64,
    already_done: u64,
    ended: BTreeMap<RunStatus, u64>,
    began: Option<Timestamp>,
    bar: Option<ProgressBar>,
    is_hidden: bool,
}

impl Progress {
    /// Begins with `already_done` of `total` cases.
    pub(crate) fn new(total: u64, already_done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| new_bar(total, already_done));
        Self { total, already_done, ended: BTreeMap::new(), began: None, bar, is_hidden: false }
    }

    /// Takes in a record and returns a line to print if a case has ended and there is no bar.
    pub(crate) fn apply(&mut self, record: &Record) -> Option<String> {
        let began = *self.began.get_or_insert(record.time);
        let Event::RunConcluded { outcome, .. } = &record.event else { return None };
        if self.done() >= self.total {
            return None;
        }
        *self.ended.entry(outcome.kind.status()).or_default() += 1;
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done());
                bar.set_message(self.counts());
                None
            }
            None => Some(self.line(record.time.since(began))),
        }
    }

    fn done(&self) -> u64 {
        self.already_done + self.ended.values().sum::<u64>()
    }

    fn counts(&self) -> String {
        self.ended
            .iter()
            .map(|(status, count)| format!("{count} {}", status.as_str()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn line(&self, elapsed: Duration) -> String {
        let (here, left) = (self.done() - self.already_done, self.total.saturating_sub(self.done()));
        let eta = match u32::try_from(here) {
            Ok(here @ 1..) if left > 0 => {
                let left = u32::try_from(left).unwrap_or(u32::MAX);
                format!(", about {} left", duration((elapsed / here).saturating_mul(left)))
            }
            _ => String::new(),
        };
        format!("{}/{} cases: {}{eta}\n", self.done(), self.total, self.counts())
    }

    /// Prints around the bar.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away until [`Progress::show`]; meanwhile there are lines instead.
    pub(crate) fn hide(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.is_hidden = true;
        }
    }

    /// Brings the bar back.
    pub(crate) fn show(&mut self) {
        if std::mem::take(&mut self.is_hidden) {
            let bar = new_bar(self.total, self.done());
            bar.set_message(self.counts());
            self.bar = Some(bar);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(total: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    // The template is a constant that indicatif accepts; its own default would do as well.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cases {msg} (about {eta} left)") {
        bar.set_style(style);
    }
    bar.set_position(done);
    bar
}

#[cfg(test)]
mod tests {
    use super::Progress;
    use playhouse_types::RunStatus;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn a_line_tells_counts_and_what_is_left() {
        let ended = BTreeMap::from([(RunStatus::Concluded, 3), (RunStatus::Failed, 1)]);
        let mut progress =
            Progress { total: 10, already_done: 2, ended, began: None, bar: None, is_hidden: false };
        let line = progress.line(Duration::from_secs(8));
        assert_eq!(line, "6/10 cases: 3 concluded, 1 failed, about 8.0 s left\n");
        progress.total = 6;
        assert_eq!(progress.line(Duration::from_secs(8)), "6/6 cases: 3 concluded, 1 failed\n");
    }
}
