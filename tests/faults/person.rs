//! A person who answers what a run asks: approves calls, and looks in the ledger what became of those in doubt.

use serde_json::Value;

use crate::crew::{Outcome, Stage, effects};
use crate::trials::{Harm, Wrong};

/// What an agent is told of a call that a person has found not done.
const NOT_DONE: &str = "a person has found that this was not done";

/// The words that approve a call.
pub(crate) const fn approve(id: &str) -> [&str; 5] {
    ["review", "approve", id, "--by", "ann"]
}

/// Takes away the reviews about doubts, which only a disturbed run has, and the part of ids that names the run.
pub(crate) fn without_doubts(shown: &mut Value) {
    let Some(reviews) = shown["reviews"].as_array_mut() else { return };
    for review in reviews.iter_mut() {
        let id = review["id"].as_str().unwrap_or_default();
        review["id"] = Value::from(id.rsplit('/').next().unwrap_or_default());
    }
    reviews.retain(|review| !review["id"].as_str().unwrap_or_default().starts_with("doubt"));
}

/// Takes a call in doubt that a person has settled for one that has answered: whoever looks at the conversation is shown
/// what that person found, and an agent that is told that nothing was done says so.
pub(crate) fn settle_doubts(outcome: &mut Outcome, expected: &Outcome) {
    let calls = |message: &Value| message["tool_calls"].as_array().cloned().unwrap_or_default();
    let due: Vec<Value> = expected.shown["messages"].as_array().unwrap().iter().flat_map(calls).collect();
    let mut text = outcome.shown.to_string();
    if text.contains(NOT_DONE) {
        for call in due.iter().filter(|call| call["tool"] == "send_letter") {
            // As it stands within a JSON string.
            let answer = call["result"].to_string();
            text = text.replace(NOT_DONE, &answer[1..answer.len() - 1]);
            let effect = format!("send_letter {}", call["args"]["what"].as_str().unwrap_or_default());
            outcome.effects.entry(effect).or_insert(1);
        }
    }
    outcome.shown = serde_json::from_str(&text).unwrap();
    for message in outcome.shown["messages"].as_array_mut().unwrap() {
        let Some(calls) = message["tool_calls"].as_array_mut() else { continue };
        for call in calls.iter_mut().filter(|call| call["result"]["settled"].is_object()) {
            let is_same = |due: &&Value| due["tool"] == call["tool"] && due["args"] == call["args"];
            if let Some(due) = due.iter().find(is_same) {
                call["result"] = due["result"].clone();
            }
        }
    }
}

impl Stage {
    /// Returns an open approval, if there is one.
    pub(crate) fn approval(&self) -> Result<Option<String>, Wrong> {
        let open = self.json(&["review", "list", "--json"])?;
        let mut open = open.as_array().unwrap().iter();
        let approval = open.find(|review| review["kind"] == "approval");
        Ok(approval.map(|review| review["id"].as_str().unwrap().to_owned()))
    }

    /// Answers everything that is open and returns how much of it was in doubt. What a tool would have answered is
    /// what it `expected`ly did; nothing may be in doubt if nothing is expected.
    pub(crate) fn answer_all(&self, expected: Option<&Outcome>) -> Result<usize, Wrong> {
        let open = self.json(&["review", "list", "--json"])?;
        let open = open.as_array().unwrap();
        if open.is_empty() {
            return Err(Wrong::new(Harm::Misbehaved, "it waits for a person and asks nothing"));
        }
        let mut n_doubts = 0;
        for review in open {
            let id = review["id"].as_str().unwrap();
            match (review["kind"].as_str(), expected) {
                (Some("approval"), _) => self.answer(&approve(id))?,
                (Some("doubt"), Some(expected)) => {
                    n_doubts += 1;
                    self.answer_doubt(id, review, expected)?;
                }
                _ => return Err(Wrong::new(Harm::Misbehaved, format!("it asks {review:#}"))),
            }
        }
        Ok(n_doubts)
    }

    fn answer_doubt(&self, id: &str, review: &Value, expected: &Outcome) -> Result<(), Wrong> {
        let (tool, arguments) = (&review["tool"], &review["arguments"]);
        if tool != "send_letter" {
            return Err(Wrong::new(Harm::Misbehaved, format!("in doubt without need: {review:#}")));
        }
        let effect = format!("{} {}", tool.as_str().unwrap(), arguments["what"].as_str().unwrap_or_default());
        if !effects(&self.playhouse.data_dir())?.contains_key(&effect) {
            return self.answer(&["review", "answer", id, "--did-not-happen", "--by", "ann"]);
        }
        let messages = expected.shown["messages"].as_array().unwrap();
        let mut calls = messages.iter().flat_map(|message| message["tool_calls"].as_array().unwrap());
        let is_same = |call: &&Value| call["tool"] == *tool && call["args"] == *arguments;
        let Some(output) = calls.find(is_same).and_then(|call| call["result"].as_str()) else {
            return Err(Wrong::new(Harm::Different, format!("`{effect}` was not to happen")));
        };
        self.answer(&["review", "answer", id, "--happened", output, "--by", "ann"])
    }

    fn answer(&self, words: &[&str]) -> Result<(), Wrong> {
        let finished = self.finish(self.playhouse.command(words))?;
        match finished.code {
            Some(0) => Ok(()),
            _ => Err(Wrong::new(Harm::Misbehaved, format!("{words:?}: {finished:?}"))),
        }
    }
}
