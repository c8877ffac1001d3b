//! One crash: makes it happen, lets the run go on, and compares with the undisturbed run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use playhouse::RunRest;
use playhouse_journal::{CanonicalRecord, Event, Kind, Record, RecordKey, canonical};
use playhouse_types::{CallId, Effect, OutcomeKind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::crews::ReferenceCrew;
use super::plan::Act;
use super::point::{Crash, CrashPoint, Moment, StoreTrouble};
use super::process::{Ended, Past, Plan, process};
use super::world::{Asked, Subject, World};

/// More processes than any crash needs.
const MAX_PROCESSES: u32 = 6;

/// A crash that the run survived.
#[derive(Clone, Copy, Default, Debug)]
pub struct Survived {
    /// Whether the crash happened at all; a second one may come too late.
    pub is_hit: bool,
    /// Whether the run rests because of a `once` call that nobody knows the end of: as it must.
    pub is_in_doubt: bool,
    /// How many askings of a model came twice.
    pub n_asked_again: usize,
    /// How many processes it took.
    pub n_processes: u32,
    /// The simulated time of all of them.
    pub took: Duration,
}

/// A crash that did harm.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whose run.
    pub crew: ReferenceCrew,
    /// Which crash.
    pub point: CrashPoint,
    /// What is wrong.
    pub harm: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crew {}, {}: {}", self.crew, self.point, self.harm)
    }
}

/// A run that nobody disturbed.
struct Undisturbed {
    rows: Vec<CanonicalRecord>,
    sent: BTreeMap<Subject, Vec<String>>,
    counts: BTreeMap<Moment, u64>,
    n_commits: u64,
}

fn undisturbed(crew: ReferenceCrew) -> &'static Undisturbed {
    static RUNS: [OnceLock<Undisturbed>; ReferenceCrew::ALL.len()] =
        [const { OnceLock::new() }; ReferenceCrew::ALL.len()];
    let place = ReferenceCrew::ALL.iter().position(|other| *other == crew).unwrap();
    RUNS[place].get_or_init(|| {
        let world = World::new();
        let past = process(&world, crew, Plan::default());
        let Ended::Rested(end) = past.ended else { panic!("crew {crew}: {:?}", past.ended) };
        let is_concluded =
            matches!(&end.rest, RunRest::Concluded(outcome) if outcome.kind == OutcomeKind::Concluded);
        assert!(is_concluded, "crew {crew}: {:?}", end.rest);
        Undisturbed {
            rows: comparable(crew, &world.records()),
            sent: world.ledger.sent(),
            counts: past.seen.counts,
            n_commits: past.n_commits,
        }
    })
}

/// Returns all crashes of a crew, each once: every moment of every append, and every trouble of every commit.
#[must_use]
pub fn points(crew: ReferenceCrew) -> Vec<CrashPoint> {
    let run = undisturbed(crew);
    let at_appends = |make: fn(Moment) -> Crash| {
        run.counts
            .iter()
            .flat_map(move |(moment, count)| (1..=*count).map(move |n| CrashPoint::once(make(*moment), n)))
    };
    let at_commits = StoreTrouble::ALL
        .into_iter()
        .flat_map(|trouble| (1..=run.n_commits).map(move |n| CrashPoint::once(Crash::Store(trouble), n)));
    at_appends(Crash::Process).chain(at_appends(Crash::Writer)).chain(at_commits).collect()
}

/// Returns `count` crashes of the process, by the seed, each with a second one while it recovers.
#[must_use]
pub fn double_points(crew: ReferenceCrew, seed: u64, count: usize) -> Vec<CrashPoint> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let run = undisturbed(crew);
    let last = run.counts.get(&Moment::Before).copied().unwrap_or(1);
    (0..count)
        .map(|_| {
            let moment = Moment::ALL[random.random_range(0..Moment::ALL.len())];
            let n = random.random_range(1..=run.counts.get(&moment).copied().unwrap_or(1));
            // Early in the recovery, so that it happens; the whole rest of the run is as likely as its first records.
            let rest = (last - n.min(last)).max(2);
            let again = if random.random_bool(0.5) {
                random.random_range(1..=2)
            } else {
                random.random_range(1..=rest)
            };
            CrashPoint { again: Some(again), ..CrashPoint::once(Crash::Process(moment), n) }
        })
        .collect()
}

