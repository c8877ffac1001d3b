//! What advocates say without a model: true arguments for their option, on any question of this form.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use playhouse::prelude::{ModelRequest, ScriptReply};

use super::ADVOCATES;
use super::argument::{Argument, Claim, Doubt, arguments};
use super::question::{Choice, Question, opened};

/// How many claims an advocate makes against each of the others in a turn, so that they can be answered.
const CLAIMS: usize = 1;

/// Argues for the option of an advocate; without one, doubts all.
pub(crate) fn advocate(request: &ModelRequest, name: &str) -> ScriptReply {
    let Some(question) = opened(request) else { return ScriptReply::say("I find no question.") };
    let heard = arguments(request);
    let place = ADVOCATES.iter().position(|advocate| *advocate == name);
    let own = place.and_then(|place| question.options.get(place));
    let (sentences, argument) = match own {
        Some(own) => argue(&question, own, request.instruction().unwrap_or_default(), &heard),
        None => doubt(&question, &heard, name),
    };
    let sentences =
        if sentences.is_empty() { "I have nothing to add.".to_owned() } else { sentences.join(" ") };
    // Texts only, which have a JSON form.
    ScriptReply::say(format!("{sentences}\n{}", serde_json::to_string(&argument).unwrap_or_default()))
}

/// Answers what was said against the option, then claims what was not claimed yet; what the judge asks for comes first.
fn argue(
    question: &Question,
    own: &Choice,
    told: &str,
    heard: &[(&str, Argument)],
) -> (Vec<String>, Argument) {
    let (mut sentences, mut argument) = (Vec::new(), Argument::default());
    let known: BTreeSet<&Claim> =
        heard.iter().flat_map(|(_, said)| said.claims.iter().chain(&said.concedes)).collect();
    let conceded: BTreeSet<&Claim> = heard.iter().flat_map(|(_, said)| &said.concedes).collect();
    let against = known.iter().filter(|claim| claim.over == own.name && !conceded.contains(*claim));
    for claim in against {
        match compare(question, claim) {
            Some((lead, figures)) if lead > 0 => {
                sentences.push(format!("I concede {} to {}: {figures}.", claim.criterion, claim.option));
                argument.concedes.push((*claim).clone());
            }
            Some((_, figures)) => {
                sentences.push(format!("{} is not ahead by {}: {figures}.", claim.option, claim.criterion));
            }
            None => sentences.push(format!("Nobody can say that of {}.", claim.option)),
        }
    }
    for other in question.options.iter().filter(|other| other.name != own.name) {
        let mut ahead: Vec<_> = question
            .criteria
            .iter()
            .filter(|criterion| question.lead(&own.name, &other.name, criterion) > 0)
            .collect();
        ahead.sort_by_key(|criterion| {
            let is_asked = told.contains(&format!("`{}`", criterion.name));
            (Reverse(is_asked), Reverse(question.lead(&own.name, &other.name, criterion)))
        });
        let claims = ahead.into_iter().map(|criterion| Claim {
            option: own.name.clone(),
            over: other.name.clone(),
            criterion: criterion.name.clone(),
        });
        for claim in claims.filter(|claim| !known.contains(claim)).take(CLAIMS) {
            let because = question.property(&own.name, &claim.criterion).map(|own| own.because.as_str());
            let figures = compare(question, &claim).map(|(_, figures)| figures).unwrap_or_default();
            sentences.push(format!(
                "{} beats {} by {} ({figures}): {}.",
                claim.option,
                claim.over,
                claim.criterion,
                because.unwrap_or_default()
            ));
            argument.claims.push(claim);
        }
    }
    (sentences, argument)
}

/// Names the weakest point of each option that it has not named yet.
fn doubt(question: &Question, heard: &[(&str, Argument)], name: &str) -> (Vec<String>, Argument) {
    let (mut sentences, mut argument) = (Vec::new(), Argument::default());
    let known: BTreeSet<&Doubt> =
        heard.iter().filter(|(from, _)| *from == name).flat_map(|(_, said)| &said.doubts).collect();
    for option in &question.options {
        let doubts = question.criteria.iter().filter_map(|criterion| {
            let doubt = Doubt { option: option.name.clone(), criterion: criterion.name.clone() };
            let property = option.properties.get(&criterion.name)?;
            let loss = u64::from(10_u32.saturating_sub(property.score)) * u64::from(criterion.weight);
            (!known.contains(&doubt)).then_some((loss, doubt, property))
        });
        let Some((_, doubt, property)) = doubts.max_by_key(|(loss, ..)| *loss) else { continue };
        sentences.push(format!(
            "I doubt {} for its {} ({} of 10): {}.",
            option.name, doubt.criterion, property.score, property.because
        ));
        argument.doubts.push(doubt);
    }
    (sentences, argument)
}

/// Returns by how many points a claim is true, and the scores in words; `None` if the question does not know it.
pub(crate) fn compare(question: &Question, claim: &Claim) -> Option<(i64, String)> {
    let criterion = question.criteria.iter().find(|criterion| criterion.name == claim.criterion)?;
    let own = question.property(&claim.option, &claim.criterion)?;
    let other = question.property(&claim.over, &claim.criterion)?;
    let lead = question.lead(&claim.option, &claim.over, criterion);
    Some((lead, format!("{} to {}", own.score, other.score)))
}
