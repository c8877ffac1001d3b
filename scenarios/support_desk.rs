//! A support desk: agents hand a ticket to each other until one of them answers the customer.
//!
//! ```text
//!            +--> technical --+     looks for a known remedy, else asks a person
//!            |       |  ^     |
//! triage ----+--> account     +--> the last one answers the customer
//!            |       |  ^     |     asks a person before anything of an account changes
//!            +--> refunds ----+
//!                    |
//!                    +--> refund --> one line of a file for each refund; large ones wait for a person
//! ```
//!
//! Input is a ticket. The desk is a folder of orders, accounts and remedies; what comes with the program is in
//! `scenarios/data/support-desk`.
//!
//! ```text
//! playhouse run support-desk
//! playhouse run support-desk --input '{"customer": "C-7", "received": "2026-03-14", "message": "My kettle O-1041 leaks"}'
//! playhouse run support-desk --input-dir scenarios/data/support-desk/tickets    # two of these need a person
//! playhouse review list
//! ```
//!
//! - Whoever has the floor keeps it until it hands over; a reply without a handoff is the answer to the customer.
//! - `refund` has the effect `reconcile`: an order is refunded at most once, also if the program is killed meanwhile or
//!   another ticket asks for the same. From `approve_from_cents` on a person approves.
//! - Tools know the customer from the ticket, not from what an agent says: nobody learns of, or is paid for, the order of
//!   somebody else.
//!
//! Without a model the agents follow scripts that do the same work on any ticket of this form.

mod desk;
mod instructions;
mod refunds;
mod resolution;
mod scripts;
mod ticket;

use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use self::desk::Desk;
use self::refunds::{REFUND, Refunds};
use self::resolution::Resolution;
use self::ticket::Ticket;

/// Parameters: `--set desk=FOLDER`, `--set refunds=FILE`, `--set approve_from_cents=N`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// Folder with `orders.json`, `accounts.json` and `remedies.json`; the shipped one if not given.
    #[serde(deserialize_with = "absolute")]
    desk: Option<PathBuf>,
    /// File that refunds are appended to; `support-desk-refunds.jsonl` in the data directory if not given.
    #[serde(deserialize_with = "absolute")]
    refunds: Option<PathBuf>,
    /// From which amount on a person approves a refund.
    approve_from_cents: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { desk: None, refunds: None, approve_from_cents: 20_000 }
    }
}

/// A run that is resumed from another working directory must find the same files.
fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path: Option<PathBuf> = Option::deserialize(deserializer)?;
    path.map(std::path::absolute).transpose().map_err(serde::de::Error::custom)
}

/// Decides which refunds a person approves: by the amount, whoever asks.
fn gate(query: &GateQuery<'_>, approve_from_cents: u64) -> Gate {
    if query.tool.name.as_str() != REFUND {
        return Gate::Auto;
    }
    match query.argument("amount_cents").and_then(|amount| amount.as_u64()) {
        Some(amount) if amount < approve_from_cents => Gate::Auto,
        Some(amount) => {
            let (amount, limit) = (desk::in_units(amount), desk::in_units(approve_from_cents));
            Gate::approve(format!("it is {amount}, and a person approves from {limit} on"))
        }
        None => Gate::deny("the refund names no amount"),
    }
}

/// Settles tickets of customers.
pub(crate) fn scenario(settings: Settings) -> Result<Scenario<Ticket, Resolution>, ScenarioError> {
    let Settings { desk, refunds, approve_from_cents } = settings;
    let folder = desk.unwrap_or_else(|| PathBuf::from(desk::SHIPPED_DESK));
    let mut scenario = Scenario::builder("support-desk")
        .about("Answers a customer: triage hands over to those who know, refund, or ask a person")
        .default_input(ticket::shipped())
        .cases(ticket::load_cases)
        .opening(Ticket::opening)
        .review(move |query: &GateQuery<'_>| gate(query, approve_from_cents))
        .result(resolution::resolution)
        .report(resolution::report);
    let lookups = scenario.tools({
        let folder = folder.clone();
        move |_: StartContext| std::future::ready(Desk::open(&folder))
    });
    let refunding = scenario.tools(move |ctx: StartContext| {
        let desk = Desk::open(&folder);
        let refunds = refunds.clone();
        async move { Refunds::open(&ctx, desk?, refunds) }
    });

    let triage = scenario.agent("triage", |agent| {
        agent
            .role("first contact of the support desk")
            .goal("hand the ticket to the colleague who can begin with it")
            .instructions(instructions::TRIAGE)
            .handoff("technical")
            .handoff("account")
            .handoff("refunds")
            .may_ask()
            .script(scripts::triage)
    });
    let technical = scenario.agent("technical", |agent| {
        agent
            .role("technician")
            .goal("find a remedy for the product of the ticket")
            .instructions(instructions::TECHNICAL)
            .tools(&lookups)
            .handoff("account")
            .handoff("refunds")
            .may_ask()
            .script(scripts::technical)
    });
    let account = scenario.agent("account", |agent| {
        agent
            .role("account clerk")
            .goal("help with sign-in; let a person decide about every change of an account")
            .instructions(instructions::ACCOUNT)
            .tools(&lookups)
            .handoff("technical")
            .handoff("refunds")
            .may_ask()
            .script(scripts::account)
    });
    let refunds = scenario.agent("refunds", |agent| {
        agent
            .role("refund clerk")
            .goal("refund what the terms allow, once")
            .instructions(instructions::REFUNDS)
            .tools(&lookups)
            .tools(&refunding)
            .handoff("technical")
            .handoff("account")
            .script(scripts::refunds)
    });

    let desk = Handoff::new().ends_without_handoff().max_handoffs(8);
    scenario.crew(desk, [&triage, &technical, &account, &refunds]).limit(turns(12).or(tokens(200_000)));
    scenario.build()
}

#[cfg(test)]
mod tests;
