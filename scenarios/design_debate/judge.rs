//! The decision, and how the judge comes to it without a model: by the claims that the question bears out.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use playhouse::prelude::{ModelRequest, ScriptReply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::argument::{Argument, Claim, arguments};
use super::question::{Criterion, Question, opened};
use super::scripts::compare;

/// What an option has gathered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Points {
    /// The option.
    pub(crate) option: String,
    /// The sum of its leads that were argued, weighed.
    pub(crate) points: i64,
}

/// The decision of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Decision {
    /// The question.
    pub(crate) question: String,
    /// The option that is chosen.
    pub(crate) choice: String,
    /// All options, the best first.
    pub(crate) points: Vec<Points>,
    /// What speaks for the choice.
    pub(crate) reasons: Vec<String>,
    /// What speaks against it.
    pub(crate) objections: Vec<String>,
    /// What was argued and the question does not bear out.
    pub(crate) dismissed: Vec<String>,
}

/// Judges the debate so far.
pub(crate) fn judge(request: &ModelRequest) -> ScriptReply {
    let Some(question) = opened(request) else { return ScriptReply::say("I find no question.") };
    let heard = arguments(request);
    let decision = decide(&question, &heard);
    let open = open(&question, &heard, &decision);
    let verdict = match open.as_slice() {
        [] => format!("I decide for {}.", decision.choice),
        open => {
            let names: Vec<String> = open.iter().map(|criterion| format!("`{}`", criterion.name)).collect();
            format!("how do the options compare by {}?", names.join(", "))
        }
    };
    // Should this be the last round, the decision stands as it is.
    ScriptReply::say(json!({ "over": open.is_empty(), "verdict": verdict, "decision": decision }).to_string())
}

/// Decides by what was argued.
fn decide(question: &Question, heard: &[(&str, Argument)]) -> Decision {
    let claims: BTreeSet<&Claim> = heard.iter().flat_map(|(_, said)| &said.claims).collect();
    let lead_of = |claim: &Claim| compare(question, claim).map_or(0, |(lead, _)| lead);
    let (mut borne_out, dismissed): (Vec<&Claim>, Vec<&Claim>) =
        claims.into_iter().partition(|claim| lead_of(claim) > 0);
    borne_out.sort_by_key(|claim| Reverse(lead_of(claim)));
    let points_of =
        |name: &str| borne_out.iter().filter(|claim| claim.option == name).map(|claim| lead_of(claim)).sum();
    let mut points: Vec<Points> = question
        .options
        .iter()
        .map(|option| Points { option: option.name.clone(), points: points_of(&option.name) })
        .collect();
    // A stable sort: of equals the one that is named first in the question.
    points.sort_by_key(|points| Reverse(points.points));
    let choice = points.first().map(|best| best.option.clone()).unwrap_or_default();
    let told = |is_it: &dyn Fn(&Claim) -> bool| {
        borne_out
            .iter()
            .filter(|claim| is_it(claim))
            .map(|claim| sentence(question, claim))
            .collect::<Vec<_>>()
    };
    let doubts: BTreeSet<_> =
        heard.iter().flat_map(|(_, said)| &said.doubts).filter(|doubt| doubt.option == choice).collect();
    let mut objections = told(&|claim| claim.over == choice);
    objections.extend(doubts.into_iter().filter_map(|doubt| {
        let property = question.property(&doubt.option, &doubt.criterion)?;
        Some(format!("{}: {} of 10, {}", doubt.criterion, property.score, property.because))
    }));
    Decision {
        question: question.question.clone(),
        reasons: told(&|claim| claim.option == choice),
        objections,
        dismissed: dismissed.into_iter().map(|claim| sentence(question, claim)).collect(),
        points,
        choice,
    }
}

