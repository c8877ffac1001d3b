//! One seed, one journal.

use playhouse_tests::Playhouse;

use crate::settled::RUN;

fn canonical(seed: &str) -> String {
    let playhouse = Playhouse::new();
    let _ = playhouse.run(&[RUN, &["--seed", seed]].concat()).with_code(0);
    playhouse.run(&["journal", "last", "--canonical"]).with_code(0).stdout
}

#[test]
fn two_runs_of_one_seed_have_the_same_canonical_journal() {
    let (first, second) = (canonical("7"), canonical("7"));
    for (number, (first, second)) in first.lines().zip(second.lines()).enumerate() {
        assert_eq!(first, second, "line {}", number + 1);
    }
    assert!(first == second, "{} and {} bytes", first.len(), second.len());
    // A journal of all cases: each has its turns, its calls and its end.
    for kind in ["BatchAdmitted", "RunAdmitted", "TurnAssigned", "ModelResult", "ToolIntent", "RunConcluded"]
    {
        let snake = kind
            .chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] });
        let snake: String = snake.skip(1).collect();
        assert!(first.contains(kind) || first.contains(&snake), "no {kind}");
    }
}
