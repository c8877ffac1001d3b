//! A design debate: advocates argue for options in rounds, until a judge decides.
//!
//! ```text
//!              +--> first ----> second ----> third --+
//! question ----+    argue for their options,         +--> judge --> decision
//! and options  |    answer each other                |    |
//!              +<------ what is still open ----------+----+
//! ```
//!
//! Input is a question as JSON: criteria with weights, and two or three options with a score and a reason for each
//! criterion; the one that comes with the program is `scenarios/data/design-debate/journal_store.json`.
//!
//! ```text
//! playhouse run design-debate
//! playhouse run design-debate --input-file my-question.json --model gpt-5
//! playhouse run design-debate --input-dir scenarios/data/design-debate
//! ```
//!
//! - Each advocate argues for one option. If there are two options, the third doubts both.
//! - The judge counts what was argued and the question bears out; what it does not is dismissed and named.
//! - The judge may end the debate early: once all that could change the decision was argued. After three rounds it must.
//!
//! Without a model the agents follow scripts that do the same work on any question of this form.

mod argument;
mod judge;
mod question;
mod report;
mod scripts;

use playhouse::prelude::*;

use self::judge::Decision;
use self::question::Question;

/// Who argues, in this order; each for the option at the same place.
pub(crate) const ADVOCATES: [&str; question::MAX_OPTIONS] = ["first", "second", "third"];

/// Decides design questions.
pub(crate) fn scenario() -> Result<Scenario<Question, Decision>, ScenarioError> {
    let mut scenario = Scenario::builder("design-debate")
        .about("Debates a design question: advocates of two or three options argue, a judge decides")
        .cases(question::load_questions)
        .default_input(question::shipped())
        .try_opening(question::opening)
        .report(report::report);

    let advocates = ADVOCATES.map(|name| {
        scenario.agent(name, |agent| {
            agent
                .role(format!("advocate of the {name} option"))
                .goal("win the debate with arguments that are true")
                .instructions(format!(
                    "The first message holds a question as JSON. You argue for the {name} of its options. If there is no \
                     such option, you doubt all of them: name the weakest point of each. Compare your option with the \
                     others criterion by criterion, the weightiest first, and give the reasons that the question gives; \
                     concede what the others have shown, and correct what is wrong. Three or four sentences are enough."
                ))
                .script(move |request, _| scripts::advocate(request, name))
        })
    });
    let judge = scenario.agent("judge", |agent| {
        agent
            .role("judge of the debate")
            .goal("decide the question by what was argued, weighing the criteria as the question does")
            .instructions(
                "The first message holds the question as JSON. Count only arguments that it bears out. Say what is still \
                 open if an argument that nobody has made could change the decision. The decision has the fields \
                 `question`, `choice` (the name of an option), `points` (a list of {\"option\": \"..\", \"points\": 1}), \
                 and as lists of sentences `reasons`, `objections` (what speaks against the choice) and `dismissed` (what \
                 was argued and is not true).",
            )
            .script(|request, _| judge::judge(request))
    });
    scenario
        .crew(Debate::new(&judge).rounds(3).output::<Decision>(), &advocates)
        .limit(turns(20).or(tokens(1_000_000)));
    scenario.build()
}
