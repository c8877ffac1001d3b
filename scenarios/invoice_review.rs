//! Accounts payable exceptions: four agents settle invoices against orders, receipts and a policy.
//!
//! ```text
//! clerk ------> analyst ------> auditor ------> cashier ------> ledger
//! reads the     finds the       reads again,    pays, holds     one line for
//! documents     clauses         challenges      or asks         each payment
//! ```
//!
//! Input is a folder with `policy.md` and one folder for each case; the cases that come with the program are in
//! `scenarios/data/invoice-review`. Each case is one run, and all of them are one batch:
//!
//! ```text
//! playhouse run invoice-review --set ledger=payments.jsonl
//! playhouse run invoice-review --input-dir my-cases --model gpt-5
//! ```
//!
//! - A decision is `pay`, `hold` (until the supplier has corrected the invoice) or `ask` (a person decides). Asking
//!   is an answer like the others: it is done by a tool and ends the run.
//! - An invoice is paid at most once, also if the program is killed in mid-payment, another run wants to pay it, or
//!   the batch is run again with the same ledger: then the decision is `pay` and nothing is added to the ledger.
//! - Documents are data. Sentences in them that give orders are reported and never followed.
//! - A document that has changed since its run was admitted is refused, and the case is asked.
//!
//! Without a model the agents follow scripts that do the same work on any documents of this form.

mod amount;
mod case;
mod checks;
mod confidence;
mod currency;
mod document;
mod injection;
mod input;
mod instructions;
mod ledger;
mod load;
mod names;
mod payments;
mod policy;
mod register;
mod report;
mod rule;
mod scripts;
mod settlement;
#[cfg(test)]
mod testing;
mod tools;

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use self::{
    input::Case,
    payments::Payments,
    settlement::Settlement,
    tools::{find_invoices, list_documents, read_document, search_policy},
};

/// Parameters: `--set ledger=FILE`.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// File that payments are appended to; `invoice-review-ledger.jsonl` in the data directory if not given.
    #[serde(deserialize_with = "absolute")]
    ledger: Option<PathBuf>,
}

/// A run that is resumed from another working directory must find the same ledger.
fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path: Option<PathBuf> = Option::deserialize(deserializer)?;
    path.map(std::path::absolute).transpose().map_err(serde::de::Error::custom)
}

/// Settles invoice exceptions.
pub(crate) fn scenario(settings: Settings) -> Result<Scenario<Case, Settlement>, ScenarioError> {
    let mut scenario = Scenario::builder("invoice-review")
        .about("Settles invoice exceptions: reads, checks against the policy, audits, pays, holds or asks")
        .cases(input::load_cases)
        .default_cases(input::SHIPPED_CASES)
        .opening(input::opening)
        .result(settlement::settlement)
        .report(report::report);
    let payments = scenario.tools(move |ctx: StartContext| Payments::open(ctx, settings.ledger.clone()));

    let clerk = scenario.agent("clerk", |agent| {
        agent
            .role("accounts payable clerk")
            .goal("extract the figures of every document of the case, exactly as written")
            .instructions(instructions::CLERK)
            .tool(list_documents)
            .tool(read_document)
            .script(scripts::clerk)
    });
    let analyst = scenario.agent("analyst", |agent| {
        agent
            .role("policy analyst")
            .goal("name every clause of the policy that applies to the case, with the figures that show it")
            .instructions(instructions::ANALYST)
            .tool(search_policy)
            .tool(find_invoices)
            .script(scripts::analyst)
    });
    let auditor = scenario.agent("auditor", |agent| {
        agent
            .role("auditor")
            .goal("challenge every claim of the others by looking at the documents and the policy yourself")
            .instructions(instructions::AUDITOR)
            .tool(list_documents)
            .tool(read_document)
            .tool(search_policy)
            .tool(find_invoices)
            .script(scripts::auditor)
    });
    let cashier = scenario.agent("cashier", |agent| {
        agent
            .role("cashier")
            .goal("settle the case with one call: pay, hold, or ask a person")
            .instructions(instructions::CASHIER)
            .tools(&payments)
            .script(scripts::cashier)
            .restart(Restart::transient().max(5, minutes(1)))
    });

    scenario
        .crew(RoundRobin::new(), [&clerk, &analyst, &auditor, &cashier])
        // A document that is quoted before the cashier's turn must not end the run.
        .until(says("CLOSED").and(turns(4)))
        .limit(turns(12).or(tokens(1_000_000)));
    scenario.build()
}
