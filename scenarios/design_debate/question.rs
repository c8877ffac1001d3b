//! The question: criteria, options, and what each option is like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The question that comes with the program.
const SHIPPED_QUESTION: &str = include_str!("../data/design-debate/journal_store.json");

/// The most options: each has an advocate.
pub(crate) const MAX_OPTIONS: usize = 3;

/// The highest score.
const MAX_SCORE: u32 = 10;

/// The largest question, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A design question, as journaled when its run is admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// What is to be decided.
    pub(crate) question: String,
    /// What counts, and how much.
    pub(crate) criteria: Vec<Criterion>,
    /// What can be chosen.
    pub(crate) options: Vec<Choice>,
}

/// Something that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Criterion {
    /// Its name.
    pub(crate) name: String,
    /// How much it counts, from 1 to 100.
    pub(crate) weight: u32,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    /// Its name.
    pub(crate) name: String,
    /// What it is like, by criterion.
    pub(crate) properties: BTreeMap<String, Property>,
}

/// How an option does by a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Property {
    /// From 0, the worst, to 10.
    pub(crate) score: u32,
    /// Why.
    pub(crate) because: String,
}

impl Question {
    /// Returns how an option does by a criterion.
    pub(crate) fn property(&self, option: &str, criterion: &str) -> Option<&Property> {
        self.options.iter().find(|known| known.name == option)?.properties.get(criterion)
    }

    /// Returns how many points an option is ahead of another by a criterion: the difference of the scores, weighed.
    pub(crate) fn lead(&self, option: &str, other: &str, criterion: &Criterion) -> i64 {
        let score =
            |name: &str| self.property(name, &criterion.name).map_or(0, |known| i64::from(known.score));
        (score(option) - score(other)) * i64::from(criterion.weight)
    }

    /// Says what is wrong with the question; the first thing that is.
    fn fault(&self) -> Option<String> {
        let names: BTreeSet<&str> = self.options.iter().map(|option| option.name.as_str()).collect();
        let criteria: BTreeSet<&str> =
            self.criteria.iter().map(|criterion| criterion.name.as_str()).collect();
        if self.question.trim().is_empty() {
            return Some("the question is empty".to_owned());
        }
        if !(2..=MAX_OPTIONS).contains(&self.options.len()) {
            let n = self.options.len();
            return Some(format!("a debate needs 2 or {MAX_OPTIONS} options, and there are {n}"));
        }
        if names.len() < self.options.len() || names.contains("") {
            return Some("the options need names, each another one".to_owned());
        }
        if criteria.is_empty() || criteria.len() < self.criteria.len() || criteria.contains("") {
            return Some("the question needs criteria with names, each another one".to_owned());
        }
        if let Some(criterion) = self.criteria.iter().find(|criterion| !(1..=100).contains(&criterion.weight))
        {
            return Some(format!("the weight of `{}` is not between 1 and 100", criterion.name));
        }
        let pairs = self.options.iter().flat_map(|option| criteria.iter().map(move |name| (option, *name)));
        for (option, criterion) in pairs {
            match option.properties.get(criterion) {
                None => return Some(format!("option `{}` says nothing about `{criterion}`", option.name)),
                Some(property) if property.score > MAX_SCORE => {
                    let name = &option.name;
                    return Some(format!("the score of `{name}` for `{criterion}` is above {MAX_SCORE}"));
                }
                Some(_) => {}
            }
        }
        None
    }
}

/// Returns the question that comes with the program.
pub(crate) fn shipped() -> Question {
    // A test reads it; were it broken all the same, the empty question would be refused.
    serde_json::from_str(SHIPPED_QUESTION).unwrap_or_default()
}

/// Returns the first message of a run: the question, whole.
///
/// # Errors
/// Says what is wrong with the question.
pub(crate) fn opening(question: &Question) -> Result<String, InputError> {
    let json = serde_json::to_string(question)?;
    if json.len() > MAX_BYTES {
        let error = format!("the question has {} bytes, and {MAX_BYTES} are the most", json.len());
        return Err(InputError::new(error));
    }
    if let Some(fault) = question.fault() {
        return Err(InputError::new(fault));
    }
    Ok(format!("Debate this question.\n{json}"))
}

/// Returns the question of a run from what a speaker sees.
pub(crate) fn opened(request: &ModelRequest) -> Option<Question> {
    // The first message: a person may have said more since.
    let first = request.transcript.iter().find(|entry| entry.message.from == Participant::User)?;
    serde_json::from_str(first.message.content.lines().next_back()?).ok()
}

/// Reads the questions of a folder: each `*.json` file is one, named after the file.
///
/// # Errors
/// Names the file at fault.
pub(crate) fn load_questions(folder: &Path) -> Result<Vec<(CaseName, Question)>, InputError> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<(CaseName, Question), InputError> {
    let in_file = |detail: String| InputError::new(format!("`{}`: {detail}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = CaseName::new(stem).map_err(|error| in_file(error.to_string()))?;
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let question: Question = serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))?;
    opening(&question).map_err(|error| in_file(error.to_string()))?;
    Ok((name, question))
}

#[cfg(test)]
mod tests {
    use super::{Question, load_questions, opening, shipped};

    #[test]
    fn the_shipped_question_opens() {
        assert_eq!(shipped().options.len(), 3);
        assert!(opening(&shipped()).unwrap().contains("SQLite"));
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Question), says: &str) {
        let mut question = shipped();
        change(&mut question);
        let error = opening(&question).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_question_is_named() {
        check(|question| question.question.clear(), "empty");
        check(|question| question.options.truncate(1), "there are 1");
        check(|question| question.options.push(question.options[0].clone()), "there are 4");
        check(|question| question.options[1].name = "SQLite".to_owned(), "each another one");
        check(|question| question.criteria.clear(), "criteria");
        check(|question| question.criteria[0].weight = 0, "`durability`");
        check(|question| drop(question.options[0].properties.remove("growth")), "`growth`");
        check(|question| question.options[0].properties.get_mut("growth").unwrap().score = 11, "above 10");
        check(|question| question.question = "a".repeat(10_000_000), "bytes");
    }

    #[test]
    fn a_file_that_holds_no_question_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bad.json"), "{}").unwrap();
        assert!(load_questions(dir.path()).unwrap_err().to_string().contains("bad.json"));
    }
}
