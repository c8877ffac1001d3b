//! What to do about a call, by the effect its tool declares: the effect table as pure functions.

use playhouse_types::{Effect, IntentScope};

/// What a call that brought no answer ran into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mishap {
    /// The tool refused the arguments; nothing was done.
    Invalid,
    /// The tool says that nothing was done.
    NotDone,
    /// The tool failed for a reason it did not classify.
    Foreign,
    /// The tool does not know whether it was done.
    InDoubt,
    /// No answer in time.
    TimedOut,
    /// The tool's code panicked.
    Panicked,
    /// There was no place to run it, so it was not started.
    NotStarted,
}

/// How a call begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum First {
    /// Send it within the window that the intent opened.
    Send,
    /// Send it again, as an earlier life may have: only ownership is tested.
    SendAgain,
    /// Ask the destination whether it holds the effect already, from whomever.
    ProbeBefore,
    /// Ask the destination whether the send of an earlier life landed.
    ProbeAfter,
    /// Nobody can know.
    InDoubt,
}

/// Says how a call begins; `recovering` if an earlier life may have sent it.
pub(crate) const fn first(effect: Effect, scope: IntentScope, recovering: bool) -> First {
    match (effect, recovering) {
        (Effect::Pure | Effect::Idempotent, true) => First::SendAgain,
        (Effect::Reconcile, true) => First::ProbeAfter,
        (Effect::Once, true) => First::InDoubt,
        (Effect::Reconcile, false) if matches!(scope, IntentScope::Destination) => First::ProbeBefore,
        (_, false) => First::Send,
    }
}

/// Where a call stands after a mishap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    /// What the tool declares.
    pub effect: Effect,
    /// Whether an earlier attempt of this call may have landed.
    pub doubted: bool,
    /// Whether it may be tried once more.
    pub may_retry: bool,
}

/// What to do after a mishap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AfterMishap {
    /// Try again after a short wait.
    Retry,
    /// Fail: surely no effect, or none that matters.
    Fail,
    /// Ask the destination.
    Probe,
    /// Nobody knows.
    InDoubt,
}

/// Tells whether an attempt with this mishap may have had its effect.
///
/// `Foreign` counts as "not done" for an idempotent tool: its contract says so (`ToolError::Foreign`).
pub(crate) const fn leaves_doubt(effect: Effect, mishap: Mishap) -> bool {
    match (effect, mishap) {
        (Effect::Pure, _) | (_, Mishap::Invalid | Mishap::NotDone | Mishap::NotStarted) => false,
        (_, Mishap::InDoubt | Mishap::TimedOut | Mishap::Panicked) => true,
        (_, Mishap::Foreign) => matches!(effect, Effect::Reconcile | Effect::Once),
    }
}

/// Says what to do after a mishap.
pub(crate) const fn after_mishap(standing: Standing, mishap: Mishap) -> AfterMishap {
    let Standing { effect, doubted, may_retry } = standing;
    let in_doubt = doubted || leaves_doubt(effect, mishap);
    // Trying again changes neither the arguments nor, at once, the crowd that waits.
    let retry = may_retry && !matches!(mishap, Mishap::Invalid | Mishap::NotStarted);
    match (effect, in_doubt, retry) {
        (Effect::Pure | Effect::Idempotent, _, true) | (_, false, true) => AfterMishap::Retry,
        (_, false, false) => AfterMishap::Fail,
        (Effect::Reconcile, true, _) => AfterMishap::Probe,
        (_, true, _) => AfterMishap::InDoubt,
    }
}

/// What the destination said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It holds the effect.
    Landed,
    /// It does not hold the effect.
    Absent,
    /// It cannot say.
    Unknown,
    /// It could not be asked.
    NotAsked,
}

/// How far "absent" can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Certainty {
    /// Asked before the first send of this call: it is about other calls, and holds.
    BeforeSend,
    /// A send may still be on its way to the destination: ask again later.
    TooEarly,
    /// The code of an abandoned attempt still runs and may send at any time.
    StillRunning,
    /// Whatever was sent would be seen by now.
    Settled,
}

/// What to do after a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AfterProbe {
    /// Take the destination's answer as the result.
    Recovered,
    /// Send within the window that the intent opened.
    Send,
    /// Send again: whatever was sent before did not land.
    SendAgain,
    /// Ask again once the destination has settled.
    AskWhenSettled,
    /// Ask again after a short wait.
    AskAgain,
    /// Fail: surely no effect.
    Fail,
    /// Nobody knows.
    InDoubt,
}

/// Says what to do after a probe; `may_send` and `may_ask` if it may be sent, or asked, once more.
pub(crate) const fn after_probe(
    answer: Answer,
    certainty: Certainty,
    may_send: bool,
    may_ask: bool,
) -> AfterProbe {
    match (answer, certainty) {
        (Answer::Landed, _) => AfterProbe::Recovered,
        (Answer::NotAsked, _) if may_ask => AfterProbe::AskAgain,
        // Nothing was sent, so not being able to ask is a plain failure.
        (Answer::NotAsked, Certainty::BeforeSend) => AfterProbe::Fail,
        (Answer::Unknown | Answer::NotAsked, _) | (Answer::Absent, Certainty::StillRunning) => {
            AfterProbe::InDoubt
        }
        (Answer::Absent, Certainty::BeforeSend) => AfterProbe::Send,
        (Answer::Absent, Certainty::TooEarly) => AfterProbe::AskWhenSettled,
        (Answer::Absent, Certainty::Settled) if may_send => AfterProbe::SendAgain,
        (Answer::Absent, Certainty::Settled) => AfterProbe::Fail,
    }
}

#[cfg(test)]
mod tests;
