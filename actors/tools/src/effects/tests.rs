//! The effect table, in full.

use playhouse_types::{Effect, IntentScope};

use super::{
    AfterMishap, AfterProbe, Answer, Certainty, First, Mishap, Standing, after_mishap, after_probe, first,
    leaves_doubt,
};

const EFFECTS: [Effect; 4] = [Effect::Pure, Effect::Idempotent, Effect::Reconcile, Effect::Once];
const MISHAPS: [Mishap; 7] = [
    Mishap::Invalid,
    Mishap::NotDone,
    Mishap::Foreign,
    Mishap::InDoubt,
    Mishap::TimedOut,
    Mishap::Panicked,
    Mishap::NotStarted,
];

#[test]
fn every_first_move_is_as_the_table_says() {
    use First::{InDoubt, ProbeAfter, ProbeBefore, Send, SendAgain};
    // Columns: live within the run, live at the destination, recovering (whatever the scope).
    let table = [
        [Send, Send, SendAgain],
        [Send, Send, SendAgain],
        [Send, ProbeBefore, ProbeAfter],
        [Send, Send, InDoubt],
    ];
    for (effect, expected) in EFFECTS.into_iter().zip(table) {
        let (run, destination) = (IntentScope::Run, IntentScope::Destination);
        let found = [first(effect, run, false), first(effect, destination, false), first(effect, run, true)];
        assert_eq!(found, expected, "{effect:?}");
        assert_eq!(first(effect, destination, true), expected[2], "{effect:?}");
    }
}

#[test]
fn every_mishap_is_answered_as_the_table_says() {
    use AfterMishap::{Fail, InDoubt, Probe, Retry};
    // Rows: effect, doubted, may retry. Columns: the mishaps in the order of `MISHAPS`.
    let table = [
        (Effect::Pure, false, true, [Fail, Retry, Retry, Retry, Retry, Retry, Fail]),
        (Effect::Pure, false, false, [Fail, Fail, Fail, Fail, Fail, Fail, Fail]),
        (Effect::Idempotent, false, true, [Fail, Retry, Retry, Retry, Retry, Retry, Fail]),
        (Effect::Idempotent, false, false, [Fail, Fail, Fail, InDoubt, InDoubt, InDoubt, Fail]),
        (Effect::Idempotent, true, true, [InDoubt, Retry, Retry, Retry, Retry, Retry, InDoubt]),
        (Effect::Idempotent, true, false, [InDoubt; 7]),
        (Effect::Reconcile, false, true, [Fail, Retry, Probe, Probe, Probe, Probe, Fail]),
        (Effect::Reconcile, false, false, [Fail, Fail, Probe, Probe, Probe, Probe, Fail]),
        (Effect::Reconcile, true, true, [Probe; 7]),
        (Effect::Reconcile, true, false, [Probe; 7]),
        (Effect::Once, false, true, [Fail, Retry, InDoubt, InDoubt, InDoubt, InDoubt, Fail]),
        (Effect::Once, false, false, [Fail, Fail, InDoubt, InDoubt, InDoubt, InDoubt, Fail]),
        (Effect::Once, true, true, [InDoubt; 7]),
        (Effect::Once, true, false, [InDoubt; 7]),
    ];
    for (effect, doubted, may_retry, expected) in table {
        let standing = Standing { effect, doubted, may_retry };
        assert_eq!(MISHAPS.map(|mishap| after_mishap(standing, mishap)), expected, "{standing:?}");
    }
}

#[test]
fn only_a_call_that_may_have_been_sent_leaves_doubt() {
    let (no, yes) = (false, true);
    let table = [
        [no, no, no, no, no, no, no],
        [no, no, no, yes, yes, yes, no],
        [no, no, yes, yes, yes, yes, no],
        [no, no, yes, yes, yes, yes, no],
    ];
    for (effect, expected) in EFFECTS.into_iter().zip(table) {
        assert_eq!(MISHAPS.map(|mishap| leaves_doubt(effect, mishap)), expected, "{effect:?}");
    }
}

#[test]
fn every_probe_is_answered_as_the_table_says() {
    use AfterProbe::{AskAgain, AskWhenSettled, Fail, InDoubt, Recovered, Send, SendAgain};
    let answers = [Answer::Landed, Answer::Absent, Answer::Unknown, Answer::NotAsked];
    // Rows: certainty, may send, may ask. Columns: the answers.
    let table = [
        (Certainty::BeforeSend, true, true, [Recovered, Send, InDoubt, AskAgain]),
        (Certainty::BeforeSend, false, true, [Recovered, Send, InDoubt, AskAgain]),
        (Certainty::BeforeSend, true, false, [Recovered, Send, InDoubt, Fail]),
        (Certainty::BeforeSend, false, false, [Recovered, Send, InDoubt, Fail]),
        (Certainty::TooEarly, true, true, [Recovered, AskWhenSettled, InDoubt, AskAgain]),
        (Certainty::TooEarly, false, true, [Recovered, AskWhenSettled, InDoubt, AskAgain]),
        (Certainty::TooEarly, true, false, [Recovered, AskWhenSettled, InDoubt, InDoubt]),
        (Certainty::TooEarly, false, false, [Recovered, AskWhenSettled, InDoubt, InDoubt]),
        (Certainty::StillRunning, true, true, [Recovered, InDoubt, InDoubt, AskAgain]),
        (Certainty::StillRunning, false, true, [Recovered, InDoubt, InDoubt, AskAgain]),
        (Certainty::StillRunning, true, false, [Recovered, InDoubt, InDoubt, InDoubt]),
        (Certainty::StillRunning, false, false, [Recovered, InDoubt, InDoubt, InDoubt]),
        (Certainty::Settled, true, true, [Recovered, SendAgain, InDoubt, AskAgain]),
        (Certainty::Settled, false, true, [Recovered, Fail, InDoubt, AskAgain]),
        (Certainty::Settled, true, false, [Recovered, SendAgain, InDoubt, InDoubt]),
        (Certainty::Settled, false, false, [Recovered, Fail, InDoubt, InDoubt]),
    ];
    for (certainty, may_send, may_ask, expected) in table {
        let found = answers.map(|answer| after_probe(answer, certainty, may_send, may_ask));
        assert_eq!(found, expected, "{certainty:?} may_send={may_send} may_ask={may_ask}");
    }
}
