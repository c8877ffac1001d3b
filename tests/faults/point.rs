//! Where a process is killed: `CREW:STORE:KILL` or `CREW:STORE:KILL+KILL`, the second while the run is resumed.

use std::fmt;
use std::time::Duration;

use playhouse_tests::{Finished, Limited};

use crate::crew::{Crew, LIMIT, Stage};
use crate::strace::injected;
use crate::trials::{Harm, Survived, Wrong};

/// When a process is killed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kill {
    /// Before a thread makes this system call for the `nth` time.
    At { call: String, nth: usize },
    /// After a time.
    After(Duration),
}

/// What the process finds in the data directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Store {
    /// Nothing.
    Fresh,
    /// A store that another process has open, so that its files stay and opening it writes little.
    Kept,
    /// The crew's run, which waits for an approval.
    Waiting,
    /// The crew's run after its approval.
    Answered,
}

impl Store {
    const ALL: [Self; 4] = [Self::Fresh, Self::Kept, Self::Waiting, Self::Answered];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "kept",
            Self::Waiting => "waiting",
            Self::Answered => "answered",
        }
    }
}

/// Where a process is killed, and where the one that resumes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Point {
    pub(crate) crew: &'static Crew,
    pub(crate) store: Store,
    pub(crate) kills: Vec<Kill>,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { call, nth } => write!(f, "{call}={nth}"),
            Self::After(time) => write!(f, "after={}", time.as_micros()),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = self.store.as_str();
        let kills: Vec<String> = self.kills.iter().map(ToString::to_string).collect();
        write!(f, "{}:{store}:{}", self.crew.name, kills.join("+"))
    }
}

impl Kill {
    fn read(text: &str) -> Option<Self> {
        let (call, nth) = text.split_once('=')?;
        let nth: usize = nth.parse().ok()?;
        Some(match call {
            "after" => Self::After(Duration::from_micros(u64::try_from(nth).ok()?)),
            call => Self::At { call: call.to_owned(), nth },
        })
    }

    /// Starts a command and kills it; `None` if it hangs instead.
    fn cause(&self, command: std::process::Command) -> Option<Finished> {
        match self {
            Self::At { call, nth } => {
                let command = injected(&format!("{call}:signal=KILL:when={nth}"), &command);
                Limited::start(command).finish_within(LIMIT)
            }
            Self::After(time) => {
                let process = Limited::start(command);
                if process.ends_within(*time) { process.finish_within(LIMIT) } else { Some(process.kill()) }
            }
        }
    }
}

impl Point {
    /// Reads what its display shows.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let crew = Crew::named(parts.next()?)?;
        let store = parts.next()?;
        let store = Store::ALL.into_iter().find(|known| known.as_str() == store)?;
        let kills = parts.next()?.split('+').map(Kill::read).collect::<Option<_>>()?;
        Some(Self { crew, store, kills })
    }

    /// Kills at this point, at each of its moments, lets the crew end, and compares what it came to.
    pub(crate) fn cause(text: &str) -> Result<Survived, Wrong> {
        let point = Self::read(text)
            .ok_or_else(|| Wrong::new(Harm::Misbehaved, format!("`{text}` is not CREW:STORE:KILL")))?;
        let mut stage = Stage::new(point.crew, point.store);
        let mut is_reached = true;
        for kill in &point.kills {
            let Some(finished) = kill.cause(stage.next_command()?) else {
                return Err(Wrong::new(Harm::Misbehaved, "hangs under strace"));
            };
            // Whoever ended by itself was not killed.
            is_reached &= finished.code.is_none();
            stage.saw(&finished)?;
        }
        let survived = stage.settle()?;
        Ok(if is_reached { survived } else { Survived::Unreached })
    }
}
