use super::{Settings, scenario, ticket};

#[test]
fn the_scenario_is_sound() {
    assert!(scenario(Settings::default()).is_ok());
}

#[test]
fn the_shipped_tickets_open_as_what_they_are() {
    let folder = std::path::Path::new(super::desk::SHIPPED_DESK).parent().unwrap().join("tickets");
    let mut tickets = ticket::load_cases(&folder).unwrap();
    tickets.push((playhouse::prelude::CaseName::new("default").unwrap(), ticket::shipped()));
    for (_, ticket) in tickets {
        assert_eq!(super::Ticket::opened(&ticket.opening()), Some(ticket));
    }
}

#[track_caller]
fn check_refused(ticket: &str, part: &str) {
    let error = serde_json::from_str::<super::Ticket>(ticket).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn a_ticket_that_cannot_be_settled_is_refused_with_what_is_wrong() {
    let of =
        |message: &str| format!(r#"{{"customer": "C-7", "received": "2026-03-14", "message": "{message}"}}"#);
    check_refused(&of(""), "`message` of the ticket is empty");
    check_refused(&of("  "), "`message` of the ticket is empty");
    check_refused(&of(&"x".repeat(10_000_000)), "10000000 bytes");
    check_refused(r#"{"customer": " ", "received": "2026-03-14", "message": "a"}"#, "`customer`");
    check_refused(r#"{"customer": "C-7", "received": "today", "message": "a"}"#, "today");
    check_refused(r#"{"customer": "C-7", "message": "a"}"#, "received");
}
