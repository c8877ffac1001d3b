//! A batch of `invoice-review` that has come to its end, without what differs between two runs.

use std::collections::BTreeMap;

use playhouse_tests::{LedgerLine, Playhouse, without_ids};
use serde_json::Value;

/// The command that settles the shipped cases.
pub(crate) const RUN: &[&str] = &["run", "invoice-review", "--json", "--no-input"];

/// What a batch has decided, done and said.
#[derive(PartialEq, Debug)]
pub(crate) struct Settled {
    /// The payments without their keys, which are ids.
    pub(crate) payments: Vec<LedgerLine>,
    /// Status and `show --json` of each case by its name.
    pub(crate) cases: BTreeMap<String, Value>,
}

impl Settled {
    /// Reads what the only batch of a data directory has come to.
    pub(crate) fn read(playhouse: &Playhouse) -> Self {
        let ledger = playhouse.ledger();
        let mut keys: Vec<&str> = ledger.iter().map(|line| line.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ledger.len(), "two payments have one key: {ledger:?}");
        let runs = playhouse.run(&["runs", "--json"]).with_code(0).json();
        let children = runs.as_array().unwrap().iter().filter(|run| run["parent"].is_string());
        let cases = children.map(|run| {
            let id = run["run"].as_str().unwrap();
            let mut shown = playhouse.run(&["show", id, "--json"]).with_code(0).json();
            without_ids(&mut shown);
            let mut text = shown.to_string().replace(id, "RUN");
            for key in &keys {
                text = text.replace(key, "KEY");
            }
            (run["case"].as_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap())
        });
        let cases = cases.collect();
        let payments = ledger.into_iter().map(|line| LedgerLine { key: String::new(), ..line }).collect();
        Self { payments, cases }
    }

    /// Fails at the first case that differs.
    #[track_caller]
    pub(crate) fn check_same(&self, expected: &Self, hint: &str) {
        assert_eq!(self.payments, expected.payments, "{hint}");
        let names = |settled: &Self| settled.cases.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(expected), "{hint}");
        for (case, shown) in &self.cases {
            let expected = &expected.cases[case];
            assert_eq!(shown, expected, "{hint}: case `{case}`\n{shown:#}\n{expected:#}");
        }
    }
}
