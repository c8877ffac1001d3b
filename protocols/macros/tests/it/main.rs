//! What people read when a tool is declared wrongly.

#[test]
fn every_mistake_is_reported_at_the_word_at_fault() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
