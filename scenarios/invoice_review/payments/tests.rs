use std::fs;

use futures::executor::block_on;
use playhouse::prelude::{Effect, ToolSet};
use tempfile::TempDir;

use super::super::testing::{Folder, context};
use super::*;

fn payment() -> Payment {
    Payment {
        case: CaseName::new("a"),
        supplier: Supplier::new("Ahorn GmbH"),
        invoice: InvoiceNumber::new("A-1"),
        amount_minor: 11_900,
        currency: Currency::try_from("EUR".to_owned()).unwrap(),
        confidence: Confidence::NONE,
        clauses: Vec::new(),
        reasons: Vec::new(),
    }
}

fn open() -> (TempDir, Payments) {
    let data_dir = TempDir::new().unwrap();
    let ctx = StartContext { data_dir: data_dir.path().to_owned() };
    let payments = block_on(Payments::open(ctx, None)).unwrap();
    (data_dir, payments)
}

fn keys(key: &str) -> EffectKeys {
    EffectKeys { idempotency: key.to_owned(), intent: None }
}

#[test]
fn effects_are_as_documented() {
    let specs = Payments::specs();
    let declared: Vec<(&str, Effect)> = specs.iter().map(|spec| (spec.name.as_str(), spec.effect)).collect();
    let expected = [
        ("release_payment", Effect::Reconcile),
        ("hold_payment", Effect::Pure),
        ("ask_person", Effect::Pure),
    ];
    assert_eq!(declared, expected);
    assert_eq!(specs[0].intent, ["supplier", "invoice"]);
}

#[test]
fn a_payment_lands_in_the_ledger_of_the_data_directory() {
    let folder = Folder::with_case();
    let (data_dir, payments) = open();
    let ctx = context(&folder.case(), "k1");
    assert_eq!(block_on(payments.paid(&payment(), &keys("k1"))).unwrap(), Probe::Absent);
    let receipt = block_on(payments.release_payment(payment(), &ctx)).unwrap();
    assert_eq!(receipt.status, PaymentStatus::Paid);
    let answer = serde_json::to_string(&receipt).unwrap();
    assert!(!answer.contains("k1"), "the key depends on the run, so the conversation must not hold it");
    let text = fs::read_to_string(data_dir.path().join(DEFAULT_LEDGER)).unwrap();
    assert!(text.starts_with(r#"{"key":"k1","case":"a","#) && text.ends_with("}\n"), "{text}");
}

#[test]
fn the_same_call_finds_its_payment_and_another_call_an_earlier_one() {
    let folder = Folder::with_case();
    let (_data_dir, payments) = open();
    let first = block_on(payments.release_payment(payment(), &context(&folder.case(), "k1"))).unwrap();
    for (key, status) in [("k1", PaymentStatus::Paid), ("k2", PaymentStatus::AlreadyPaid)] {
        let expected = Receipt { status, ..first.clone() };
        let again = block_on(payments.release_payment(payment(), &context(&folder.case(), key))).unwrap();
        assert_eq!(again, expected);
        assert_eq!(block_on(payments.paid(&payment(), &keys(key))).unwrap(), Probe::Landed(expected));
        assert!(again.is_of(&payment()));
        assert!(!again.is_of(&Payment { amount_minor: 1, ..payment() }));
        assert!(!again.is_of(&Payment { case: CaseName::new("b"), ..payment() }));
    }
}

#[test]
fn only_what_the_invoice_says_is_paid() {
    let folder = Folder::with_case();
    let (data_dir, payments) = open();
    let ctx = context(&folder.case(), "k");
    let usd = Currency::try_from("USD".to_owned()).unwrap();
    for wrong in [
        Payment { case: CaseName::new("b"), ..payment() },
        Payment { supplier: Supplier::new("Birke GmbH"), ..payment() },
        Payment { invoice: InvoiceNumber::new("A-2"), ..payment() },
        Payment { amount_minor: 11_901, ..payment() },
        Payment { amount_minor: -11_900, ..payment() },
        Payment { currency: usd, ..payment() },
    ] {
        let refused = block_on(payments.release_payment(wrong, &ctx)).unwrap_err();
        assert!(matches!(refused, ToolError::Invalid(_)), "{refused}");
    }
    fs::write(folder.0.path().join("a/invoice.json"), "{}").unwrap();
    let changed = block_on(payments.release_payment(payment(), &ctx)).unwrap_err();
    assert!(matches!(changed, ToolError::NotDone(_)), "{changed}");
    assert_eq!(fs::read(data_dir.path().join(DEFAULT_LEDGER)).unwrap(), b"");
}

#[test]
fn a_broken_ledger_pays_nothing_and_says_why() {
    let folder = Folder::with_case();
    let (data_dir, payments) = open();
    fs::write(data_dir.path().join(DEFAULT_LEDGER), "hello\n").unwrap();
    let error = block_on(payments.release_payment(payment(), &context(&folder.case(), "k"))).unwrap_err();
    assert!(matches!(&error, ToolError::NotDone(text) if text.contains("line 1 of the ledger")), "{error}");
    assert!(block_on(payments.paid(&payment(), &keys("k"))).is_err());
}

#[test]
fn holding_and_asking_write_nothing() {
    let folder = Folder::with_case();
    let (data_dir, payments) = open();
    let ctx = context(&folder.case(), "k");
    let refusal = |case: &str| Refusal {
        case: CaseName::new(case),
        amount_minor: None,
        currency: None,
        confidence: Confidence::NONE,
        clauses: Vec::new(),
        reasons: Vec::new(),
    };
    let held = block_on(payments.hold_payment(refusal("a"), &ctx)).unwrap();
    let asked = block_on(payments.ask_person(refusal("a"), &ctx)).unwrap();
    assert_eq!((held.decision, asked.decision), (Decision::Hold, Decision::Ask));
    assert!(matches!(block_on(payments.ask_person(refusal("b"), &ctx)), Err(ToolError::Invalid(_))));
    assert_eq!(fs::read(data_dir.path().join(DEFAULT_LEDGER)).unwrap(), b"");
}
