//! The reference crews: how they are run, and what they came to.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use playhouse_tests::{Finished, Limited, Playhouse, without_ids};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::person::{approve, settle_doubts, without_doubts};
use crate::point::Store;
use crate::trials::{Harm, Survived, Wrong};

/// No command takes that long, on a busy machine and under `strace`: one that does hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// How often a person answers before something is wrong: a run asks for one thing after another.
const MAX_ROUNDS: usize = 10;

/// A scenario of the test binary.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) name: &'static str,
    /// Whether messages come in the same order each time; if not, they are compared as a set.
    order: Order,
    undisturbed: OnceLock<Undisturbed>,
}

/// What a run comes to, and how long its first process takes, if nobody disturbs it.
#[derive(Debug)]
struct Undisturbed {
    outcome: Outcome,
    took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Fixed,
    /// Concurrent speakers finish in any order.
    Any,
}

/// All of them.
pub(crate) static CREWS: [Crew; 5] = [
    Crew::new("single-agent", Order::Fixed),
    Crew::new("three-chat", Order::Fixed),
    Crew::new("fan-out", Order::Any),
    Crew::new("long-history", Order::Fixed),
    Crew::new("reviewed", Order::Fixed),
];

/// A crew whose coordinator crashes twice and is started again after a while each time.
pub(crate) static RESTARTING: Crew = Crew::new("panicking-pattern", Order::Fixed);

impl PartialEq for Crew {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Crew {}

/// What a run has come to.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outcome {
    /// `show --json` without ids and doubts.
    pub(crate) shown: Value,
    /// How often each effect happened.
    pub(crate) effects: BTreeMap<String, usize>,
}

/// A line of the ledger of effects.
#[derive(Deserialize)]
struct Effect {
    tool: String,
    what: String,
    key: String,
}

impl Crew {
    const fn new(name: &'static str, order: Order) -> Self {
        Self { name, order, undisturbed: OnceLock::new() }
    }

    /// Finds a crew.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CREWS.iter().chain([&RESTARTING]).find(|crew| crew.name == name)
    }

    /// Returns the arguments that start it.
    pub(crate) const fn run(&self) -> [&'static str; 4] {
        ["run", self.name, "--json", "--no-input"]
    }

    /// Returns the stores that it can be started on or gone on with.
    pub(crate) fn stores(&self) -> &'static [Store] {
        match self.name {
            "reviewed" => &[Store::Fresh, Store::Kept, Store::Waiting, Store::Answered],
            _ => &[Store::Fresh, Store::Kept],
        }
    }

    /// Returns how long its first process takes from its start to its end.
    pub(crate) fn undisturbed_time(&'static self) -> Duration {
        self.undisturbed().took
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a kill at a random time needs to know how much time there is"
    )]
    fn undisturbed(&'static self) -> &'static Undisturbed {
        self.undisturbed.get_or_init(|| {
            let stage = Stage::new(self, Store::Fresh);
            let started = Instant::now();
            let mut finished = stage.playhouse.run(&self.run());
            let took = started.elapsed();
            if finished.code == Some(3) {
                stage.answer_all(None).unwrap_or_else(|wrong| panic!("{wrong:?}\n{finished:?}"));
                finished = stage.playhouse.run(&["resume", "--all", "--json", "--no-input"]);
            }
            assert_eq!(finished.code, Some(0), "{finished:?}");
            let outcome = stage.run().and_then(|run| stage.outcome(run.as_deref().unwrap_or_default()));
            let outcome = outcome.unwrap_or_else(|wrong| panic!("{wrong:?}\n{finished:?}"));
            Undisturbed { outcome, took }
        })
    }
}

/// A data directory in which a crew is disturbed.
#[derive(Debug)]
pub(crate) struct Stage {
    crew: &'static Crew,
    store: Store,
    pub(crate) playhouse: Playhouse,
    /// Keeps the files of a kept store as they are.
    _open: Option<Connection>,
    /// The runs that the person was told of: they must be there ever after.
    told: Vec<String>,
}

