//! The shipped scenario on its shipped cases.

use playhouse_tests::{LedgerLine, Playhouse};
use serde_json::Value;

use crate::settled::{RUN, Settled};

/// What is decided, by which clauses, over which amount in minor units.
const EXPECTED: &[(&str, &str, &str, Option<i64>)] = &[
    ("ahorn-4711", "pay", "1.1", Some(64_617)),
    ("akazie-200", "pay", "1.1", Some(9_680)),
    ("birke-2026-17", "pay", "1.1", Some(462_101)),
    ("buche-15", "ask", "2.1 2.3 5.2 5.3", Some(1_463_700)),
    ("cedar-88", "pay", "1.1", Some(590_597)),
    ("dorn-1001", "pay", "1.1", Some(82_110)),
    ("eibe-4", "hold", "2.2", Some(49_980)),
    ("esche-310", "pay", "1.1", Some(57_358)),
    ("fichte-77", "hold", "2.1", Some(40_163)),
    ("ginster-12", "hold", "2.3", Some(69_615)),
    ("hasel-5", "hold", "3.1", Some(37_584)),
    ("ilex-9", "hold", "3.2", Some(42_764)),
    ("jasmin-21", "hold", "3.3", Some(170_551)),
    ("kiefer-300", "hold", "3.3", Some(93_192)),
    ("linde-45", "hold", "3.4", Some(94_000)),
    ("mispel-1", "hold", "4.1", Some(69_972)),
    ("mispel-2", "pay", "1.1", Some(69_972)),
    ("nuss-1", "pay", "1.1", Some(44_940)),
    ("nuss-2", "hold", "4.1", Some(44_940)),
    ("olive-6", "ask", "5.1", Some(27_927)),
    ("pappel-19", "ask", "5.1", Some(20_330)),
    ("quitte-2", "ask", "1.2 5.2", Some(147_084)),
    ("robinie-500", "ask", "5.3", Some(1_523_200)),
    ("salweide-3", "ask", "5.4", Some(-8_473)),
    ("salweide-4", "ask", "5.4", Some(4_236)),
    ("tanne-8", "ask", "6.1", Some(62_832)),
    ("ulme-40", "ask", "6.1", Some(52_122)),
    ("ulme-41", "ask", "6.1", None),
    ("vogelbeere-14", "ask", "6.2", None),
    ("weide-61", "ask", "6.2", Some(33_915)),
    ("xanthos-7", "ask", "6.3", Some(125_000)),
    ("yucca-33", "hold", "1.2 2.1", Some(198_492)),
    ("zeder-90", "pay", "1.2 1.1", Some(18_088)),
];

/// Returns case, decision, clauses and amount of a result; clauses in order, because agents name them in any.
pub(crate) fn decided(result: &Value) -> (String, String, String, Option<i64>) {
    let text = |name: &str| result[name].as_str().unwrap().to_owned();
    let clauses = result["clauses"].as_array().unwrap().iter().map(|clause| clause.as_str().unwrap());
    (text("case"), text("decision"), sorted(clauses), result["amount_minor"].as_i64())
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.join(" ")
}

/// Checks the decisions on the shipped cases.
#[track_caller]
pub(crate) fn check_results(results: &Value) {
    let decided: Vec<_> = results.as_array().unwrap().iter().map(decided).collect();
    let expected = EXPECTED.iter().map(|(case, decision, clauses, amount_minor)| {
        let clauses = sorted(clauses.split(' '));
        ((*case).to_owned(), (*decision).to_owned(), clauses, *amount_minor)
    });
    assert_eq!(decided, expected.collect::<Vec<_>>());
}

/// Checks that each case that is to be paid is paid once.
#[track_caller]
pub(crate) fn check_ledger(ledger: &[LedgerLine]) {
    let paid: Vec<(&str, i64)> = ledger.iter().map(|line| (line.case.as_str(), line.amount_minor)).collect();
    let expected = EXPECTED.iter().filter(|(_, decision, ..)| *decision == "pay");
    let expected: Vec<(&str, i64)> = expected.map(|(case, _, _, amount)| (*case, amount.unwrap())).collect();
    assert_eq!(paid, expected);
}

#[test]
fn every_case_is_decided_and_paid_once_also_when_run_again() {
    let playhouse = Playhouse::new();
    let first = playhouse.run(RUN).with_code(0);
    check_results(&first.json());
    let ledger = playhouse.ledger();
    check_ledger(&ledger);
    let again = playhouse.run(RUN).with_code(0);
    check_results(&again.json());
    assert_eq!(playhouse.ledger(), ledger);
}

#[test]
fn a_person_sees_the_conversation_and_a_table() {
    let playhouse = Playhouse::new();
    let finished = playhouse.run(&["run", "invoice-review"]).with_code(0);
    let finished = finished.telling(&["ahorn-4711", "clerk", "cashier", "release_payment", "33/33"]);
    for (case, ..) in EXPECTED {
        assert!(finished.stdout.contains(case), "{case}\n{}", finished.stdout);
    }
    for clutter in ['\u{1b}', '\r'] {
        assert!(!finished.stdout.contains(clutter) && !finished.stderr.contains(clutter), "{clutter:?}");
    }
    let settled = Settled::read(&playhouse);
    assert_eq!(settled.cases.len(), EXPECTED.len());
    assert!(settled.cases.values().all(|shown| shown["status"] == "concluded"), "{settled:?}");
}

#[test]
fn a_ledger_of_ones_own_is_written() {
    let playhouse = Playhouse::new();
    let ledger = playhouse.dir().join("own.jsonl");
    let set = format!("ledger={}", ledger.display());
    let _ = playhouse.run(&["run", "invoice-review", "--json", "--set", &set]).with_code(0);
    check_ledger(&playhouse_tests::read_ledger(&ledger));
    assert_eq!(playhouse.ledger(), []);
}
