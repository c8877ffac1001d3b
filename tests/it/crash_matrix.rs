//! A quick part of the crash matrix; the whole one is run by a command of its own.

use playhouse_tests::{Crash, CrashPoint, Moment, ReferenceCrew, Survived, double_points, points, survive};

/// Makes a crew crash at these points; prints every finding before it fails.
#[track_caller]
fn check(crew: ReferenceCrew, points: impl IntoIterator<Item = CrashPoint>) -> Vec<Survived> {
    let outcomes: Vec<_> = points.into_iter().map(|point| survive(crew, point)).collect();
    let findings: Vec<String> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} of {}:\n{}", findings.len(), outcomes.len(), findings.join("\n"));
    let survived: Vec<Survived> = outcomes.into_iter().flatten().collect();
    assert!(survived.iter().all(|survived| survived.is_hit), "a crash did not happen");
    survived
}

/// Crashes at every `step`-th point, which share no factor with the moments, so that all kinds are met.
#[track_caller]
fn check_some(crew: ReferenceCrew, step: usize) {
    check(crew, points(crew).into_iter().step_by(step));
}

#[test]
fn s35_an_agent_that_crashes_anywhere_finishes_its_turn_with_each_effect_once() {
    check_some(ReferenceCrew::Single, 4);
}

#[test]
fn s33_a_conversation_that_crashes_anywhere_loses_and_repeats_nothing() {
    check_some(ReferenceCrew::Chat, 9);
}

#[test]
fn concurrent_speakers_and_calls_that_crash_anywhere_lose_and_repeat_nothing() {
    check_some(ReferenceCrew::Concurrent, 11);
}

#[test]
fn s32_a_long_history_that_crashes_anywhere_is_the_same() {
    check_some(ReferenceCrew::Long, 79);
}

#[test]
fn a_crash_during_the_recovery_of_a_crash_does_no_more_harm_than_one() {
    for crew in ReferenceCrew::ALL {
        check(crew, double_points(crew, 1, 6));
    }
}

#[test]
fn a_store_that_is_slow_and_fails_by_chance_costs_nothing_but_time() {
    for crew in [ReferenceCrew::Chat, ReferenceCrew::Concurrent] {
        check(crew, (1..=8).map(|seed| CrashPoint::once(Crash::SeededStore, seed)));
    }
}

#[test]
fn a_bell_that_may_have_been_rung_is_never_rung_again() {
    let crew = ReferenceCrew::Single;
    let points = points(crew).into_iter().filter(|point| point.crash == Crash::Process(Moment::Before));
    let in_doubt = check(crew, points).iter().filter(|survived| survived.is_in_doubt).count();
    // Before its result is on record; every other crash is settled without a person.
    assert_eq!(in_doubt, 1);
}

#[test]
fn a_coordinator_that_crashes_over_the_end_of_the_run_says_how_it_ended() {
    let crew = ReferenceCrew::Chat;
    let ends = Moment::ALL.map(|moment| {
        let crash = Crash::Writer(moment);
        points(crew).into_iter().rfind(|point| point.crash == crash).expect("every moment has points")
    });
    check(crew, ends);
}

#[test]
fn a_company_survives_a_crash_at_any_point() {
    check_some(ReferenceCrew::Company, 13);
}

#[test]
fn tasks_and_a_graph_survive_a_crash_at_any_point() {
    check_some(ReferenceCrew::Flow, 13);
}

#[test]
fn patterns_within_patterns_survive_a_crash_at_every_record() {
    // One moment at every record; the others are sampled.
    let at_every_record = |point: &CrashPoint| point.crash == Crash::Process(Moment::Before);
    check(ReferenceCrew::Mixed, points(ReferenceCrew::Mixed).into_iter().filter(at_every_record));
    check_some(ReferenceCrew::Mixed, 23);
}