impl Stage {
    /// Makes a data directory.
    pub(crate) fn new(crew: &'static Crew, store: Store) -> Self {
        let playhouse = Playhouse::of(env!("CARGO_BIN_EXE_playhouse-test-scenarios"));
        let open = (store == Store::Kept).then(|| {
            let _ = playhouse.run(&["run", "greeting"]).with_code(0);
            let open = Connection::open(playhouse.data_dir().join("playhouse.db")).unwrap();
            let _: i64 = open.query_row("SELECT count(*) FROM sqlite_master", (), |row| row.get(0)).unwrap();
            open
        });
        if matches!(store, Store::Waiting | Store::Answered) {
            let _ = playhouse.run(&crew.run()).with_code(3);
        }
        let stage = Self { crew, store, playhouse, _open: open, told: Vec::new() };
        if store == Store::Answered {
            stage.answer_all(None).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        }
        stage
    }

    /// Returns the next command to disturb: what starts the crew or goes on with it, or what answers it.
    pub(crate) fn next_command(&self) -> Result<Command, Wrong> {
        match self.store {
            Store::Waiting => match self.approval()? {
                Some(id) => Ok(self.playhouse.command(&approve(&id))),
                None => self.go_on(),
            },
            Store::Fresh | Store::Kept | Store::Answered => self.go_on(),
        }
    }

    /// Returns the command that starts the crew or, once it is admitted, goes on with it.
    fn go_on(&self) -> Result<Command, Wrong> {
        Ok(match self.run()? {
            None => self.playhouse.command(&self.crew.run()),
            Some(_) => self.playhouse.command(&["resume", "--all", "--json", "--no-input"]),
        })
    }

    /// Takes note of what a process told before it died.
    pub(crate) fn saw(&mut self, finished: &Finished) -> Result<(), Wrong> {
        // This crew panics on purpose.
        if finished.stderr.contains("panicked at") && *self.crew != RESTARTING {
            return Err(Wrong::new(Harm::Misbehaved, finished.stderr.clone()));
        }
        let told = finished.stderr.lines().filter_map(|line| {
            let (run, _) = line.strip_prefix("run ")?.split_once(" of ")?;
            Some(run.to_owned())
        });
        self.told.extend(told);
        Ok(())
    }

    /// Lets the crew come to its end, with a person who answers what it asks, and compares what it came to.
    pub(crate) fn settle(mut self) -> Result<Survived, Wrong> {
        let expected = &self.crew.undisturbed().outcome;
        let mut n_doubts = 0;
        for _ in 0..MAX_ROUNDS {
            let finished = self.finish(self.go_on()?)?;
            self.saw(&finished)?;
            let Some(run) = self.run()? else {
                return Err(Wrong::new(Harm::Lost, format!("there is no run\n{}", finished.stderr)));
            };
            match finished.code {
                Some(0) => {
                    let mut outcome = self.outcome(&run)?;
                    if n_doubts > 0 {
                        settle_doubts(&mut outcome, expected);
                    }
                    self.check_same(&outcome, expected)?;
                    return Ok(if n_doubts > 0 { Survived::InDoubt } else { Survived::Same });
                }
                Some(3) => n_doubts += self.answer_all(Some(expected))?,
                code => {
                    let detail = format!("code {code:?}\n{}", finished.stderr);
                    return Err(Wrong::new(Harm::Misbehaved, detail));
                }
            }
        }
        Err(Wrong::new(Harm::Misbehaved, "a person is asked again and again"))
    }

