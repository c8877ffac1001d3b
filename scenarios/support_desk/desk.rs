//! What the desk knows: orders, accounts and remedies, read once when the program starts.

use std::collections::BTreeMap;
use std::fs;

use jiff::civil::Date;
use playhouse::prelude::*;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ticket::Ticket;

/// The desk that comes with the program; its path is that of the checkout it was built from.
pub(crate) const SHIPPED_DESK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/support-desk/desk");

/// How long a customer may send something back without a reason, in days after delivery.
const RETURN_DAYS: i32 = 30;

/// How long something must work, in days after delivery.
const WARRANTY_DAYS: i32 = 730;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// Its number.
    pub(crate) number: String,
    /// Whose it is.
    pub(crate) customer: String,
    /// What was bought.
    pub(crate) product: String,
    /// What was paid, in euro cents.
    pub(crate) paid_cents: u64,
    /// The day on which it came; none if it is on its way.
    pub(crate) delivered: Option<Date>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// Whose it is.
    pub(crate) customer: String,
    /// What the customer is called.
    pub(crate) name: String,
    /// Whether sign-in is locked after wrong passwords.
    pub(crate) is_locked: bool,
}

/// What helps against a fault of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remedy {
    /// Of which product.
    pub(crate) product: String,
    /// Words of which one stands in a description of the fault.
    pub(crate) words: Vec<String>,
    /// What to do.
    pub(crate) steps: String,
}

/// An order as an agent sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundOrder {
    /// The order.
    #[serde(flatten)]
    pub(crate) order: Order,
    /// Whether it could be sent back without a reason when the ticket came.
    pub(crate) in_return_window: bool,
    /// Whether it had to work when the ticket came.
    pub(crate) in_warranty: bool,
}

/// Which orders to find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindOrders {
    /// The number, such as `O-1041`; without it all orders of the customer are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
}

/// Which remedies to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindRemedies {
    /// The product as the order names it.
    pub(crate) product: String,
    /// What is wrong, in the customer's words.
    pub(crate) problem: String,
}

/// Everything that the desk knows.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    orders: BTreeMap<String, Order>,
    accounts: BTreeMap<String, Account>,
    remedies: Vec<Remedy>,
}

#[tools]
impl Desk {
    /// Reads the desk's folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, ToolError> {
        let orders: Vec<Order> = read(&folder.join("orders.json"))?;
        let accounts: Vec<Account> = read(&folder.join("accounts.json"))?;
        Ok(Self {
            orders: orders.into_iter().map(|order| (order.number.clone(), order)).collect(),
            accounts: accounts.into_iter().map(|account| (account.customer.clone(), account)).collect(),
            remedies: read(&folder.join("remedies.json"))?,
        })
    }

    /// Returns an order of the customer who wrote the ticket.
    pub(crate) fn order(&self, ticket: &Ticket, number: &str) -> Option<&Order> {
        // Somebody else's order is as unknown as one that does not exist.
        self.orders.get(number).filter(|order| order.customer == ticket.customer)
    }

    /// Finds the customer's orders: the one with a number, or all. Finds none that are somebody else's.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn find_orders(
        &self,
        args: FindOrders,
        ctx: &ToolContext,
    ) -> Result<Vec<FoundOrder>, ToolError> {
        let ticket: Ticket = ctx.input()?;
        let found = |order: &Order| FoundOrder {
            in_return_window: is_within(order, &ticket, RETURN_DAYS),
            in_warranty: is_within(order, &ticket, WARRANTY_DAYS),
            order: order.clone(),
        };
        Ok(match &args.number {
            Some(number) => self.order(&ticket, number).map(found).into_iter().collect(),
            None => {
                self.orders.values().filter(|order| order.customer == ticket.customer).map(found).collect()
            }
        })
    }

    /// Finds what is known to help against a fault of a product.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn find_remedies(&self, args: FindRemedies) -> Result<Vec<Remedy>, ToolError> {
        let problem = args.problem.to_lowercase();
        let helps = |remedy: &&Remedy| {
            remedy.product == args.product && remedy.words.iter().any(|word| problem.contains(word.as_str()))
        };
        Ok(self.remedies.iter().filter(helps).cloned().collect())
    }

    /// Looks at the customer's account; `null` if there is none.
    #[tool(effect = "pure", timeout = "5s")]
    pub(crate) async fn look_up_account(&self, ctx: &ToolContext) -> Result<Option<Account>, ToolError> {
        let ticket: Ticket = ctx.input()?;
        Ok(self.accounts.get(&ticket.customer).cloned())
    }
}

/// Tells whether an order came at most so many days before the ticket.
fn is_within(order: &Order, ticket: &Ticket, days: i32) -> bool {
    let is_within =
        |delivered: Date| ticket.received.duration_since(delivered).as_hours() <= i64::from(days) * 24;
    order.delivered.is_some_and(is_within)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ToolError> {
    let in_file = |detail: String| ToolError::NotDone(format!("`{}`: {detail}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))
}

/// Writes an amount for people.
pub(crate) fn in_units(cents: u64) -> String {
    format!("{}.{:02} EUR", cents / 100, cents % 100)
}
