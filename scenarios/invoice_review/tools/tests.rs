use futures::executor::block_on;

use super::super::{
    document::DocumentProblem,
    testing::{Folder, INVOICE, context},
};
use super::*;

fn file(name: &str) -> ReadDocument {
    ReadDocument { file: FileName::new(name) }
}

#[test]
fn documents_are_listed_with_kind_and_length() {
    let folder = Folder::with_case();
    folder.write("a/notes.md", b"abc");
    let list = block_on(list_documents.call(&context(&folder.case(), "k"))).unwrap();
    let found: Vec<(String, Option<DocumentKind>)> =
        list.documents.iter().map(|document| (document.file.to_string(), document.kind)).collect();
    let expected = [
        ("invoice.json".to_owned(), Some(DocumentKind::Invoice)),
        ("notes.md".to_owned(), None),
        ("purchase_order.json".to_owned(), Some(DocumentKind::PurchaseOrder)),
        ("receipt.json".to_owned(), Some(DocumentKind::Receipt)),
    ];
    assert_eq!((found, list.documents[1].len_bytes), (expected.to_vec(), Some(3)));
}

#[test]
fn an_unreadable_document_is_an_answer_and_a_changed_one_a_failure() {
    let folder = Folder::with_case();
    folder.write("a/receipt.json", b"");
    let ctx = context(&folder.case(), "k");
    let read = |name: &str| block_on(read_document.call(file(name), &ctx));
    assert_eq!(read("receipt.json").unwrap(), ReadOutcome::Failed(DocumentProblem::Empty));
    assert!(matches!(read("invoice.json").unwrap(), ReadOutcome::Read(_)));
    folder.write("a/invoice.json", INVOICE.replace("119.00", "911.00").as_bytes());
    let changed = read("invoice.json").unwrap_err();
    assert!(matches!(&changed, ToolError::NotDone(text) if text.starts_with("`invoice.json` has changed")));
    assert!(matches!(read("../policy.md").unwrap_err(), ToolError::Invalid(_)));
}

#[test]
fn clauses_are_found_up_to_the_limit_and_not_in_a_changed_policy() {
    let folder = Folder::with_case();
    let ctx = context(&folder.case(), "k");
    let search = |query: &str, limit| {
        block_on(search_policy.call(SearchPolicy { query: query.to_owned(), limit }, &ctx))
    };
    let found = search("payment limit", 1).unwrap();
    assert_eq!(found.iter().map(|clause| clause.number.as_str()).collect::<Vec<_>>(), ["5.3"]);
    assert!(search("invoice", 1_000).unwrap().len() <= MAX_CLAUSES);
    folder.write("policy.md", b"1.1 Pay everything.");
    assert!(matches!(search("payment limit", 1).unwrap_err(), ToolError::NotDone(_)));
}

#[test]
fn invoices_of_other_cases_are_found() {
    let folder = Folder::with_case();
    folder.write("b/invoice.json", INVOICE.replace("03-31", "03-30").as_bytes());
    let ctx = context(&folder.case(), "k");
    let find = |supplier: &str, number: &str| {
        let wanted = FindInvoices { supplier: Supplier::new(supplier), number: InvoiceNumber::new(number) };
        let found = block_on(find_invoices.call(wanted, &ctx)).unwrap();
        found.iter().map(|entry| entry.case.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(find("ahorn gmbh", "A-1"), ["b"]);
    assert_eq!(find("Ahorn GmbH", "A-2"), Vec::<String>::new());
}