    pub(crate) fn finish(&self, command: Command) -> Result<Finished, Wrong> {
        let shown = format!("{command:?}");
        let hangs = || Wrong::new(Harm::Misbehaved, format!("hangs: {shown}"));
        Limited::start(command).finish_within(LIMIT).ok_or_else(hangs)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value, Wrong> {
        let finished = self.finish(self.playhouse.command(arguments))?;
        let detail = || format!("{arguments:?}: code {:?}\n{}", finished.code, finished.stderr);
        if finished.code != Some(0) {
            return Err(Wrong::new(Harm::Misbehaved, detail()));
        }
        serde_json::from_str(&finished.stdout).map_err(|_| Wrong::new(Harm::Misbehaved, detail()))
    }

    /// Returns the run of the crew, if it was admitted.
    pub(crate) fn run(&self) -> Result<Option<String>, Wrong> {
        let rows = self.json(&["runs", "--json"])?;
        let rows = rows.as_array().unwrap();
        let id = |row: &Value| row["run"].as_str().unwrap().to_owned();
        if let Some(lost) = self.told.iter().find(|told| !rows.iter().any(|row| id(row) == **told)) {
            return Err(Wrong::new(Harm::Lost, format!("run {lost} was announced and is gone")));
        }
        let mut own = rows.iter().filter(|row| row["scenario"] == self.crew.name);
        let run = own.next().map(id);
        match own.next() {
            Some(_) => Err(Wrong::new(Harm::Duplicated, format!("there are two runs: {rows:#?}"))),
            None => Ok(run),
        }
    }

    fn outcome(&self, run: &str) -> Result<Outcome, Wrong> {
        let mut shown = self.json(&["show", run, "--json"])?;
        without_ids(&mut shown);
        without_doubts(&mut shown);
        if self.crew.order == Order::Any {
            let messages = shown["messages"].as_array_mut().unwrap();
            for message in messages.iter_mut() {
                message.as_object_mut().unwrap().remove("ordinal");
            }
            messages.sort_by_key(ToString::to_string);
            // Whoever finished last.
            shown.as_object_mut().unwrap().remove("result");
        }
        Ok(Outcome { shown, effects: effects(&self.playhouse.data_dir())? })
    }

    fn check_same(&self, outcome: &Outcome, expected: &Outcome) -> Result<(), Wrong> {
        if outcome.effects != expected.effects {
            let (found, due) = (&outcome.effects, &expected.effects);
            let is_missing = due.keys().any(|effect| !found.contains_key(effect));
            let harm = if is_missing { Harm::Lost } else { Harm::Different };
            return Err(Wrong::new(harm, format!("effects {found:#?}\ninstead of {due:#?}")));
        }
        if outcome.shown != expected.shown {
            let (found, due) = (&outcome.shown, &expected.shown);
            let n_messages = |shown: &Value| shown["messages"].as_array().map_or(0, Vec::len);
            let is_short = n_messages(found) < n_messages(due);
            let harm = if is_short { Harm::Lost } else { Harm::Different };
            return Err(Wrong::new(harm, format!("shows {found:#}\ninstead of {due:#}")));
        }
        let open = self.json(&["resume", "--all", "--json"])?;
        if open != Value::Array(Vec::new()) {
            return Err(Wrong::new(Harm::Misbehaved, format!("something is still open: {open:#}")));
        }
        Ok(())
    }
}

/// Reads the ledger of effects; one that happened twice is an error, under one key or two.
pub(crate) fn effects(data_dir: &Path) -> Result<BTreeMap<String, usize>, Wrong> {
    // A crew without effects has no ledger.
    let text = std::fs::read_to_string(data_dir.join("effects.jsonl")).unwrap_or_default();
    let (mut effects, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        let Effect { tool, what, key } = serde_json::from_str(line)
            .map_err(|error| Wrong::new(Harm::Different, format!("{error} in the ledger: {line}")))?;
        *effects.entry(format!("{tool} {what}")).or_insert(0) += 1;
        *keys.entry(key).or_insert(0) += 1;
    }
    if effects.values().chain(keys.values()).any(|count| *count > 1) {
        return Err(Wrong::new(Harm::Duplicated, text));
    }
    Ok(effects)
}
