//! A run of a shipped scenario that is killed and goes on.

use std::fs;

use playhouse_tests::{Playhouse, without_ids};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::kills::{RESUME, is_admitted, kill_somewhere, number};

/// What a data directory with one run or batch holds at its end.
#[derive(Debug)]
struct Ended {
    /// `show --json` of all runs, without what differs between two of them.
    shown: Vec<Value>,
    /// The records of `journal --canonical` of all runs, without what a crash may add.
    records: Vec<Value>,
    /// The lines of the file of effects, without their keys.
    effects: Vec<Value>,
}

impl Ended {
    fn read(playhouse: &Playhouse, effects: Option<&str>) -> Self {
        let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
        let mut runs: Vec<(&Value, &str)> =
            runs.as_array().unwrap().iter().map(|run| (&run["case"], run["run"].as_str().unwrap())).collect();
        runs.sort_by_key(|(case, _)| case.to_string());
        let show = |(_, run): &(&Value, &str)| {
            let mut shown = playhouse.run(&["show", run, "--json"]).with_code(0).json();
            without_ids(&mut shown);
            shown
        };
        let records = |(_, run): &(&Value, &str)| {
            let journal = playhouse.run(&["journal", run, "--canonical"]).with_code(0).stdout;
            journal.lines().filter_map(disturbed_by_nothing).collect::<Vec<_>>()
        };
        let effects = effects.map(|file| fs::read_to_string(playhouse.data_dir().join(file)).unwrap());
        let effects = effects.iter().flat_map(|text| text.lines()).map(|line| {
            let mut effect: Value = serde_json::from_str(line).unwrap();
            effect.as_object_mut().unwrap().remove("key").unwrap();
            effect
        });
        Self {
            shown: runs.iter().map(show).collect(),
            records: runs.iter().flat_map(records).collect(),
            effects: effects.collect(),
        }
    }

    /// Fails at the first thing that differs.
    #[track_caller]
    fn check_same(&self, expected: &Self, hint: &str) {
        assert_eq!(self.effects, expected.effects, "{hint}");
        assert_eq!(self.shown, expected.shown, "{hint}");
        for (record, expected) in self.records.iter().zip(&expected.records) {
            assert_eq!(record, expected, "{hint}");
        }
        assert_eq!(self.records.len(), expected.records.len(), "{hint}");
    }
}

/// Reads a record of a canonical journal; `None` if it is there only because a crash cost the reply of a model.
fn disturbed_by_nothing(line: &str) -> Option<Value> {
    let mut record: Value = serde_json::from_str(line).unwrap();
    // A call is sent again, and an effect is found at its destination, if a process died before the answer was on record.
    if record["kind"] == "ModelIntent" && record["body"]["attempt"] != 0 {
        return None;
    }
    without_ids(&mut record);
    if let Some(body) = record["body"].as_object_mut() {
        body.remove("recovered");
    }
    Some(record)
}

/// Kills what a command runs at several moments, lets it go on, and checks that nobody could tell: neither from what it
/// came to, nor from its journal, nor from what it did, of which each line of the file `effects` is one.
#[track_caller]
pub(crate) fn check_killed(run: &[&str], effects: Option<&str>) {
    let undisturbed = Playhouse::new();
    let n_lines = undisturbed.run(run).with_code(0).stderr.lines().count();
    let expected = Ended::read(&undisturbed, effects);
    let (first, n_kills) = (number("PLAYHOUSE_SEED", 1), number("PLAYHOUSE_KILLS", 8));
    for seed in first..first + n_kills {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let playhouse = Playhouse::new();
        let moment = kill_somewhere(playhouse.start(run), n_lines, random);
        let arguments = if is_admitted(&playhouse) { RESUME } else { run };
        let finished = playhouse.run(arguments);
        assert_eq!(finished.code, Some(0), "seed {seed}, {moment}\n{}", finished.stderr);
        let _ = finished.without_panic();
        Ended::read(&playhouse, effects).check_same(&expected, &format!("seed {seed}, {moment}"));
    }
}