/// Makes a run crash and go on until it rests.
///
/// # Errors
/// [`Finding`] if anything was lost, repeated or different, or if nothing happens any more.
pub fn survive(crew: ReferenceCrew, point: CrashPoint) -> Result<Survived, Finding> {
    Trial::new(crew, point).run().map_err(|harm| Finding { crew, point, harm })
}

/// What can be compared: the canonical journal without lost askings of models, and without what their order leaves in
/// requests where several speak at once.
fn comparable(crew: ReferenceCrew, records: &[Record]) -> Vec<CanonicalRecord> {
    let mut rows = canonical(records);
    rows.retain(|row| !matches!(&row.event, Event::ModelIntent(intent) if intent.attempt > 0));
    for row in &mut rows {
        match &mut row.event {
            Event::ModelIntent(intent) if crew.speaks_at_once() => intent.request_hash = [0; 32],
            Event::ToolResult { recovered, .. } => *recovered = false,
            _ => {}
        }
    }
    rows
}

/// The `once` calls with an intent on record and no end.
fn open_once_calls(records: &[Record]) -> BTreeSet<CallId> {
    let keys: Vec<RecordKey> = records.iter().map(|record| record.key).collect();
    let intents = records.iter().filter_map(|record| match &record.event {
        Event::ToolIntent(intent) if intent.effect == Effect::Once => Some((record.key, intent.call)),
        _ => None,
    });
    let is_open = |key: RecordKey| !keys.contains(&RecordKey { kind: Kind::ToolResult, ..key });
    intents.filter(|(key, _)| is_open(*key)).map(|(_, call)| call).collect()
}

/// One crash under way.
struct Trial {
    crew: ReferenceCrew,
    point: CrashPoint,
    world: World,
    survived: Survived,
    /// The `once` calls that were open when a process ended, or a writer panicked: these may be in doubt.
    doubtful: BTreeSet<CallId>,
}

impl Trial {
    fn new(crew: ReferenceCrew, point: CrashPoint) -> Self {
        let (survived, doubtful) = (Survived::default(), BTreeSet::new());
        Self { crew, point, world: World::new(), survived, doubtful }
    }

    fn run(mut self) -> Result<Survived, String> {
        let began = self.world.now();
        let mut plans = self.plans().into_iter();
        loop {
            let plan = plans.next();
            let is_planned = plan.is_some();
            if self.survived.n_processes == MAX_PROCESSES {
                return Err("the run does not come to rest".to_owned());
            }
            self.survived.n_processes += 1;
            let past = self.process(plan.unwrap_or_default())?;
            match past.ended {
                Ended::Hung => return Err("nothing happens any more".to_owned()),
                Ended::Stopped if is_planned => {}
                Ended::Stopped => return Err("a process stopped that should not".to_owned()),
                Ended::Refused(_) if is_planned && self.is_of_store() => {}
                Ended::Refused(error) => return Err(format!("refused: {error}")),
                Ended::Rested(end) => match end.rest {
                    RunRest::Concluded(_) => break,
                    RunRest::Suspended(_) => {
                        self.survived.is_in_doubt = true;
                        break;
                    }
                    RunRest::Lost(_) if is_planned && self.is_of_store() => {}
                    rest => return Err(format!("came to rest as {rest:?}")),
                },
            }
            self.doubtful.append(&mut open_once_calls(&self.world.records()));
        }
        self.survived.took = self.world.now().since(began);
        self.compare()?;
        Ok(self.survived)
    }

    /// Tells whether the run may be refused or lost: the store takes nothing any more.
    const fn is_of_store(&self) -> bool {
        matches!(self.point.crash, Crash::Store(_) | Crash::SeededStore)
    }

    fn plans(&self) -> Vec<Plan> {
        let n = self.point.n;
        let quiet = Plan::default();
        let first = match self.point.crash {
            Crash::Process(moment) => Plan { append: Some((moment, n, Act::Stop)), ..quiet },
            Crash::Writer(moment) => Plan { append: Some((moment, n, Act::Panic)), ..quiet },
            Crash::Store(trouble) => Plan { commit: Some((n, trouble)), ..quiet },
            Crash::SeededStore => Plan { seed: Some(n), ..quiet },
        };
        let again = self.point.again;
        let second = again.map(|n| Plan { append: Some((Moment::Before, n, Act::Stop)), ..quiet });
        [Some(first), second].into_iter().flatten().collect()
    }

