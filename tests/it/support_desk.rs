//! The shipped scenario `support-desk`: who answers the customer, what is refunded once, and when a person is asked.

use std::fs;

use playhouse_tests::{Playhouse, workspace_root};
use serde_json::{Value, json};

use crate::{golden, killed_run};

const RUN: &[&str] = &["run", "support-desk", "--json", "--no-input"];

const REFUNDS: &str = "support-desk-refunds.jsonl";

fn ticket(customer: &str, message: &str) -> String {
    json!({ "customer": customer, "received": "2026-03-14", "message": message }).to_string()
}

/// Runs a ticket that needs no person.
#[track_caller]
fn settle(playhouse: &Playhouse, customer: &str, message: &str) -> Value {
    playhouse.run(&[RUN, &["--input", &ticket(customer, message)]].concat()).with_code(0).json()
}

fn refunds(playhouse: &Playhouse) -> Vec<(String, u64)> {
    let text = fs::read_to_string(playhouse.data_dir().join(REFUNDS)).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["order"].as_str().unwrap().to_owned(), line["amount_cents"].as_u64().unwrap())
    };
    text.lines().map(line).collect()
}

#[test]
fn the_shipped_ticket_is_settled_without_a_person() {
    let playhouse = Playhouse::new();
    let result = playhouse.run(RUN).with_code(0).json();
    assert_eq!(result["handled_by"], json!(["triage", "technical", "account", "refunds"]));
    assert_eq!(refunds(&playhouse), [("O-1041".to_owned(), 4_990)]);
    golden::check(&playhouse, "support-desk");
}

#[test]
fn a_killed_ticket_goes_on_and_refunds_once() {
    killed_run::check_killed(RUN, Some(REFUNDS));
}

#[test]
fn the_shipped_tickets_wait_for_a_person_where_they_should() {
    let playhouse = Playhouse::new();
    let folder = workspace_root().join("scenarios/data/support-desk/tickets");
    let words = [RUN, &["--input-dir", folder.to_str().unwrap()]].concat();
    let _ = playhouse.run(&words).with_code(3);
    assert_eq!(refunds(&playhouse), [], "a large refund waits");
    let open = playhouse.run(&["review", "list", "--json"]).with_code(0).json();
    let of_case = |case: &str| {
        let review = open.as_array().unwrap().iter().find(|review| review["case"] == case).unwrap();
        review["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(open.as_array().unwrap().len(), 2, "{open:#}");
    let _ = playhouse.run(&["review", "approve", &of_case("espresso-machine")]).with_code(0);
    let answer = ["review", "answer", &of_case("close-account"), "It is closed on 31 March."];
    let _ = playhouse.run(&answer).with_code(0);
    let results = playhouse.run(&["resume", "last", "--json", "--no-input"]).with_code(0).json();
    assert_eq!(refunds(&playhouse), [("O-1102".to_owned(), 64_900)]);
    let status: Vec<&Value> = results.as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(status, ["answered", "refunded", "answered", "answered", "answered", "answered"]);
    let closed = &results[0];
    assert_eq!(closed["asked"][0]["answer"], "It is closed on 31 March.");
    assert!(closed["reply"].as_str().unwrap().contains("It is closed on 31 March."), "{closed:#}");
}

#[test]
fn a_refund_that_a_person_rejects_is_not_made() {
    let playhouse = Playhouse::new();
    let input = ticket("C-12", "I want a refund for O-1102.");
    let _ = playhouse.run(&[RUN, &["--input", &input]].concat()).with_code(3);
    let _ = playhouse.run(&["review", "reject", "last", "--reason", "call them first"]).with_code(0);
    let result = playhouse.run(&["resume", "last", "--json", "--no-input"]).with_code(0).json();
    assert_eq!(result["status"], "not_refunded", "{result:#}");
    assert!(result["refused"][0].as_str().unwrap().contains("call them first"), "{result:#}");
    assert_eq!(refunds(&playhouse), []);
}

#[test]
fn an_order_is_refunded_once_however_often_it_is_asked_for() {
    let playhouse = Playhouse::new();
    let message = "Please refund O-1077.";
    assert_eq!(settle(&playhouse, "C-7", message)["status"], "refunded");
    let again = settle(&playhouse, "C-7", message);
    assert_eq!((&again["status"], &again["refunds"]), (&json!("not_refunded"), &json!([])), "{again:#}");
    // Half a line, as a power cut leaves it, is no refund, and the next one is not glued to it.
    let file = playhouse.data_dir().join(REFUNDS);
    fs::write(&file, fs::read_to_string(&file).unwrap() + "{\"key\": \"a\", \"order\": \"O-10").unwrap();
    let result = settle(&playhouse, "C-7", "My kettle O-1041 broke, I want my money back.");
    assert_eq!(result["status"], "refunded", "{result:#}");
    assert_eq!(refunds(&playhouse), [("O-1077".to_owned(), 8_900), ("O-1041".to_owned(), 4_990)]);
}

#[test]
fn an_order_that_is_unknown_or_somebody_elses_is_not_refunded() {
    let playhouse = Playhouse::new();
    for order in ["O-9999", "O-1102"] {
        let result = settle(&playhouse, "C-7", &format!("Please refund {order}."));
        let reply = result["reply"].as_str().unwrap();
        assert!(reply.contains(&format!("no order {order} of yours")), "{reply}");
    }
    let stranger = settle(&playhouse, "C-99", "Please refund my order.");
    assert!(stranger["reply"].as_str().unwrap().contains("no order of yours"), "{stranger:#}");
    let which = settle(&playhouse, "C-7", "Please refund my order.");
    assert!(which["reply"].as_str().unwrap().contains("2 orders"), "{which:#}");
    assert_eq!(refunds(&playhouse), []);
}

#[test]
fn a_ticket_that_cannot_be_settled_is_refused_before_anything_is_done() {
    let playhouse = Playhouse::new();
    let file = playhouse.dir().join("large.json");
    fs::write(&file, ticket("C-7", &"x".repeat(10_000_000))).unwrap();
    let large = ["--input-file", file.to_str().unwrap()];
    let _ = playhouse.run(&[RUN, &large].concat()).with_code(2).telling(&["10000000 bytes"]);
    for (input, part) in
        [(String::new(), "EOF"), (ticket("C-7", ""), "`message`"), (ticket("", "a"), "`customer`")]
    {
        let _ = playhouse.run(&[RUN, &["--input", &input]].concat()).with_code(2).telling(&[part]);
    }
    let no_desk = ["--set", "desk=no/such/folder"];
    let _ = playhouse.run(&[RUN, &no_desk].concat()).with_code(1).telling(&["no/such/folder/orders.json"]);
    assert_eq!(playhouse.run(&["runs", "--json"]).with_code(0).json(), json!([]));
}