/// Returns the criteria of true claims that nobody has made, by options that could still win with them.
fn open<'q>(question: &'q Question, heard: &[(&str, Argument)], decision: &Decision) -> Vec<&'q Criterion> {
    let made: BTreeSet<&Claim> = heard.iter().flat_map(|(_, said)| &said.claims).collect();
    let [best, others @ ..] = decision.points.as_slice() else { return Vec::new() };
    let is_open = |criterion: &&Criterion| {
        let can_win = |other: &&Points| {
            let unmade = unmade(question, &made, &other.option);
            other.points + unmade.iter().map(|(_, lead)| lead).sum::<i64>() >= best.points
                && unmade.iter().any(|(name, _)| *name == criterion.name)
        };
        others.iter().any(|other| can_win(&other))
    };
    question.criteria.iter().filter(is_open).collect()
}

/// Returns by which criteria, and by how many points, an option is ahead of others without anybody having said so.
fn unmade<'q>(question: &'q Question, made: &BTreeSet<&Claim>, option: &str) -> Vec<(&'q str, i64)> {
    let others = question.options.iter().filter(|other| other.name != option);
    let pairs = others.flat_map(|other| question.criteria.iter().map(move |criterion| (other, criterion)));
    let unmade = pairs.filter_map(|(other, criterion)| {
        let (over, name) = (other.name.clone(), criterion.name.clone());
        let claim = Claim { option: option.to_owned(), over, criterion: name };
        let lead = question.lead(option, &other.name, criterion);
        (lead > 0 && !made.contains(&claim)).then_some((criterion.name.as_str(), lead))
    });
    unmade.collect()
}

fn sentence(question: &Question, claim: &Claim) -> String {
    let Claim { option, over, criterion } = claim;
    let figures = compare(question, claim).map(|(_, figures)| figures);
    let because = question.property(option, criterion).map(|property| property.because.as_str());
    format!(
        "{criterion}: {option} over {over} ({}), {}",
        figures.as_deref().unwrap_or("unknown"),
        because.unwrap_or("for no reason that the question gives")
    )
}

#[cfg(test)]
mod tests {
    use super::{Argument, Claim, decide, open};
    use crate::design_debate::question::shipped;

    fn claim(option: &str, over: &str, criterion: &str) -> Claim {
        let [option, over, criterion] = [option, over, criterion].map(str::to_owned);
        Claim { option, over, criterion }
    }

    #[test]
    fn what_the_question_does_not_bear_out_is_dismissed() {
        let claims = vec![
            claim("PostgreSQL", "SQLite", "operations"),
            claim("PostgreSQL", "SQLite", "beauty"),
            claim("SQLite", "PostgreSQL", "operations"),
        ];
        let decision = decide(&shipped(), &[("first", Argument { claims, ..Argument::default() })]);
        assert_eq!((decision.choice.as_str(), decision.points[0].points), ("SQLite", 24));
        assert_eq!((decision.dismissed.len(), decision.reasons.len(), decision.objections.len()), (2, 1, 0));
    }

    #[test]
    fn a_claim_that_is_repeated_counts_once() {
        let claims = vec![claim("SQLite", "PostgreSQL", "operations"); 9];
        let decision = decide(&shipped(), &[("first", Argument { claims, ..Argument::default() })]);
        assert_eq!(decision.points[0].points, 24);
    }

    #[test]
    fn the_debate_is_open_as_long_as_something_can_change_the_decision() {
        let question = shipped();
        let mut claims = Vec::new();
        for option in &question.options {
            for other in question.options.iter().filter(|other| other.name != option.name) {
                let ahead =
                    question.criteria.iter().filter(|one| question.lead(&option.name, &other.name, one) > 0);
                claims.extend(ahead.map(|one| claim(&option.name, &other.name, &one.name)));
            }
        }
        let n_open = |claims: &[Claim]| {
            let heard = [("first", Argument { claims: claims.to_vec(), ..Argument::default() })];
            open(&question, &heard, &decide(&question, &heard)).len()
        };
        assert_eq!((n_open(&[]), n_open(&claims)), (5, 0));
        // What is left, growth against the lines, cannot make up for the rest.
        claims.retain(|claim| claim.criterion != "growth");
        assert_eq!(n_open(&claims), 0);
    }
}