    /// Lets a process live and checks what it did beyond the journal.
    fn process(&mut self, plan: Plan) -> Result<Past, String> {
        let (n_asked, replied) = (self.world.ledger.asked().len(), self.world.replied());
        let past = process(&self.world, self.crew, plan);
        let is_hit = past.seen.hit.is_some() || plan.commit.is_some_and(|(n, _)| n <= past.n_commits);
        self.survived.is_hit |= is_hit || plan.seed.is_some();
        if past.n_after_failure > 0 {
            return Err(format!("{} commits after one had failed", past.n_after_failure));
        }
        let asked = self.world.ledger.asked();
        let asked = asked.get(n_asked..).unwrap_or_default();
        if let Some(again) = asked.iter().find(|asked| replied.contains(*asked)) {
            return Err(format!("asked again although the reply is on record: {again:?}"));
        }
        let distinct: BTreeSet<&Asked> = asked.iter().collect();
        let hit = past.seen.hit.clone().unwrap_or_default();
        // The task that held the only copy of the reply panicked.
        let lost_replies = match plan.append {
            Some((Moment::Before, _, Act::Panic)) => {
                hit.iter().filter(|key| **key == reply_of(**key)).count()
            }
            _ => 0,
        };
        if asked.len() - distinct.len() > lost_replies {
            return Err(format!("asked twice in one process: {asked:?}"));
        }
        if matches!(self.point.crash, Crash::Writer(_)) {
            let calls = hit.iter().filter(|key| matches!(key.kind, Kind::ToolIntent) || key.kind.is_result());
            self.doubtful.extend(calls.map(|key| CallId {
                turn: key.turn,
                step: key.step,
                ordinal: key.ordinal,
            }));
        }
        Ok(past)
    }

    fn compare(&mut self) -> Result<(), String> {
        let expected = undisturbed(self.crew);
        let records = self.world.records();
        let rows = comparable(self.crew, &records);
        if self.survived.is_in_doubt {
            self.compare_in_doubt(&rows, expected)?;
        } else if let Some(difference) = difference(&rows, &expected.rows) {
            return Err(difference);
        }
        let asked = self.world.ledger.asked();
        self.survived.n_asked_again = asked.len() - asked.iter().collect::<BTreeSet<_>>().len();
        self.compare_effects(expected)
    }

    /// A run that rests holds nothing that the undisturbed one does not, besides the doubt.
    fn compare_in_doubt(&self, rows: &[CanonicalRecord], expected: &Undisturbed) -> Result<(), String> {
        for row in rows {
            match &row.event {
                Event::ToolInDoubt { call, .. } if self.doubtful.contains(call) => {}
                Event::ToolInDoubt { call, .. } => {
                    return Err(format!("{call} is in doubt without a reason"));
                }
                _ if expected.rows.contains(row) => {}
                _ => return Err(format!("not in the undisturbed run: {row:?}")),
            }
        }
        Ok(())
    }

    fn compare_effects(&self, expected: &Undisturbed) -> Result<(), String> {
        let sent = self.world.ledger.sent();
        for (subject, keys) in &sent {
            let (tool, _) = subject;
            let distinct: BTreeSet<&String> = keys.iter().collect();
            // A destination that knows keys drops the same one; the others must not get it twice.
            let n_effects = if tool == "notify" { distinct.len() } else { keys.len() };
            if n_effects != 1 || !expected.sent.contains_key(subject) {
                return Err(format!("effect {subject:?} happened {n_effects} times: {keys:?}"));
            }
        }
        match expected.sent.keys().find(|subject| !sent.contains_key(*subject)) {
            Some(missing) if !self.survived.is_in_doubt => Err(format!("effect {missing:?} did not happen")),
            _ => Ok(()),
        }
    }
}

/// Returns the key of a model's reply in the place of `key`.
fn reply_of(key: RecordKey) -> RecordKey {
    RecordKey { kind: Kind::ModelResult, ..key }
}

fn difference(rows: &[CanonicalRecord], expected: &[CanonicalRecord]) -> Option<String> {
    if rows == expected {
        return None;
    }
    let missing = expected.iter().find(|row| !rows.contains(row));
    let more = rows.iter().find(|row| !expected.contains(row));
    Some(format!("the journal differs: missing {missing:?}, more {more:?}"))
}
