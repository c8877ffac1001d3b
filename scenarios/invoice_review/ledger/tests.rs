use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    thread,
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Set in a second process: the ledger it writes to.
const OTHER_PROCESS: &str = "PLAYHOUSE_TEST_LEDGER";

fn payment(supplier: &str, invoice: &str, key: &str) -> LedgerLine {
    LedgerLine {
        key: key.to_owned(),
        case: CaseName::new("a"),
        supplier: Supplier::new(supplier),
        invoice: InvoiceNumber::new(invoice),
        amount_minor: 11_900,
        currency: Currency::try_from("EUR".to_owned()).unwrap(),
    }
}

fn line(payment: &LedgerLine) -> String {
    serde_json::to_string(payment).unwrap() + "\n"
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.jsonl");
    (folder, path)
}

fn found(path: &Path, payment: &LedgerLine) -> Option<LedgerLine> {
    let ledger = Ledger { path: path.to_owned() };
    ledger.find(&payment.supplier, &payment.invoice).unwrap()
}

#[test]
fn a_payment_is_one_line_with_the_documented_fields() {
    let (_folder, path) = folder();
    Ledger::open(path.clone()).unwrap().append(&payment("Ahorn", "1", "k")).unwrap();
    let expected = "{\"key\":\"k\",\"case\":\"a\",\"supplier\":\"Ahorn\",\"invoice\":\"1\",\
                    \"amount_minor\":11900,\"currency\":\"EUR\"}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn opening_makes_the_file_and_its_folders() {
    let (folder, _) = folder();
    let path = folder.path().join("x/y/ledger.jsonl");
    Ledger::open(path.clone()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
    let error = Ledger::open(folder.path().to_owned()).unwrap_err();
    assert_eq!(error.to_string(), format!("the ledger `{}` cannot be opened", folder.path().display()));
}

#[test]
fn an_invoice_is_paid_once_however_it_is_written_and_whoever_asks() {
    let (_folder, path) = folder();
    let first = payment("Ahorn GmbH", "A-1", "k1");
    let (one, other) = (Ledger::open(path.clone()).unwrap(), Ledger::open(path.clone()).unwrap());
    assert_eq!(one.append(&first).unwrap(), Appended::Now);
    for again in [first.clone(), payment("AHORN gmbh.", "a-1 ", "k2")] {
        assert_eq!(other.append(&again).unwrap(), Appended::Earlier(first.clone()));
        assert_eq!(found(&path, &again), Some(first.clone()));
    }
    assert_eq!(other.append(&payment("Ahorn GmbH", "A-2", "k3")).unwrap(), Appended::Now);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

#[test]
fn a_torn_last_line_is_no_payment_and_is_replaced() {
    let (first, second) = (payment("Ahorn", "1", "k1"), payment("Birke", "2", "k2"));
    let whole = line(&first);
    for cut in 1..line(&second).len() - 1 {
        let (_folder, path) = folder();
        fs::write(&path, [whole.as_bytes(), &line(&second).as_bytes()[..cut]].concat()).unwrap();
        let ledger = Ledger::open(path.clone()).unwrap();
        assert_eq!(found(&path, &second), None, "{cut}");
        assert_eq!(ledger.append(&second).unwrap(), Appended::Now);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole.clone() + &line(&second));
    }
}

#[test]
fn a_payment_that_lacks_only_its_line_break_counts() {
    let (_folder, path) = folder();
    let (first, second) = (payment("Ahorn", "1", "k1"), payment("Birke", "2", "k2"));
    fs::write(&path, line(&first).trim_end()).unwrap();
    let ledger = Ledger::open(path.clone()).unwrap();
    assert_eq!(ledger.append(&first).unwrap(), Appended::Earlier(first.clone()));
    assert_eq!(ledger.append(&second).unwrap(), Appended::Now);
    assert_eq!(fs::read_to_string(&path).unwrap(), line(&first) + &line(&second));
}

#[test]
fn a_file_that_is_no_ledger_is_refused_and_kept() {
    let whole = line(&payment("Ahorn", "1", "k1"));
    let texts = [
        (format!("{whole}{{\"key\":\n{whole}"), 2),
        (format!("\n{whole}hello\n"), 3),
        (format!("{whole}hello"), 2),
        ("{\"name\": \"package\"}".to_owned(), 1),
        ("[1, 2".to_owned(), 1),
    ];
    for (text, number) in texts {
        let (_folder, path) = folder();
        fs::write(&path, &text).unwrap();
        let ledger = Ledger { path: path.clone() };
        let error = ledger.append(&payment("Birke", "2", "k2")).unwrap_err();
        assert!(matches!(error, LedgerError::BadLine { line, .. } if line == number), "{text}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_ledger_may_be_moved_away_between_two_payments() {
    let (_folder, path) = folder();
    let ledger = Ledger::open(path.clone()).unwrap();
    ledger.append(&payment("Ahorn", "1", "k1")).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(found(&path, &payment("Ahorn", "1", "k1")), None);
    assert_eq!(ledger.append(&payment("Ahorn", "1", "k2")).unwrap(), Appended::Now);
}

/// Pays 12 invoices, some of which others pay, too.
fn pay_many(path: &Path, who: usize) {
    let ledger = Ledger::open(path.to_owned()).unwrap();
    for number in 0..12 {
        let invoice = (number * 7 + who) % 30;
        ledger.append(&payment("Ahorn", &invoice.to_string(), &format!("{who}-{number}"))).unwrap();
    }
}

#[test]
fn threads_and_processes_share_a_ledger_without_mixing_or_repeating_lines() {
    if let Some(path) = std::env::var_os(OTHER_PROCESS) {
        pay_many(Path::new(&path), 1_000);
        return;
    }
    let (_folder, path) = folder();
    let name = thread::current().name().unwrap().to_owned();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name])
        .env(OTHER_PROCESS, &path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    thread::scope(|scope| {
        for who in 0..64 {
            let path = &path;
            scope.spawn(move || pay_many(path, who));
        }
    });
    assert!(other.wait().unwrap().success());
    let text = fs::read_to_string(&path).unwrap();
    let payments: Vec<LedgerLine> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let invoices: BTreeSet<InvoiceNumber> = payments.iter().map(|payment| payment.invoice.clone()).collect();
    assert_eq!((payments.len(), invoices.len()), (30, 30));
}

proptest! {
    #[test]
    fn whatever_a_file_holds_reading_it_does_not_panic_and_torn_bytes_stand_at_the_end(
        bytes in prop::collection::vec(prop_oneof![Just(b'{'), Just(b'\n'), Just(b'"'), any::<u8>()], 0..60)
    ) {
        if let Ok(Contents { end: End::Torn { whole_bytes }, .. }) = Contents::read(&bytes) {
            let whole = &bytes[..usize::try_from(whole_bytes).unwrap()];
            prop_assert!(whole.is_empty() || whole.ends_with(b"\n"));
            prop_assert!(!bytes[whole.len()..].contains(&b'\n'));
        }
    }
}
